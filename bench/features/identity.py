"""The data, flattened and standardised by the training rows: the space of tables and 2-D data."""

from __future__ import annotations

import hashlib

from torch import Tensor

from bench.datasets import Dataset, Examples
from bench.datasets._spread import deviations


class Identity:
    """x -> (x - mean) / std of the training rows, (N, D) float64; constant features are unscaled."""

    name = "identity"

    def __init__(self, mean: Tensor, std: Tensor, sha256: str) -> None:
        self.mean, self.std, self.sha256 = mean, std, sha256

    def __call__(self, x: Examples) -> Tensor:
        """Return features (N, D)."""
        return (x.flatten(1).double() - self.mean) / self.std


def build(dataset: Dataset) -> Identity:
    """Build the space that a dataset's training rows define; its hash is that of the mean and scale."""
    rows = dataset.train.x.flatten(1).double()
    mean, std = rows.mean(dim=0), deviations(rows)
    digest = hashlib.sha256(mean.cpu().numpy().tobytes() + std.cpu().numpy().tobytes()).hexdigest()
    return Identity(mean, std, digest)
