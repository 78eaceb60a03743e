"""Standard errors, intervals and tests, on the scale that a metric declares.

    SE^2 = s^2 / k + v     s^2: variance over k training seeds;  v: variance over the held-out rows (jackknife blocks)

Both parts are of the centre on the metric's scale. Degrees of freedom after Welch and Satterthwaite; pairs of models are
compared on the same blocks of rows, so that what the rows have in common cancels; Holm's correction within a board.

An interval holds its centre, has width, and stays within the ends of the metric. Where a share is 0 or 1 for every seed nothing scatters,
and the interval is Clopper and Pearson's (1934) of so many rows; where nothing scatters and there is no such share, there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.leaderboard.scales import FLOOR, from_scale, slope, to_scale
from bench.leaderboard.student import satterthwaite, t_quantile

ROUNDING = 1e-12  # of a centre on its scale: what scatters less, does not


@dataclass(frozen=True)
class Centre:
    """A model's result on one board, on the metric's scale; only `centre` is in its unit.

    seed_variance: s^2 / k, None with one seed. blocks: pseudo-values of the blocks of rows, averaged over seeds; none where they are
    all alike. rows: that a share was counted from. low, high: the ends of the metric's values, None where it has none.
    """

    centre: float
    scaled: float
    scale: str
    n_seeds: int
    seed_variance: float | None
    row_variance: float
    blocks: tuple[float, ...]
    floor: float = FLOOR
    rows: int = 0
    low: float | None = None
    high: float | None = None

    @property
    def at_an_end(self) -> bool:
        """Say whether this is a share that was 0 or 1 for every seed, so that it scatters nowhere."""
        end = self.scale == "logit" and self.rows > 0 and self.centre in (0.0, 1.0)
        return end and not self.seed_variance

    @property
    def se(self) -> float | None:
        """Standard error on the metric's scale; None where it cannot be known."""
        if self.seed_variance is None and not self.blocks:
            return None
        return math.sqrt((self.seed_variance or 0.0) + self.row_variance)

    @property
    def scatters(self) -> bool:
        """Say whether there is a standard error beyond the rounding of the centre."""
        return self.se is not None and self.se > ROUNDING * max(1.0, abs(self.scaled))

    @property
    def raw_se(self) -> float | None:
        """Standard error in the metric's unit (delta method); None where nothing scatters."""
        return None if not self.scatters else (self.se or 0.0) / slope(self.centre, self.scale, self.floor)

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Two-sided interval in the metric's unit, made on its scale; None where nothing scatters."""
        tail = (1 - level) / 2
        if self.at_an_end:
            width = 1 - tail ** (1 / self.rows)
            return (0.0, width) if self.centre == 0 else (1 - width, 1.0)
        if self.se is None or not self.scatters:
            return None
        parts = [(self.seed_variance or 0.0, self.n_seeds - 1), (self.row_variance, len(self.blocks) - 1)]
        half = t_quantile(1 - tail, satterthwaite(parts)) * self.se
        low, high = (from_scale(end, self.scale) for end in (self.scaled - half, self.scaled + half))
        if self.low is not None:
            low = max(low, self.low)
        if self.high is not None:
            high = min(high, self.high)
        return min(low, self.centre), max(high, self.centre)  # a centre beyond the floor of its scale


def summarise(
    values: Sequence[float],
    blocks: Sequence[Sequence[float]],
    scale: str,
    n: int = 0,
    *,
    errors: Sequence[float | None] = (),
    ends: tuple[float | None, float | None] = (None, None),
) -> Centre:
    """values: one per seed, in the metric's unit. blocks.

    One list of pseudo-values per seed (lists may be empty).

    values: one per seed, in the metric's unit. blocks: one list of pseudo-values per seed (lists may be empty).
    n: rows that a share was counted from. A share of 0 or 1 of them counts as half a row away from it on the logit scale.
    errors: each seed's standard error over the rows, where it is not that of the blocks (bench/metrics/_blocks.py). ends: of the values.
    """
    floor = 0.5 / (n + 1) if scale == "logit" and n else FLOOR
    scaled = [to_scale(v, scale, floor) for v in values]
    mean, k = math.fsum(scaled) / len(scaled), len(scaled)
    seeds = math.fsum((v - mean) ** 2 for v in scaled) / (k - 1) / k if k > 1 else None
    centre = values[0] if len(set(values)) == 1 else from_scale(mean, scale)
    averaged = np.empty(0)
    if all(blocks) and len({len(b) for b in blocks}) == 1:
        averaged = np.add.reduce(np.array(blocks, dtype=float), axis=0) / len(blocks) * slope(centre, scale, floor)
    rows, at_end = variance_of_mean(averaged), scale == "logit" and n > 0 and centre in (0.0, 1.0) and not seeds
    alike = not rows > (ROUNDING * float(np.abs(averaged).max(initial=0.0))) ** 2
    kept = () if alike or at_end else tuple(averaged.tolist())
    rows = rows * _counted_once(blocks, errors) if kept else slope(centre, scale, floor) / n if at_end else 0.0
    return Centre(centre, mean, scale, k, seeds, rows, kept, floor, n, *ends)


def _counted_once(blocks: Sequence[Sequence[float]], errors: Sequence[float | None]) -> float:
    """Return the share of the blocks' variance that is left of it in the errors, from a half to 1."""
    counted = sum(variance_of_mean(each) for each in blocks)
    if len(errors) != len(blocks) or not all(errors) or not counted > 0:
        return 1.0
    return min(1.0, max(0.5, sum(error * error for error in errors if error) / counted))


def variance_of_mean(blocks: Sequence[float] | np.ndarray) -> float:
    """Return the variance of the blocks' mean; 0 for fewer than two blocks."""
    count = len(blocks)
    return float(sum_of_squares(np.asarray(blocks)) / (count - 1) / count) if count > 1 else 0.0


def sum_of_squares(x: np.ndarray) -> np.ndarray:
    """Sum the squared deviations from the mean over the last axis, in np.var's steps but cheaper to call."""
    x = x - np.add.reduce(x, axis=-1, keepdims=True) / x.shape[-1]
    return np.add.reduce(x * x, axis=-1)
