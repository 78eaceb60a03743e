"""One run of the suite: plan, skip what is done, train, score, time alone, write the boards. Nothing finished is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.executors.local import Ended, Job, Workers
from bench.executors.planning import make_plan
from bench.files import write_atomic
from bench.plan.request import Plan, Request
from bench.records.cost import COMMITTED, read_ledger
from bench.records.environment import fingerprint_id, source_state
from bench.records.record import FAILED, Record, failure, new_record
from bench.records.store import Store
from bench.run.progress import Observer, _TimeLeft
from bench.run.todo import Todo, todo_list


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
    env_ref = fingerprint_id(environment)
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
    watch = lambda index, phase, step: observer.progress(todo[index].cell, phase, step)
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
        base = one.record if one.action == "rescore" and one.record else new_record(one.cell) | {"code": source_state()}
        message = f"{ended.message}; after {ended.seconds:.1f} s in phase {ended.phase!r}"
        record = failure(base, ended.status, phase=ended.phase, kind=ended.status, message=message)
        record["timing"]["total_s"] = round(ended.seconds, 3)
    if one.action == "train":
        record["resources"]["peak_rss_bytes"] = ended.peak_rss_bytes
    return record


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
