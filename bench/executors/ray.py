"""Run tasks on a Ray cluster: Ray places them, each runs in a fork of our own server on its node.

The driver alone writes: what a task makes comes back as bytes. Ray's own retries are off, since they are silent and, for want of
memory, without end; the driver counts. docs/several-machines.md tells what happens when.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.errors import Stopped, UsageError
from bench.executors._ray_cluster import Cluster
from bench.executors._ray_fleet import Fleet, bytes_for, holds, size_text
from bench.executors._ray_flight import Flight, Lost, Refused
from bench.executors._ray_node import run_task, traits
from bench.executors._ray_ship import Parcels
from bench.executors.local import LocalExecutor
from bench.run.task import Ended, OnProgress, Task, say_nothing

SPARE = 2  # tasks that wait at the nodes, so that none of them idles
PATIENCE_S = 300.0  # without any node that can run what waits


class RayExecutor:
    """The connection to a cluster.

    retries: how often a task is started again after its worker or node was lost.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        device: str = "cpu",
        jobs: int | None = None,
        retries: int = 2,
        say: Callable[[str], None] = say_nothing,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._jobs, self._retries, self._say, self._patience_s = jobs, retries, say, patience_s
        self._fleet = Fleet(cluster, device, say)
        self._local = LocalExecutor()
        self._parcels = Parcels()
        self._run_task = ray.remote(max_calls=0)(run_task)  # by default Ray starts a new worker for each GPU task

    @property
    def slots(self) -> int:
        """Return how many tasks run side by side where a run does not say."""
        return self._jobs or max(1, int(sum(self._fleet.room_of(node) for node in self._fleet.usable().values())))

    def __enter__(self) -> Self:
        self._expected = traits()
        self._fleet.greet(self._expected)
        self._local.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._local.__exit__(kind, error, trace)
        finally:
            ray.shutdown()  # which ends this run's workers, and their servers with them

    def call(self, task: Task) -> Ended:
        """Run one task on the driver's machine and wait for it."""
        return self._local.call(task)

    def run(
        self, tasks: Iterable[Task], *, at_once: int | None = None, on_progress: OnProgress = say_nothing
    ) -> Iterator[tuple[int, Ended]]:
        """Run tasks on the nodes, at most `at_once` side by side.

        None is as many as there are slots, and two that wait.
        Yields (index of the task, how it ended) in the order of ending. Tasks are read as they are started, never further ahead.
        """
        waiting = _Waiting(tasks)
        flying: dict[Any, Flight] = {}  # by stream of messages
        patience = time.monotonic() + self._patience_s
        try:
            while True:
                yield from self._start_what_may(waiting, flying, at_once)
                if not flying and not waiting:
                    return
                if self._is_hopeful(waiting, flying):
                    patience = time.monotonic() + self._patience_s
                elif time.monotonic() > patience:
                    raise Stopped(
                        f"no node could run a cell for {self._patience_s:.0f} s; what is finished is kept, run the same command"
                        " again once the cluster has nodes"
                    )
                yield from self._overdue(flying)
                for stream in _ready(flying):
                    yield from self._hear(stream, flying, waiting, on_progress)
        finally:
            for stream in flying:
                ray.cancel(stream, force=True)

    def _start_what_may(
        self, waiting: _Waiting, flying: dict[Any, Flight], at_once: int | None
    ) -> Iterator[tuple[int, Ended]]:
        """Start tasks while there is room; yields the end of one that can be started nowhere."""
        most = at_once or self._jobs or self.slots + SPARE
        while len(flying) < most and (flight := waiting.peek()) is not None:
            if flight.task.alone:
                nodes = self._fleet.for_speeds()
                if not nodes and self._fleet.usable():
                    yield self._end(
                        waiting.take(),
                        flight.lost_end(Lost("the last node of the kind that speeds are measured on"), ""),
                    )
                    continue
                taken = {one.reserved for one in flying.values()}
                flight.reserved = next((node for node in nodes if node not in taken), "")
                if not flight.reserved:
                    return
            stream = self._start(flight, first=not waiting.started)
            flying[stream] = waiting.take()
            waiting.started = True

    def _start(self, flight: Flight, *, first: bool) -> Any:
        """Send a task to the cluster; returns the stream of its messages.

        first: nothing has run yet, and UsageError tells where no node can ever hold the task.
        """
        task, usable = flight.task, self._fleet.usable()
        if first and usable and not any(holds(node, task) for node in usable.values()):
            largest = max(usable.values(), key=lambda node: (node.gpus, node.memory_bytes, node.cpus))
            raise UsageError(
                f"no node can hold {task.name or task.function}: it needs {size_text(task.cpus, task.gpus, bytes_for(task))},"
                f" and the largest node, {largest.name}, has {size_text(largest.cpus, largest.gpus, largest.memory_bytes)}"
            )
        hashes, parcels = self._parcels.of(task.bundles)
        message = {
            **{"function": task.function, "arguments": dict(task.arguments), "outputs": task.outputs},
            **{"timeout_s": task.timeout_s, "memory_bytes": task.memory_bytes, "bundles": hashes},
        }
        options: dict[str, Any] = {"num_cpus": task.cpus, "num_gpus": task.gpus, "memory": bytes_for(task)}
        if flight.reserved:  # all of its node, so that Ray starts nothing else there
            node = usable[flight.reserved]
            options |= {"num_cpus": node.cpus, "num_gpus": node.gpus}
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node.id, soft=False)
        elif selector := self._fleet.selector():
            options["label_selector"] = selector
        options |= {"max_retries": 0, "num_returns": "streaming", "enable_task_events": False}
        return self._run_task.options(**options).remote(message, self._expected, dict(task.inputs), *parcels)

    def _hear(
        self, stream: Any, flying: dict[Any, Flight], waiting: _Waiting, on_progress: OnProgress
    ) -> Iterator[tuple[int, Ended]]:
        """Take one message of a task in flight; yields its end, if that is what it was."""
        flight = flying.pop(stream)
        heard = flight.hear(stream)
        if isinstance(heard, Ended):
            self._fleet.ended_one(flight.node)
            yield self._end(flight, heard)
        elif isinstance(heard, Refused):
            self._fleet.leave_out(heard.node, heard.why)
            waiting.again(flight)
        elif isinstance(heard, Lost):
            yield from self._lose(flight, heard, waiting)
        else:
            flying[stream] = flight  # behind the others, whose turn is next
            if heard:
                on_progress(flight.index, *heard)

    def _lose(self, flight: Flight, lost: Lost, waiting: _Waiting) -> Iterator[tuple[int, Ended]]:
        """Have a lost task started again, or yield its end."""
        where = self._fleet.name_of(flight.node)
        if flight.node:
            self._fleet.lost_one(flight.node)
        if flight.may_try_again(lost, self._retries):
            name = flight.task.name or f"task {flight.index}"
            self._say(f"ray: {name} was lost to {lost.why}{f' on node {where}' if where else ''}; it is started again")
            waiting.again(flight)
        else:
            yield self._end(flight, flight.lost_end(lost, where))

    def _overdue(self, flying: dict[Any, Flight]) -> Iterator[tuple[int, Ended]]:
        """End the tasks whose fork server hangs, with the worker that it belongs to."""
        for stream in [stream for stream, flight in flying.items() if flight.is_overdue()]:
            flight = flying.pop(stream)
            ray.cancel(stream, force=True)
            yield self._end(flight, flight.overdue_end())

    def _end(self, flight: Flight, ended: Ended) -> tuple[int, Ended]:
        environment: Mapping[str, Any] = (
            ended.environment or self._fleet.environment_of(flight.node) or self._local.machine()
        )
        name = self._fleet.name_of(flight.node)
        return flight.index, replace(ended, node=name, environment=environment, attempts=max(1, flight.attempts))

    def _is_hopeful(self, waiting: _Waiting, flying: dict[Any, Flight]) -> bool:
        """Tell whether a task runs, or a node is there that could run one."""
        usable = self._fleet.usable()
        tasks = [flight.task for flight in flying.values()] + [flight.task for flight in [waiting.peek()] if flight]
        running = any(flight.node in usable for flight in flying.values())
        return running or any(holds(node, task) for task in tasks for node in usable.values())


def _ready(flying: Mapping[Any, Flight]) -> list[Any]:
    """Return a stream that has a message, within a second; none where there is no such."""
    if not flying:
        time.sleep(1.0)
        return []
    return ray.wait(list(flying), timeout=1.0)[0]


class _Waiting:
    """Tasks that wait: those that were lost, then the others, read one at a time."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._source = enumerate(tasks)
        self._lost: deque[Flight] = deque()
        self._next: Flight | None = None
        self.started = False  # whether any task of this run was

    def __bool__(self) -> bool:
        return bool(self._lost or self._next)

    def peek(self) -> Flight | None:
        """Return the task that is next; None if none is left."""
        if self._lost:
            return self._lost[0]
        if self._next is None and (pair := next(self._source, None)):
            self._next = Flight(*pair)
        return self._next

    def take(self) -> Flight:
        """Return the task that is next, which waits no longer."""
        flight = self.peek()
        assert flight is not None
        if self._lost:
            self._lost.popleft()
        else:
            self._next = None
        return flight

    def again(self, flight: Flight) -> None:
        """Put a task before the others: it was started, and lost."""
        flight.again()
        self._lost.append(flight)
