"""Energy distance (Szekely and Rizzo 2013), the unbiased U-statistic.

    E = 2 E|X - Y| - E|X - X'| - E|Y - Y'|      X, X' real, Y, Y' generated, Euclidean, i != j within a set

Zero in expectation for samples of the same law, so it may be negative. Memory: one strip of 512 rows of distances.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.evaluation import Evaluation
from bench.metric import N_BLOCKS, Estimate, block_of_rows, metric, pseudo_values, refuse_non_finite

STRIP = 512


def distance_sums(a: Tensor, b: Tensor) -> Tensor:
    """Sum over b's rows of the distance from each row of a, (N,) float64."""
    strips = [
        torch.cdist(rows, b, compute_mode="donot_use_mm_for_euclid_dist").sum(dim=1) for rows in a.double().split(STRIP)
    ]
    return torch.cat(strips)


def energy_distance(real: Tensor, fake: Tensor) -> float:
    """Unbiased energy distance of features (N, D) and (M, D); 0 in expectation is best."""
    return with_blocks(torch.as_tensor(real), torch.as_tensor(fake), blocks=1)[0]


def with_blocks(real: Tensor, fake: Tensor, *, blocks: int = N_BLOCKS) -> tuple[float, list[float]]:
    """The distance, and the distance without each block of real rows, all from one set of sums."""
    real, fake = real.double(), fake.double()
    refuse_non_finite(real, "real features")
    refuse_non_finite(fake, "generated features")
    n, m = len(real), len(fake)
    if n < 2 or m < 2:
        raise ValueError(f"expected at least 2 rows on each side, got {n} and {m}")
    to_fake, to_real = distance_sums(real, fake), distance_sums(real, real)
    fake_part = float(distance_sums(fake, fake).sum()) / (m * (m - 1))
    cross, within = float(to_fake.sum()), float(to_real.sum())
    without = []
    for rows in block_of_rows(n, blocks):
        left = n - (rows.stop - rows.start)
        if left < 2:
            break
        inside = float(distance_sums(real[rows], real[rows]).sum())
        within_left = within - 2 * float(to_real[rows].sum()) + inside
        cross_left = cross - float(to_fake[rows].sum())
        without.append(2 * cross_left / (left * m) - within_left / (left * (left - 1)) - fake_part)
    return 2 * cross / (n * m) - within / (n * (n - 1)) - fake_part, without


@metric(name="energy_distance", needs=("samples", "real_valued"), better="lower")
def energy(ev: Evaluation) -> Estimate:
    """Unbiased energy distance on features standardised by the training rows, averaged over the draws."""
    real = ev.real_features("identity")
    found = [with_blocks(real, fake) for fake in ev.draw_features("identity")]
    value = sum(v for v, _ in found) / len(found)
    without = [sum(b) / len(b) for b in zip(*(blocks for _, blocks in found))]
    return Estimate(value, len(real), pseudo_values(value, without))
