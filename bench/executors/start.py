"""Put a request, a plan and an executor together: what the command line and the public API call."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.executors.local import LocalExecutor
from bench.executors.planning import make_plan
from bench.plan.request import Plan, Request
from bench.run import sweep
from bench.run.progress import Observer
from bench.run.sweep import Outcome


def run(
    request: Request,
    *,
    out: Path,
    jobs: int,
    rerun: str = "missing",
    keep_stored: bool = False,
    observer: Observer,
    throughput: bool = True,
) -> Outcome:
    """Run what a request asks for and `out` lacks, `jobs` cells side by side on this machine."""
    planner = partial(make_plan, request=request)
    return sweep.run(
        LocalExecutor(jobs),
        planner,
        out=out,
        rerun=rerun,
        keep_stored=keep_stored,
        observer=observer,
        throughput=throughput,
    )


def plan(request: Request) -> Plan:
    """Plan a request, and run nothing."""
    with LocalExecutor() as executor:
        return make_plan(executor, request).plan
