"""Intervals as bars: positions in percent of a column, on the metric's own scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from bench.leaderboard.row import Row
from bench.render.axis import Axis, axis_of


@dataclass(frozen=True)
class Bar:
    """A drawn interval in percent of its column: centre, left end, and width (0: there is no interval)."""

    centre: float
    left: float
    width: float


def bar_axis(rows: Sequence[Row], *, log: bool) -> Axis | None:
    """Span 0..100 over all intervals, cut where an interval is much wider than the spread of the centres."""
    centres = [r.centre for r in rows if _finite(r.centre)]
    if not centres:
        return None
    log = log and min(centres) > 0
    move, back = (math.log, math.exp) if log else (float, float)
    low, high = min(map(move, centres)), max(map(move, centres))
    room = 0.35 * (high - low) or abs(high) * 0.1 or 1.0
    ends = [end for row in rows for end in (row.ci_low, row.ci_high) if _finite(end) and (end > 0 or not log)]
    held = [back(min(max(move(end), low - room), high + room)) for end in ends]
    return axis_of(centres + held, 0, 100, log=log, pad=0.03)


def bar_of(row: Row | None, axis: Axis | None) -> Bar | None:
    """Place a row's bar; None without a finite centre."""
    if row is None or axis is None or not _finite(row.centre):
        return None
    centre = axis.at(row.centre)
    if not _finite(row.ci_low) or not _finite(row.ci_high):
        return Bar(centre, centre, 0.0)
    left, right = (min(max(axis.at(v), 0.0), 100.0) for v in (row.ci_low, row.ci_high))
    return Bar(centre, left, round(right - left, 1))


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
