"""A task's process as the fork server sees it: its limits, what it has told, how it ended."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import Any

from bench.executors import _wire
from bench.executors._process import peak_resident_bytes, resident_bytes


@dataclass
class Watched:
    """A task's process as the server sees it."""

    id: int
    pid: int
    pipe: int
    start: float
    deadline: float
    memory_bytes: int
    baseline: int
    lines: _wire.Lines = field(default_factory=_wire.Lines)
    phase: str = "start"
    peak: int = 0
    files: _wire.Places = field(default_factory=dict)
    result: dict[str, Any] | None = None
    killed: tuple[str, str] | None = None  # (status, message)
    code: int | None = None  # exit code once reaped

    def hear(self, message: dict[str, Any]) -> None:
        """Take a message of the process that is not about its progress."""
        if "resident" in message:
            self.baseline = message["resident"]
        elif "file" in message:
            self.files[message["file"]] = message["place"]
        else:
            self.result = message

    def look_at_memory(self) -> None:
        """Note the most memory that the process has taken so far."""
        self.peak = max(self.peak, peak_resident_bytes(self.pid) - self.baseline)

    def over_its_limits(self) -> tuple[str, str] | None:
        """Return the status and the message of a limit that the process has passed, None if it keeps to them."""
        if time.monotonic() > self.deadline:
            return "timeout", (
                f"stopped after {self.deadline - self.start:.0f} s, its limit: raise timeout_s in a copy of the suite's TOML file and "
                "give it by --suite"
            )
        if self.memory_bytes and resident_bytes(self.pid) - self.baseline > self.memory_bytes:
            mib = self.memory_bytes // 2**20
            return "oom", (
                f"stopped at more than {mib} MiB of resident memory, its limit: raise memory_gib in a copy of the suite's "
                "TOML file and give it by --suite"
            )
        return None

    def ended(self) -> dict[str, Any]:
        """Tell how the process ended, as the event says it."""
        status, message, value = self.outcome()
        return {
            "status": status,
            "value": value,
            "message": message,
            "phase": self.phase,
            "seconds": time.monotonic() - self.start,
            "peak_rss_bytes": self.peak or None,
            "files": self.files,
        }

    def outcome(self) -> tuple[str, str, Any]:
        """Return (status, message, value) of the process, which has ended."""
        code = self.code or 0
        if self.killed:
            return *self.killed, None
        if self.result is None and code == -signal.SIGKILL:
            return "oom", "the process was killed (SIGKILL), most likely by the system for want of memory", None
        if self.result is None:
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return "crashed", f"the process ended with {name}", None
        if "error" in self.result:
            return "crashed", self.result["error"], self.result["exit_code"]
        return "ok", "", self.result["value"]
