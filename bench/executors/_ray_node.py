"""Run tasks on a node of a Ray cluster: a Ray worker starts a fork server and tells how its tasks go.

A worker runs one task after another on its main thread, which the fork server's life hangs on. Messages are JSON and bytes:

    {"event": "here", "node"}                 a worker has taken the task; its fork server may still have to start
    {"event": "refused", "node", "why"}       this machine differs from the driver's in what decides numbers
    {"event": "started", "node"}              from here its time counts
    {"event": "progress", "phase", "step"}    at most one a second
    {"event": "lost", "why"}                  the fork server ended under the task
    {"event": "ended", ...}                   the fields of Ended
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

import ray
from numpy.typing import NDArray

from bench.executors._ray_ship import sources_sha256, unpack
from bench.executors.local import LocalExecutor, ServerLost
from bench.run.task import Ended, Task

PROGRESS_S = 1.0
INPUTS = Path.cwd() / "inputs"  # a worker starts in the folder of the shipped source
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn")  # whose versions enter the keys of cells
_servers: dict[str, LocalExecutor] = {}  # of this worker, by the GPUs it sees; one at most


@cache
def traits() -> dict[str, Any]:
    """Return what must be the same on every machine: this source, libraries, the plugins of packages."""
    plugins = sorted(
        f"{point.name} = {point.value}"
        for kind in ("model", "dataset")
        for point in entry_points(group=f"genbench.{kind}s")
    )
    return {"sources": sources_sha256(), "libraries": {name: _version(name) for name in LIBRARIES}, "plugins": plugins}


def difference(expected: Mapping[str, Any]) -> str:
    """Say in what this machine differs from what is expected; empty if it does not."""
    here = traits()
    for name, wanted in expected["libraries"].items():
        if here["libraries"].get(name) != wanted:
            return f"it has {name} {here['libraries'].get(name)}, and the driver has {wanted}; install the same there"
    if here["sources"] != expected["sources"]:
        return (
            f"its source of genbench differs from the driver's ({here['sources'][:12]} and {expected['sources'][:12]});"
            " update or remove the checkout at the driver's path there"
        )
    lacking = [plugin for plugin in expected["plugins"] if plugin not in here["plugins"]]
    return f"it lacks the plugin {', '.join(lacking)}; install its package there" if lacking else ""


def greet(expected: Mapping[str, Any]) -> dict[str, Any]:
    """Tell whether this machine can run tasks of the driver's, and its fingerprint."""
    why = difference(expected)
    return {"why": why, "environment": {} if why else dict(_server().machine())}


def run_task(
    task: dict[str, Any], expected: dict[str, Any], inputs: dict[str, bytes], *bundles: NDArray[Any]
) -> Iterator[dict[str, Any]]:
    """Run one task in a fork of this worker's server.

    task: fields of Task, its bundles as pairs (name, hash).
    """
    node = ray.get_runtime_context().get_node_id()
    why = difference(expected)
    if why:
        yield {"event": "refused", "node": node, "why": why}
        return
    try:
        if not _servers:
            yield {"event": "here", "node": node}
        server = _server()
        server.places = _places(task.pop("bundles"), bundles)
        server.machine()
        yield {"event": "started", "node": node}
        yield from _follow(server, Task(**task, inputs=inputs))
    except ServerLost as error:
        _forget_server()
        yield {"event": "lost", "why": str(error)}


def _follow(server: LocalExecutor, task: Task) -> Iterator[dict[str, Any]]:
    last = 0.0
    for _, told in server.follow([task], at_once=1):
        if isinstance(told, Ended):
            known = {f.name: getattr(told, f.name) for f in fields(told)}
            yield {"event": "ended"} | known | {"files": dict(told.files), "environment": dict(told.environment)}
        elif time.monotonic() - last >= PROGRESS_S:
            last = time.monotonic()
            yield {"event": "progress", "phase": told[0], "step": told[1]}


def _places(names: Sequence[tuple[str, str]], bundles: Sequence[NDArray[Any]]) -> dict[str, str]:
    """Unpack bundles below the shipped source, which Ray removes with it; returns the folder of each."""
    return {name: unpack(raw.data, sha256, INPUTS) for (name, sha256), raw in zip(names, bundles)}


def _server() -> LocalExecutor:
    """Return this worker's server; it sees the GPUs that Ray has given the task, and no others."""
    gpus = ",".join(str(number) for number in ray.get_gpu_ids())
    if gpus not in _servers:
        _forget_server()
        _servers[gpus] = LocalExecutor(places={}, variables={"CUDA_VISIBLE_DEVICES": gpus}).__enter__()
    return _servers[gpus]


def _forget_server() -> None:
    for server in _servers.values():
        server.__exit__(None, None, None)
    _servers.clear()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
