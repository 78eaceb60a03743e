"""What a forked process can be asked to do: functions of JSON arguments that return JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.plan.cell import Cell
from bench.plan.make import make_plan
from bench.plan.request import Request
from bench.records.environment import fingerprint
from bench.run.cell import rescore_cell, run_cell
from bench.run.throughput.clock import clock_cell

Report = Callable[[str, int], None]


def plan(*, request: dict[str, Any], report: Report) -> dict[str, Any]:
    """The plan of a request, with the fingerprint of this machine."""
    lists = {key: tuple(value) for key, value in request.items() if isinstance(value, list)}
    return make_plan(Request(**{**request, **lists})).to_json() | {"environment": fingerprint()}


def plan_experiment(*, name: str, budget: str, device: str, report: Report) -> dict[str, Any]:
    """The plan of one reproduction or question, with the fingerprint of this machine."""
    from bench.reproductions.plan import plan_experiment as make

    return make(name, budget=budget, device=device).to_json() | {"environment": fingerprint()}


def train(*, cell: dict[str, Any], artifact: str, grid: str | None, report: Report) -> dict[str, Any]:
    """A cell from data to record."""
    return run_cell(Cell(**cell), artifact=Path(artifact), grid=Path(grid) if grid else None, report=report)


def rescore(*, cell: dict[str, Any], record: dict[str, Any], artifact: str, report: Report) -> dict[str, Any]:
    """A record with its metrics computed anew from stored outputs."""
    return rescore_cell(Cell(**cell), record, artifact=Path(artifact), report=report)


def clock(*, cell: dict[str, Any], report: Report) -> dict[str, Any]:
    """The exclusive throughput pass of a cell."""
    return clock_cell(Cell(**cell), report=report)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "plan": plan,
    "plan_experiment": plan_experiment,
    "train": train,
    "rescore": rescore,
    "clock": clock,
}
