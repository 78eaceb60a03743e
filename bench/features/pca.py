"""pca: the first 64 principal components of the training images, a feature space that needs no labels.

A Frechet distance here compares means and covariances of the pixels' main directions (a linear view: it sees brightness, blur and
lost variety, and no objects). Rank by it only where there is no classifier; the columns name the space.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from bench.datasets import Dataset, Examples

N_COMPONENTS = 64
MAX_ROWS = 10_000


class PCA:
    """x (N, *shape) -> ((x - mean) V) / s (N, K) float64, s the standard deviation of the first component."""

    name = "pca"

    def __init__(self, mean: Tensor, axes: Tensor, sha256: str) -> None:
        self.mean, self.axes, self.sha256 = mean, axes, sha256

    def __call__(self, x: Examples) -> Tensor:
        """Return features (N, K)."""
        return torch.cat([(part.flatten(1).double() - self.mean) @ self.axes for part in x.split(4096)])


def build(dataset: Dataset) -> PCA:
    """Take the eigenvectors of the covariance of 10,000 training rows at most, drawn by a fixed seed."""
    rows = dataset.train.some(MAX_ROWS).x[:].flatten(1).double()
    mean = rows.mean(dim=0)
    centred = rows - mean
    kept = min(N_COMPONENTS, rows.shape[1], len(rows) - 1)
    if rows.shape[1] <= len(rows):
        values, vectors = torch.linalg.eigh(centred.T @ centred / (len(rows) - 1))
    else:  # fewer rows than pixels: the same axes from the rows' inner products
        values, left = torch.linalg.eigh(centred @ centred.T / (len(rows) - 1))
        vectors = centred.T @ left / ((len(rows) - 1) * values.clamp(min=1e-12)).sqrt()
    axes = vectors[:, -kept:].flip(1) / values[-1].clamp(min=1e-12).sqrt()
    drawn = " drawn" if len(dataset.train) > MAX_ROWS else ""
    digest = hashlib.sha256(f"pca {kept}{drawn} {dataset.train_sha256}".encode()).hexdigest()  # of what defines it
    return PCA(mean, axes, digest)
