"""cifar10: 60,000 colour images 32x32 in ten classes (Krizhevsky 2009), from the binary archive."""

from bench.datasets import Dataset
from bench.datasets._download import RemoteFile, read
from bench.datasets._formats import image_dataset, read_cifar

ARCHIVE = RemoteFile(
    "cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)
FILES = {"archive": ARCHIVE}
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar10() -> Dataset:
    """Read 45,000 / 5,000 / 10,000 rows."""
    return image_dataset(
        "cifar10",
        read_cifar(read("cifar10", ARCHIVE)),
        n_train=45_000,
        primary="fid_inception",
        spaces=("random", "inception"),
        class_names=CLASSES,
        notes={"source": "www.cs.toronto.edu/~kriz/cifar.html"},
    )
