"""What a task of the suite runs, in a process of its own: plan, train, rescore, clock.

JSON in, JSON out, files to the context.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.plan.cell import Cell
from bench.plan.lines import PLAN_FILE, encode
from bench.plan.make import make_plan
from bench.plan.request import Request
from bench.plan.trials import make_trials
from bench.records.environment import fingerprint
from bench.run.bundles import DATA, FILES, MODEL
from bench.run.cell import rescore_cell, run_cell
from bench.run.task import Context
from bench.run.throughput.clock import clock_cell


def plan(*, request: dict[str, Any], context: Context) -> None:
    """Plan a request; the plan is the file "plan"."""
    context.keep(PLAN_FILE, encode(make_plan(_request(request))))


def plan_trials(*, request: dict[str, Any], count: int, seed: int, context: Context) -> None:
    """Plan the search of a request's one model on its one dataset; the plan is the file "plan"."""
    context.keep(PLAN_FILE, encode(make_trials(_request(request), count=count, seed=seed)))


def _request(value: dict[str, Any]) -> Request:
    lists = {key: tuple(part) for key, part in value.items() if isinstance(part, list)}
    return Request(**{**value, **lists})


def machine(*, context: Context) -> dict[str, Any]:
    """Return the fingerprint of the machine."""
    return fingerprint()


def train(*, cell: dict[str, Any], context: Context) -> dict[str, Any]:
    """Run a cell from data to record."""
    return run_cell(_placed(cell, context), context)


def rescore(*, cell: dict[str, Any], record: dict[str, Any], unreadable: str, context: Context) -> dict[str, Any]:
    """Compute a record's metrics anew from its stored outputs, the file "outputs".

    unreadable: why that could not be sent.
    """
    if unreadable:
        raise OSError(unreadable)
    return rescore_cell(_placed(cell, context), record, context)


def clock(*, cell: dict[str, Any], context: Context) -> dict[str, Any]:
    """Time a cell alone."""
    return clock_cell(_placed(cell, context), report=context.report)


def _placed(cell: dict[str, Any], context: Context) -> Cell:
    """Read a cell; on another machine than the driver's its paths become those of this one.

    The process is this cell's alone, and so are its variables.
    """
    if context.places is None:
        return Cell(**cell)
    dataset, model = cell["dataset"], cell["model"]
    if MODEL in context.places:
        folder = context.places[MODEL]
        model = model | {"path": str(Path(folder) / Path(model["path"]).name)}
        sys.path.append(folder)  # the files beside it
    elif (spec := find_spec(model["module"])) is not None and spec.origin:
        model = model | {"path": spec.origin}
    if DATA in context.places:
        dataset = dataset | {"path": str(Path(context.places[DATA]) / Path(dataset["path"]).name)}
    if FILES in context.places:
        os.environ["GENBENCH_DATA"] = context.places[FILES]
    return Cell(**cell | {"dataset": dataset, "model": model})
