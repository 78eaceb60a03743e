"""Frechet distance between Gaussians fitted to features (Heusel et al. 2017), exact by the cheapest route.

    d^2 = |mu_r - mu_f|^2 + tr S_r + tr S_f - 2 tr (S_r S_f)^(1/2)                                    (1)

With centred features A (n x d), B (m x d), scaled by 1/sqrt(n - 1), S_r = A^T A and S_f = B^T B, and the last trace is the
nuclear norm of A B^T. It is taken from the smaller factor on either side: the features themselves where there are
fewer rows than dimensions, else a root R of the covariance (R^T R = S). So it is exact on rank-deficient
covariances, where a matrix square root of the product loses digits or turns complex. float64 throughout.

Memory: the features, and one n x m or d x d matrix of float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bench.evaluation import Evaluation
from bench.metric import Estimate, block_of_rows, metric, pseudo_values, refuse_non_finite


@dataclass(frozen=True)
class Moments:
    """Mean (D,), a factor (r, D) whose Gram matrix is the covariance, and the covariance's trace."""

    mean: Tensor
    factor: Tensor
    trace: Tensor


def moments(features: Tensor) -> Moments:
    """What the distance needs of one side, (N, D) features; keep it for a reference that is used again."""
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"expected features of shape (N, D) with N >= 2, got {tuple(features.shape)}")
    refuse_non_finite(features, "features")
    rows = features.double()
    mean = rows.mean(dim=0)
    centred = (rows - mean) / (len(rows) - 1) ** 0.5
    trace = centred.square().sum()
    if len(rows) <= rows.shape[1]:
        return Moments(mean, centred, trace)
    return Moments(mean, covariance_root(centred.T @ centred), trace)


def covariance_root(covariance: Tensor) -> Tensor:
    """R with R^T R = covariance (D, D), from its eigenvectors: one row for each positive eigenvalue."""
    values, vectors = torch.linalg.eigh(covariance)
    keep = values > values[-1].clamp(min=0) * 1e-15 * len(values)
    return values[keep].clamp(min=0).sqrt()[:, None] * vectors[:, keep].T


def distance_of(real: Moments, fake: Moments) -> float:
    """eq. (1) from kept moments."""
    cross = real.factor @ fake.factor.T
    nuclear = _nuclear_norm(cross)
    squared = (real.mean - fake.mean).square().sum() + real.trace + fake.trace - 2 * nuclear
    return max(0.0, float(squared))


def _nuclear_norm(matrix: Tensor) -> Tensor:
    if matrix.numel() == 0:
        return matrix.new_zeros(())
    return torch.linalg.svdvals(matrix).sum()


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Squared Frechet distance of two sets of features (N, D) and (M, D); 0 is best."""
    return distance_of(moments(torch.as_tensor(real)), moments(torch.as_tensor(fake)))


@metric(needs=("samples",), spaces=("identity", "lenet", "inception"), better="lower", scale="log")
def fid(ev: Evaluation, space: str) -> Estimate:
    """Frechet distance of features in the named space, equal n on both sides, averaged over the draws."""
    real = ev.real_features(space)
    fakes = [moments(features) for features in ev.draw_features(space)]
    value = _mean_distance(moments(real), fakes)
    without = [_mean_distance(moments(_leave_out(real, rows)), fakes) for rows in block_of_rows(len(real))]
    return Estimate(value, len(real), pseudo_values(value, without))


def _mean_distance(real: Moments, fakes: list[Moments]) -> float:
    return sum(distance_of(real, fake) for fake in fakes) / len(fakes)


def _leave_out(features: Tensor, rows: slice) -> Tensor:
    return torch.cat([features[: rows.start], features[rows.stop :]])
