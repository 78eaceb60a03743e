"""Welch's test of a difference, of two rows of a board, and of all pairs of its rows.

    t = d / se,   se^2 = sum of v_i,   df = (sum of v_i)^2 / sum of (v_i^2 / df_i)        (1)

d is a difference on the metric's scale; each part v_i is the variance of a mean with df_i degrees of freedom. Rows of one
board are measured on the same held-out rows: their part is the variance of the paired difference, so that what the blocks
of rows have in common cancels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench.leaderboard.centre import Centre, sum_of_squares, variance_of_mean
from bench.leaderboard.student import Parts, satterthwaite, t_quantile, t_tail

PAIRS_AT_ONCE = 20_000  # their blocks fill a few MB


@dataclass(frozen=True)
class Difference:
    """A difference on a scale, its standard error, and the degrees of freedom of that error.

    se is None where it cannot be known.
    """

    value: float
    se: float | None
    df: float = math.inf

    @property
    def p(self) -> float | None:
        """Return the two-sided p-value that the difference is 0; None without a standard error."""
        return None if self.se is None else min(1.0, 2 * self._tail(abs(self.value), self.se))

    @property
    def p_above(self) -> float | None:
        """Return the one-sided p-value, small where the difference is surely above 0.

        None without a standard error.
        """
        return None if self.se is None else self._tail(self.value, self.se)

    def _tail(self, value: float, se: float) -> float:
        """Return P(T > value / se); where nothing scatters, 0 for a value above 0 and else 1."""
        return float(t_tail(value / se, self.df)) if se > 0 else float(value <= 0)

    def interval(self, tail: float = 0.025) -> tuple[float, float] | None:
        """Return both confidence limits, each left out with this probability; None without a standard error."""
        if self.se is None:
            return None
        half = t_quantile(1 - tail, self.df) * self.se
        return self.value - half, self.value + half


def difference(value: float, parts: Parts) -> Difference:
    """Return a difference with the standard error of eq. (1), from the parts of its variance."""
    return Difference(value, math.sqrt(sum(variance for variance, _ in parts)), float(satterthwaite(parts)))


def compare(a: Centre, b: Centre) -> Difference:
    """Return a - b on the metric's scale, over seeds, with the row variance of their paired difference."""
    value = a.scaled - b.scaled
    if a.se is None or b.se is None:
        return Difference(value, None)
    parts = [(a.seed_variance or 0.0, a.n_seeds - 1), (b.seed_variance or 0.0, b.n_seeds - 1)]
    if len(a.blocks) == len(b.blocks) and a.blocks:
        paired = [x - y for x, y in zip(a.blocks, b.blocks)]
        parts.append((variance_of_mean(paired), len(paired) - 1))
    else:
        parts += [(a.row_variance, len(a.blocks) - 1), (b.row_variance, len(b.blocks) - 1)]
    return difference(value, parts)


@lru_cache(maxsize=8)
def pairs_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return both positions of all pairs i < j, in the order of itertools.combinations.

    The arrays are shared: do not write to them.
    """
    first, second = np.triu_indices(count, k=1)
    return first, second


def compare_pairs(centres: Sequence[Centre]) -> tuple[np.ndarray, np.ndarray]:
    """Compare all pairs i < j: (values, two-sided p), each (M (M - 1) / 2,).

    The pairs stand in the order of itertools.combinations.

    p is 1 where it cannot be known. Pairs of one board share their blocks of rows, so that all are done at once.
    """
    count = len(centres)
    if count < 2:
        return np.empty(0), np.empty(0)
    first, second = pairs_of(count)
    scaled = np.array([c.scaled for c in centres])
    values = scaled[first] - scaled[second]
    if any(c.se is None for c in centres) or len({len(c.blocks) for c in centres}) > 1:
        p_values = [compare(centres[i], centres[j]).p for i, j in zip(first, second)]
        return values, np.array([1.0 if p is None else p for p in p_values])
    seeds = np.array([c.seed_variance or 0.0 for c in centres])
    freedom = np.array([c.n_seeds - 1 for c in centres])
    rows, rows_freedom = _paired_variances(np.array([c.blocks for c in centres], dtype=float), first, second)
    parts = [(seeds[first], freedom[first]), (seeds[second], freedom[second]), (rows, rows_freedom)]
    return values, _two_sided(values, np.sqrt(sum(variance for variance, _ in parts)), satterthwaite(parts))


def _paired_variances(blocks: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the row variance of each pair's difference, and its degrees of freedom.

    blocks: (M, blocks of rows).
    """
    size, variances = blocks.shape[1], np.zeros(len(first))
    if size > 1:
        for start in range(0, len(first), PAIRS_AT_ONCE):
            some = slice(start, start + PAIRS_AT_ONCE)
            variances[some] = sum_of_squares(blocks[first[some]] - blocks[second[some]]) / (size - 1) / size
    return variances, size - 1


def _two_sided(value: np.ndarray, se: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Return `Difference.p` of many differences at once."""
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = np.where(se > 0, t_tail(np.abs(value) / se, df), value == 0)
    return np.minimum(1.0, 2 * tail)
