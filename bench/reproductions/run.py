"""Run experiments: cells first, resumable, then the result as JSON and the pages made from all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import DataUnavailable
from bench.executors.local import LocalExecutor
from bench.executors.planning import plan_by
from bench.files import encode_json, finite, write_atomic
from bench.plan.cell import Cell
from bench.records.cost import COMMITTED
from bench.records.record import Record
from bench.records.store import Store
from bench.reproductions.pictures import draw
from bench.reproductions.plan import slug
from bench.reproductions.protocol import Experiment, load_experiment, names
from bench.run.progress import Observer
from bench.run.sweep import run_plan
from bench.run.task import Executor

SCHEMA = "bench.reproduction/1"  # of a result
PLAN = "bench.reproductions.plan:plan_task"
MACHINE = ("processor", "cores", "gpu")  # what a result says of the machine it was made on


@dataclass(frozen=True)
class Done:
    """An experiment that was run or could not be: status "ok", "data unavailable" or "some runs failed"."""

    name: str
    status: str
    reason: str = ""
    result: dict[str, Any] | None = None


def reproduce(
    experiments: list[Experiment],
    *,
    budget: str,
    device: str,
    jobs: int,
    out: Path,
    observer: Callable[[], Observer],
    report: Callable[[Experiment, Done], None] = lambda experiment, done: None,
) -> list[Done]:
    """Run what is missing of each and write results/reproductions/NAME.BUDGET.json.

    Report is told as each ends.
    """
    folder, ended = out / "reproductions", []
    store = Store(folder)
    with store.locked(), LocalExecutor(jobs) as executor:
        for experiment in experiments:
            try:
                result = _one(experiment, budget, device, store, executor, observer)
            except DataUnavailable as error:
                done = Done(experiment.name, "data unavailable", str(error))
            else:
                result = write_result(folder, result)
                done = Done(experiment.name, result["status"], result=result)
            ended.append(done)
            report(experiment, done)
    return ended


def _one(
    experiment: Experiment,
    budget: str,
    device: str,
    store: Store,
    executor: Executor,
    observer: Callable[[], Observer],
) -> dict[str, Any]:
    from bench.reproductions.result import result_of
    from bench.reproductions.runs import run_of

    planned = plan_by(executor, PLAN, name=experiment.name, budget=budget, device=device)
    run_plan(executor, store, planned, rerun="failed", observer=observer())
    if experiment.kind == "question":
        draw(executor, store, planned.plan.cells)
    arms = {slug(arm.name): arm.name for arm in experiment.arm}
    pairs = [(arms[cell.model["variant"]], record) for cell, record in _records(store, planned.plan.cells)]
    facts = {
        "device": device,
        "environment": {key: value for key, value in planned.environment.items() if key in MACHINE},
        "core_minutes": round(math.fsum(r["resources"]["cpu_s"] or 0.0 for _, r in pairs) / 60, 2),
    }
    return result_of(experiment, budget, [run_of(arm, record) for arm, record in pairs], facts)


def _records(store: Store, cells: tuple[Cell, ...]) -> list[tuple[Cell, Record]]:
    found = [(cell, store.get(cell)) for cell in cells]
    return [(cell, record) for cell, record in found if record is not None]


def write_result(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Write NAME.BUDGET.json, sorted and without NaN; returns what stands in it."""
    path, stored = folder / f"{result['name']}.{result['budget']}.json", _short(finite(result | {"schema": SCHEMA}))
    write_atomic(path, encode_json(stored))
    return stored


def _short(value: Any) -> Any:
    """Round the floats in a value of JSON to seven digits."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: _short(v) for key, v in value.items()}
    return [_short(v) for v in value] if isinstance(value, list) else value


FIELDS: dict[str, type | tuple[type, ...]] = {  # of a result that pages are made from
    **dict.fromkeys(("name", "kind", "title", "budget", "status", "note"), str),
    **dict.fromkeys(("order", "arms", "targets", "compare", "correlate"), list),
    **dict.fromkeys(("columns", "curves"), dict),
    "full": bool,
    "core_minutes": (int, float),
}


def results_in(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Read the stored results of today's experiments by (name, budget).

    What is not readable as a result is left out: it is made anew when its experiment is run.
    """
    results: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError, RecursionError):
            continue
        if _is_result(value) and path.name == f"{value['name']}.{value['budget']}.json":
            results[value["name"], value["budget"]] = value
    return results


def core_minutes(out: Path) -> dict[tuple[str, str], float]:
    """Return what experiments cost by (name, budget), as stored in a folder, else in results/.

    A question's result of an older protocol does not say what today's costs.
    """
    stored = results_in(COMMITTED / "reproductions") | results_in(out / "reproductions")
    today = {key: r for key, r in stored.items() if r["kind"] != "question" or load_experiment(r["name"]).made(r)}
    return {key: float(result["core_minutes"]) for key, result in today.items() if result["core_minutes"]}


def _is_result(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        return False
    return all(isinstance(value.get(field), kind) for field, kind in FIELDS.items()) and value["name"] in names()
