"""Precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020) from k nearest neighbours.

    r_k(x)     distance from x to its k-th nearest neighbour among the other rows of its own side
    precision  = mean_j [ some |x_i - y_j| < r_k(x_i) ]         recall   = mean_i [ some |x_i - y_j| < r_k(y_j) ]
    density    = mean_j (1/k) #{i: |x_i - y_j| < r_k(x_i)}      coverage = mean_i [ min_j |x_i - y_j| < r_k(x_i) ]

x real, y generated. One pass over strips of the distances gives all four; the radii need half the pairs of a side. Distances
come from products of features centred on the real mean, with the answers of float64; a row within rounding of a ball's edge
is outside, as it is where the two are equal: copies of real rows lie on edges exactly. On a CPU float32 decides what it can
(bench/metrics/_neighbours.py), on a GPU all is float64.

Errors over the real rows, the radii held: density, recall and coverage are means over real rows; for precision the balls
of a block are left out. Memory: features in float64 and float32 and a few strips of 256 rows, 100 MB each at N = 50,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bench.metrics import Estimate, block_means, block_of_rows, metric, pseudo_values
from bench.metrics._cache import kept
from bench.metrics._evaluation import Evaluation
from bench.metrics._neighbours import ROUNDING, ScreenedRows, fits, kth_squared_distance, pairs_within
from bench.metrics._two_sample import prepared

STRIP = 256
K = 5
RADII_VERSION = 2  # raise it when side() changes: radii kept on disk are named by it
NAMES = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Side:
    """Centred features (N, D) and their squared radii (N,)."""

    rows: Tensor
    radii: Tensor

    @cached_property
    def norms(self) -> Tensor:
        """Return the squared norms of the rows, (N,)."""
        return self.rows.square().sum(dim=1)

    @cached_property
    def screen(self) -> ScreenedRows:
        """Return the rows for the float32 screen."""
        return ScreenedRows(self.rows.numpy())


@dataclass(frozen=True)
class Counts:
    """Counts that give the four numbers.

    balls (M, blocks): real balls of each block of rows that hold a generated row.
    """

    balls: Tensor
    held: Tensor  # (N,) generated rows in each real ball
    recalled: Tensor  # (N,) bool: in some generated ball
    k: int

    def values(self) -> dict[str, float]:
        """Return the four numbers."""
        m = len(self.balls)
        return {
            "precision": float((self.balls.sum(dim=1) > 0).double().mean()),
            "recall": float(self.recalled.double().mean()),
            "density": float(self.held.sum()) / (self.k * m),
            "coverage": float((self.held > 0).double().mean()),
        }

    def blocks(self) -> dict[str, tuple[float, ...]]:
        """Return the pseudo-values of the blocks of real rows, the radii held."""
        n, m = len(self.held), len(self.balls)
        total, value = self.balls.sum(dim=1), self.values()["precision"]
        without = [float((total - self.balls[:, b] > 0).double().mean()) for b in range(self.balls.shape[1])]
        return {
            "precision": pseudo_values(value, without),
            "recall": block_means(self.recalled),
            "density": block_means(self.held * (n / (self.k * m))),
            "coverage": block_means(self.held > 0),
        }


def prdc(real: Tensor, fake: Tensor, *, k: int = K) -> dict[str, float]:
    """Return all four for features (N, D) and (M, D); higher is better, density may pass 1."""
    real, fake = prepared(real, fake)
    centre = real.mean(dim=0)
    return count(side(real - centre, k=k), side(fake - centre, k=k), k=k).values()


def side(rows: Tensor, *, k: int) -> Side:
    """Compute the radii of centred float64 rows (N, D), each pair of strips once; keep them for a reference."""
    n = len(rows)
    if not 1 <= k < n:
        raise ValueError(f"k must be from 1 to N - 1 = {n - 1}, got {k}")
    if screened(rows):
        return Side(rows, torch.from_numpy(kth_squared_distance(rows.numpy(), k)))
    norms = rows.square().sum(dim=1)
    nearest = torch.full((n, k), float("inf"), dtype=rows.dtype, device=rows.device)
    for start in range(0, n, STRIP):
        stop = min(start + STRIP, n)
        squared = _squared(rows[start:stop], norms[start:stop], rows[start:], norms[start:])
        squared.diagonal().fill_(float("inf"))
        nearest[start:stop] = _smallest(torch.cat([nearest[start:stop], squared], dim=1), k)
        if stop < n:
            nearest[stop:] = _smallest(torch.cat([nearest[stop:], squared[:, stop - start :].T], dim=1), k)
    return Side(rows, nearest.amax(dim=1))


def _reference_side(rows: Tensor, *, k: int) -> Side:
    """Return side(), its radii kept on disk by hash where that pays: every cell of a dataset shares real rows."""
    radii = kept(f"radii/{RADII_VERSION}/k={k}", rows, lambda: {"radii": side(rows, k=k).radii})["radii"]
    return Side(rows, radii)


def count(real: Side, fake: Side, *, k: int) -> Counts:
    """Count in one pass over the strips of distances between real and generated rows."""
    blocks = block_of_rows(len(real.rows))
    if screened(real.rows, fake.rows):
        return _count_of_pairs(real, fake, blocks, k)
    balls = torch.zeros(len(fake.rows), len(blocks), dtype=torch.int64, device=real.rows.device)
    real_norms, fake_norms = real.norms * (1 + ROUNDING), fake.norms * (1 + ROUNDING)
    held, recalled = [], []
    for block, rows in enumerate(blocks):
        for start in range(rows.start, rows.stop, STRIP):
            part = slice(start, min(start + STRIP, rows.stop))
            squared = _squared(real.rows[part], real_norms[part], fake.rows, fake_norms)
            inside = squared < real.radii[part, None]
            balls[:, block] += torch.count_nonzero(inside, dim=0)
            held.append(torch.count_nonzero(inside, dim=1))
            recalled.append((squared < fake.radii).any(dim=1))
    return Counts(balls, torch.cat(held), torch.cat(recalled), k)


def _count_of_pairs(real: Side, fake: Side, blocks: list[slice], k: int) -> Counts:
    """Return count() from the list of pairs within a real ball: there are few of them."""
    n, m = len(real.rows), len(fake.rows)
    block_of = np.repeat(np.arange(len(blocks)), [b.stop - b.start for b in blocks])
    balls, held, recalled = np.zeros((m, len(blocks)), np.int64), np.zeros(n, np.int64), np.zeros(n, bool)
    for i, j, inside in pairs_within(real.screen, fake.screen, real.radii.numpy(), fake.radii.numpy()):
        np.add.at(balls.reshape(-1), j * len(blocks) + block_of[i], 1)
        np.add.at(held, i, 1)
        recalled[inside] = True
    return Counts(torch.from_numpy(balls), torch.from_numpy(held), torch.from_numpy(recalled), k)


def screened(*sides: Tensor) -> bool:
    """Say whether float32 may decide what it can: on a CPU, where it holds the squares of these rows."""
    return all(side.device.type == "cpu" and fits(side.numpy()) for side in sides)


def _squared(a: Tensor, a_norms: Tensor, b: Tensor, b_norms: Tensor) -> Tensor:
    """Return |a_i - b_j|^2, (N, M)."""
    return torch.addmm(b_norms[None, :], a, b.T, alpha=-2).add_(a_norms[:, None]).clamp_(min=0)


def _smallest(squared: Tensor, k: int) -> Tensor:
    return squared.topk(k, dim=1, largest=False, sorted=False).values


def _of(ev: Evaluation, space: str) -> dict[str, Estimate]:
    """Average all four over the draws, once for a space and board."""

    def compute() -> dict[str, Estimate]:
        sides = [prepared(ev.real_features(space), draw) for draw in ev.draw_features(space)]
        centre, n = sides[0][0].mean(dim=0), len(sides[0][0])
        k = min(K, n - 1)
        real = _reference_side(sides[0][0] - centre, k=k)
        counts = [count(real, side(fake - centre, k=k), k=k) for _, fake in sides]
        values, blocks = [c.values() for c in counts], [c.blocks() for c in counts]
        mean = {name: sum(v[name] for v in values) / len(values) for name in NAMES}
        return {
            name: Estimate(mean[name], n, tuple(sum(b) / len(b) for b in zip(*(b[name] for b in blocks))))
            for name in NAMES
        }

    return ev.memo(("prdc", space, ev.board), compute)


@metric(
    needs=("samples", "unknown_law"),
    spaces=("random", "identity", "lenet", "pca", "inception"),
    better="higher",
    unit="fraction",
)
def precision(ev: Evaluation, space: str) -> Estimate:
    """Share of generated rows inside some real row's ball of 5 neighbours; outliers fool it."""
    return _of(ev, space)["precision"]


@metric(
    needs=("samples", "unknown_law"),
    spaces=("random", "identity", "lenet", "pca", "inception"),
    better="higher",
    unit="fraction",
)
def recall(ev: Evaluation, space: str) -> Estimate:
    """Share of real rows inside some generated row's ball of 5 neighbours; scattered samples fool it."""
    return _of(ev, space)["recall"]


@metric(needs=("samples", "unknown_law"), spaces=("random", "identity", "lenet", "pca", "inception"), better="higher")
def density(ev: Evaluation, space: str) -> Estimate:
    """Real balls that hold a generated row, over k; about 1 for real data."""
    return _of(ev, space)["density"]


@metric(
    needs=("samples", "unknown_law"),
    spaces=("random", "identity", "lenet", "pca", "inception"),
    better="higher",
    unit="fraction",
)
def coverage(ev: Evaluation, space: str) -> Estimate:
    """Share of real rows whose ball holds a generated row."""
    return _of(ev, space)["coverage"]
