"""Where the cells of a run go, as options: this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.plan.request import Request
    from bench.run.task import Executor


class Device(StrEnum):
    """Where models train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Place(StrEnum):
    """Where cells run."""

    local = "local"
    ray = "ray"


Where = Annotated[Place, typer.Option(metavar="<str>", help="local, or ray: the machines of a Ray cluster.")]
Address = Annotated[
    str | None, typer.Option(help="With --executor ray: HOST:PORT of the cluster, or auto for this machine's.")
]
Retries = Annotated[
    int | None, typer.Option(min=0, help="With --executor ray: new starts of a cell whose machine is lost; 2.")
]


def executor_for(
    request: Request,
    place: Place,
    address: str | None,
    retries: int | None,
    jobs: int | None,
    say: Callable[[str], None],
) -> tuple[Request, Executor]:
    """Return the executor that was asked for, and the request with its device decided."""
    from bench.executors import start
    from bench.executors.device import default_jobs, resolve_device
    from bench.executors.local import LocalExecutor

    if place is Place.local:
        if address is not None or retries is not None:
            raise UsageError(f"{'--retries' if address is None else '--address'} goes with --executor ray")
        device = resolve_device(request.device)
        jobs = jobs or default_jobs(device)
        return replace(request, device=device, jobs=jobs), LocalExecutor(jobs)
    if address is None:
        raise UsageError(
            "--executor ray: name the cluster with --address HOST:PORT, or auto for the one of this machine"
        )
    retries = start.RETRIES if retries is None else retries
    return start.on_cluster(request, address=address, jobs=jobs, retries=retries, say=say)
