"""grid25: 25 Gaussians with means {-4, -2, 0, 2, 4}^2, sigma 0.05 (Lin et al. 2018)."""

import torch

from bench.datasets import Dataset
from bench.datasets._mixture import mixture_dataset


def grid25() -> Dataset:
    """Draw 100,000 / 2,500 / 2,500 points."""
    axis = torch.arange(-4.0, 5.0, 2.0)
    return mixture_dataset("grid25", torch.cartesian_prod(axis, axis), 0.05)
