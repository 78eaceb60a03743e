"""Training rows as samples, each once before any twice (Theis et al., 2016).

What a Parzen window says of the true distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor


@dataclass(kw_only=True, eq=False)
class TrainingRows:
    """No parameters: the training set is the model."""

    family: ClassVar[str] = "reference"

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Keep x (N, *shape)."""
        self.rows_ = x[:]
        return self

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Return n rows (n, *shape) in an order drawn by the seed, over again after the last."""
        order = torch.randperm(len(self.rows_), generator=torch.Generator().manual_seed(seed))
        return self.rows_[order[torch.arange(n) % len(order)].to(self.rows_.device)]
