"""digits_binary: the rows of digits with every pixel at 8 of 16 or above set.

For the binary autoregressive papers.
"""

from bench.datasets import Dataset, Split, Splits
from bench.datasets.digits import digit_splits


def digits_binary() -> Dataset:
    """Return 1000 / 398 / 399 rows, the same as digits'."""
    splits = Splits(*(Split((split.x >= 0.5).float(), split.y) for split in digit_splits()))
    return Dataset(
        name="digits_binary",
        kind="image",
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        primary="nll",
        spaces=("lenet",),
        levels=2,
        n_classes=10,
        class_names=tuple("0123456789"),
        n_modes=10,
        notes={"source": "digits, value >= 8"},
    )
