"""Reach a Ray cluster, refuse what cannot work, and ask what it has: nodes, processors, GPUs."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass

import ray
from ray.exceptions import RayError

from bench.errors import UsageError
from bench.executors._ray_ship import staged_sources

ANSWER_S = 15.0  # within which a cluster must answer


@dataclass(frozen=True)
class Node:
    """A living machine of the cluster that can run cells."""

    id: str
    name: str  # for people: its host and its address
    cpus: float
    gpus: float
    memory_bytes: float


class Cluster:
    """The cluster that this process is connected to."""

    def __init__(self, address: str) -> None:
        self.address = address

    def nodes(self) -> dict[str, Node]:
        """Return the living nodes that have processors for cells, by id."""
        alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) > 0]
        return {
            node["NodeID"]: Node(
                node["NodeID"],
                f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
                node["Resources"]["CPU"],
                node["Resources"].get("GPU", 0),
                node["Resources"].get("memory", 0),
            )
            for node in alive
        }

    def device(self, asked: str) -> str:
        """Return "cpu" or "cuda" by what the nodes have, not this machine; UsageError where that cannot be decided."""
        with_gpu = sum(node.gpus > 0 for node in self.nodes().values())
        if asked == "cuda" and not with_gpu:
            raise UsageError(
                f"--device cuda: no node of the cluster at {self.address} has a GPU; use --device cpu, or add such a node"
            )
        if asked == "auto" and 0 < with_gpu < len(self.nodes()):
            raise UsageError(
                f"--device auto: {with_gpu} of {len(self.nodes())} nodes at {self.address} have a GPU; say --device cpu or cuda"
            )
        if asked not in ("auto", "cpu", "cuda"):
            raise UsageError(f"--device must be auto, cpu or cuda, got {asked!r}")
        return "cuda" if asked == "cuda" or (asked == "auto" and with_gpu) else "cpu"


def connect(address: str) -> Cluster:
    """Connect this process to a running cluster and ship this source there; UsageError in one sentence, and nothing is started."""
    reachable(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        with staged_sources() as folder:
            ray.init(
                address=address,
                runtime_env={"working_dir": folder},
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                configure_logging=True,
            )
    except (RayError, ConnectionError, RuntimeError, ValueError, OSError) as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"the Ray cluster at {address} cannot be used: {words}") from error
    cluster = Cluster(address)
    if not cluster.nodes():
        ray.shutdown()
        raise UsageError(
            f"the Ray cluster at {address} has 0 CPUs, so no cell can run; add a node: ray start --address={address}"
        )
    return cluster


def reachable(address: str) -> None:
    """Raise UsageError where nothing answers at HOST:PORT; what "auto" means is Ray's to find."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"no Ray cluster answers at {address} ({reason}); start one there with: ray start --head --port={port}"
        ) from error
