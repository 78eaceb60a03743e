"""Did it collapse? 1 where training diverged or fewer than half of the modes were captured, else 0."""

from __future__ import annotations

from bench.reproductions.measure import Column, Fitted

COLUMNS = {"collapsed": Column("share of runs that collapsed", better="lower", scale="share")}


def measure(fitted: Fitted) -> dict[str, float]:
    """collapsed: 0 or 1. Modes as modes_captured counts them on the private board."""
    if fitted.model is None:
        return {"collapsed": 1.0}
    captured = fitted.metrics["modes_captured"]
    return {"collapsed": float(captured < fitted.dataset.n_modes / 2)}
