"""Welch's test of two rows and of all pairs of rows, with what their blocks of held-out rows have in common cancelled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench.leaderboard.centre import Centre, _sum_of_squares, _variance_of_mean
from bench.leaderboard.student import satterthwaite, t_tail

PAIRS_AT_ONCE = 20_000  # their blocks fill a few MB


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
