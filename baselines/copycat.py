"""Copycat: resamples the training set, the cheat that every sample metric must be able to tell from a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor


@dataclass(kw_only=True, eq=False)
class Copycat:
    """Reference row: training rows, drawn with replacement."""

    family: ClassVar[str] = "reference"
    paper: ClassVar[str] = "none: a control"
    uses_labels: ClassVar[bool] = False

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Remember x (N, *shape)."""
        self.rows_ = x
        return self

    def sample(self, n: int, *, seed: int) -> Tensor:
        """(n, *shape)."""
        generator = torch.Generator(self.rows_.device).manual_seed(seed)
        return self.rows_[torch.randint(len(self.rows_), (n,), generator=generator, device=self.rows_.device)]
