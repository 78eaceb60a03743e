"""Run a search: its trials are cells of a store of their own, and what came of them is one file.

A trial that is finished is never run again: neither one whose cell is here, nor one that the stored file tells of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.files import finite
from bench.plan.cell import Cell
from bench.records.cost import core_seconds
from bench.records.record import FAILED, Record
from bench.records.store import Store
from bench.records.tuning import (
    SCHEMA,
    Search,
    best_of,
    path_of,
    read_search_file,
    trials_folder,
    write_search,
)
from bench.registry import entries
from bench.run.progress import Observer
from bench.run.sweep import Planned, run_plan
from bench.run.task import Executor

SAME = ("suite", "device", "metric", "seed", "steps", "fixed", "search", "source_sha256", "dataset_sha256", "versions")
LONGEST = 200  # letters of an error


@dataclass(frozen=True)
class Searched:
    """A search that was run, and its file.

    new: trials run just now. replaced: the search that stood there, if another.
    """

    search: Search
    path: Path
    new: int
    replaced: Search | None


def run_search(
    executor: Executor,
    planner: Callable[[Executor], Planned],
    *,
    out: Path,
    rerun: str = "missing",
    observer: Observer,
) -> Searched:
    """Run the trials that are missing and write the file of the search."""
    store = Store(trials_folder(out))
    with store.locked(), executor:
        planned = planner(executor)
        cells = planned.plan.cells
        search = _head(cells[0])
        previous = _stored(out, search)
        same = previous is not None and all(previous[name] == search[name] for name in SAME)
        known = {} if previous is None or not same or rerun == "all" else _finished(previous, rerun)
        missing = tuple(cell for cell in cells if cell.key not in known)
        new = 0
        if missing:
            todo = replace(planned, plan=replace(planned.plan, cells=missing))
            new = run_plan(executor, store, todo, rerun=rerun, keep_stored=True, observer=observer).trained
        ran = {cell.key: _trial(cell, record) for cell in missing if (record := store.get(cell)) is not None}
        trials = [(known | ran)[cell.key] for cell in cells]
        keys = {cell.key for cell in cells}
        # a shorter search of the same kind hides none of the trials that were looked at
        trials += [t for t in previous["trials"] if t["key"] not in keys] if previous is not None and same else []
        search |= {"trials": trials, "best": best_of(trials, search["metric"]["better"])}
        path = write_search(out, search)
    return Searched(search, path, new, None if same else previous)


def _head(cell: Cell) -> Search:
    """Return a search without its trials, from one of its cells."""
    primary = cell.dataset["primary"]
    metric = {
        "name": primary,
        "version": cell.metrics[primary],
        "better": entries("metric")[primary].constants["better"],
    }
    return _json(
        {
            "schema": SCHEMA,
            "model": cell.model["id"],
            "dataset": cell.dataset["id"],
            "suite": cell.suite,
            "device": cell.device,
            "metric": metric,
            "seed": cell.seed,
            "steps": cell.steps,
            "fixed": cell.model["fixed"],
            "search": cell.model["search"],
            "source_sha256": cell.model["source_sha256"],
            "dataset_sha256": cell.dataset["sha256"],
            "versions": cell.versions | cell.model.get("libraries", {}),
        }
    )


def _stored(out: Path, search: Search) -> Search | None:
    """Return the search that stands in the file; one that cannot be read is moved to quarantine/."""
    path = path_of(out, search["dataset"], search["model"])
    if not path.exists():
        return None
    previous, problem = read_search_file(path)
    if previous is None:
        Store(out).quarantine(path, problem)
    return previous


def _finished(search: Search, rerun: str) -> dict[str, dict[str, Any]]:
    """Return the trials of a stored search that need not run again, by key."""
    return {t["key"]: t for t in search["trials"] if rerun != "failed" or t["status"] not in FAILED}


def _json(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value as its file gives it back: lists in the place of tuples."""
    plain: dict[str, Any] = finite(value)
    return plain


def _trial(cell: Cell, record: Record) -> dict[str, Any]:
    """Return what a search keeps of a trial's record."""
    entry = record["metrics"]["public"].get(cell.dataset["primary"])
    cost = core_seconds(record)
    trial = {
        "settings": {name: cell.model["hparams"][name] for name in cell.model["search"]},
        "value": entry["value"] if entry else None,
        "status": record["status"],
        "core_seconds": record["timing"].get("total_s") if cost is None else cost,
        "key": cell.key,
        "commit": (record.get("code") or {}).get("git_sha"),
    }
    if record["error"]:
        said = (record["error"]["message"].splitlines() or [""])[0]
        words = f"{record['error']['type']} in {record['error']['phase']}: {said}"
        trial["error"] = "".join(c if c.isprintable() else " " for c in words)[:LONGEST]
    return _json(trial)
