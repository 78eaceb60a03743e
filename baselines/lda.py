"""Linear discriminant analysis: class Gaussians that share one covariance (Fisher, 1936; Friedman, 1989).

    p(x) = sum_k pi_k N(x; mu_k, S),     S = sum_k pi_k S_k                                            (1)
    p(k|x) = pi_k N(x; mu_k, S) / p(x)                                                                 (2)

So the classifier is a generative model too: it has p(x), and samples class by class.

Differs from the textbook: each S_k is shrunk by Ledoit and Wolf's (2004) rule on standardised features and scaled back
(shrinkage=None; compulsory on digits, where S is singular); a number in [0, 1] fixes the amount. Where a class has fewer
than three rows the rule cannot estimate its own error: the residuals of all classes are then shrunk together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from baselines._gaussian import (
    GaussianMixtureOfClasses,
    constant_columns,
    deviations,
    ledoit_wolf,
    needs_labels,
    refuse_singular,
)


@dataclass(kw_only=True, eq=False)
class LDA:
    """shrinkage: None for Ledoit-Wolf, or the share of the scaled identity, in [0, 1]."""

    family: ClassVar[str] = "statistical"
    paper: ClassVar[str] = "Fisher 1936, doi:10.1111/j.1469-1809.1936.tb02137.x"
    uses_labels: ClassVar[bool] = True
    measure: ClassVar[str] = "lebesgue"
    shrinkage: float | None = None

    def __post_init__(self) -> None:
        if self.shrinkage is not None and not 0 <= self.shrinkage <= 1:
            raise ValueError(f"shrinkage must be in [0, 1], or None for Ledoit-Wolf, got {self.shrinkage}")

    def supports(self, dataset: Any) -> str:
        """Labels are needed."""
        return needs_labels(dataset, "LDA")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Class means, priors, and the pooled covariance; x (N, *shape), y (N,). Rows with y = -1 are left out."""
        assert y is not None
        self.shape_ = tuple(x.shape[1:])
        rows, labels = x.flatten(1).double()[y >= 0], y[y >= 0]
        classes = [rows[labels == k] for k in range(int(labels.max()) + 1)]
        priors = torch.tensor([len(c) / len(rows) for c in classes], dtype=torch.float64, device=x.device)
        means = torch.stack([c.mean(dim=0) for c in classes])
        if min(len(c) for c in classes) >= 3:
            pooled = sum(prior * self._covariance(c) for prior, c in zip(priors, classes))  # eq. (1)
        else:
            pooled = self._covariance(rows - means[labels])
        if self.shrinkage is None or self.shrinkage == 0:
            own = sum(p * c.var(dim=0, correction=0).where(~constant_columns(c), 0.0) for p, c in zip(priors, classes))
            refuse_singular(pooled, own, f"the {len(rows)} rows within their classes", "set shrinkage above 0, as 0.1")
        self.law_ = GaussianMixtureOfClasses(priors, means, pooled.expand(len(classes), *pooled.shape))
        return self

    def _covariance(self, rows: Tensor) -> Tensor:
        """Shrunk covariance of rows (N, D), one class's or the residuals of all."""
        if self.shrinkage is None:
            std = deviations(rows, unbiased=False)
            return std[:, None] * ledoit_wolf(rows / std) * std
        covariance = torch.cov(rows.T, correction=0)
        spherical = (
            covariance.trace() / len(covariance) * torch.eye(len(covariance), dtype=rows.dtype, device=rows.device)
        )
        return (1 - self.shrinkage) * covariance + self.shrinkage * spherical

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density, nats, (N,); eq. (1)."""
        return self.law_.log_prob(x.flatten(1))

    def predict_proba(self, x: Tensor) -> Tensor:
        """Class probabilities, (N, K); eq. (2)."""
        return torch.softmax(self.law_.log_joint(x.flatten(1)), dim=1)

    def sample(self, n: int, *, seed: int) -> Tensor:
        """A class from the prior, then its Gaussian; (n, *shape)."""
        generator = torch.Generator(self.law_.means.device).manual_seed(seed)
        return self._shaped(self.law_.sample_given(self.law_.draw_classes(n, generator), generator))

    def sample_given(self, y: Tensor, *, seed: int) -> Tensor:
        """One draw from each class of y, (len(y), *shape)."""
        generator = torch.Generator(self.law_.means.device).manual_seed(seed)
        return self._shaped(self.law_.sample_given(y, generator))

    def _shaped(self, rows: Tensor) -> Tensor:
        return rows.float().reshape(-1, *self.shape_)
