"""Gaussian mixture fitted by expectation maximisation (Dempster, Laird and Rubin, 1977).

    p(x) = sum_k pi_k N(x; mu_k, S_k)                                                                  (1)
    E: r_nk = pi_k N(x_n; mu_k, S_k) / p(x_n)       M: pi, mu, S are the r-weighted moments              (2)
    BIC = -2 log L + (parameters) log N             chooses the number of components                   (3)

scikit-learn's EM does eq. (2), started from k-means. Differs from the paper: a small ridge on the covariances; at most 5,000
rows, which fit in seconds and determine the parameters.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from baselines._gaussian import GaussianMixtureOfClasses

MAX_ROWS = 5000
MAX_DIMS = 1000
CHOICES = (1, 2, 3, 5, 8, 10, 15, 25, 40)


@dataclass(kw_only=True, eq=False)
class GMM:
    """n_components None: by BIC among CHOICES on vectors, 10 on images. ridge: added to each variance."""

    family: ClassVar[str] = "statistical"
    paper: ClassVar[str] = "Dempster et al. 1977, doi:10.1111/j.2517-6161.1977.tb01600.x"
    uses_labels: ClassVar[bool] = False
    measure: ClassVar[str] = "lebesgue"
    n_components: int | None = None
    covariance: str = "full"  # or "diag"
    ridge: float | None = None  # None: 1e-6, and 1e-3 on images, whose covariances are singular

    def __post_init__(self) -> None:
        if self.covariance not in ("full", "diag"):
            raise ValueError(f'covariance must be "full" or "diag", got {self.covariance!r}')
        if self.n_components is not None and self.n_components < 1:
            raise ValueError(f"n_components must be at least 1, or None to choose it, got {self.n_components}")

    def supports(self, dataset: Any) -> str:
        """A full covariance of every component must fit time and memory."""
        dims = prod(dataset.shape)
        if self.covariance == "diag" or dims <= MAX_DIMS:
            return ""
        return (
            f"full covariances of {dims:,} numbers are more than {MAX_DIMS:,} x {MAX_DIMS:,}; --set gmm.covariance=diag"
        )

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """x (N, *shape)."""
        self.shape_ = tuple(x.shape[1:])
        rows = x.flatten(1).double()
        if len(rows) > MAX_ROWS:
            rows = rows[
                torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:MAX_ROWS].to(x.device)
            ]
        values = rows.cpu().numpy()
        image = len(self.shape_) == 3
        counts = (
            [self.n_components or 10] if image or self.n_components else [c for c in CHOICES if c <= len(rows) // 8]
        )
        fitted = [self._fit(values, count, image, seed) for count in counts]
        best = min(fitted, key=lambda f: f.bic(values)) if len(fitted) > 1 else fitted[0]  # eq. (3)
        covariances = torch.as_tensor(best.covariances_, device=x.device)
        covariances = covariances.diag_embed() if self.covariance == "diag" else covariances
        priors, means = (torch.as_tensor(v, device=x.device) for v in (best.weights_, best.means_))
        self.law_ = GaussianMixtureOfClasses(priors, means, covariances)
        return self

    def _fit(self, values: object, count: int, image: bool, seed: int) -> object:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        ridge = self.ridge if self.ridge is not None else (1e-3 if image else 1e-6)
        model = GaussianMixture(count, covariance_type=self.covariance, reg_covar=ridge, random_state=seed, max_iter=60)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(values)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density, nats, (N,); eq. (1)."""
        return self.law_.log_prob(x.flatten(1))

    def sample(self, n: int, *, seed: int) -> Tensor:
        """A component from pi, then its Gaussian; (n, *shape)."""
        generator = torch.Generator(self.law_.means.device).manual_seed(seed)
        rows = self.law_.sample_given(self.law_.draw_classes(n, generator), generator)
        return rows.float().reshape(n, *self.shape_)
