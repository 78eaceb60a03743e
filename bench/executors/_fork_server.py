"""The fork server: torch imported, no tensor operation, no fit and no CUDA call made; every job is a fork of it.

Reads one JSON job a line from standard input, writes one JSON event a line to standard output. A job's process has a
process group of its own, dies with the server, and is ended when it passes its time or its resident memory. The server
dies with the process that started it.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.executors._process import die_with_parent, peak_resident_bytes, resident_bytes

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
    "bench.executors.worker",
)
POLL_S = 0.1


@dataclass
class _Child:
    id: int
    pid: int
    pipe: int
    start: float
    deadline: float
    memory_bytes: int
    baseline: int
    buffer: bytes = b""
    phase: str = "start"
    peak: int = 0
    result: dict[str, Any] | None = None
    killed: tuple[str, str] | None = None  # (status, message)
    code: int | None = None  # exit code once reaped


def check_clean() -> None:
    """Raise RuntimeError if this process can no longer be forked safely: threads, or CUDA in use."""
    tasks = Path("/proc/self/task")
    if tasks.is_dir() and len(list(tasks.iterdir())) != 1:
        raise RuntimeError(
            f"the fork server has {len(list(tasks.iterdir()))} threads, expected 1: a library started some"
        )
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        raise RuntimeError("the fork server has initialised CUDA; its children could not use it")


class Server:
    """Forks, watches, reaps."""

    def __init__(self, jobs_in: int, events_out: int) -> None:
        self.jobs_in, self.events_out = jobs_in, events_out
        self.children: dict[int, _Child] = {}  # by pipe
        self.selector = selectors.DefaultSelector()
        self.selector.register(jobs_in, selectors.EVENT_READ)
        self.buffer = b""

    def serve(self) -> None:
        """Until standard input ends; then end every child."""
        try:
            while self._turn():
                pass
        finally:
            for child in self.children.values():
                self._kill(child)
                self._reap(child)

    def _turn(self) -> bool:
        for key, _ in self.selector.select(timeout=POLL_S):
            if key.fd == self.jobs_in:
                raw = os.read(self.jobs_in, 1 << 20)
                if not raw:
                    return False
                self.buffer += raw
                *lines, self.buffer = self.buffer.split(b"\n")
                for line in lines:
                    self._start(json.loads(line))
            elif key.fd in self.children:
                self._read(self.children[key.fd])
        for child in list(self.children.values()):
            self._watch(child)
        return True

    def _start(self, job: dict[str, Any]) -> None:
        check_clean()
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(job, server, write_end)
        os.close(write_end)
        now = time.monotonic()
        limits = now + job["timeout_s"], job["memory_bytes"], resident_bytes()
        self.children[read_end] = _Child(job["id"], pid, read_end, now, *limits)
        self.selector.register(read_end, selectors.EVENT_READ)

    def _become_child(self, job: dict[str, Any], server: int, write_end: int) -> None:
        """Run the job and leave: this never returns."""
        code = 1
        try:
            os.setpgid(0, 0)
            die_with_parent(server)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(2, 1)  # what a model prints goes to standard error, never into the protocol
            try:
                Path("/proc/self/clear_refs").write_text("5")  # the peak starts here, not at the server's
            except OSError:
                pass
            from bench.executors.worker import FUNCTIONS

            # what is shared with the server and not yet touched does not count, so the server's own size is no zero
            _write(write_end, {"resident": resident_bytes()})

            def report(phase: str, step: int) -> None:
                _write(write_end, {"phase": phase, "step": step})

            value = FUNCTIONS[job["function"]](report=report, **job["arguments"])
            _write(write_end, {"value": value})
            code = 0
        except BaseException as error:  # noqa: BLE001 - the process ends here, its reason goes through the pipe
            kind = type(error).__name__
            _write(write_end, {"error": f"{kind}: {error}", "exit_code": getattr(error, "exit_code", None)})
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _read(self, child: _Child) -> None:
        try:
            raw = os.read(child.pipe, 1 << 20)
        except BlockingIOError:
            return
        if not raw:
            self._finish(child)
            return
        child.buffer += raw
        *lines, child.buffer = child.buffer.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "resident" in message:
                child.baseline = message["resident"]
            elif "phase" in message:
                child.phase = message["phase"]
                self._emit({"id": child.id, "event": "progress", **message})
            else:
                child.result = message

    def _watch(self, child: _Child) -> None:
        if self._reap(child, wait=False):  # it ended, though something it started may still hold the pipe open
            self._read(child)
            if child.pipe in self.children:
                self._finish(child)
            return
        if child.killed:
            return
        above = peak_resident_bytes(child.pid) - child.baseline
        child.peak = max(child.peak, above)
        if time.monotonic() > child.deadline:
            limit = child.deadline - child.start
            child.killed = ("timeout", f"stopped after {limit:.0f} s, the limit of its suite")
            self._kill(child)
        elif child.memory_bytes and resident_bytes(child.pid) - child.baseline > child.memory_bytes:
            limit_mib = child.memory_bytes // 2**20
            child.killed = ("oom", f"stopped at more than {limit_mib} MiB of resident memory, the limit of its suite")
            self._kill(child)

    def _finish(self, child: _Child) -> None:
        child.peak = max(child.peak, peak_resident_bytes(child.pid) - child.baseline)
        self._reap(child)
        code = child.code or 0
        self.selector.unregister(child.pipe)
        os.close(child.pipe)
        del self.children[child.pipe]
        status, message, value = "ok", "", None
        if child.killed:
            status, message = child.killed
        elif child.result is None:
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            status, message = "crashed", f"the process ended with {name}"
            if code == -signal.SIGKILL:
                status, message = (
                    "oom",
                    "the process was killed (SIGKILL), most likely by the system for want of memory",
                )
        elif "error" in child.result:
            status, message = "crashed", child.result["error"]
            value = child.result["exit_code"]
        else:
            value = child.result["value"]
        self._emit(
            {
                "id": child.id,
                "event": "ended",
                "status": status,
                "value": value,
                "message": message,
                "phase": child.phase,
                "seconds": time.monotonic() - child.start,
                "peak_rss_bytes": child.peak or None,
            }
        )

    def _kill(self, child: _Child) -> None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            try:
                os.kill(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _reap(self, child: _Child, *, wait: bool = True) -> bool:
        """Collect the exit code, and end whatever the job itself had started; False while it still runs."""
        if child.code is not None:
            return True
        try:
            pid, status = os.waitpid(child.pid, 0 if wait else os.WNOHANG)
        except ChildProcessError:
            pid, status = child.pid, 0
        if pid == 0:
            return False
        child.code = os.waitstatus_to_exitcode(status)
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        return True

    def _emit(self, event: dict[str, Any]) -> None:
        _write(self.events_out, event)


def _write(descriptor: int, message: dict[str, Any]) -> None:
    raw = json.dumps(message).encode() + b"\n"
    while raw:
        raw = raw[os.write(descriptor, raw) :]


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
    try:
        Server(0, events).serve()
    except BrokenPipeError:
        pass


if __name__ == "__main__":
    main()
