"""Seconds between marks: on a GPU by events in its stream, which cost no wait.

Elsewhere by the monotonic clock.
"""

from __future__ import annotations

import time
from itertools import pairwise

import torch


class Stopwatch:
    """Starts when it is made. `mark` waits for nothing; `intervals` waits for the device once."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._events: list[torch.cuda.Event] = []
        self._seconds: list[float] = []
        if device.type == "cuda":
            torch.cuda.synchronize(device)  # what was queued before must not be timed
        self.mark()

    def mark(self) -> None:
        """End one interval and begin the next."""
        if self.device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record(torch.cuda.current_stream(self.device))
            self._events.append(event)
        else:
            self._seconds.append(time.perf_counter())

    def intervals(self) -> list[float]:
        """Return the seconds between neighbouring marks."""
        if self.device.type == "cuda":
            self._events[-1].synchronize()
            return [a.elapsed_time(b) / 1000 for a, b in pairwise(self._events)]  # milliseconds
        return [b - a for a, b in pairwise(self._seconds)]
