"""Jobs in, results out: each job runs in a process of its own, forked from a clean server (see server.py).

`Workers.run` is the seam: an iterable of jobs becomes an iterator of finished ones, whoever runs them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from bench.registry import ROOT

SINGLE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Job:
    """A call that the server makes in a forked process: a function of bench.jobs by name, with JSON arguments."""

    function: str
    arguments: dict[str, Any]
    timeout_s: float = 3600.0
    memory_bytes: int = 0  # resident bytes above the job's own at its start; 0: no limit


@dataclass(frozen=True)
class Ended:
    """How a job ended. value: what it returned, None unless `status` is "ok"; phase, seconds, peak_bytes as last seen."""

    status: str  # ok | crashed | timeout | oom
    value: Any
    message: str
    phase: str
    seconds: float
    peak_rss_bytes: int | None


class Workers:
    """The server process and the pipe to it. Leaving the context ends every job and every process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        root = ROOT
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | SINGLE_THREAD | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.executors._fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches this process only, which then ends the server in order
        )
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.close()  # the server ends its children when its input ends
        except BrokenPipeError:
            pass
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def run(
        self,
        jobs: Iterable[Job],
        *,
        at_once: int = 1,
        on_progress: Callable[[int, str, int], None] = lambda index, phase, step: None,
    ) -> Iterator[tuple[int, Ended]]:
        """Run jobs, at most `at_once` side by side; yields (index of the job, how it ended) as they end."""
        waiting = deque(enumerate(jobs))
        running = 0
        while waiting or running:
            while waiting and running < at_once:
                index, job = waiting.popleft()
                self._send({"id": index, **job.__dict__})
                running += 1
            message = self._receive()
            if message["event"] == "progress":
                on_progress(message["id"], message["phase"], message["step"])
                continue
            running -= 1
            names = ("status", "value", "message", "phase", "seconds", "peak_rss_bytes")
            yield message["id"], Ended(**{name: message[name] for name in names})

    def call(self, function: str, **arguments: Any) -> Ended:
        """Run one job and wait for it."""
        (_, ended), *_ = self.run([Job(function, arguments)])
        return ended

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise RuntimeError(f"the process that runs the cells ended unexpectedly (exit code {code}); see above")
        return json.loads(line)
