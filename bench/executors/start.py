"""Put a request, a plan and an executor together: what the command line and the public API call."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.errors import UsageError
from bench.executors.local import LocalExecutor
from bench.executors.planning import make_plan, make_trials
from bench.plan.request import Plan, Request
from bench.run import sweep
from bench.run.progress import Observer
from bench.run.search import Searched, run_search
from bench.run.sweep import Outcome
from bench.run.task import Executor, say_nothing

RETRIES = 2
ELSEWHERE = 2**30  # cells side by side: the driver's free memory says nothing of a node's, so the suite's limit holds


def on_cluster(
    request: Request, *, address: str, jobs: int | None, retries: int, say: Callable[[str], None] = say_nothing
) -> tuple[Request, Executor]:
    """Return an executor on a Ray cluster, and the request with its device decided by the nodes."""
    check_address(address)
    try:
        from bench.executors._ray_cluster import connect
        from bench.executors.ray import RayExecutor
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise UsageError("--executor ray: ray is not installed here; pip install 'genbench[ray]'") from error
    cluster = connect(address)
    request = replace(request, device=cluster.device(request.device), jobs=ELSEWHERE)
    return request, RayExecutor(cluster, device=request.device, jobs=jobs, retries=retries, say=say)


def check_address(address: str) -> None:
    """Raise UsageError for an address that no driver can use, and where Ray joins no machines."""
    if platform.system() != "Linux":
        raise UsageError(f"--executor ray runs on Linux, and this is {platform.system()}; leave it out to run here")
    if address.startswith("ray://"):
        raise UsageError(
            f"--address {address}: Ray's client sends every byte through a proxy; run bench on a machine of the cluster,"
            " with --address auto, or send the command there: ray job submit -- bench run ..."
        )
    if address != "auto" and not re.fullmatch(r"[A-Za-z0-9._-]+:\d{1,5}", address):
        raise UsageError(f"--address {address!r}: expected HOST:PORT, as ray start --head prints it, or auto")


def run(
    request: Request,
    *,
    out: Path,
    jobs: int = 1,
    executor: Executor | None = None,
    rerun: str = "missing",
    keep_stored: bool = False,
    observer: Observer,
    throughput: bool = True,
) -> Outcome:
    """Run what a request asks for and `out` lacks; without an executor, `jobs` cells at once here."""
    planner = partial(make_plan, request=request)
    return sweep.run(
        executor or LocalExecutor(jobs),
        planner,
        out=out,
        rerun=rerun,
        keep_stored=keep_stored,
        observer=observer,
        throughput=throughput,
    )


def search(
    request: Request,
    *,
    trials: int,
    seed: int,
    out: Path,
    executor: Executor,
    rerun: str = "missing",
    observer: Observer,
) -> Searched:
    """Search the settings of a request's one model on its one dataset, and store the trials."""
    planner = partial(make_trials, request=request, count=trials, seed=seed)
    return run_search(executor, planner, out=out, rerun=rerun, observer=observer)


def plan(request: Request) -> Plan:
    """Plan a request, and run nothing."""
    with LocalExecutor() as executor:
        return make_plan(executor, request).plan
