"""Exact Wasserstein-1 distance in 2-D: how far samples must be moved on average to lie on real points.

    W1 = min over permutations p of 1/n sum_i |x_i - y_p(i)|                                                    (1)
       = max over u, v of 1/n (sum_i u_i + sum_j v_j),   u_i + v_j <= |x_i - y_j|                               (2)

(1) is an assignment problem, solved exactly (Crouse 2016, in SciPy). Its cost grows faster than n^2, so that a board's rows and a draw
are cut into parts of at most 1,250, and the mean over the parts is the value. The potentials u of (2), which certify the solution,
are the first-order effect of each real point, and give the error over held-out rows. Two finite sets of one law are not at 0: the
oracle's value is the floor at this n.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from bench.metrics import Estimate, block_means, metric, refuse_non_finite
from bench.metrics._evaluation import Evaluation

MOST_POINTS = 1_250  # of one assignment: a third of a second to three seconds


def wasserstein_1(real: Tensor, fake: Tensor) -> tuple[float, Tensor]:
    """Return eq. (1) of two sets of n points (n, D), and the potentials u of the real ones (n,), float64."""
    from scipy.optimize import linear_sum_assignment

    for name, points in {"real points": real, "samples": fake}.items():
        refuse_non_finite(points, name)
    if len(real) != len(fake) or not len(real):
        raise ValueError(f"expected as many samples as real points and at least one, got {len(fake)} and {len(real)}")
    cost = torch.cdist(real.double(), fake.double(), compute_mode="donot_use_mm_for_euclid_dist").cpu().numpy()
    rows, partner = linear_sum_assignment(cost)
    matched = cost[rows, partner]
    return float(matched.mean()), torch.as_tensor(_potentials(cost, partner, matched))


def _potentials(cost: np.ndarray, partner: np.ndarray, matched: np.ndarray) -> np.ndarray:
    """Return u of eq. (2).

    v are shortest ways in the graph of exchanges, found by relaxing all of its edges at once (Bellman and Ford).
    """
    v = np.zeros(len(cost))
    exchange = cost - matched[:, None]  # what sample j costs more at real point i than i's own partner does
    for _ in range(len(cost)):
        nearer = np.minimum(v, (exchange + v[partner][:, None]).min(axis=0))
        settled = float((v - nearer).max()) <= 1e-12 * max(1.0, float(matched.max()))
        v = nearer
        if settled:
            break
    return matched - v[partner]


@metric(needs=("samples", "law"), better="lower", scale="log")
def w1(ev: Evaluation) -> Estimate:
    """Mean distance that samples must be moved to lie on real points, exact; the oracle's is the floor."""
    real, fake = ev.real.x[:].flatten(1), ev.draws[0].flatten(1)
    count = min(len(real), len(fake))
    parts = math.ceil(count / MOST_POINTS)
    size = count // parts
    solved = [wasserstein_1(real[k : k + size], fake[k : k + size]) for k in range(0, parts * size, size)]
    value = sum(part for part, _ in solved) / parts
    influence = torch.cat([u - u.mean() for _, u in solved])
    return Estimate(value, size, block_means(value + influence))
