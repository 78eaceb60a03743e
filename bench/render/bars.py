"""Intervals as bars: positions in percent of a column, on the metric's own scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bench.render.axis import Axis, axis_of

Row = dict[str, Any]  # of the tidy frame: centre, ci_low, ci_high, None where absent


@dataclass(frozen=True)
class Bar:
    """Percent of the column's width: centre, left end and width of the interval; width 0 where there is none."""

    centre: float
    left: float
    width: float


def bar_axis(rows: list[Row], *, log: bool) -> Axis | None:
    """0..100 over all intervals, cut where an interval is much wider than the spread of the centres."""
    centres = [r["centre"] for r in rows if _finite(r["centre"])]
    if not centres:
        return None
    log = log and min(centres) > 0
    move, back = (math.log, math.exp) if log else (float, float)
    low, high = min(map(move, centres)), max(map(move, centres))
    room = 0.35 * (high - low) or abs(high) * 0.1 or 1.0
    ends = list(centres)
    for row in rows:
        for end in (row["ci_low"], row["ci_high"]):
            if _finite(end) and (end > 0 or not log):
                ends.append(back(min(max(move(end), low - room), high + room)))
    return axis_of(ends, 0, 100, log=log, pad=0.03)


def bar_of(row: Row | None, axis: Axis | None) -> Bar | None:
    """A row's bar; None without a finite centre."""
    if row is None or axis is None or not _finite(row["centre"]):
        return None
    centre = axis.at(row["centre"])
    if not _finite(row["ci_low"]) or not _finite(row["ci_high"]):
        return Bar(centre, centre, 0.0)
    left, right = (min(max(axis.at(v), 0.0), 100.0) for v in (row["ci_low"], row["ci_high"]))
    return Bar(centre, left, round(right - left, 1))


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
