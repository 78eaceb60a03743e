"""Keep the nodes that run tasks: greeted once, left out where they differ or lose every task."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import ray
from ray.exceptions import RayError, RuntimeEnvSetupError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.errors import UsageError
from bench.executors._ray_cluster import Cluster, Node
from bench.executors._ray_node import greet
from bench.records.environment import fingerprint_id
from bench.run.task import Task

SERVER_BYTES = 350 * 2**20  # of a fork server, beside what a task takes
GREETING_S = 180.0
FRESH_S = 1.0  # how old the list of nodes may be
LOST_IN_A_ROW = 3  # then a node is left out


def bytes_for(task: Task) -> int:
    """Return the memory that is kept free for a task and its fork server."""
    return task.memory_bytes + SERVER_BYTES


def holds(node: Node, task: Task) -> bool:
    """Tell whether a node with nothing else on it can run a task."""
    return node.cpus >= task.cpus and node.gpus >= task.gpus and node.memory_bytes >= bytes_for(task)


def size_text(cpus: float, gpus: float, memory_bytes: float) -> str:
    """Say in words what a node has or a task needs."""
    return f"{cpus:g} CPUs, {gpus:g} GPUs and {memory_bytes / 2**30:.1f} GiB of memory"


class Fleet:
    """The nodes of a run.

    device: what its tasks compute on. say: for one line about a node that is lost or left out.
    """

    def __init__(self, cluster: Cluster, device: str, say: Callable[[str], None]) -> None:
        self._cluster, self._device, self._say = cluster, device, say
        self._known: dict[str, Node] = {}
        self._living: dict[str, Node] = {}
        self._looked = float("-inf")
        self._left_out: set[str] = set()
        self._environments: dict[str, Mapping[str, Any]] = {}  # of the nodes that were greeted
        self._losses: Counter[str] = Counter()  # in a row
        self._kind = ""  # of hardware, for tasks that must be alone

    def usable(self) -> dict[str, Node]:
        """Return the living nodes that may run tasks, by id; the list is at most a second old."""
        if time.monotonic() - self._looked > FRESH_S:
            self._living = self._cluster.nodes()
            self._known |= self._living
            self._looked = time.monotonic()
        return {id: node for id, node in self._living.items() if id not in self._left_out and self.room_of(node) > 0}

    def room_of(self, node: Node) -> float:
        """Return how many tasks a node has processors or GPUs for."""
        return node.gpus if self._device == "cuda" else node.cpus

    def name_of(self, id: str) -> str:
        """Return a node's name for people."""
        if id and id not in self._known:
            self._looked = float("-inf")
            self.usable()
        return self._known[id].name if id in self._known else id

    def environment_of(self, id: str) -> Mapping[str, Any]:
        """Return the fingerprint of a node that was greeted, else an empty one."""
        return self._environments.get(id, {})

    def selector(self) -> dict[str, str]:
        """Return the labels that keep Ray from using a node that was left out."""
        return {"ray.io/node-id": f"!in({','.join(sorted(self._left_out))})"} if self._left_out else {}

    def greet(self, expected: Mapping[str, Any]) -> None:
        """Ask every node whether it is fit; UsageError where none is."""
        asked = {}
        for id in self.usable():
            there = NodeAffinitySchedulingStrategy(id, soft=False)
            task = ray.remote(num_cpus=0, num_gpus=float(self._device == "cuda"), max_calls=0, max_retries=0)(greet)
            asked[task.options(scheduling_strategy=there).remote(expected)] = id
        answered, late = ray.wait(list(asked), num_returns=len(asked), timeout=GREETING_S)
        reasons = [self._hear_greeting(asked[answer], answer) for answer in answered]
        for answer in late:
            self.leave_out(asked[answer], f"it did not answer within {GREETING_S:.0f} s")
        if not self.usable():
            why = next(filter(None, reasons), "none answered in time")
            raise UsageError(f"no node of the cluster at {self._cluster.address} can run cells: {why}")
        kinds = len({fingerprint_id(dict(self._environments[id])) for id in self.usable()})
        nodes = self.usable().values()
        cpus, gpus = sum(n.cpus for n in nodes), sum(n.gpus for n in nodes)
        self._say(
            f"ray: {_count(len(nodes), 'node')}, {cpus:g} CPUs, {gpus:g} GPUs ({_count(kinds, 'kind')} of hardware)"
        )
        if kinds > 1:
            self._say(
                "ray: scores are not promised to be bit-equal between kinds of hardware; each record names its own"
            )

    def _hear_greeting(self, id: str, answer: Any) -> str:
        """Note a node's fingerprint, or leave it out and return why."""
        try:
            told = ray.get(answer)
        except RuntimeEnvSetupError as error:
            raise UsageError(f"the nodes cannot set up what was shipped: {error}") from error
        except RayError as error:
            told = {"why": f"it failed to answer: {(str(error).splitlines() or [''])[-1]}"}
        if told["why"]:
            self.leave_out(id, told["why"])
            return f"{self.name_of(id)}: {told['why']}"
        self._environments[id] = told["environment"]
        return ""

    def leave_out(self, id: str, why: str) -> None:
        """Send no more tasks to a node, and say so."""
        if id not in self._left_out:
            self._left_out.add(id)
            self._say(f"ray: node {self.name_of(id)} is left out: {why}")

    def lost_one(self, id: str) -> None:
        """Note that a node lost a task; one that lost three in a row gets no more."""
        self._losses[id] += 1
        if self._losses[id] == LOST_IN_A_ROW and id in self.usable():
            self.leave_out(id, f"it lost {LOST_IN_A_ROW} cells in a row")

    def ended_one(self, id: str) -> None:
        """Note that a task ended on a node as it should."""
        self._losses.pop(id, None)

    def for_speeds(self) -> list[str]:
        """Return the nodes where tasks may be alone: of one kind of hardware, the same for the whole run.

        The kind that most nodes have; the driver's own node only where there is no other.
        """
        own = ray.get_runtime_context().get_node_id()
        kinds = {id: fingerprint_id(dict(self._environments[id])) for id in self.usable() if id in self._environments}
        others = {id: kind for id, kind in kinds.items() if id != own} or kinds
        if not self._kind and others:
            self._kind = Counter(sorted(others.values())).most_common(1)[0][0]
        of_kind = [id for id, kind in kinds.items() if kind == self._kind]
        return [id for id in of_kind if id != own] or of_kind


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
