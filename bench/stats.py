"""Standard errors, intervals and tests, on the scale that a metric declares.

    SE^2 = s^2 / k + v     s^2: variance over k training seeds;  v: variance over the held-out rows (jackknife blocks)

Both parts are of the centre on the metric's scale. Degrees of freedom after Welch and Satterthwaite; pairs of models are
compared on the same blocks of rows, so that what the rows have in common cancels; Holm's correction within a board.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

FLOOR = 1e-6  # values at or below it count as this on the log scale, and 1 - it is the logit's ceiling
HUGE = 690.0  # exp of it is still a number
PAIRS_AT_ONCE = 20_000  # their blocks fill a few MB

SCALES = ("raw", "log", "logit")


def to_scale(value: float, scale: str, floor: float = FLOOR) -> float:
    """A value on "raw", "log" or "logit" scale; floor keeps it away from where the scale has no end."""
    if scale == "log":
        return math.log(max(value, floor))
    if scale == "logit":
        inside = min(max(value, floor), 1 - floor)
        return math.log(inside / (1 - inside))
    return value


def from_scale(value: float, scale: str) -> float:
    """The inverse of to_scale."""
    if scale == "log":
        return math.exp(min(value, HUGE))
    return 1 / (1 + math.exp(min(-value, HUGE))) if scale == "logit" else value


def slope(value: float, scale: str, floor: float = FLOOR) -> float:
    """Derivative of to_scale at a value: the delta method's factor."""
    if scale == "log":
        return 1 / max(value, floor)
    if scale == "logit":
        inside = min(max(value, floor), 1 - floor)
        return 1 / (inside * (1 - inside))
    return 1.0


@dataclass(frozen=True)
class Centre:
    """A model's result on one board: everything on the metric's scale except `centre` itself, which is in its unit.

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
    """values: one per seed, in the metric's unit. blocks: one list of pseudo-values per seed (lists may be empty).

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
    return Centre(centre, mean, scale, k, seeds, _variance_of_mean(averaged), tuple(averaged.tolist()), floor)


def _variance_of_mean(blocks: Sequence[float] | np.ndarray) -> float:
    count = len(blocks)
    return float(_sum_of_squares(np.asarray(blocks)) / (count - 1) / count) if count > 1 else 0.0


def _sum_of_squares(x: np.ndarray) -> np.ndarray:
    """Squared deviations from the mean, summed over the last axis: np.var's own steps, which cost more to call than to do."""
    x = x - np.add.reduce(x, axis=-1, keepdims=True) / x.shape[-1]
    return np.add.reduce(x * x, axis=-1)


@dataclass(frozen=True)
class Difference:
    """a - b on the metric's scale, its standard error, and the two-sided p-value; p is None where it cannot be known."""

    value: float
    se: float | None
    p: float | None
    df: float = math.inf  # degrees of freedom of se


def compare(a: Centre, b: Centre) -> Difference:
    """Welch's test of two models over seeds, with the row variance of their paired difference."""
    value = a.scaled - b.scaled
    if a.se is None or b.se is None:
        return Difference(value, None, None)
    parts = [(a.seed_variance or 0.0, a.n_seeds - 1), (b.seed_variance or 0.0, b.n_seeds - 1)]
    if len(a.blocks) == len(b.blocks) and a.blocks:
        paired = [x - y for x, y in zip(a.blocks, b.blocks)]
        parts.append((_variance_of_mean(paired), len(paired) - 1))
    else:
        parts += [(a.row_variance, len(a.blocks) - 1), (b.row_variance, len(b.blocks) - 1)]
    se = math.sqrt(math.fsum(variance for variance, _ in parts))
    if se == 0.0:
        return Difference(value, se, 1.0 if value == 0.0 else 0.0)
    df = satterthwaite(parts)
    return Difference(value, se, 2 * t_tail(abs(value) / se, df), df)


@lru_cache(maxsize=8)
def pairs_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Both positions of all pairs i < j, in the order of itertools.combinations; shared, not to be written to."""
    first, second = np.triu_indices(count, k=1)
    return first, second


def compare_pairs(centres: Sequence[Centre]) -> tuple[np.ndarray, np.ndarray]:
    """`compare` of all pairs i < j, in the order of itertools.combinations: (values, p), each (M (M - 1) / 2,).

    p is 1 where it cannot be known. Pairs of one board share their blocks of rows, so that all are done at once.
    """
    count = len(centres)
    if count < 2:
        return np.empty(0), np.empty(0)
    first, second = pairs_of(count)
    values = np.array([c.scaled for c in centres])
    values = values[first] - values[second]
    if any(c.se is None for c in centres) or len({len(c.blocks) for c in centres}) > 1:
        tests = [compare(centres[i], centres[j]) for i, j in zip(first, second)]
        return values, np.array([1.0 if test.p is None else test.p for test in tests])
    blocks = np.array([c.blocks for c in centres], dtype=float)
    size = blocks.shape[1] if blocks.ndim == 2 else 0
    rows = np.zeros(len(first))
    for start in range(0, len(first) if size > 1 else 0, PAIRS_AT_ONCE):
        some = slice(start, start + PAIRS_AT_ONCE)
        rows[some] = _sum_of_squares(blocks[first[some]] - blocks[second[some]]) / (size - 1) / size
    seeds = np.array([c.seed_variance or 0.0 for c in centres])
    freedom = np.array([c.n_seeds - 1 for c in centres])
    parts = [(seeds[first], freedom[first]), (seeds[second], freedom[second]), (rows, size - 1)]
    return values, _p_values(values, [(v, np.broadcast_to(df, v.shape)) for v, df in parts])


def _p_values(values: np.ndarray, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Two-sided p of Welch's test for arrays of differences and of the parts of their variances."""
    from scipy.special import ndtr, stdtr

    total = sum(variance for variance, _ in parts)
    below = sum(np.where(df > 0, variance**2 / np.maximum(df, 1), 0.0) for variance, df in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(values) / np.sqrt(total)
        df = np.where(below > 0, total**2 / below, np.inf)
    known = np.where(np.isinf(df), ndtr(-t), stdtr(np.where(np.isinf(df), 1.0, df), -t))
    return np.where(total > 0, 2 * known, (values == 0).astype(float))


def satterthwaite(parts: Sequence[tuple[float, int]]) -> float:
    """Degrees of freedom of a sum of independent variance estimates, each (variance, its degrees of freedom)."""
    total = math.fsum(variance for variance, _ in parts)
    below = math.fsum(variance**2 / df for variance, df in parts if df > 0 and variance > 0)
    return total**2 / below if below > 0 else math.inf


def t_quantile(p: float, df: float) -> float:
    """Quantile of Student's t."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(p) if math.isinf(df) else stdtrit(df, p))


def t_tail(t: float, df: float) -> float:
    """P(T > t) of Student's t."""
    from scipy.special import ndtr, stdtr

    return float(ndtr(-t) if math.isinf(df) else stdtr(df, -t))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, np.arange(len(p), 0, -1) * p[order]))
    return adjusted.tolist()
