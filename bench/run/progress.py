"""Watch a run: what an observer is told, and how many seconds are left."""

from __future__ import annotations

import time
from typing import Protocol

from bench.plan.cell import Cell
from bench.plan.request import Plan
from bench.records.cost import Ledger
from bench.records.record import Record
from bench.run.todo import Todo


class Observer(Protocol):
    """What watches a run: a live display, or lines."""

    def planned(self, plan: Plan, todo: list[Todo], done: int) -> None:
        """Hear what will be done, and how many cells were done before."""

    def progress(self, cell: Cell, phase: str, step: int) -> None:
        """Hear where a running cell is."""

    def finished(self, cell: Cell, record: Record, seconds_left: float, node: str = "") -> None:
        """Hear that a cell has ended and its record is written; node: the machine it ran on."""

    def clocked(self, cell: Cell, done: int, of: int) -> None:
        """Hear that a cell was timed alone."""


def expected_seconds(cell: Cell, ledger: Ledger) -> float:
    """Return the core-seconds a cell is expected to take.

    What it took before, else the mean of the ledger, else 1.
    """
    known = ledger.get((cell.suite, cell.model["id"], cell.dataset["id"]))
    return known if known is not None else sum(ledger.values()) / len(ledger) if ledger else 1.0


class TimeLeft:
    """Seconds left: what the ledger expects, scaled by how the finished cells compared with it."""

    def __init__(self, todo: list[Todo], jobs: int, ledger: Ledger) -> None:
        self.expected = [expected_seconds(one.cell, ledger) if one.action == "train" else 0.5 for one in todo]
        self.left, self.jobs = sum(self.expected), max(jobs, 1)
        self.done, self.start = 0.0, time.monotonic()

    def after(self, index: int) -> float:
        """Return the seconds left once the cell of this index has ended."""
        self.left -= self.expected[index]
        self.done += self.expected[index]
        return self.left * (time.monotonic() - self.start) / self.done
