"""Run tasks on this machine, each in a process forked from a clean server (see _fork_server.py)."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, NoReturn, Self

from bench.executors import _wire
from bench.run.task import GPU_SHARE, Ended, OnProgress, Task, say_nothing

SINGLE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
ASK_NO_DRIVER = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}  # whoever asks for a GPU in the server must not start CUDA there
GPU_MEMORY = 0.9  # of a card's memory that tasks side by side share; the rest is their contexts
SERVER = [sys.executable, "-m", "bench.executors._fork_server"]
FINGERPRINT = Task(function="bench.run.work:machine", arguments={})
ANSWER = ("status", "value", "message", "phase", "seconds", "peak_rss_bytes")


class ServerLost(RuntimeError):
    """The process that runs the tasks has ended."""


class LocalExecutor:
    """The server process, and the pipes to it.

    places: where the bundles of tasks lie, on a machine that is not the driver's. variables: of the environment, for the server.
    """

    def __init__(
        self, slots: int = 1, *, places: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self._slots = slots
        self.places = places
        self._variables = variables or {}
        self._ids = count()
        self._environment: Mapping[str, Any] | None = None

    @property
    def slots(self) -> int:
        """Return how many tasks run side by side where a run does not say."""
        return self._slots

    def __enter__(self) -> Self:
        path = os.pathsep.join(
            [str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        environment = os.environ | SINGLE_THREAD | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | ASK_NO_DRIVER
        if self._slots > 1:
            environment[GPU_SHARE] = str(GPU_MEMORY / self._slots)
        environment |= self._variables
        self._tasks, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                SERVER,
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches this process only, which then ends the server in order
            )
        assert self._server.stdout is not None
        self._events = self._server.stdout
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._tasks.close()  # the server ends its children when its input ends
        try:
            self._server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._events.close()

    def call(self, task: Task) -> Ended:
        """Run one task and wait for it."""
        return next(ended for _, ended in self.run([task], at_once=1))

    def run(
        self, tasks: Iterable[Task], *, at_once: int | None = None, on_progress: OnProgress = say_nothing
    ) -> Iterator[tuple[int, Ended]]:
        """Run tasks, at most `at_once` (None: as many as there are slots) side by side.

        Yields (index of the task, how it ended) in the order of ending. Tasks are read as they are started, never further ahead.
        """
        for index, told in self.follow(tasks, at_once=at_once):
            if isinstance(told, Ended):
                yield index, told
            else:
                on_progress(index, *told)

    def follow(
        self, tasks: Iterable[Task], *, at_once: int | None = None
    ) -> Iterator[tuple[int, tuple[str, int] | Ended]]:
        """Run tasks as `run` does, and yield what each reports, (phase, step), among how they ended."""
        self.machine()
        queue = _Queue(tasks, at_once or self._slots)
        running: dict[int, _Running] = {}
        while True:
            self._start_what_may(queue, running)
            if not running:
                return
            message = self._receive()
            one = running.get(message["id"])
            if one is None:  # of a run that was left before its end
                continue
            if message["event"] == "progress":
                yield one.index, (message["phase"], message["step"])
                continue
            del running[message["id"]]
            ended = self._ended(message, one)
            if not one.alone:  # the others need not wait for what the caller does with this one
                self._start_what_may(queue, running)
            yield one.index, ended

    def machine(self) -> Mapping[str, Any]:
        """Return this machine's fingerprint, once the server is ready."""
        if self._environment is None:
            self._environment = {}  # while it is asked for
            self._environment = self._fingerprint()
        return self._environment

    def _start_what_may(self, queue: _Queue, running: dict[int, _Running]) -> None:
        while (task := queue.next_for(running.values())) is not None:
            number = next(self._ids)
            running[number] = self._start(number, *task)

    def _start(self, number: int, index: int, task: Task) -> _Running:
        """Send a task to the server, with the spool for its files where it has any."""
        # closed when the task has ended, or with this process
        spool = TemporaryFile() if task.inputs or task.outputs else None  # noqa: SIM115
        inputs = {name: _wire.add_file(spool.fileno(), raw) for name, raw in task.inputs.items()} if spool else {}
        line = _wire.encode(
            {
                "id": number,
                "function": task.function,
                "arguments": dict(task.arguments),
                "timeout_s": task.timeout_s,
                "memory_bytes": task.memory_bytes,
                "inputs": inputs,
                "outputs": task.outputs,
                "spool": spool is not None,
                "places": self.places,
            }
        )
        try:
            sent = socket.send_fds(self._tasks, [line], [spool.fileno()]) if spool else 0
            self._tasks.sendall(line[sent:])
        except (BrokenPipeError, ConnectionResetError):
            self._lost()
        return _Running(index, task.alone, spool)

    def _ended(self, message: dict[str, Any], one: _Running) -> Ended:
        """Read the files of a task that has ended, and say how it ended."""
        files = {}
        if one.spool is not None:
            with one.spool:
                files = {name: _wire.read_file(one.spool.fileno(), place) for name, place in message["files"].items()}
        assert self._environment is not None
        told = {name: message[name] for name in ANSWER}
        return Ended(**told, files=files, node=platform.node(), environment=self._environment)

    def _fingerprint(self) -> dict[str, Any]:
        """Ask a process for this machine's fingerprint.

        Reading a GPU's name may start CUDA, which the server must not.
        """
        ended = self.call(FINGERPRINT)
        if ended.status != "ok":
            raise RuntimeError(f"this machine's fingerprint could not be taken: {ended.message}")
        return ended.value

    def _receive(self) -> dict[str, Any]:
        line = self._events.readline()
        if not line:
            self._lost()
        return json.loads(line)

    def _lost(self) -> NoReturn:
        code = self._server.wait()
        raise ServerLost(f"the process that runs the cells ended unexpectedly (exit code {code}); see above")


@dataclass(frozen=True)
class _Running:
    """A task that has been started."""

    index: int
    alone: bool
    spool: IO[bytes] | None


class _Queue:
    """Tasks that wait: read one at a time, and only when there is room for one more."""

    def __init__(self, tasks: Iterable[Task], at_once: int) -> None:
        self._source, self._at_once = enumerate(tasks), at_once
        self._next: tuple[int, Task] | None = None

    def next_for(self, running: Collection[_Running]) -> tuple[int, Task] | None:
        """Return the task to start beside those that run; None if none can be or is left."""
        if len(running) >= self._at_once:
            return None
        self._next = self._next or next(self._source, None)
        if self._next is None or (running and (self._next[1].alone or any(one.alone for one in running))):
            return None
        task, self._next = self._next, None
        return task
