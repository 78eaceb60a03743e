"""Keep records and artifacts on disk: atomic, resumable, one lock; damaged files are never lost."""

from __future__ import annotations

import fcntl
import gc
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import UsageError
from bench.files import read_json, write_atomic
from bench.plan.cell import Cell
from bench.records.record import MAX_BYTES, Record, encode
from bench.records.schema import check_record, check_whole
from bench.records.versions import fill_versions

PICTURES = {  # of a cell, in grids/DATASET/: the name of each, and what follows its row's name there
    "grid": ".png",
    "nearest": ".nearest.png",
    "film": ".film.png",
    "walk": ".walk.png",
    "classes": ".classes.png",
}
MOST_BYTES = 50 * MAX_BYTES  # a longer file is not read at all


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's search for reference cycles inside; memory without cycles is freed as ever."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass
class Store:
    """The folder that --out names. `problems` collects one line for each file that could not be read."""

    out: Path
    problems: list[str] = field(default_factory=list)

    def record_path(self, cell: Cell) -> Path:
        """Return where a cell's record lies."""
        return self.out / "cells" / f"{cell.slot}.json"

    def artifact_path(self, cell: Cell) -> Path:
        """Return where a cell's outputs lie (samples and log-probabilities, safetensors)."""
        return self.out / "artifacts" / f"{cell.slot}.safetensors"

    def get(self, cell: Cell) -> Record | None:
        """Return the record in a cell's slot; an unreadable one is moved to quarantine/ and counts as absent."""
        path = self.record_path(cell)
        if not path.exists():
            return None
        record, problem = read_record(path)
        problem = problem or check_whole(record)
        if problem:
            self.quarantine(path, problem)
        return None if problem else record

    def put(self, cell: Cell, record: Record) -> None:
        """Write a record into its slot; a newer result takes the older one's place."""
        write_atomic(self.record_path(cell), encode(record))

    @collector_paused()
    def records(self) -> list[Record]:
        """Return all readable records in the order of their paths; `problems` names the others."""
        records, cells = [], self.out / "cells"
        # a search in a folder that cannot be read would find nothing and say nothing
        if cells.is_dir() and not os.access(cells, os.R_OK | os.X_OK):
            self.problems.append(f"{cells}: Permission denied")
        for path in sorted(cells.glob("*/*/*/seed-*.json"), key=_natural):
            record, problem = read_record(path)
            if record is not None:
                problem = self._misplaced(record, path)
            if problem or record is None:
                self.problems.append(f"{path}: {problem}; left out")
            else:
                records.append(record)
        fill_versions(records, self.out)
        return records

    def _misplaced(self, record: Record, path: Path) -> str:
        """Say why a record does not belong where it lies: a copied file is no other seed."""
        place = f"{record['suite']}-{record['device']}", record["dataset"]["id"], record["model"]["row"]
        slot = "/".join((*place, f"seed-{record['seed']}.json"))
        lies = path.relative_to(self.out / "cells").as_posix()
        return "" if slot == lies else f"it says that it is {slot}"

    def quarantine(self, path: Path, problem: str) -> None:
        """Move a file aside, keeping its relative path, and say so."""
        target = self.out / "quarantine" / path.relative_to(self.out)
        target.parent.mkdir(parents=True, exist_ok=True)
        n = 0
        while target.exists():
            n += 1
            target = target.with_name(f"{path.name}.{n}")
        path.replace(target)
        self.problems.append(f"{path}: {problem}; moved to {target}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's one lock; a second run on the same folder is told who has it."""
        path = self.out / "runs" / "lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = path.open("a+")
        except OSError as error:
            reason = f"{type(error).__name__}: {error.strerror or error}"
            raise UsageError(
                f"cannot write to --out {self.out}: {reason}; name a folder that can be written"
            ) from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.seek(0)
                owner = handle.read().strip() or "another process"
                raise UsageError(f"{self.out} is in use by {owner}; wait for it, or give another --out") from None
            handle.truncate(0)
            handle.write(f"process {os.getpid()}")
            handle.flush()
            yield


def open_results(out: Path, *, option: str) -> tuple[Store, list[Record]]:
    """Return the store in a folder and its records; UsageError names the option where it holds none."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{option} {out} is a file; expected a folder of results, such as results")
    make = f"bench run --all --out {shlex.quote(str(out))}"
    if not out.is_dir():
        raise UsageError(f"no folder {option} {out}; make one with: {make}")
    store = Store(out)
    records = store.records()
    if not records:
        why = f"; {store.problems[0]}" if store.problems else ""
        raise UsageError(f"no results in {out}{why}; make some with: {make}")
    return store, records


def read_record(path: Path) -> tuple[Record | None, str]:
    """Return (record, "") of a file, or (None, why it is none)."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return None, "not a file"
        if path.stat().st_size > MOST_BYTES:
            return None, f"{path.stat().st_size:,} bytes; a record has at most {MAX_BYTES:,}"
        record = read_json(path.read_bytes())
    except OSError as error:
        return None, f"cannot be read: {error.strerror or error}"
    except ValueError as error:
        return None, f"not readable as JSON ({error})"
    problem = check_record(record)
    return (None, problem) if problem else (record, "")


def _natural(path: Path) -> list[str | int]:
    """Return a sort key under which seed-10 follows seed-9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(path))]
