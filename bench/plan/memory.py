"""How much memory a cell may take: what its suite says, and for own data what the machine has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

SHARE = 0.8  # of the memory that is free when a run is planned, for all its cells together


def available_bytes() -> int:
    """Return the memory that this process could still take; 0 where the kernel does not say."""
    limits = []
    with suppress(OSError, ValueError, KeyError):
        table = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        limits.append(int(table["MemAvailable"].split()[0]) * 1024)
    with suppress(OSError, ValueError):  # ValueError: "max", no limit
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        limits.append(max(0, limit - used + int(stat.get("inactive_file", 0))))  # a cache of files gives way
    return min(limits, default=0)


def limit_of_own_data(suite_gib: float, *, available: int, jobs: int) -> tuple[float, str]:
    """Return a cell's limit on own data in GiB, the larger of suite and machine, and words for it."""
    share = SHARE * available / max(jobs, 1) / 2**30
    if share <= suite_gib:
        return suite_gib, f"up to {suite_gib:.1f} GiB a cell, the suite's memory_gib"
    free = f"{SHARE:.0%} of the {available / 2**30:.1f} GiB free here for {max(jobs, 1)} side by side"
    return share, f"up to {share:.1f} GiB a cell: {free}; the suite alone gives {suite_gib:.1f}"
