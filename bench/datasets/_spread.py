"""Tell the spread of columns from the rounding of their values; no deviation is compared with 0."""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDING = 8  # units in the last place of a column's largest value: a range below it is rounding


def constant_columns(rows: Tensor) -> Tensor:
    """Say of each column of rows (N, D) whether its values are equal within rounding, (D,) bool."""
    largest = rows.abs().amax(dim=0)
    return rows.amax(dim=0) - rows.amin(dim=0) <= ROUNDING * torch.finfo(rows.dtype).eps * largest


def deviations(rows: Tensor, *, unbiased: bool = True) -> Tensor:
    """Return the standard deviation of each column of rows (N, D), 1 where the column is constant, (D,)."""
    std = rows.std(dim=0, unbiased=unbiased)
    return torch.where(constant_columns(rows) | ~(std > 0), torch.ones_like(std), std)
