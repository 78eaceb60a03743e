"""One Gaussian: the floor of every board, a full covariance shrunk by Ledoit and Wolf's rule (2004).

p(x) = N(x; mu, S*)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from baselines._gaussian import GaussianMixtureOfClasses, ledoit_wolf


@dataclass(kw_only=True, eq=False)
class OneGaussian:
    """Reference row: a model that learned anything beyond two moments must beat it."""

    family: ClassVar[str] = "reference"
    paper: ClassVar[str] = "Ledoit and Wolf 2004, doi:10.1016/S0047-259X(03)00096-4"
    uses_labels: ClassVar[bool] = False
    measure: ClassVar[str] = "lebesgue"

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Mean and shrunk covariance of x (N, *shape)."""
        self.shape_ = tuple(x.shape[1:])
        rows = x.flatten(1).double()
        one = torch.ones(1, dtype=torch.float64, device=x.device)
        self.law_ = GaussianMixtureOfClasses(one, rows.mean(dim=0)[None], ledoit_wolf(rows)[None])
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density, nats, (N,)."""
        return self.law_.log_prob(x.flatten(1))

    def sample(self, n: int, *, seed: int) -> Tensor:
        """(n, *shape)."""
        generator = torch.Generator(self.law_.means.device).manual_seed(seed)
        classes = torch.zeros(n, dtype=torch.long, device=self.law_.means.device)
        return self.law_.sample_given(classes, generator).float().reshape(n, *self.shape_)
