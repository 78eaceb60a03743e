"""Where features, and all that metrics make of them, are computed."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.datasets import Dataset

NUMBERS_FOR_A_GPU = 2**22  # in the features of a side's rows


def home_of(rows: int, dim: int, device: torch.device) -> torch.device:
    """Return the device for features (rows, dim): small ones are a CPU's.

    Metrics of some hundred rows are thousands of small operations, which a CPU does sooner than a GPU is told of them.
    """
    return device if rows * dim >= NUMBERS_FOR_A_GPU else torch.device("cpu")


def at_home(features: Tensor, dataset: Dataset) -> Tensor:
    """Return features (n, D) where `home_of` says: one place for both sides and both boards of a space."""
    rows = max(len(dataset.valid), len(dataset.test))
    return features.to(home_of(rows, features[:1].numel(), features.device))
