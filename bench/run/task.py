"""The seam: what an executor is asked to do, what it says of it, and what every executor keeps to.

Whatever crosses it is JSON or bytes: no tensor, no model, no class of ours, no path of the driver's machine as a place to write.
The driver alone writes results. A task's function hands files to its `Context`, and they come back as bytes in `Ended`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

GPU_SHARE = (
    "GENBENCH_GPU_SHARE"  # a variable: the part of a card's memory that each of several tasks side by side may take
)
Report = Callable[[str, int], None]  # (phase, step)
OnProgress = Callable[[int, str, int], None]  # (index of the task, phase, step)


def say_nothing(*_: object) -> None:
    """Ignore a report of progress, or a file that nobody asked for."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One call, made in a process of its own: `function(**arguments, context=Context(...))`.

    function: "package.module:name", imported where the task runs; it returns JSON.
    inputs: files for the function, by name. outputs: the names of those files that are wanted back.
    bundles: paths on the driver's machine that the function reads, in groups by name; an executor that works elsewhere ships them.
    """

    function: str
    arguments: Mapping[str, Any]  # JSON
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    bundles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = ""  # for people
    timeout_s: float = 3600.0
    memory_bytes: int = 0  # resident bytes above the process's own at its start; 0: no limit
    alone: bool = False  # nothing else of this executor may run on its machine meanwhile
    cpus: float = 1.0  # for an executor that places tasks on machines
    gpus: float = 0.0


@dataclass(frozen=True)
class Context:
    """What a task's function has beside its arguments; the default is a call outside any executor."""

    report: Report = say_nothing
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()  # the names of the files that are wanted
    keep: Callable[[str, bytes], None] = say_nothing  # hand over a file under one of those names, at once
    places: Mapping[str, str] | None = None  # on another machine: the folder of each bundle; None on the driver's


@dataclass(frozen=True)
class Ended:
    """How a task ended. `value` is what it returned, None unless `status` is "ok".

    phase, seconds and peak_rss_bytes are as last seen; files holds what was kept until then, even where the process died later.
    """

    status: str  # ok | crashed | timeout | oom
    value: Any
    message: str
    phase: str
    seconds: float
    peak_rss_bytes: int | None
    files: Mapping[str, bytes] = field(default_factory=dict)
    node: str = ""  # name of the machine it ran on
    environment: Mapping[str, Any] = field(default_factory=dict)  # that machine's fingerprint
    attempts: int = 1  # how often it was started: more than once where a machine was lost under it


class Executor(Protocol):
    """Runs tasks. A context manager: leaving it ends every task and every process that it started."""

    @property
    def slots(self) -> int:
        """Return how many tasks run side by side where a run does not say."""

    def __enter__(self) -> Self:
        """Start what is needed to run tasks."""

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End every task and every process."""

    def call(self, task: Task) -> Ended:
        """Run one task on the driver's machine and wait for it."""

    def run(
        self, tasks: Iterable[Task], *, at_once: int | None = None, on_progress: OnProgress = say_nothing
    ) -> Iterator[tuple[int, Ended]]:
        """Run tasks, at most `at_once` (None: as many as there are slots) side by side.

        Yields (index of the task, how it ended) in the order of ending. Tasks are read as they are started, never further ahead.
        """
