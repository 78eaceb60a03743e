"""Read from stored records what each model costs on each dataset: the ledger of seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from bench.records.record import Record
from bench.records.store import Store
from bench.registry import ROOT

COMMITTED = ROOT / "results"
Ledger = dict[tuple[str, str, str], float]  # (suite, model, dataset) -> core-seconds a cell


def read_ledger(*folders: Path) -> Ledger:
    """Return the median core-seconds over seeds, from the first folder that knows a cell."""
    ledger: Ledger = {}
    for folder in folders:
        for key, seconds in ledger_of(Store(folder).records()).items():
            ledger.setdefault(key, seconds)
    return ledger


def ledger_of(records: Iterable[Record]) -> Ledger:
    """Return the median core-seconds of each model over seeds; rows set by hand are left out."""
    seconds = defaultdict(list)
    for record in records:
        cost = core_seconds(record)
        if record["status"] == "ok" and cost is not None and not record["model"]["variant"]:
            seconds[record["suite"], record["model"]["id"], record["dataset"]["id"]].append(cost)
    return {key: median(values) for key, values in seconds.items()}


def core_seconds(record: Record) -> float | None:
    """Return what a record cost: seconds of all cores, or of the GPU; None where nobody measured it."""
    return record["resources"].get("cpu_s") if record["device"] == "cpu" else record["timing"].get("total_s")


def shares(ledger: Ledger, suite: str) -> list[tuple[str, float, int]]:
    """Return (model, core-seconds a seed over all its datasets, datasets) of a suite, the dearest first."""
    totals: dict[str, list[float]] = defaultdict(list)
    for (name, model, _), seconds in ledger.items():
        if name == suite:
            totals[model].append(seconds)
    rows = [(model, sum(values), len(values)) for model, values in totals.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))
