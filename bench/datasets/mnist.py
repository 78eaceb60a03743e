"""mnist: 70,000 handwritten digits 28x28 (LeCun, Cortes and Burges 1998)."""

from bench.datasets import Dataset
from bench.datasets._formats import idx_files, idx_pairs, image_dataset

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")

FILES = idx_files(
    MIRRORS,
    (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


def mnist() -> Dataset:
    """Read 50,000 / 5,000 / 10,000 rows."""
    return image_dataset(
        "mnist",
        idx_pairs("mnist", FILES),
        n_train=50_000,
        primary="fid_random",
        spaces=("random", "lenet"),
        class_names=tuple("0123456789"),
        notes={"source": "yann.lecun.com/exdb/mnist, by its mirrors"},
    )
