"""The scales on which metrics are compared: raw, logarithm, logit."""

from __future__ import annotations

import math

from bench.registry import entries

FLOOR = 1e-6  # a value at or below FLOOR counts as FLOOR on a log scale; a logit scale ends at FLOOR and 1 - FLOOR
HUGE = 690.0  # exp(HUGE) is still a finite float


def to_scale(value: float, scale: str, floor: float = FLOOR) -> float:
    """Put a value on a scale; floor keeps it away from where the log and logit scales have no end."""
    if scale == "log":
        return math.log(max(value, floor))
    if scale == "logit":
        inside = min(max(value, floor), 1 - floor)
        return math.log(inside / (1 - inside))
    return value


def from_scale(value: float, scale: str) -> float:
    """Invert to_scale."""
    if scale == "log":
        return math.exp(min(value, HUGE))
    return 1 / (1 + math.exp(min(-value, HUGE))) if scale == "logit" else value


def slope(value: float, scale: str, floor: float = FLOOR) -> float:
    """Return the derivative of to_scale at a value: the delta method's factor."""
    if scale == "log":
        return 1 / max(value, floor)
    if scale == "logit":
        inside = min(max(value, floor), 1 - floor)
        return 1 / (inside * (1 - inside))
    return 1.0


def metric_scale(name: str) -> str:
    """Read the scale that a metric's file declares; "raw" for a metric that is gone."""
    known = entries("metric")
    return known[name].constants.get("scale", "raw") if name in known else "raw"
