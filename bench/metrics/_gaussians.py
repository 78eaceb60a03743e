"""Means and covariance factors in float64: the linear algebra of the Frechet distance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import torch
from torch import Tensor

STRIP = 4096
SVD_RANK = 256  # up to it, singular values cost next to nothing


@dataclass(frozen=True)
class Moments:
    """Statistics of one side, kept for a reference that is used again.

    mean (D,); trace of the covariance; and either rows (r, D) with rows^T rows = covariance, or the covariance (D, D), of which
    the upper triangle is read.
    """

    mean: Tensor
    trace: float
    rows: Tensor | None = None
    covariance: Tensor | None = None

    @cached_property
    def factor(self) -> Tensor:
        """Return (r, D) with factor^T factor = covariance; computed when it is first asked for."""
        return covariance_factor(self.upper) if self.rows is None else self.rows

    @property
    def upper(self) -> Tensor:
        """Return the covariance, where these moments hold one and no rows."""
        assert self.covariance is not None, "moments hold rows or a covariance"
        return self.covariance

    @cached_property
    def triangular(self) -> bool:
        """Say whether the factor is square and upper triangular, as Cholesky's is."""
        return self.factor.shape[0] == self.factor.shape[1] and not bool(self.factor.tril(-1).any())


def mean_of(features: Tensor) -> Tensor:
    """Return the mean (D,) of features (N, D) in float64."""
    if not _on_cpu(features):
        return _added(strip.double().sum(dim=0) for strip in features.split(STRIP)) / len(features)
    return torch.from_numpy(features.numpy().mean(axis=0, dtype=np.float64))


def covariance_of(features: Tensor, mean: Tensor) -> Tensor:
    """Return the covariance (D, D) of features (N, D), in strips; on a CPU only its upper triangle."""
    weight = 1 / (len(features) - 1)
    if not _on_cpu(features):
        parts = (strip.double() - mean for strip in features.split(STRIP))
        return _added(part.T @ part for part in parts) * weight
    from scipy.linalg.blas import dsyrk

    upper = np.zeros((features.shape[1],) * 2, order="F")
    for strip in features.split(STRIP):
        upper = dsyrk(weight, _minus(strip, mean).T, beta=1.0, c=upper, overwrite_c=True)
    return torch.from_numpy(upper)


def centred(features: Tensor, mean: Tensor) -> Tensor | np.ndarray:
    """Return features - mean in float64: an array on a CPU, a tensor on a GPU."""
    return _minus(features, mean) if _on_cpu(features) else features.double() - mean


def _minus(features: Tensor, mean: Tensor) -> np.ndarray:
    return np.subtract(features.numpy(), mean.numpy(), dtype=np.float64)


def _added(parts: Iterator[Tensor]) -> Tensor:
    return reduce(torch.add, parts)


def from_covariance(mean: Tensor, covariance: Tensor) -> Moments:
    """Return the moments of a covariance (D, D); ValueError where its trace overflows."""
    trace = float(covariance.diagonal().sum())
    if not np.isfinite(trace):
        raise ValueError("the squares of these features are too large for float64; scale them down")
    return Moments(mean, trace, covariance=covariance)


def covariance_factor(covariance: Tensor) -> Tensor:
    """Factor covariance (D, D), read from its upper triangle, as R^T R; R is (r, D), r its rank.

    Cholesky's factor where no pivot is within rounding of 0; else, after scaling to a diagonal of ones so that small columns
    count as much as large ones, LAPACK's pivoted factor, which stops at the rank and takes many times as long, or on a GPU
    eigenvectors.
    """
    diagonal, rounding = covariance.diagonal(), len(covariance) * np.finfo(float).eps
    if not bool((diagonal > 0).any()):
        return covariance[:0]
    if _on_cpu(covariance):
        from scipy.linalg.lapack import dpotrf, dpstrf

        upper, failed = dpotrf(covariance.numpy())
        upper = torch.from_numpy(upper)
    else:
        upper, failed = torch.linalg.cholesky_ex(covariance.mT, upper=True)
    if not bool(failed) and bool((upper.diagonal().square() > diagonal * rounding).all()):
        return upper
    scale = torch.where(diagonal > 0, diagonal, 1.0).sqrt()
    scaled = covariance / scale / scale[:, None]
    if not _on_cpu(covariance):
        values, vectors = torch.linalg.eigh(scaled, UPLO="U")
        keep = values > values[-1].clamp(min=0) * rounding
        return values[keep].sqrt()[:, None] * vectors[:, keep].T * scale
    upper, pivots, rank, _ = dpstrf(scaled.numpy())  # scaled[pivots][:, pivots] = upper^T upper
    factor = np.zeros((rank, len(covariance)))
    factor[:, pivots - 1] = np.triu(upper)[:rank]
    return torch.from_numpy(factor) * scale


def _on_cpu(x: Tensor) -> bool:
    return x.device.type == "cpu"


def squared_cross(real: Moments, fake: Moments) -> Tensor:
    """Return C C^T of the cross matrix C = A B^T, or C^T C if smaller; the upper triangle is right."""
    if fake.rows is None and real.triangular and _on_cpu(real.factor):
        from scipy.linalg.lapack import dsygst

        return torch.from_numpy(dsygst(fake.upper.numpy(), real.factor.numpy(), itype=2)[0])  # A S_f A^T
    cross = product(real.factor, fake.factor)
    return product(cross, cross) if cross.shape[0] <= cross.shape[1] else product(cross.T, cross.T)


def roots_of_eigenvalues(square: Tensor) -> tuple[float, float]:
    """Sum the roots of a positive semidefinite matrix's eigenvalues, and bound the rounding in it.

    An eigenvalue is known within about e = 8 eps of the largest. Its root moves by e / (2 root), up or down alike, so over the
    eigenvalues above e these add like independent errors; the root of one below e is off by up to sqrt(e) and never down, so
    those add up. That holds where both covariances are large in the same directions; where they are not, the sum is small
    beside the traces of eq. (1), and so is its error. tests/metrics/test_frechet.py holds both against singular values. The matrix is
    overwritten.
    """
    if not _on_cpu(square):
        values = torch.linalg.eigvalsh(square, UPLO="U").cpu().numpy()
    else:
        from scipy.linalg import eigvalsh

        values = eigvalsh(square.numpy(), lower=False, driver="ev", check_finite=False, overwrite_a=True)
    values = values.clip(min=0)
    roots, noise = np.sqrt(values), 8 * np.finfo(values.dtype).eps * values[-1]
    apart = values > noise
    error = np.linalg.norm(noise / (2 * roots[apart])) + np.count_nonzero(~apart) * noise**0.5
    return float(roots.sum()), float(error)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return a @ b^T. numpy recognises a @ a.T and computes half of it."""
    return a @ b.T if not _on_cpu(a) else torch.from_numpy(a.numpy() @ b.numpy().T)


def svdvals(matrix: Tensor) -> Tensor:
    """Return the singular values of a matrix."""
    if not _on_cpu(matrix):
        return torch.linalg.svdvals(matrix)
    return torch.from_numpy(np.linalg.svd(matrix.numpy(), compute_uv=False))
