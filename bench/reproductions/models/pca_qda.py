"""Quadratic discriminant analysis of the leading principal components.

The quadratic classifier that statistics of each class give: a Gaussian a class, then Bayes. Its boundaries are quadrics, as those of
a polynomial of degree two trained on the same components are (least_squares.py beside this file).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from baselines.qda import QDA


@dataclass(kw_only=True, eq=False)
class PcaQda:
    """components: kept principal components; regularization: as in QDA."""

    family: ClassVar[str] = "extension"
    uses_labels: ClassVar[bool] = True
    components: int = 40
    regularization: float = 0.0

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Take the components of x (N, *shape), then a Gaussian for each class of y (N,)."""
        rows = x.flatten(1).double()
        self.mean_ = rows.mean(dim=0)
        _, vectors = torch.linalg.eigh(torch.cov(rows.T))  # ascending
        self.axes_ = vectors[:, -self.components :]  # (D, components)
        self.qda_ = QDA(regularization=self.regularization).fit(self._project(rows), y, seed=seed)
        return self

    def predict_proba(self, x: Tensor) -> Tensor:
        """Class probabilities, (N, K)."""
        return self.qda_.predict_proba(self._project(x.flatten(1).double()))

    def _project(self, rows: Tensor) -> Tensor:
        return (rows - self.mean_) @ self.axes_
