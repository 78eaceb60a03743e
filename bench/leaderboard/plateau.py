"""Tell of a row whether its curves on the public board were flat at the end: over its seeds, pooled.

    still improving:  mean gain > FLAT_BELOW,  and  t = mean / (s / sqrt(k)) above its 95 % point of k - 1 degrees    (1)

gain: of each seed over the last fifth of its training (bench/run/plateau.py). One seed has said itself what it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median_high
from typing import Any

from bench.leaderboard.ranks import ALPHA
from bench.leaderboard.row import Curve
from bench.leaderboard.student import t_tail
from bench.records.record import FLAT_BELOW, Record


def curve_of(records: Sequence[Record]) -> Curve:
    """Pool the plateaus that a row's seeds state; a seed that failed states none."""
    stated: list[dict[str, Any]] = [p for r in records if r["status"] == "ok" and (p := r["training"].get("plateau"))]
    if not stated:
        return Curve()
    gains = [one["gain"] for one in stated]
    gain = math.fsum(gains) / len(gains)
    flat = stated[0]["flat"] if len(gains) == 1 else not (gain > FLAT_BELOW and p_above(gains) < ALPHA)
    steps = [one["flat_at"] for one in stated if one["flat_at"] is not None]
    return Curve(flat, gain, median_high(steps) if flat and steps else None)


def p_above(values: Sequence[float]) -> float:
    """Return the one-sided p-value of Student's t that the mean of at least two values is above 0."""
    count, mean = len(values), math.fsum(values) / len(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    if squares == 0:
        return float(mean <= 0)
    return float(t_tail(mean / math.sqrt(squares / (count - 1) / count), count - 1))
