"""Decide what is still to do for each cell of a plan: train, rescore, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.plan.cell import Cell
from bench.plan.request import Plan
from bench.records.record import FAILED, Record
from bench.records.store import Store
from bench.records.versions import versions_of


@dataclass(frozen=True, slots=True)
class Todo:
    """A cell and what it needs: "train", or "rescore" when only a metric changed.

    attempt: how often it was trained, with this.
    without_samples: its record is here and good, but its outputs are not: they stayed on the machine that made them.
    """

    cell: Cell
    action: str
    attempt: int = 1
    without_samples: bool = False


def todo_list(plan: Plan, store: Store, *, rerun: str = "missing", keep_stored: bool = False) -> list[Todo]:
    """List what is still to do: a cell is done when its record has today's key and its outputs are here.

    keep_stored: a record with all of today's metrics is enough.
    """
    todo = []
    for cell in plan.cells:
        record = store.get(cell)
        if record is None or rerun == "all" or record["key"] != cell.key or not same_libraries(cell, record, store.out):
            todo.append(Todo(cell, "train", _attempt(cell, record)))
            continue
        bare = record["status"] == "ok" and not _has_outputs(cell, record, store)
        action = "train" if bare else _action(cell, record, rerun)
        if action and not (bare and keep_stored and _is_scored(cell, record)):
            todo.append(Todo(cell, action, _attempt(cell, record), bare))
    return todo


def _attempt(cell: Cell, record: Record | None) -> int:
    return record.get("attempt", 1) + 1 if record is not None and record["key"] == cell.key else 1


def same_libraries(cell: Cell, record: Record, out: Path) -> bool:
    """Tell whether a record was made with today's libraries that its model imports, as far as is known."""
    wanted = cell.model.get("libraries", {})
    made_with = versions_of(record, out) if wanted else {}
    return all(made_with.get(name, version) == version for name, version in wanted.items())


def _action(cell: Cell, record: Record, rerun: str) -> str:
    """Say what a cell needs whose record is of today's key, and whose outputs are here if it has any."""
    if record["status"] in FAILED:
        return "train" if rerun == "failed" else ""
    return "" if record["status"] == "diverged" or _is_scored(cell, record) else "rescore"


def _is_scored(cell: Cell, record: Record) -> bool:
    return record["protocol"]["metric_versions"] == cell.metrics


def _has_outputs(cell: Cell, record: Record, store: Store) -> bool:
    artifact = store.artifact_path(cell)
    stored = next((a for a in record["artifacts"] if a["role"] == "outputs"), None)
    return stored is not None and artifact.exists() and artifact.stat().st_size == stored["bytes"]
