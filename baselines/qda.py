"""Quadratic discriminant analysis: class Gaussians, each with a covariance of its own (Friedman, 1989).

    p(x) = sum_k pi_k N(x; mu_k, S_k)                                                                  (1)
    p(k|x) = pi_k N(x; mu_k, S_k) / p(x)                                                               (2)
    S_k <- (1 - r) S_k + r I          on features standardised by the training rows                    (3)

Differs from the paper: one regularisation r for all classes and no blend with the pooled covariance; without eq. (3) S_k is
singular on digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from baselines._gaussian import GaussianMixtureOfClasses, constant_columns, deviations, needs_labels, refuse_singular


@dataclass(kw_only=True, eq=False)
class QDA:
    """regularization: r of eq. (3), in [0, 1]."""

    family: ClassVar[str] = "statistical"
    paper: ClassVar[str] = "Friedman 1989, doi:10.1080/01621459.1989.10478752"
    uses_labels: ClassVar[bool] = True
    measure: ClassVar[str] = "lebesgue"
    regularization: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.regularization <= 1:
            raise ValueError(f"regularization must be in [0, 1], got {self.regularization}")

    def supports(self, dataset: Any) -> str:
        """Labels are needed."""
        return needs_labels(dataset, "QDA")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Class means, priors and covariances; x (N, *shape), y (N,). Rows with y = -1 are left out."""
        assert y is not None
        self.shape_ = tuple(x.shape[1:])
        rows, labels = x.flatten(1).double()[y >= 0], y[y >= 0]
        std = deviations(rows, unbiased=False)
        classes = [rows[labels == k] for k in range(int(labels.max()) + 1)]
        for k, members in enumerate(classes):
            if len(members) < 2:
                raise ValueError(f"class {k} has {len(members)} training rows; QDA needs at least 2 for a covariance")
        priors = torch.tensor([len(c) / len(rows) for c in classes], dtype=torch.float64, device=x.device)
        means = torch.stack([c.mean(dim=0) for c in classes])
        covariances = torch.stack([self._covariance(c / std) for c in classes])
        if self.regularization == 0:
            for k, (members, covariance) in enumerate(zip(classes, covariances)):
                own = covariance.diagonal().where(~constant_columns(members), 0.0)
                refuse_singular(
                    covariance, own, f"class {k} ({len(members)} rows)", "set regularization above 0, as 0.1"
                )
        self.law_ = GaussianMixtureOfClasses(priors, means, std[:, None] * covariances * std)
        return self

    def _covariance(self, rows: Tensor) -> Tensor:
        """eq. (3) for one class's standardised rows (N, D)."""
        covariance = torch.cov(rows.T, correction=0)
        identity = torch.eye(len(covariance), dtype=rows.dtype, device=rows.device)
        return (1 - self.regularization) * covariance + self.regularization * identity

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
