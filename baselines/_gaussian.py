"""Class-conditional Gaussians: what LDA, QDA and the one-Gaussian reference row share.

p(x, y = k) = pi_k N(x; mu_k, S_k)        p(x) = sum_k p(x, k)        p(k|x) = p(x, k) / p(x)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROUNDING = 8  # units in the last place of a column's largest value: a range below it is rounding
SINGULAR = 1e-10  # a column's variance, as a share of its standard variance, given the columns before it


class GaussianMixtureOfClasses:
    """Fixed priors (K,), means (K, D) and lower Cholesky factors (K, D, D) of the covariances; all float64."""

    def __init__(self, priors: Tensor, means: Tensor, covariances: Tensor) -> None:
        self.priors, self.means = priors, means
        self.factors = torch.linalg.cholesky(covariances)

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, k) in nats, (N, K), for x (N, D)."""
        columns = []
        for prior, mean, factor in zip(self.priors, self.means, self.factors):
            white = torch.linalg.solve_triangular(factor, (x.double() - mean).T, upper=False)  # (D, N)
            log_det = factor.diagonal().log().sum()
            constant = x.shape[1] / 2 * math.log(2 * math.pi)
            columns.append(prior.log() - constant - log_det - white.square().sum(dim=0) / 2)
        return torch.stack(columns, dim=1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, (N,)."""
        return torch.logsumexp(self.log_joint(x), dim=1)

    def draw_classes(self, n: int, generator: torch.Generator) -> Tensor:
        """Classes from the prior, (n,)."""
        return torch.multinomial(self.priors, n, replacement=True, generator=generator)

    def sample_given(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """One draw from each class of y, (len(y), D)."""
        noise = torch.randn(
            len(y), self.means.shape[1], 1, generator=generator, device=self.means.device, dtype=torch.float64
        )
        samples = torch.empty_like(noise).squeeze(2)
        sizes = y.bincount(minlength=len(self.means)).tolist()  # the only numbers read from the device
        for k, rows in enumerate(y.argsort(stable=True).split(sizes)):
            samples[rows] = self.means[k] + noise[rows].squeeze(2) @ self.factors[k].T
        return samples


def ledoit_wolf(rows: Tensor) -> Tensor:
    """Shrunk covariance (D, D) of rows (N, D), maximum-likelihood scaling (Ledoit and Wolf, 2004).

    S* = (1 - a) S + a tr(S)/D I with the a that minimises the expected squared error, estimated from the rows.
    """
    n, dim = rows.shape
    centred = rows.double() - rows.double().mean(dim=0)
    covariance = centred.T @ centred / n
    target = covariance.trace() / dim
    delta = (covariance.square().sum() - dim * target**2) / dim  # squared distance of S to its target
    squares = centred.square()
    beta = ((squares.T @ squares).sum() / n - covariance.square().sum()) / (n * dim)  # the error of S itself
    amount = (beta.clamp(max=delta) / delta).clamp(0, 1) if delta > 0 else torch.zeros((), dtype=rows.dtype)
    return (1 - amount) * covariance + amount * target * torch.eye(dim, dtype=covariance.dtype, device=rows.device)


def constant_columns(rows: Tensor) -> Tensor:
    """Whether the values of each column of rows (N, D) are equal within rounding, (D,) bool."""
    width = rows.amax(dim=0) - rows.amin(dim=0)
    return width <= ROUNDING * torch.finfo(rows.dtype).eps * rows.abs().amax(dim=0)


def deviations(rows: Tensor, *, unbiased: bool = True) -> Tensor:
    """Standard deviations of the columns of rows (N, D), 1 where a column is constant, (D,)."""
    std = rows.std(dim=0, unbiased=unbiased)
    return torch.where(constant_columns(rows) | ~(std > 0), torch.ones_like(std), std)


def singular_columns(covariance: Tensor) -> list[int]:
    """Columns of a covariance (D, D), its diagonal about 1, that are constant or follow from those before."""
    left, found = covariance.clone(), []
    for j in range(len(left)):  # Cholesky, column by column
        pivot = left[j, j].clone()
        if not pivot > SINGULAR:
            found.append(j)
            left[j, :], left[:, j] = 0.0, 0.0
            continue
        left = left - torch.outer(left[:, j], left[j, :]) / pivot
    return found


def refuse_singular(covariance: Tensor, variances: Tensor, whose: str, remedy: str) -> None:
    """Raise ValueError with the columns that leave a covariance (D, D) without an inverse.

    variances (D,): of the same rows, 0 where a column is constant within rounding.
    """
    std = torch.where(variances > 0, variances, torch.ones_like(variances)).sqrt()
    covariance = covariance / std / std[:, None]
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if not bool(failed) and bool((factor.diagonal().square() > SINGULAR).all()):
        return
    columns = ", ".join(map(str, singular_columns(covariance)))
    raise ValueError(
        f"the covariance of {whose} has no inverse: column {columns} (from 0) is constant or follows from the columns before it; "
        f"{remedy}"
    )


def needs_labels(dataset: object, name: str) -> str:
    """Why a dataset without labels cannot be fitted; empty if it has labels."""
    return "" if dataset.n_classes else f"{name} needs class labels; {dataset.name} has none"  # type: ignore[attr-defined]
