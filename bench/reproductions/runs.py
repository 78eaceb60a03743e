"""One training run as experiments read it: values by column, from a record."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.records.record import Record


@dataclass(frozen=True)
class Run:
    """One training run: its values by column, and the blocks of held-out rows behind those that have them."""

    arm: str
    seed: int
    status: str
    values: dict[str, float]
    blocks: dict[str, list[float]] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)
    public: dict[str, float] = field(default_factory=dict)  # metrics of the public board


def run_of(arm: str, record: Record) -> Run:
    """Read a record: metrics of the private board, measures, and what the run cost."""
    private = record["metrics"]["private"]
    values = {name: entry["value"] for name, entry in private.items()} | record.get("measures", {})
    peak = record["resources"]["peak_rss_bytes"]
    costs = {
        "cpu_s": record["resources"]["cpu_s"],
        "train_s": record["timing"]["train_s"],
        "train_core_s": record["timing"].get("train_core_s"),
        "peak_mib": peak / 2**20 if peak else None,
        "n_params": record["model"]["n_params"],
    }
    values |= {name: value for name, value in (costs | _to_quality(record)).items() if value is not None}
    blocks = {name: entry["blocks"] for name, entry in private.items() if entry["blocks"]}
    kept = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
    public = {name: entry["value"] for name, entry in record["metrics"]["public"].items() if entry["value"] is not None}
    return Run(arm, record["seed"], record["status"], kept, blocks, record["curve"], public)


def _to_quality(record: Record) -> dict[str, float | None]:
    """Say whether the target was reached, and in how many core-seconds.

    These are the seconds up to there, by the cores a second of the whole training.
    A run that diverged did not reach it; empty where there is no target.
    """
    if record["status"] == "diverged":
        return {"reached": 0.0}
    reached = record["training"].get("to_quality")
    if not reached:
        return {}
    if reached["seconds"] is None:
        return {"reached": 0.0}
    seconds, core_seconds = record["timing"].get("train_s"), record["timing"].get("train_core_s")
    busy = core_seconds / seconds if seconds and core_seconds else 1.0
    return {"reached": 1.0, "core_s_to_quality": reached["seconds"] * busy}


def of(runs: Iterable[Run], arm: str) -> list[Run]:
    """Return the runs of an arm."""
    return [run for run in runs if run.arm == arm]


def values_of(runs: Iterable[Run], arm: str, name: str) -> tuple[list[float], list[list[float]]]:
    """Return an arm's values of a column, and the blocks of held-out rows behind each.

    Runs without the column are left out.
    """
    having = [run for run in of(runs, arm) if name in run.values]
    return [run.values[name] for run in having], [run.blocks.get(name, []) for run in having]
