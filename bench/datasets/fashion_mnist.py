"""fashion_mnist: 70,000 grey images 28x28 of clothes in ten classes (Xiao, Rasul and Vollgraf 2017)."""

from bench.datasets import Dataset
from bench.datasets._formats import idx_files, idx_pairs, image_dataset

MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

FILES = idx_files(
    MIRRORS,
    (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)


def fashion_mnist() -> Dataset:
    """Read 50,000 / 5,000 / 10,000 rows."""
    return image_dataset(
        "fashion_mnist",
        idx_pairs("fashion_mnist", FILES),
        n_train=50_000,
        primary="fid_random",
        spaces=("random", "lenet"),
        class_names=CLASSES,
        notes={"source": "Zalando Research; Debian's package dataset-fashion-mnist has it too"},
    )
