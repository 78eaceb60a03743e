"""The fork server: torch imported, no tensor operation, no fit and no CUDA call made.

Every task is a fork of it.

Reads one task a line from standard input, a socket, and writes one event a line to standard output (see _wire.py). A task's process
has a process group of its own, dies with the server, and is ended when it passes its time or its resident memory. The server dies with
the process that started it.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.executors import _wire
from bench.executors._child import run_and_leave
from bench.executors._process import die_with_parent, kill_group, resident_bytes
from bench.executors._watched import Watched

PRELOADED = (
    "torch",
    "torch._dynamo",  # which the first optimizer of a process would import, for seconds
    "numpy",
    "scipy.linalg",
    "scipy.special",
    "sklearn.datasets",
    "sklearn.model_selection",
    "sklearn.covariance",
    "sklearn.mixture",
    "sklearn.cluster",
    "safetensors.torch",
    "bench.run.work",
)
OPEN_FILES = Path("/proc/self/fd")
GPU_FILES = "/dev/nvidia"
POLL_S = 0.1
READ_BYTES = 1 << 20
MOST_SPOOLS = 253  # that one read can bring: what the kernel sends at most


def check_clean() -> None:
    """Raise RuntimeError if this process can no longer be forked safely: threads, or CUDA in use."""
    tasks = Path("/proc/self/task")
    if tasks.is_dir() and (threads := len(list(tasks.iterdir()))) != 1:
        raise RuntimeError(f"the fork server has {threads} threads, expected 1: a library started some")
    torch = sys.modules.get("torch")
    if (torch is not None and torch.cuda.is_initialized()) or holds_gpu():
        raise RuntimeError("the fork server has initialised CUDA; its children could not use it")


def holds_gpu() -> bool:
    """Say whether this process has a GPU's device file open, as it has once a driver was asked."""
    for one in OPEN_FILES.iterdir() if OPEN_FILES.is_dir() else ():
        with suppress(OSError):  # the folder's own
            if str(one.readlink()).startswith(GPU_FILES):
                return True
    return False


class Server:
    """Forks, watches, reaps."""

    def __init__(self, tasks_in: socket.socket, events_out: int) -> None:
        self.tasks_in, self.events_out = tasks_in, events_out
        self.children: dict[int, Watched] = {}  # by pipe
        self.selector = selectors.DefaultSelector()
        self.selector.register(tasks_in, selectors.EVENT_READ)
        self.lines = _wire.Lines()
        self.spools: deque[int] = deque()  # that arrived before the end of their task's line

    def serve(self) -> None:
        """Run until standard input ends; then end every child."""
        try:
            while self._turn():
                pass
        finally:
            for child in self.children.values():
                kill_group(child.pid)
                self._reap(child)

    def _turn(self) -> bool:
        for key, _ in self.selector.select(timeout=POLL_S):
            if key.fd in self.children:
                self._read(self.children[key.fd])
            elif key.fileobj is self.tasks_in and not self._receive():
                return False
        for child in list(self.children.values()):
            self._watch(child)
        return True

    def _receive(self) -> bool:
        """Start the tasks that have arrived; False once there will be no more."""
        raw, spools, _, _ = socket.recv_fds(self.tasks_in, READ_BYTES, MOST_SPOOLS)
        for spool in spools:
            os.set_inheritable(spool, False)
        self.spools += spools
        for task in self.lines.add(raw):
            self._start(task)
        return bool(raw)

    def _start(self, task: dict[str, Any]) -> None:
        check_clean()
        spool = self.spools.popleft() if task["spool"] else None
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            run_and_leave(task, server=server, pipe=write_end, spool=spool)
        os.close(write_end)
        if spool is not None:
            os.close(spool)
        now = time.monotonic()
        limits = now + task["timeout_s"], task["memory_bytes"], resident_bytes()
        self.children[read_end] = Watched(task["id"], pid, read_end, now, *limits)
        self.selector.register(read_end, selectors.EVENT_READ)

    def _read(self, child: Watched) -> None:
        try:
            raw = os.read(child.pipe, READ_BYTES)
        except BlockingIOError:
            return
        if not raw:
            self._finish(child)
            return
        for message in child.lines.add(raw):
            if "phase" in message:
                child.phase = message["phase"]
                self._emit({"id": child.id, "event": "progress", **message})
            else:
                child.hear(message)

    def _watch(self, child: Watched) -> None:
        if self._reap(child, wait=False):  # it ended, though something it started may still hold the pipe open
            self._read(child)
            if child.pipe in self.children:
                self._finish(child)
            return
        if child.killed:
            return
        child.look_at_memory()
        child.killed = child.over_its_limits()
        if child.killed:
            kill_group(child.pid)

    def _finish(self, child: Watched) -> None:
        child.look_at_memory()
        self._reap(child)
        self.selector.unregister(child.pipe)
        os.close(child.pipe)
        del self.children[child.pipe]
        self._emit({"id": child.id, "event": "ended", **child.ended()})

    def _reap(self, child: Watched, *, wait: bool = True) -> bool:
        """Collect the exit code, and end whatever the task itself had started; False while it still runs."""
        if child.code is not None:
            return True
        try:
            pid, status = os.waitpid(child.pid, 0 if wait else os.WNOHANG)
        except ChildProcessError:
            pid, status = child.pid, 0
        if pid == 0:
            return False
        child.code = os.waitstatus_to_exitcode(status)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        return True

    def _emit(self, event: dict[str, Any]) -> None:
        _wire.write(self.events_out, event)


def main() -> None:
    """Preload, then serve on standard input and output."""
    parent = os.getppid()
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    events = os.dup(1)
    os.dup2(2, 1)
    for name in PRELOADED:
        __import__(name)
    with suppress(BrokenPipeError):
        Server(socket.socket(fileno=0), events).serve()


if __name__ == "__main__":
    main()
