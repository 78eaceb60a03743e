"""Time to quality: the first look at the public board that is as good as the suite's target."""

from __future__ import annotations

import math
from typing import Any

from bench.metrics._score import better_of
from bench.plan.cell import Cell
from bench.records.record import Record
from bench.run.training import Training


def to_quality(cell: Cell, training: Training, final: float | None) -> dict[str, Any] | None:
    """Return {"target", "steps", "seconds"}.

    Steps and seconds are None where the target was never reached.

    final: the board's own score after training. None where the suite has no target for the dataset, or the model no such score.
    """
    if cell.target is None or final is None:
        return None
    sign = 1 if better_of(cell.dataset["primary"]) == "lower" else -1
    looks = [*zip(training.probes, training.probe_seconds), ((training.steps, final), training.seconds)]
    for (step, value), seconds in looks:
        if math.isfinite(value) and sign * value <= sign * cell.target:
            return {"target": cell.target, "steps": step, "seconds": round(seconds, 4)}
    return {"target": cell.target, "steps": None, "seconds": None}


def quality_of(cell: Cell, training: Training, record: Record) -> dict[str, Any] | None:
    """Return `to_quality` for a scored record."""
    final = record["metrics"]["public"].get(cell.dataset["primary"])
    return to_quality(cell, training, final["value"] if final else None)
