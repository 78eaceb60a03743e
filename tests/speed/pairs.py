"""Ours beside a peer: interleaved pairs in one run, the median of their ratios, and agreement before every further pair.

A pair is one call of each peer, then one of ours. What both returned is compared after each pair, so that nothing is timed a
second time that is not right; a slow peer is timed on a part, and `whole` says how many such parts the whole has.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

# SPEED_CLOCK=process_time counts processor time instead: for a look while the machine does other work, never for the table
clock = getattr(time, os.environ.get("SPEED_CLOCK", "perf_counter"))


@dataclass(frozen=True)
class Peer:
    """What ours must beat: goal is the ratio of its seconds to ours, None for a peer shown for comparison; agrees(ours, theirs)
    raises where they differ."""

    name: str
    call: Callable[[], Any]
    goal: float | None
    agrees: Callable[[Any, Any], None]
    whole: float = 1.0


@dataclass
class Race:
    """The seconds of every pair, scaled to the whole."""

    peers: tuple[Peer, ...]
    whole: float = 1.0
    ours: list[float] = field(default_factory=list)
    theirs: dict[str, list[float]] = field(default_factory=dict)

    def ratios(self, peer: str) -> list[float]:
        """Seconds of the peer over seconds of ours, pair by pair."""
        return [theirs / ours for theirs, ours in zip(self.theirs[peer], self.ours, strict=True)]

    def summary(self) -> list[dict[str, Any]]:
        """One JSON object a peer: medians, the range of the ratios, the goal."""
        found = []
        for peer in self.peers:
            ratios = self.ratios(peer.name)
            found.append(
                {
                    "peer": peer.name,
                    "goal": peer.goal,
                    "ratio": statistics.median(ratios),
                    "lowest": min(ratios),
                    "highest": max(ratios),
                    "pairs": len(ratios),
                    "peer_seconds": statistics.median(self.theirs[peer.name]),
                    "seconds": statistics.median(self.ours),
                    "extrapolated": peer.whole != 1,
                }
            )
        return found


def run_pairs(benchmark: Any, ours: Callable[[], Any], *peers: Peer, pairs: int = 5, whole: float = 1.0) -> Race:
    """Time the pairs with pytest-benchmark's pedantic mode, whose setup (the peers' turn) is outside ours' time."""
    race, seen = Race(peers, whole), {}

    def their_turn() -> None:
        for peer in peers:
            with contextlib.redirect_stdout(io.StringIO()):  # a peer prints
                start = clock()
                seen[peer.name] = peer.call()
                seconds = clock() - start
            race.theirs.setdefault(peer.name, []).append(seconds * peer.whole)

    def our_turn() -> None:
        start = clock()
        seen["ours"] = ours()
        race.ours.append((clock() - start) * whole)

    def compare() -> None:
        for peer in peers:
            peer.agrees(seen["ours"], seen[peer.name])

    benchmark.pedantic(our_turn, setup=their_turn, teardown=compare, rounds=pairs, iterations=1)
    return race


@contextlib.contextmanager
def pinned(threads: int) -> Iterator[int]:
    """So many cores for this process, and so many threads for torch and BLAS: both sides get the same, whatever they start."""
    import torch
    from threadpoolctl import threadpool_limits

    cores, before = _cores(), torch.get_num_threads()
    threads = min(threads, len(cores))
    _set_cores(cores[:threads])
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield threads
    finally:
        torch.set_num_threads(before)
        _set_cores(cores)


def _cores() -> list[int]:
    has = hasattr(os, "sched_getaffinity")
    return sorted(os.sched_getaffinity(0)) if has else list(range(os.cpu_count() or 1))


def _set_cores(cores: list[int]) -> None:
    """On Linux, for every thread there is: pools that started before keep running on their old cores otherwise."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for thread in map(int, os.listdir("/proc/self/task")):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(thread, cores)
