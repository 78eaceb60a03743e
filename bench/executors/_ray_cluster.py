"""Reach a Ray cluster, refuse what cannot work, and ask what it has: nodes, processors, GPUs."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import ray
from ray.exceptions import RayError

from bench.errors import UsageError
from bench.executors._ray_ship import staged_sources

ANSWER_S = 15.0  # within which a cluster must answer
HEALTH_CHECK = [sys.executable, "-m", "ray.scripts.scripts", "health-check"]  # what the command `ray` runs


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
        """Return "cpu" or "cuda" by what the nodes have, not this machine."""
        return device_of(asked, list(self.nodes().values()), self.address)


def device_of(asked: str, nodes: Sequence[Node], address: str) -> str:
    """Return "cpu" or "cuda" by what nodes have; UsageError where that cannot be decided."""
    with_gpu = sum(node.gpus > 0 for node in nodes)
    if asked == "cuda" and not with_gpu:
        raise UsageError(
            f"--device cuda: no node of the cluster at {address} has a GPU; use --device cpu, or add such a node"
        )
    if asked == "auto" and 0 < with_gpu < len(nodes):
        raise UsageError(
            f"--device auto: {with_gpu} of {len(nodes)} nodes at {address} have a GPU; say --device cpu or cuda"
        )
    if asked not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device must be auto, cpu or cuda, got {asked!r}")
    return "cuda" if asked == "cuda" or (asked == "auto" and with_gpu) else "cpu"


def connect(address: str) -> Cluster:
    """Connect to a running cluster and ship this source there; UsageError where that cannot be."""
    why = answers(address)
    if why:
        port = "" if address == "auto" else f" --port={address.rpartition(':')[2]}"
        raise UsageError(f"no Ray cluster answers at {address} ({why}); start one there with: ray start --head{port}")
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


def answers(address: str) -> str:
    """Say why no cluster answers; empty where one does.

    Asked in a process of its own, since Ray itself would try for minutes.
    address: HOST:PORT; "auto" is what RAY_ADDRESS says, or the cluster that this machine belongs to.
    """
    if address != "auto":
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
        except (OSError, OverflowError) as error:
            return getattr(error, "strerror", None) or str(error)
    which = [] if address == "auto" else ["--address", address]
    try:
        told = subprocess.run([*HEALTH_CHECK, *which], check=False, capture_output=True, text=True, timeout=ANSWER_S)
    except subprocess.TimeoutExpired as error:
        words = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else ""
        return _refusal(words) or f"no answer within {ANSWER_S:.0f} s"
    return "" if told.returncode == 0 else _refusal(told.stderr) or "no running cluster was found"


def _refusal(words: str) -> str:
    return "it asks for another token: set RAY_AUTH_TOKEN to the cluster's" if "uthenticat" in words else ""
