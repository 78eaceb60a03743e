"""Tell whether a run's curve on the public board was flat at its end, or still improving.

    gain = (a - b) / scale        a, b: mean of the looks in the last fifth but one, and in the last fifth, of the steps   (1)

The sign is turned where higher is better. scale makes a share of the difference: where the metric is compared by ratios (a log
scale) the larger of a and b; elsewhere, where values may be near 0 or below it, the distance between the worst and the best look,
but at least the standard error of the board's own value, so that noise about a constant is no share of itself.

A run was still improving where its gain is above FLAT_BELOW and above two of those standard errors. It was flat from the first
look on that no later look beats by as much. Several seeds of a row are pooled by bench/leaderboard/plateau.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.records.record import FLAT_BELOW
from bench.registry import entries

ERRORS = 2.0  # standard errors of the board's value that a single run must gain
Looks = Sequence[tuple[int, float]]  # (step, value)


def plateau_of(
    looks: Looks, steps: int, *, better: str, ratios: bool = False, se: float | None = None
) -> dict[str, Any] | None:
    """Return {"flat", "gain", "flat_at"} of a curve; None without a look in each of the last two fifths.

    looks: in the order of steps, the values finite. ratios: the metric is compared by ratios. se: standard error of the board's
    value, None where it has none. gain: eq. (1), negative where the curve got worse. flat_at: a step, None where it was improving.
    """
    sign = 1.0 if better == "lower" else -1.0
    falling = [(step, sign * value) for step, value in looks]  # lower is better
    before = [value for step, value in falling if 3 * steps < 5 * step <= 4 * steps]
    last = [value for step, value in falling if 5 * step > 4 * steps]
    if not before or not last:
        return None
    a, b = _mean(before), _mean(last)
    values = [value for _, value in falling]
    noise = se if se is not None and math.isfinite(se) else 0.0
    scale = max(abs(a), abs(b)) if ratios else max(max(values) - min(values), noise)
    enough = max(FLAT_BELOW * scale, ERRORS * noise)
    flat = a - b <= enough
    gain = (a - b) / scale if scale > 0 else 0.0
    return {"flat": flat, "gain": float(f"{gain:.4g}"), "flat_at": _flat_at(falling, enough) if flat else None}


def is_compared_by_ratios(metric: str) -> bool:
    """Say whether a metric's file declares a log scale; False for a metric that is gone."""
    known = entries("metric")
    return metric in known and known[metric].constants.get("scale") == "log"


def _flat_at(falling: Looks, enough: float) -> int:
    """Return the step of the first look that no later one is below by more than `enough`."""
    lowest, at = falling[-1][1], falling[-1][0]
    for step, value in reversed(falling):
        lowest = min(lowest, value)
        if value - lowest > enough:
            break
        at = step
    return at


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
