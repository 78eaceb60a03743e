"""Decide what is still to do for each cell of a plan: train, rescore, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bench.plan.cell import Cell
from bench.plan.request import Plan
from bench.records.record import FAILED, Record
from bench.records.store import Store


@dataclass(frozen=True, slots=True)
class Todo:
    """A cell and what it needs: "train", or "rescore" when only a metric changed. attempt: how often it was trained, with this."""

    cell: Cell
    action: str
    attempt: int = 1


def todo_list(plan: Plan, store: Store, *, rerun: str = "missing") -> list[Todo]:
    """List what is still to do. A cell is done when its record has the expected key and its artifact is here."""
    todo = []
    for cell in plan.cells:
        record = store.get(cell)
        action = _action(cell, record, store, rerun)
        if action:
            again = record is not None and record["key"] == cell.key
            todo.append(Todo(cell, action, record.get("attempt", 1) + 1 if record and again else 1))
    return todo


def _action(cell: Cell, record: Record | None, store: Store, rerun: str) -> str:
    if record is None or rerun == "all" or record["key"] != cell.key:
        return "train"
    if record["status"] in FAILED:
        return "train" if rerun == "failed" else ""
    if record["status"] == "diverged":
        return ""
    artifact = store.artifact_path(cell)
    stored = next((a for a in record["artifacts"] if a["role"] == "outputs"), None)
    if stored is None or not artifact.exists() or artifact.stat().st_size != stored["bytes"]:
        return "train"
    return "" if record["protocol"]["metric_versions"] == cell.metrics else "rescore"
