"""One run of the suite: plan, skip what is done, train, score, time alone.

Whatever is finished is kept.

The executor and the planner are handed in: this room knows what a task is, and not who runs it. The store is written here alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.plan.cell import Cell
from bench.plan.request import Plan
from bench.records.cost import COMMITTED, read_ledger
from bench.records.record import FAILED
from bench.records.store import PICTURES, Store
from bench.run.bundles import bundles_of
from bench.run.ended import OUTPUTS, keep, keep_environment, remove_leftovers
from bench.run.pictured import draws_pictures, hides_a_better_one
from bench.run.progress import Observer, TimeLeft
from bench.run.task import Executor, Task
from bench.run.todo import Todo, todo_list

TRAIN, RESCORE, CLOCK = (f"bench.run.work:{name}" for name in ("train", "rescore", "clock"))


@dataclass(frozen=True)
class Planned:
    """A plan, and the fingerprint of the machine it was made on."""

    plan: Plan
    environment: Mapping[str, Any]


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
    executor: Executor,
    planner: Callable[[Executor], Planned],
    *,
    out: Path,
    rerun: str = "missing",
    keep_stored: bool = False,
    observer: Observer,
    throughput: bool = True,
) -> Outcome:
    """Run what is missing; records are written as cells end, so that an interrupt keeps what is finished."""
    start = time.monotonic()
    store = Store(out)
    with store.locked(), executor:
        planned = planner(executor)
        outcome = run_plan(executor, store, planned, rerun=rerun, keep_stored=keep_stored, observer=observer)
        if throughput:
            _run_clock(executor, store, planned.plan, observer, outcome)
    outcome.problems = store.problems
    outcome.seconds = time.monotonic() - start
    return outcome


def run_plan(
    executor: Executor,
    store: Store,
    planned: Planned,
    *,
    rerun: str = "missing",
    keep_stored: bool = False,
    observer: Observer,
) -> Outcome:
    """Run the cells of a plan that are missing in the store, which the caller has locked."""
    plan = planned.plan
    remove_leftovers(store.out)
    keep_environment(store.out, planned.environment)
    todo = todo_list(plan, store, rerun=rerun, keep_stored=keep_stored)
    outcome = Outcome(plan, kept=len(plan.cells) - len(todo))
    observer.planned(plan, todo, outcome.kept)
    _run_cells(executor, store, todo, observer, outcome)
    _count_kept(plan, store, outcome)
    return outcome


def _run_cells(executor: Executor, store: Store, todo: list[Todo], observer: Observer, outcome: Outcome) -> None:
    clock = TimeLeft(todo, executor.slots, read_ledger(store.out, COMMITTED))
    watch = lambda index, phase, step: observer.progress(todo[index].cell, phase, step)
    for index, ended in executor.run(_tasks(todo, store), on_progress=watch):
        one = todo[index]
        record = keep(store, one, ended)
        outcome.trained += one.action == "train"
        outcome.rescored += one.action == "rescore"
        observer.finished(one.cell, record, clock.after(index), ended.node)


def _tasks(todo: Iterable[Todo], store: Store) -> Iterator[Task]:
    """Make each task when it is about to start: records and artifacts of the others stay on disk."""
    for one in todo:
        yield _rescore_task(one.cell, store) if one.action == "rescore" else _train_task(one.cell, store)


def _train_task(cell: Cell, store: Store) -> Task:
    drawn = draws_pictures(cell) and not hides_a_better_one(cell, store.out)
    return Task(
        function=TRAIN,
        arguments={"cell": cell.to_json()},
        outputs=(OUTPUTS, *PICTURES) if drawn else (OUTPUTS,),
        bundles=bundles_of(cell),
        name=cell.slot,
        timeout_s=cell.timeout_s,
        memory_bytes=cell.memory_bytes,
        gpus=float(cell.device == "cuda"),
    )


def _rescore_task(cell: Cell, store: Store) -> Task:
    """Hand over the stored outputs; where they cannot be read the task is told why, and fails by it."""
    inputs, unreadable = {}, ""
    try:
        inputs[OUTPUTS] = store.artifact_path(cell).read_bytes()
    except OSError as error:
        unreadable = str(error)
    return Task(
        function=RESCORE,
        arguments={"cell": cell.to_json(), "record": store.get(cell), "unreadable": unreadable},
        inputs=inputs,
        bundles=bundles_of(cell),
        name=cell.slot,
        timeout_s=cell.timeout_s,
        memory_bytes=cell.memory_bytes,
        gpus=float(cell.device == "cuda"),
    )


def _run_clock(executor: Executor, store: Store, plan: Plan, observer: Observer, outcome: Outcome) -> None:
    """Time cells, each alone on its machine: seed 0 of contestants that finished and were not timed yet."""
    waiting = [cell for cell in plan.cells if cell.seed == 0 and _waits_for_the_clock(cell, store)]
    for count, (index, ended) in enumerate(executor.run(map(_clock_task, waiting)), start=1):
        cell = waiting[index]
        record = store.get(cell)
        if ended.status == "ok" and record is not None:
            kind = keep_environment(store.out, ended.environment)
            store.put(cell, record | {"throughput": ended.value | {"node_kind": kind}})
            outcome.clocked += 1
        observer.clocked(cell, count, len(waiting))


def _waits_for_the_clock(cell: Cell, store: Store) -> bool:
    """Tell whether a cell that was run on this machine was never timed alone."""
    record = store.get(cell)
    if not store.artifact_path(cell).exists():
        return False
    if cell.model["reference"] or not record or record["status"] != "ok" or record["key"] != cell.key:
        return False
    return record["throughput"]["contended"]


def _clock_task(cell: Cell) -> Task:
    return Task(
        function=CLOCK,
        arguments={"cell": cell.to_json()},
        bundles=bundles_of(cell),
        name=cell.slot,
        timeout_s=cell.timeout_s,
        memory_bytes=cell.memory_bytes,
        alone=True,
        gpus=float(cell.device == "cuda"),
    )


def _count_kept(plan: Plan, store: Store, outcome: Outcome) -> None:
    for cell in plan.cells:
        record = store.get(cell)
        if record and record["status"] in FAILED:
            outcome.failed.append(cell.slot)
        elif record and record["status"] == "diverged":
            outcome.diverged.append(cell.slot)
