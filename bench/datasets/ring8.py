"""ring8: 8 Gaussians on a circle of radius 1, sigma 0.01 (Lin et al. 2018)."""

import math

import torch

from bench.datasets import Dataset
from bench.datasets._mixture import mixture_dataset


def ring8() -> Dataset:
    """Draw 100,000 / 2,500 / 2,500 points."""
    angle = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
    return mixture_dataset("ring8", torch.stack([angle.cos(), angle.sin()], dim=1), 0.01)
