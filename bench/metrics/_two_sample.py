"""Unbiased two-sample statistics of a kernel (Gretton et al. 2012, eq. 3), with their jackknife.

    MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean k(x_i, y_j)      x real, y generated    (1)

Leaving rows out needs row sums and the sums inside what is left out only. Memory: features in float64 and one strip
of 256 rows of the kernel matrix, 100 MB at N = 50,000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.metrics import refuse_non_finite
from bench.metrics._blocks import Blocks

STRIP = 256
Kernel = Callable[[Tensor, Tensor], Tensor]  # (N, D), (M, D) -> (N, M)


@dataclass(frozen=True)
class Within:
    """k summed over the other rows of the same side, (N,)."""

    rows: Tensor

    @property
    def mean(self) -> float:
        """Return the mean of k over all pairs i != j."""
        n = len(self.rows)
        return float(self.rows.sum()) / (n * (n - 1))


@dataclass(frozen=True)
class Statistic:
    """Eq. (1), and each row's sum of k over the other side, (N,) and (M,), to leave rows out."""

    value: float
    real: Within
    fake: Within
    real_cross: Tensor
    fake_cross: Tensor


def within(x: Tensor, kernel: Kernel) -> Within:
    """Return the sums of one side; keep them for a reference that is used again."""
    return Within(_sums_without_diagonal(x, kernel))


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
    return Statistic(value, ours, theirs, cross, columns)


def without(x: Tensor, side: Within, other: Within, cross: Tensor, kernel: Kernel, rows: Tensor) -> float:
    """Return eq. (1) without some rows of one side, x (N, D); cross: sums over the other side."""
    rows = rows.to(x.device)
    left, others = len(x) - len(rows), len(other.rows)
    inside = float(_sums_without_diagonal(x[rows], kernel).sum()) if len(rows) > 1 else 0.0
    pairs = float(side.rows.sum()) - 2 * float(side.rows[rows].sum()) + inside
    between = float(cross.sum()) - float(cross[rows].sum())
    return pairs / (left * (left - 1)) + other.mean - 2 * between / (left * others)


def prepared(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return both sides as (N, D) float64; ValueError where they do not fit or are not finite."""
    real, fake = torch.as_tensor(real).detach(), torch.as_tensor(fake).detach()
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1] or not real.shape[1]:
        raise ValueError(f"expected features (N, D) and (M, D), got {tuple(real.shape)} and {tuple(fake.shape)}")
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"expected at least 2 rows on each side, got {len(real)} and {len(fake)}")
    refuse_non_finite(real, "real features")
    refuse_non_finite(fake, "generated features")
    return real.double(), fake.double()


def average(
    sides: Sequence[tuple[Tensor, Tensor]], kernel: Kernel, blocks: Blocks
) -> tuple[float, tuple[float, ...], float | None]:
    """Return the mean over draws of eq. (1), with its errors over the real rows."""
    real = sides[0][0]
    ours = within(real, kernel)
    found = [statistic(real, fake, kernel, real_within=ours) for _, fake in sides]
    cross = torch.stack([s.real_cross for s in found]).mean(dim=0)  # eq. (1) is linear in it
    theirs = Within(torch.stack([s.fake.rows for s in found]).mean(dim=0))
    value = sum(s.value for s in found) / len(found)
    errors = blocks.jackknife(value, lambda rows: without(real, ours, theirs, cross, kernel, rows))
    return value, errors.blocks, errors.se


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
