"""Unbiased two-sample statistics of a kernel (Gretton et al. 2012, eq. 3), their jackknife in closed form.

    MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean k(x_i, y_j)      x real, y generated    (1)

Leaving a block of rows out needs row sums and the sums inside the blocks only. Memory: features in float64 and one strip
of 256 rows of the kernel matrix, 100 MB at N = 50,000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.metrics import N_BLOCKS, block_of_rows, refuse_non_finite

STRIP = 256
Kernel = Callable[[Tensor, Tensor], Tensor]  # (N, D), (M, D) -> (N, M)


@dataclass(frozen=True)
class Within:
    """k summed over the other rows of the same side, (N,), and over the pairs inside each block of rows."""

    rows: Tensor
    blocks: tuple[tuple[slice, float], ...]

    @property
    def mean(self) -> float:
        """Return the mean of k over all pairs i != j."""
        n = len(self.rows)
        return float(self.rows.sum()) / (n * (n - 1))


@dataclass(frozen=True)
class Statistic:
    """Eq. (1), and its values without each block of real and without each block of generated rows."""

    value: float
    without_real: tuple[float, ...]
    without_fake: tuple[float, ...]


def within(x: Tensor, kernel: Kernel) -> Within:
    """Compute the sums of one side; keep them for a reference that is used again."""
    blocks = tuple((b, float(_sums_without_diagonal(x[b], kernel).sum())) for b in block_of_rows(len(x)))
    return Within(_sums_without_diagonal(x, kernel), blocks)


def statistic(real: Tensor, fake: Tensor, kernel: Kernel, *, real_within: Within | None = None) -> Statistic:
    """Compute eq. (1) for prepared features (N, D) and (M, D)."""
    ours, theirs = real_within or within(real, kernel), within(fake, kernel)
    rows, columns = [], torch.zeros(len(fake), dtype=fake.dtype, device=fake.device)
    for part in real.split(STRIP):
        strip = kernel(part, fake)
        rows.append(strip.sum(dim=1))
        columns += strip.sum(dim=0)
    cross = torch.cat(rows)
    value = ours.mean + theirs.mean - 2 * float(cross.sum()) / (len(real) * len(fake))
    return Statistic(
        value, _without(ours, theirs.mean, cross, len(fake)), _without(theirs, ours.mean, columns, len(real))
    )


def prepared(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return both sides as (N, D) float64; ValueError where they do not fit, are too few or are not finite."""
    real, fake = torch.as_tensor(real).detach(), torch.as_tensor(fake).detach()
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1] or not real.shape[1]:
        raise ValueError(f"expected features (N, D) and (M, D), got {tuple(real.shape)} and {tuple(fake.shape)}")
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"expected at least 2 rows on each side, got {len(real)} and {len(fake)}")
    refuse_non_finite(real, "real features")
    refuse_non_finite(fake, "generated features")
    return real.double(), fake.double()


def average(draws: Sequence[Statistic]) -> tuple[float, list[float]]:
    """Average over draws the value and the values without each block of real rows."""
    value = sum(s.value for s in draws) / len(draws)
    return value, [sum(v) / len(draws) for v in zip(*(s.without_real for s in draws))]


def _sums_without_diagonal(x: Tensor, kernel: Kernel) -> Tensor:
    """Sum the rows of the kernel matrix without its diagonal; each pair of strips is computed once."""
    sums = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for start in range(0, len(x), STRIP):
        part = x[start : start + STRIP]
        strip = kernel(part, x[start:])
        strip.diagonal().zero_()
        sums[start : start + len(part)] += strip.sum(dim=1)
        sums[start + len(part) :] += strip[:, len(part) :].sum(dim=0)
    return sums


def _without(side: Within, other_mean: float, cross: Tensor, others: int) -> tuple[float, ...]:
    """Compute eq. (1) without each block of one side; empty where fewer than two rows would be left."""
    n, total, cross_total = len(side.rows), float(side.rows.sum()), float(cross.sum())
    values = []
    for block, inside in side.blocks:
        left = n - (block.stop - block.start)
        if left < 2 or len(side.blocks) < N_BLOCKS:
            return ()
        pairs = total - 2 * float(side.rows[block].sum()) + inside
        crossing = 2 * (cross_total - float(cross[block].sum())) / (left * others)
        values.append(pairs / (left * (left - 1)) + other_mean - crossing)
    return tuple(values)
