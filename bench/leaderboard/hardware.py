"""Compare speeds within one kind of hardware only: that on which most rows of a board were timed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.records.record import Record

SPEEDS = ("train_examples_per_s", "sample_examples_per_s", "share_of_peak", "joules_per_1000_samples")
OTHER_HARDWARE = "speed measured on other hardware"  # the finding about a row whose speeds are left out


def hardware_of(record: Record) -> str:
    """Name the kind of hardware that a record was timed on; empty where the record does not say."""
    return str(record["throughput"].get("node_kind") or record.get("env_ref") or "")


def speed(record: Record, name: str) -> float | None:
    """Read a speed of the exclusive pass; None for one that was measured while other cells ran."""
    throughput = record["throughput"]
    return None if throughput.get("contended", True) else throughput.get(name)


def common_hardware(models: Mapping[str, Sequence[Record]]) -> str:
    """Choose the kind of hardware that most rows of a board were timed on.

    Of kinds with equally many rows it is that of the newest record, then the last by name.
    models: row -> its records, one per seed.
    """
    rows: dict[str, int] = defaultdict(int)
    newest: dict[str, str] = defaultdict(str)
    for records in models.values():
        timed = [record for record in records if _is_timed(record)]
        for kind in {hardware_of(record) for record in timed}:
            rows[kind] += 1
        for record in timed:
            kind = hardware_of(record)
            newest[kind] = max(newest[kind], record.get("started_utc") or "")
    return max(rows, key=lambda kind: (rows[kind], newest[kind], kind), default="")


def timed_elsewhere(models: Mapping[str, Sequence[Record]]) -> list[str]:
    """List the rows of a board that were timed, but not on its common hardware."""
    common = common_hardware(models)
    kinds = {model: {hardware_of(r) for r in records if _is_timed(r)} for model, records in models.items()}
    return [model for model, those in kinds.items() if those and common not in those]


def _is_timed(record: Record) -> bool:
    return record["status"] == "ok" and any(speed(record, name) is not None for name in SPEEDS)
