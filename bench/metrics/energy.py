"""Energy distance (Szekely and Rizzo 2013), the unbiased U-statistic.

    E = 2 E|X - Y| - E|X - X'| - E|Y - Y'|      X, X' real, Y, Y' generated, Euclidean, i != j within a set      (1)

It is MMD^2 with the kernel -|x - y|. Zero in expectation for samples of the same law, so it may be negative. Memory:
features in float64 and one strip of 256 rows of distances.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.metrics import Estimate, metric
from bench.metrics._evaluation import Evaluation
from bench.metrics._two_sample import average, prepared, statistic

DIRECT_UP_TO = 32  # dimensions; above, distances come from products of centred features


def energy_distance(real: Tensor, fake: Tensor) -> float:
    """Return the unbiased distance of features (N, D) and (M, D); 0 is best, it may be negative."""
    real, fake = prepared(real, fake)
    centre = real.mean(dim=0)
    return statistic(real - centre, fake - centre, minus_distance).value


def minus_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return -|a_i - b_j|, (N, M)."""
    direct = a.shape[1] <= DIRECT_UP_TO
    mode = "donot_use_mm_for_euclid_dist" if direct else "use_mm_for_euclid_dist"
    return torch.cdist(a, b, compute_mode=mode).neg_()


@metric(name="energy_distance", needs=("samples", "real_valued"), better="lower", version=2)
def energy(ev: Evaluation) -> Estimate:
    """Unbiased energy distance on features standardised by the training rows, averaged over the draws."""
    sides = [prepared(ev.real_features("identity"), draw) for draw in ev.draw_features("identity")]
    value, blocks, se = average(sides, minus_distance, ev.blocks)
    return Estimate(value, len(sides[0][0]), blocks, row_se=se)
