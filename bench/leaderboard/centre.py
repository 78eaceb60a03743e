"""Standard errors, intervals and tests, on the scale that a metric declares.

    SE^2 = s^2 / k + v     s^2: variance over k training seeds;  v: variance over the held-out rows (jackknife blocks)

Both parts are of the centre on the metric's scale. Degrees of freedom after Welch and Satterthwaite; pairs of models are
compared on the same blocks of rows, so that what the rows have in common cancels; Holm's correction within a board.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.leaderboard.scales import FLOOR, from_scale, slope, to_scale
from bench.leaderboard.student import satterthwaite, t_quantile


@dataclass(frozen=True)
class Centre:
    """A model's result on one board, on the metric's scale; only `centre` is in its unit.

    seed_variance: s^2 / k, None with one seed. blocks: pseudo-values of the blocks of rows, averaged over seeds.
    """

    centre: float
    scaled: float
    scale: str
    n_seeds: int
    seed_variance: float | None
    row_variance: float
    blocks: tuple[float, ...]
    floor: float = FLOOR

    @property
    def se(self) -> float | None:
        """Standard error on the metric's scale; None where it cannot be known."""
        if self.seed_variance is None and not self.blocks:
            return None
        return math.sqrt((self.seed_variance or 0.0) + self.row_variance)

    @property
    def raw_se(self) -> float | None:
        """Standard error in the metric's unit (delta method)."""
        return None if self.se is None else self.se / slope(self.centre, self.scale, self.floor)

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Two-sided interval in the metric's unit, made on its scale; None where there is no standard error."""
        if self.se is None:
            return None
        parts = [(self.seed_variance or 0.0, self.n_seeds - 1), (self.row_variance, len(self.blocks) - 1)]
        half = t_quantile(0.5 + level / 2, satterthwaite(parts)) * self.se
        return from_scale(self.scaled - half, self.scale), from_scale(self.scaled + half, self.scale)


def summarise(values: Sequence[float], blocks: Sequence[Sequence[float]], scale: str, n: int = 0) -> Centre:
    """Average a model's seeds on the metric's scale, with the variance over seeds and over held-out rows.

    values: one per seed, in the metric's unit. blocks: one list of pseudo-values per seed (lists may be empty).
    n: rows that a share was counted from. A share of 0 or 1 of them counts as half a row away from it on the logit scale.
    """
    floor = 0.5 / (n + 1) if scale == "logit" and n else FLOOR
    scaled = [to_scale(v, scale, floor) for v in values]
    mean, k = math.fsum(scaled) / len(scaled), len(scaled)
    seeds = math.fsum((v - mean) ** 2 for v in scaled) / (k - 1) / k if k > 1 else None
    centre = values[0] if len(set(values)) == 1 else from_scale(mean, scale)
    averaged = np.empty(0)
    if all(blocks) and len({len(b) for b in blocks}) == 1:
        averaged = np.add.reduce(np.array(blocks, dtype=float), axis=0) / len(blocks) * slope(centre, scale, floor)
    return Centre(centre, mean, scale, k, seeds, variance_of_mean(averaged), tuple(averaged.tolist()), floor)


def variance_of_mean(blocks: Sequence[float] | np.ndarray) -> float:
    """Return the variance of the blocks' mean; 0 for fewer than two blocks."""
    count = len(blocks)
    return float(sum_of_squares(np.asarray(blocks)) / (count - 1) / count) if count > 1 else 0.0


def sum_of_squares(x: np.ndarray) -> np.ndarray:
    """Sum the squared deviations from the mean over the last axis, in np.var's steps but cheaper to call."""
    x = x - np.add.reduce(x, axis=-1, keepdims=True) / x.shape[-1]
    return np.add.reduce(x * x, axis=-1)
