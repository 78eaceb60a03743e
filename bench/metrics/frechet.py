"""Frechet distance between Gaussians fitted to features (Heusel et al. 2017), by the cheapest route.

    d^2 = |mu_r - mu_f|^2 + tr S_r + tr S_f - 2 tr (S_r S_f)^(1/2)                                    (1)

With any factors of the covariances, S_r = A^T A and S_f = B^T B, the last trace is the nuclear norm of A B^T. Up to D
rows the factor is the centred features themselves, above it a Cholesky factor with as many rows as the covariance has
rank. So (1) is exact on rank-deficient covariances, where a matrix square root of S_r S_f loses digits or turns complex.
The norm is a sum of roots of the eigenvalues of A S_f A^T where these are known to be accurate, else of singular values.

Errors are over training seeds and held-out rows. In a trained space (lenet) another training of it would move the value too, which no error
holds: docs/metrics.md says by how much.

float64 throughout. On a CPU all of it is numpy's and SciPy's: torch's threads, waiting for their next operation, would take
the cores from OpenBLAS's. Memory: beside the features one strip of 4,096 of them, and three matrices of min(N, D) x D float64
(100 MB at D = 2048, N = 50,000).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bench.metrics import Estimate, metric, refuse_non_finite
from bench.metrics._cache import kept
from bench.metrics._evaluation import Evaluation
from bench.metrics._gaussians import (
    STRIP,
    SVD_RANK,
    Moments,
    centred,
    covariance_of,
    from_covariance,
    mean_of,
    product,
    roots_of_eigenvalues,
    squared_cross,
    svdvals,
)

MOMENTS_VERSION = 2  # raise it when moments() changes: factors kept on disk are named by it
EXACT_JACKKNIFE_RANK = 64  # above it, rows are left out to first order


def moments(features: Tensor) -> Moments:
    """Compute what eq. (1) needs of features (N, D), N >= 2; ValueError where a value is not finite."""
    if features.ndim != 2 or len(features) < 2 or not features.shape[1]:
        raise ValueError(f"expected features of shape (N, D) with N >= 2 and D >= 1, got {tuple(features.shape)}")
    features = features.detach()
    if features.dtype == torch.bfloat16:  # which numpy has not
        features = features.float()
    n, dim = features.shape
    mean = mean_of(features)
    if not bool(torch.isfinite(mean).all()):
        refuse_non_finite(features, "features")
    if n > dim:
        return from_covariance(mean, covariance_of(features, mean))
    scaled = centred(features, mean)
    scaled *= (n - 1) ** -0.5
    trace = float(scaled.ravel() @ scaled.ravel())
    # Householder's reflection of (1, ..., 1) on the first axis: that row becomes 0, the covariance stays
    rows = scaled[1:]
    rows -= scaled[0] / (n**0.5 + 1)
    return Moments(mean, trace, rows=torch.as_tensor(rows))


def reference_moments(features: Tensor) -> Moments:
    """Return moments() with their factor, kept on disk: a dataset's cells share real features."""

    def compute() -> dict[str, Tensor]:
        side = moments(features)
        trace = torch.tensor(side.trace, dtype=torch.float64)
        return {"mean": side.mean, "factor": side.factor, "trace": trace}

    values = kept(f"moments/{MOMENTS_VERSION}", features, compute)
    return Moments(values["mean"], float(values["trace"]), rows=values["factor"])


def distance_of(real: Moments, fake: Moments) -> float:
    """Compute eq. (1) from kept moments; 0 is best."""
    _check_same_dim(len(real.mean), len(fake.mean))
    separate = float((real.mean - fake.mean).square().sum()) + real.trace + fake.trace
    if min(len(real.factor), len(real.mean) if fake.rows is None else len(fake.rows)) > SVD_RANK:
        nuclear, error = roots_of_eigenvalues(squared_cross(real, fake))
        if 2 * error <= 1e-8 * (separate - 2 * nuclear):
            return separate - 2 * nuclear
    cross = product(real.factor, fake.factor)
    return max(0.0, separate - 2 * float(svdvals(cross).sum())) if min(cross.shape) else separate


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Return the squared Frechet distance of features (N, D) and (M, D), tensors or arrays; 0 is best."""
    real, fake = torch.as_tensor(real), torch.as_tensor(fake)
    if real.ndim == fake.ndim == 2:
        _check_same_dim(real.shape[1], fake.shape[1])
    return distance_of(moments(real), moments(fake))


@metric(
    needs=("samples", "unknown_law"),
    spaces=("random", "identity", "lenet", "pca", "inception"),
    better="lower",
    scale="log",
    version=2,
)
def fid(ev: Evaluation, space: str) -> Estimate:
    """Frechet distance in the named space, averaged over equal draws; lenet's own seed is in no error."""
    features = ev.real_features(space)
    real, fakes = reference_moments(features), [moments(draw) for draw in ev.draw_features(space)]
    value = _mean_distance(real, fakes)
    if min(features.shape) <= EXACT_JACKKNIFE_RANK:
        sets = [*ev.blocks.sets, *ev.blocks.pairs]
        if len(features) - max(map(len, sets)) < 2:
            return Estimate(value, len(features))
        without = [_mean_distance(rest, fakes) for rest in leave_out(features, sets)]
        count = len(ev.blocks.sets)
        blocks, se = ev.blocks.errors(value, without[:count], without[count:])
    else:
        influence = torch.stack([row_influence(features, real, fake) for fake in fakes]).mean(dim=0)
        blocks, se = ev.blocks.mean(influence + value)
    return Estimate(value, len(features), blocks, row_se=se)


def frechet_at_infinity(real: Tensor, fake: Tensor, *, seed: int = 0, points: int = 15, least: int = 5000) -> float:
    """Extrapolate eq. (1) to N -> infinity by a line against 1/N (Chong and Forsyth 2020).

    N runs from `least` to all rows in equal steps of 1/N; each point takes a random subset of the generated rows (M, D)
    against all real rows (N, D), as the paper does.
    """
    if min(len(real), len(fake)) <= least:
        raise ValueError(f"expected more than {least} rows on each side, got {len(real)} and {len(fake)}")
    generator = torch.Generator().manual_seed(seed)
    reference, inverse = reference_moments(real), np.linspace(1 / least, 1 / len(fake), points)
    values = []
    for one_over_n in inverse:
        rows = torch.randperm(len(fake), generator=generator)[: round(1 / one_over_n)].to(fake.device)
        values.append(distance_of(reference, moments(fake[rows])))
    return float(np.polynomial.Polynomial.fit(inverse, values, 1).convert().coef[0])


@metric(
    needs=("samples", "many_rows"), spaces=("random", "lenet", "pca", "inception"), better="lower", slow=True, version=2
)
def fid_inf(ev: Evaluation, space: str) -> Estimate:
    """FID extrapolated to infinitely many samples; only where a board has more than 5,000 real rows."""
    features = ev.sample_features(space)
    return Estimate(frechet_at_infinity(ev.real_features(space), features), len(features))


def leave_out(features: Tensor, sets: Sequence[Tensor]) -> list[Moments]:
    """Return the moments without each set of rows, by its part in the scatter if that is accurate."""
    n, dim = features.shape
    if n - max(map(len, sets)) <= dim:
        return [moments(_rest(features, rows)) for rows in sets]
    mean = mean_of(features)
    scatter, sides = covariance_of(features, mean) * (n - 1), []
    for rows in sets:
        inside = features[rows.to(features.device)].double() - mean
        left = n - len(inside)
        shift = -inside.sum(dim=0) / left  # how far the others' mean is moved
        rest = scatter - inside.T @ inside - left * torch.outer(shift, shift)
        if bool((rest.diagonal() < 1e-8 * scatter.diagonal()).any()):  # nearly all of it was the set's
            sides.append(moments(_rest(features, rows)))
            continue
        sides.append(from_covariance(mean + shift, rest / (left - 1)))
    return sides


def _rest(features: Tensor, rows: Tensor) -> Tensor:
    kept = torch.ones(len(features), dtype=torch.bool, device=features.device)
    kept[rows.to(features.device)] = False
    return features[kept]


def row_influence(features: Tensor, real: Moments, fake: Moments) -> Tensor:
    """Return each real row's first-order effect on eq. (1), (N,): Jaeckel's jackknife (1972).

    (x - mu_r)^T (I - T) (x - mu_r) - tr S_r + tr T S_r + 2 (mu_r - mu_f)^T (x - mu_r), where T is the optimal transport
    map between the Gaussians, T = B^T (B S_r B^T)^(-1/2) B.
    """
    cross = product(fake.factor, real.factor)
    values, vectors = torch.linalg.eigh(product(cross, cross))
    keep = values > values[-1:].clamp(min=0) * 1e-14 * len(values)  # none where all samples are one
    half = fake.factor.T @ (vectors[:, keep] / values[keep] ** 0.25)  # half half^T = T
    parts = []
    for strip in features.split(STRIP):
        apart = strip.double() - real.mean
        transported = (apart @ half).square().sum(dim=1)
        parts.append(apart.square().sum(dim=1) - transported + 2 * apart @ (real.mean - fake.mean))
    influence = torch.cat(parts)
    return influence - influence.mean()


def _mean_distance(real: Moments, fakes: list[Moments]) -> float:
    return sum(distance_of(real, fake) for fake in fakes) / len(fakes)


def _check_same_dim(real: int, fake: int) -> None:
    if real != fake:
        raise ValueError(f"real features have {real} dimensions and generated ones {fake}; take both from one space")
