"""Make a plan in a process of its own, so that data and models never enter the driver."""

from __future__ import annotations

from dataclasses import asdict

from bench.errors import DataUnavailable, UsageError
from bench.plan.lines import PLAN_FILE, decode
from bench.plan.request import Request
from bench.run.sweep import Planned
from bench.run.task import Executor, Task

EXIT_ERRORS = {2: UsageError, 7: DataUnavailable}
PLAN, PLAN_TRIALS = "bench.run.work:plan", "bench.run.work:plan_trials"


def make_plan(executor: Executor, request: Request) -> Planned:
    """Plan a request."""
    return plan_by(executor, PLAN, request=asdict(request))


def make_trials(executor: Executor, request: Request, *, count: int, seed: int) -> Planned:
    """Plan the search of a request's one model on its one dataset."""
    return plan_by(executor, PLAN_TRIALS, request=asdict(request), count=count, seed=seed)


def plan_by(executor: Executor, function: str, **arguments: object) -> Planned:
    """Plan by a function of one's own, named as a task names it; raises the error that it ended with."""
    ended = executor.call(Task(function=function, arguments=arguments, outputs=(PLAN_FILE,)))
    if ended.status != "ok":
        if ended.value in EXIT_ERRORS:
            raise EXIT_ERRORS[ended.value](ended.message.partition(": ")[2])
        raise RuntimeError(f"planning failed: {ended.message}")
    return Planned(decode(ended.files[PLAN_FILE]), ended.environment)
