"""From how a task ended to what the store holds: its files, then its record.

The one place for this, whichever executor ran it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.files import write_atomic
from bench.plan.cell import Cell
from bench.records.environment import fingerprint_id, source_state
from bench.records.record import Record, failure, new_record
from bench.records.store import PICTURES, Store
from bench.run.task import Ended
from bench.run.todo import Todo

OUTPUTS = "outputs"  # the name of the one file of a cell that is no picture


def keep(store: Store, one: Todo, ended: Ended) -> Record:
    """Write what a task left: its files first, then the record that tells of them."""
    record = record_of(one, ended, store.get(one.cell) if one.action == "rescore" else None)
    for name, raw in ended.files.items():
        write_atomic(path_of(store, one.cell, name), raw)
    for name in PICTURES.keys() - ended.files.keys() if "grid" in ended.files else ():
        path_of(store, one.cell, name).unlink(missing_ok=True)  # of an earlier model of this name
    record["env_ref"] = keep_environment(store.out, ended.environment)
    store.put(one.cell, record)
    return record


def record_of(one: Todo, ended: Ended, previous: Record | None = None) -> Record:
    """Return the record that a task returned, or the record of how its process ended.

    previous: what a rescore began with.
    """
    if ended.status == "ok":
        record = ended.value
    else:
        message = f"{ended.message}; after {ended.seconds:.1f} s in phase {ended.phase!r}"
        base = previous or new_record(one.cell) | {"code": source_state()}
        record = failure(base, ended.status, phase=ended.phase, kind=ended.status, message=message)
        record["timing"]["total_s"] = round(ended.seconds, 3)
    if one.action == "train":
        record |= {"code": source_state(), "attempt": one.attempt + ended.attempts - 1}
        record["resources"]["peak_rss_bytes"] = ended.peak_rss_bytes
    return record


def path_of(store: Store, cell: Cell, name: str) -> Path:
    """Return where one of a cell's files lies."""
    if name == OUTPUTS:
        return store.artifact_path(cell)
    return store.out / "grids" / cell.dataset["id"] / (cell.row + PICTURES[name])


def remove_leftovers(out: Path) -> None:
    """Remove what a killed run was about to put in place: the temporary files of write_atomic.

    The caller holds the lock.
    """
    for folder in ("cells", "artifacts", "grids", "env"):
        for path in (out / folder).rglob(".*.????????"):
            path.unlink(missing_ok=True)


def keep_environment(out: Path, environment: Mapping[str, Any]) -> str:
    """Write a machine's fingerprint under its own hash, which is returned."""
    ref = fingerprint_id(dict(environment))
    path = out / "env" / f"{ref}.json"
    if not path.exists():
        write_atomic(path, (json.dumps(environment, indent=1, sort_keys=True) + "\n").encode())
    return ref
