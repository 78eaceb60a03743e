"""Follow a task through a Ray cluster: what its messages and Ray's errors mean, if it is tried again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import (
    LocalRayletDiedError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    RuntimeEnvSetupError,
)

from bench.errors import Stopped, UsageError
from bench.run.task import Ended, Task

GRACE_S = 30.0  # beyond a task's limit, for its fork server to say so
BOOT_S = 300.0  # for a fork server to start
MOST_UNSTARTED = 10  # losses before a start that are not held against a task


@dataclass(frozen=True)
class Lost:
    """A task whose worker or node is gone; memory: Ray's monitor ended it for want of memory."""

    why: str
    memory: bool = False


@dataclass(frozen=True)
class Refused:
    """A task that its node would not run, since the node differs from the driver's machine."""

    node: str  # its id
    why: str


Heard = tuple[str, int] | Ended | Lost | Refused | None  # progress, an end, or nothing to tell


@dataclass
class Flight:
    """A task, and where it is."""

    index: int
    task: Task
    reserved: str = ""  # the node that it was sent to, where it must be alone
    node: str = ""  # id of the node that runs it, once that is known
    started: float = 0.0
    deadline: float = float("inf")
    phase: str = "start"
    attempts: int = 0  # starts so far
    unstarted: int = 0  # losses before a start
    overdue: bool = field(default=False)

    def hear(self, stream: Any) -> Heard:
        """Take the next message of the task's stream."""
        try:
            message = ray.get(next(stream))
        except StopIteration:
            return Lost("an early end of its messages")
        except RuntimeEnvSetupError as error:
            raise UsageError(f"the nodes cannot set up what was shipped: {_line(error)}") from error
        except LocalRayletDiedError as error:
            raise Stopped(
                "the driver's own Ray node died; what is finished is kept, run the same command again"
            ) from error
        except RayTaskError as error:
            return Lost(f"an error of what ran it there ({_last_line(error)})")
        except RayError as error:
            return Lost(type(error).__name__, memory=isinstance(error, OutOfMemoryError))
        return self._read(message)

    def _read(self, message: Mapping[str, Any]) -> Heard:
        now = time.monotonic()
        match message["event"]:
            case "here":
                self.node, self.deadline = message["node"], now + BOOT_S
            case "started":
                self.node, self.started, self.deadline = message["node"], now, now + self.task.timeout_s + GRACE_S
                self.attempts += 1
            case "progress":
                self.phase = message["phase"]
                return message["phase"], message["step"]
            case "refused":
                return Refused(message["node"], message["why"])
            case "lost":
                return Lost(message["why"])
            case "ended":
                return Ended(**{name: value for name, value in message.items() if name != "event"})
        return None

    def is_overdue(self) -> bool:
        """Tell whether the task's fork server should have ended it, and has not said so."""
        return time.monotonic() > self.deadline

    def overdue_end(self) -> Ended:
        """Return the end of a task whose fork server hangs."""
        return self._end(
            "timeout", f"its node said nothing for {GRACE_S:.0f} s beyond the limit of {self.task.timeout_s:.0f} s"
        )

    def may_try_again(self, lost: Lost, retries: int) -> bool:
        """Count a loss, and tell whether the task is to be started again."""
        if lost.memory and not self.started:  # it may have been the worker itself that was too large
            self.attempts += 1
        elif not self.started:
            self.unstarted += 1
            return self.unstarted <= MOST_UNSTARTED
        return self.attempts <= retries

    def lost_end(self, lost: Lost, node: str) -> Ended:
        """Return the end of a task that was lost too often."""
        times = max(self.attempts, self.unstarted)
        where = f" on node {node}" if node else ""
        return self._end("oom" if lost.memory else "crashed", f"lost {times} times, the last time to {lost.why}{where}")

    def again(self) -> None:
        """Forget where the task was: it starts afresh."""
        self.node, self.reserved, self.started, self.deadline, self.phase = "", "", 0.0, float("inf"), "start"

    def _end(self, status: str, message: str) -> Ended:
        seconds = time.monotonic() - self.started if self.started else 0.0
        return Ended(status, None, message, self.phase, seconds, None)


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
