"""digits: scikit-learn's 1,797 handwritten digits, 8x8 pixels, 17 levels (Alpaydin and Kaynak 1998)."""

import torch

from bench.datasets import Dataset, Splits
from bench.datasets._split import split_rows


def digits() -> Dataset:
    """Return 1000 / 398 / 399 rows, stratified."""
    splits = digit_splits()
    return Dataset(
        name="digits",
        kind="image",
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        primary="fid_random",
        spaces=("random", "lenet", "pca"),
        levels=17,
        n_classes=10,
        class_names=tuple("0123456789"),
        n_modes=10,
        notes={"source": "scikit-learn load_digits"},
    )


def digit_splits() -> Splits:
    """Return the fixed rows, x (N, 1, 8, 8) = value / 16 and y (N,)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = torch.as_tensor(bunch.images).float().unsqueeze(1) / 16
    return split_rows(x, torch.as_tensor(bunch.target).long(), (1000, 398, 399))
