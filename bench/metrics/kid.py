"""Kernel distance (Binkowski et al. 2018): unbiased MMD^2 with the polynomial kernel of degree 3.

    k(x, y) = (x . y / D + 1)^3                                                                       (1)

Up to 5,000 rows: one U-statistic over all pairs, its error by a jackknife over 20 blocks of rows on either side. Above:
the mean over 100 random subsets of 1,000, drawn like torch-fidelity's, so that the same seed gives its number. Zero in
expectation for samples of the same law, so it may be negative.

Memory: features in float64, and one strip of 256 rows of the kernel matrix or one subset's 1,000 x 1,000.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from bench.metrics import N_BLOCKS, Estimate, block_of_rows, metric
from bench.metrics._blocks import Blocks
from bench.metrics._evaluation import Evaluation
from bench.metrics._two_sample import average, prepared, statistic, without

FULL_UP_TO = 5000
SUBSETS = 100
SUBSET_SIZE = 1000
SEED = 2020


def polynomial_kernel(a: Tensor, b: Tensor) -> Tensor:
    """Return eq. (1) for rows (N, D) and (M, D), (N, M)."""
    base = (a @ b.T).div_(a.shape[1]).add_(1)
    return base.square().mul_(base)


def kernel_distance(
    real: Tensor, fake: Tensor, *, subsets: int | None = None, subset_size: int = SUBSET_SIZE, seed: int = SEED
) -> tuple[float, float]:
    """Return MMD^2 and its standard error for features (N, D) and (M, D); 0 in expectation is best.

    subsets: so many random subsets of subset_size rows; 0: one statistic over all rows; None: by the number of rows.
    """
    real, fake = prepared(real, fake)
    if subsets is None:
        subsets = 0 if min(len(real), len(fake)) <= FULL_UP_TO else SUBSETS
    if subsets:
        values = subset_values(real, fake, subsets=subsets, subset_size=subset_size, seed=seed)
        return float(values.mean()), subsets_se(values, subset_size / min(len(real), len(fake)))
    over_all = statistic(real, fake, polynomial_kernel)
    sides = (
        (real, over_all.real, over_all.fake, over_all.real_cross),
        (fake, over_all.fake, over_all.real, over_all.fake_cross),
    )
    errors = [
        Blocks(len(x)).jackknife(over_all.value, partial(without, x, own, other, cross, polynomial_kernel))
        for x, own, other, cross in sides
    ]
    return over_all.value, sum((e.se or 0.0) ** 2 for e in errors) ** 0.5


def subset_values(real: Tensor, fake: Tensor, *, subsets: int, subset_size: int, seed: int) -> np.ndarray:
    """Return MMD^2 of random subsets without replacement, (subsets,), in torch-fidelity's order of draws."""
    n, m = len(real), len(fake)
    if not 2 <= subset_size <= min(n, m):
        raise ValueError(f"subset_size must be from 2 to the {min(n, m)} rows there are, got {subset_size}")
    rng = np.random.RandomState(seed)
    values = np.zeros(subsets)
    for i in range(subsets):
        x = real[torch.as_tensor(rng.choice(n, subset_size, replace=False), device=real.device)]
        y = fake[torch.as_tensor(rng.choice(m, subset_size, replace=False), device=fake.device)]
        values[i] = _mmd2(x, y)
    return values


def subsets_se(values: np.ndarray, share: float) -> float:
    """Return the standard error of the mean of subsets that each hold a share of the rows.

    Two subsets have rows in common, so their mean cannot be surer than the statistic over all rows, whose variance is about
    share x that of one subset: s^2 (share + (1 - share) / subsets).
    """
    if len(values) < 2:
        return 0.0
    return float(values.std(ddof=1) * (share + (1 - share) / len(values)) ** 0.5)


def _mmd2(x: Tensor, y: Tensor) -> float:
    n, m = len(x), len(y)
    within_x, within_y = polynomial_kernel(x, x), polynomial_kernel(y, y)
    pairs_x = float(within_x.sum() - within_x.diagonal().sum()) / (n * (n - 1))
    pairs_y = float(within_y.sum() - within_y.diagonal().sum()) / (m * (m - 1))
    return pairs_x + pairs_y - 2 * float(polynomial_kernel(x, y).mean())


@metric(needs=("samples", "unknown_law"), spaces=("identity", "lenet", "pca", "inception"), better="lower", version=2)
def kid(ev: Evaluation, space: str) -> Estimate:
    """Unbiased MMD^2 with the polynomial kernel in the named space, averaged over the draws.

    May be negative.
    """
    sides = [prepared(ev.real_features(space), draw) for draw in ev.draw_features(space)]
    n = len(sides[0][0])
    if n > FULL_UP_TO:
        return _kid_of_subsets(sides)
    value, blocks, se = average(sides, polynomial_kernel, ev.blocks)
    return Estimate(value, n, blocks, row_se=se)


def _kid_of_subsets(sides: list[tuple[Tensor, Tensor]]) -> Estimate:
    """Take the same subsets of real rows for every model, so that blocks of five pair.

    The blocks' spread is scaled to the mean's error.
    """
    n = len(sides[0][0])
    size = min(SUBSET_SIZE, *(len(rows) for side in sides for rows in side))
    each = [subset_values(*side, subsets=SUBSETS, subset_size=size, seed=SEED) for side in sides]
    values = np.mean(each, axis=0)
    value = float(values.mean())
    groups = np.array([values[b].mean() for b in block_of_rows(SUBSETS, N_BLOCKS)]) - value
    spread = groups.std(ddof=1) / N_BLOCKS**0.5
    scale = subsets_se(values, size / n) / spread if spread > 0 else 0.0
    return Estimate(value, n, tuple(float(value + scale * g) for g in groups))
