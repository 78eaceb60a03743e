"""What the gate says: a verdict about one subject of one row, and the order of verdicts."""

from __future__ import annotations

from dataclasses import dataclass

RED = ("regression", "error")
VERDICTS = ("error", "regression", "inconclusive", "note", "within", "same")  # the gravest first


@dataclass(frozen=True)
class Finding:
    """A verdict of VERDICTS about one subject (a metric, speed, memory, status) of one row, in words."""

    row: str
    subject: str
    verdict: str
    words: str
    size: float = 0.0  # how bad, for sorting
