"""One run of the suite: plan, skip what is done, train, score, time alone, write the boards. Nothing finished is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.environment import code, reference
from bench.errors import DataUnavailable, UsageError
from bench.execute import Ended, Job, Workers
from bench.files import write_atomic
from bench.ledger import COMMITTED, Ledger, read_ledger
from bench.plan.cell import Cell
from bench.plan.request import Plan, Request
from bench.records.record import FAILED, Record, failure, new_record
from bench.store import Store

EXIT_ERRORS = {2: UsageError, 7: DataUnavailable}


class Observer(Protocol):
    """What watches a run: a live display, or lines."""

    def planned(self, plan: Plan, todo: list[Todo], done: int) -> None: ...
    def progress(self, cell: Cell, phase: str, step: int) -> None: ...
    def finished(self, cell: Cell, record: Record, seconds_left: float) -> None: ...
    def clocked(self, cell: Cell, done: int, of: int) -> None: ...


@dataclass(frozen=True)
class Todo:
    """A cell and what it needs: "train", or "rescore" when only a metric changed."""

    cell: Cell
    action: str
    record: Record | None = None


@dataclass
class Outcome:
    """What a run did."""

    plan: Plan
    trained: int = 0
    rescored: int = 0
    clocked: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)  # slots of cells that crashed, ran out of memory or time
    diverged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def make_plan(workers: Workers, request: Request) -> tuple[Plan, dict[str, Any]]:
    """The plan, made in a process of its own, and this machine's fingerprint."""
    return plan_of(workers.call("plan", request=asdict(request)))


def plan_of(ended: Ended) -> tuple[Plan, dict[str, Any]]:
    """The plan and the fingerprint that a planning process returned; raises the error that it ended with."""
    if ended.status != "ok":
        if ended.value in EXIT_ERRORS:
            raise EXIT_ERRORS[ended.value](ended.message.partition(": ")[2])
        raise RuntimeError(f"planning failed: {ended.message}")
    return Plan.from_json(ended.value), ended.value["environment"]


def todo_list(plan: Plan, store: Store, *, rerun: str = "missing") -> list[Todo]:
    """What is still to do. A cell is done when its record has the expected key and its artifact is here."""
    found = []
    for cell in plan.cells:
        record = store.get(cell)
        action = _action(cell, record, store, rerun)
        if action:
            found.append(Todo(cell, action, record))
    return found


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


def run(
    request: Request,
    *,
    out: Path,
    jobs: int,
    rerun: str = "missing",
    observer: Observer,
    throughput: bool = True,
    with_workers: Callable[[], Workers] = Workers,
) -> Outcome:
    """Run what is missing; records are written as cells end, so that an interrupt keeps what is finished."""
    start = time.monotonic()
    store = Store(out)
    with store.locked(), with_workers() as workers:
        plan, environment = make_plan(workers, request)
        outcome = run_plan(workers, store, plan, environment, jobs=jobs, rerun=rerun, observer=observer)
        if throughput:
            _run_clock(workers, store, plan, observer, outcome)
    outcome.problems = store.problems
    outcome.seconds = time.monotonic() - start
    return outcome


def run_plan(
    workers: Workers,
    store: Store,
    plan: Plan,
    environment: dict[str, Any],
    *,
    jobs: int,
    rerun: str = "missing",
    observer: Observer,
) -> Outcome:
    """Run the cells of a plan that are missing in the store, which the caller has locked."""
    env_ref = reference(environment)
    _write_environment(store.out, env_ref, environment)
    todo = todo_list(plan, store, rerun=rerun)
    outcome = Outcome(plan, kept=len(plan.cells) - len(todo))
    observer.planned(plan, todo, outcome.kept)
    _run_cells(workers, store, todo, jobs=jobs, env_ref=env_ref, observer=observer, outcome=outcome)
    _count_kept(plan, store, outcome)
    return outcome


def _write_environment(out: Path, env_ref: str, environment: dict[str, Any]) -> None:
    import json

    path = out / "env" / f"{env_ref}.json"
    if not path.exists():
        write_atomic(path, (json.dumps(environment, indent=1, sort_keys=True) + "\n").encode())


def _run_cells(
    workers: Workers, store: Store, todo: list[Todo], *, jobs: int, env_ref: str, observer: Observer, outcome: Outcome
) -> None:
    clock = _TimeLeft(todo, jobs, read_ledger(store.out, COMMITTED))
    work = [_job(one, store) for one in todo]
    watch = lambda index, phase, step: observer.progress(todo[index].cell, phase, step)  # noqa: E731
    for index, ended in workers.run(work, at_once=jobs, on_progress=watch):
        one = todo[index]
        record = _record(one, ended)
        record["env_ref"] = env_ref
        previous = one.record
        if previous and one.action == "train" and previous["key"] == record["key"]:
            record["attempt"] = previous.get("attempt", 1) + 1
        store.put(one.cell, record)
        outcome.trained += one.action == "train"
        outcome.rescored += one.action == "rescore"
        observer.finished(one.cell, record, clock.after(index))


def _job(one: Todo, store: Store) -> Job:
    cell = one.cell
    arguments: dict[str, Any] = {"cell": cell.to_json(), "artifact": str(store.artifact_path(cell))}
    if one.action == "rescore":
        arguments["record"] = one.record
    else:
        grid = store.out / "grids" / cell.dataset["id"] / f"{cell.row}.png"
        standard = cell.seed == 0 and cell.suite != "smoke"
        arguments["grid"] = str(grid) if standard else None
    return Job("rescore" if one.action == "rescore" else "train", arguments, cell.timeout_s, cell.memory_bytes)


def _record(one: Todo, ended: Ended) -> Record:
    """The record a job returned, or the record of how its process ended."""
    if ended.status == "ok":
        record = ended.value
    else:
        base = one.record if one.action == "rescore" and one.record else new_record(one.cell) | {"code": code()}
        message = f"{ended.message}; after {ended.seconds:.1f} s in phase {ended.phase!r}"
        record = failure(base, ended.status, phase=ended.phase, kind=ended.status, message=message)
        record["timing"]["total_s"] = round(ended.seconds, 3)
    if one.action == "train":
        record["resources"]["peak_rss_bytes"] = ended.peak_rss_bytes
    return record


def expected_seconds(cell: Cell, ledger: Ledger) -> float:
    """Core-seconds a cell is expected to take: what it took before, else the mean of the ledger, else 1."""
    known = ledger.get((cell.suite, cell.model["id"], cell.dataset["id"]))
    return known if known is not None else sum(ledger.values()) / len(ledger) if ledger else 1.0


class _TimeLeft:
    """Seconds left: the ledger's expectation for each cell, scaled by how the finished ones compared with theirs."""

    def __init__(self, todo: list[Todo], jobs: int, ledger: Ledger) -> None:
        self.expected = [expected_seconds(one.cell, ledger) if one.action == "train" else 0.5 for one in todo]
        self.left, self.jobs = sum(self.expected), max(jobs, 1)
        self.done, self.start = 0.0, time.monotonic()

    def after(self, index: int) -> float:
        """Seconds left once the cell of this index has ended."""
        self.left -= self.expected[index]
        self.done += self.expected[index]
        return self.left * (time.monotonic() - self.start) / self.done


def _run_clock(workers: Workers, store: Store, plan: Plan, observer: Observer, outcome: Outcome) -> None:
    """The exclusive pass, one cell at a time: seed 0 of every contestant that finished and was not timed alone yet."""
    waiting = []
    for cell in plan.cells:
        record = store.get(cell) if cell.seed == 0 else None
        if cell.model["reference"] or not record or record["status"] != "ok" or record["key"] != cell.key:
            continue
        if record["throughput"]["contended"]:
            waiting.append((cell, record))
    work = [Job("clock", {"cell": cell.to_json()}, cell.timeout_s, cell.memory_bytes) for cell, _ in waiting]
    for index, ended in workers.run(work, at_once=1):
        cell, record = waiting[index]
        if ended.status == "ok":
            store.put(cell, record | {"throughput": ended.value})
            outcome.clocked += 1
        observer.clocked(cell, index + 1, len(waiting))


def _count_kept(plan: Plan, store: Store, outcome: Outcome) -> None:
    for cell in plan.cells:
        record = store.get(cell)
        if record and record["status"] in FAILED:
            outcome.failed.append(cell.slot)
        elif record and record["status"] == "diverged":
            outcome.diverged.append(cell.slot)


def resolve_device(asked: str) -> str:
    """ "auto" is the GPU where there is one; asking for one where there is none is a usage error."""
    if asked == "cpu":
        return "cpu"
    found = _cuda_available()
    if asked == "cuda" and not found:
        raise UsageError(
            "--device cuda: no CUDA device is visible to torch here; use --device cpu, or install the CUDA build"
        )
    if asked not in ("auto", "cuda"):
        raise UsageError(f"--device must be auto, cpu or cuda, got {asked!r}")
    return "cuda" if found else "cpu"


def _cuda_available() -> bool:
    """Whether an NVIDIA driver is here and torch can use it; torch is imported only if there is a driver."""
    if not Path("/proc/driver/nvidia/version").exists() and not Path("/dev/nvidiactl").exists():
        return False
    import torch

    return torch.cuda.is_available()
