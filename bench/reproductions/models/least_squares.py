"""A linear classifier of pixels, or of polynomials of principal components (LeCun et al., 1998, III.C)

    f(x) = features of x: the pixels, or polynomials of the 40 leading principal components p of x                            (1)
    W = argmin sum_n |W [1, f(x_n)] - t_n|^2 + ridge |W|^2,    t_n = +1 for the row's class and -1 for the others           (2)

Gradient-Based Learning Applied to Document Recognition, doi:10.1109/5.726791. The paper counts 821 inputs of the quadratic classifier.
Two sets of terms have that number with the constant: all 820 products p_i p_j, i <= j, and the 40 components with their 780 products of two
different ones; both are here, and the whole polynomial of 861 terms too. Differs from the paper: eq. (2) is solved in one
step, by the normal equations in float64 with a ridge of 1e-6 of their mean diagonal; the paper does not say how theirs was trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor


@dataclass(kw_only=True, eq=False)
class LeastSquares:
    """components: principal components to take products of, None: the pixels themselves.

    terms: "products", "distinct" or "all".
    """

    family: ClassVar[str] = "extension"
    uses_labels: ClassVar[bool] = True
    components: int | None = None
    terms: str = "all"  # of the polynomial: its products, its components and products of two different ones, or both
    ridge: float = 1e-6

    def __post_init__(self) -> None:
        if self.terms not in ("products", "distinct", "all"):
            raise ValueError(f"terms must be 'products', 'distinct' or 'all', got {self.terms!r}")

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Solve eq. (2) for x (N, *shape) and y (N,)."""
        if y is None:
            raise ValueError("least squares needs labels; got y = None")
        rows = x.flatten(1).double()
        self.mean_ = rows.mean(dim=0)
        if self.components is not None:
            _, vectors = torch.linalg.eigh(torch.cov(rows.T))  # ascending
            self.axes_ = vectors[:, -self.components :]  # (D, components)
        features = self._features(rows)  # (N, 1 + F)
        targets = 2 * torch.nn.functional.one_hot(y).double() - 1  # (N, K)
        gram = features.T @ features
        gram.diagonal().add_(self.ridge * gram.diagonal().mean())
        self.weights_ = torch.linalg.solve(gram, features.T @ targets)  # (1 + F, K)
        return self

    def predict_proba(self, x: Tensor) -> Tensor:
        """Put all mass on the class of the largest output, (N, K): least squares gives no probabilities."""
        best = torch.cat(
            [(self._features(part.double()) @ self.weights_).argmax(1) for part in x.flatten(1).split(4096)]
        )
        return torch.nn.functional.one_hot(best, self.weights_.shape[1]).double()

    def _features(self, rows: Tensor) -> Tensor:
        """eq. (1) behind a one: (N, D) -> (N, 1 + F)."""
        if self.components is None:
            features = rows - self.mean_
        else:
            p = (rows - self.mean_) @ self.axes_
            offset = int(self.terms == "distinct")  # 1: no squares
            i, j = torch.triu_indices(self.components, self.components, offset, device=p.device)
            features = p[:, i] * p[:, j]
            if self.terms != "products":
                features = torch.cat([p, features], dim=1)
        return torch.cat([torch.ones_like(features[:, :1]), features], dim=1)
