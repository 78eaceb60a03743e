"""The scales on which metrics are compared: raw, logarithm, logit."""

from __future__ import annotations

import math

FLOOR = 1e-6  # values at or below it count as this on the log scale, and 1 - it is the logit's ceiling
HUGE = 690.0  # exp of it is still a number
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
