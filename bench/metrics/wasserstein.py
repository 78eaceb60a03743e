"""Exact Wasserstein-1 distance in 2-D: how far samples must be moved on average to lie on real points.

    W1 = min over permutations p of 1/n sum_i |x_i - y_p(i)|                                                    (1)
       = max over u, v of 1/n (sum_i u_i + sum_j v_j),   u_i + v_j <= |x_i - y_j|                               (2)

(1) is an assignment problem, solved exactly (Crouse 2016, in SciPy). Subtracting any u_i and v_j from the costs leaves the best
assignment as it is; with those of a smoothed problem (Cuturi 2013) subtracted, most points are assigned without a search. The cost still
grows faster than n^2, so that a board's rows and a draw are cut into parts of at most 1,250, and the mean over the parts is the value.
The potentials u of (2), which certify the solution, are the first-order effect of each real point, and give the error over held-out
rows. Two finite sets of one law are not at 0: the oracle's value is the floor at this n.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from bench.metrics import Estimate, block_means, metric, refuse_non_finite
from bench.metrics._evaluation import Evaluation

MOST_POINTS = 1_250  # of one assignment: a fifth of a second to half a second
ROUNDS, COOLING, COLDEST = (
    30,
    3,
    0.01,
)  # of the smoothed problem: at each temperature; from one to the next; of the mean cost
EXCHANGES = 40  # of each sample that are relaxed before all of them


def wasserstein_1(real: Tensor, fake: Tensor) -> tuple[float, Tensor]:
    """Return eq. (1) of two sets of n points (n, D), and the potentials u of the real ones (n,), float64."""
    from scipy.optimize import linear_sum_assignment

    for name, points in {"real points": real, "samples": fake}.items():
        refuse_non_finite(points, name)
    if len(real) != len(fake) or not len(real):
        raise ValueError(f"expected as many samples as real points and at least one, got {len(fake)} and {len(real)}")
    cost = torch.cdist(real.double(), fake.double(), compute_mode="donot_use_mm_for_euclid_dist").cpu().numpy()
    reduced = cost - smooth_potentials(cost)
    rows, partner = linear_sum_assignment(reduced)
    matched = cost[rows, partner]
    return float(matched.mean()), torch.as_tensor(_potentials(cost, reduced, partner, matched))


def smooth_potentials(cost: np.ndarray) -> np.ndarray:
    """Return u_i + v_j of the assignment problem with an entropy as temperature, cooled in steps, (n, n)."""
    mean = float(cost.mean())
    if not mean > 0:
        return np.zeros_like(cost)
    single = torch.from_numpy(cost / mean).float()
    u, v = single.new_zeros(len(cost)), single.new_zeros(len(cost))
    temperature = 0.5
    while temperature > COLDEST:
        temperature = max(temperature / COOLING, COLDEST)
        kernel = (single - u[:, None] - v).div_(-temperature).exp_()
        right = torch.ones_like(v)
        for _ in range(ROUNDS):
            left = 1 / (kernel @ right).clamp_(min=1e-30)
            right = 1 / (kernel.T @ left).clamp_(min=1e-30)
        u, v = u + temperature * left.log(), v + temperature * right.log()
    return (
        mean * (u.double()[:, None] + v.double()).numpy()
    )  # in float64: else no longer a sum of one term a row and one a column


def _potentials(cost: np.ndarray, reduced: np.ndarray, partner: np.ndarray, matched: np.ndarray) -> np.ndarray:
    """Return u of eq. (2).

    v are shortest ways in the graph of exchanges, found by relaxing its edges until none is left to relax (Bellman and Ford): the
    cheapest of each sample at reduced costs, and, one by one, the best of all.
    """
    n, v = len(cost), np.zeros(len(cost))
    exchange = cost - matched[:, None]  # what sample j costs more at real point i than i's own partner does
    apart = reduced - reduced[np.arange(n), partner][:, None]
    few = np.argpartition(apart, min(EXCHANGES, n) - 1, axis=0)[: min(EXCHANGES, n)]  # (E, n)
    enough = 1e-12 * max(1.0, float(matched.max()))
    for _ in range(n):
        v = _relaxed(v, np.take_along_axis(exchange, few, axis=0), partner[few], enough)
        best = (exchange + v[partner][:, None]).argmin(axis=0)
        if float((v - exchange[best, np.arange(n)] - v[partner[best]]).max()) <= enough:
            break
        few = np.concatenate([few, best[None]])
    return matched - v[partner]


def _relaxed(v: np.ndarray, exchange: np.ndarray, partner: np.ndarray, enough: float) -> np.ndarray:
    """Lower v (n,) along exchanges (E, n), each from a partner (E, n), until none gains enough."""
    for _ in range(len(v)):
        nearer = np.minimum(v, (exchange + v[partner]).min(axis=0))
        settled = float((v - nearer).max()) <= enough
        v = nearer
        if settled:
            break
    return v


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
