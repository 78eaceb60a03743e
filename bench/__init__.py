"""genbench: train, score and rank generative models. The names below are the public API, imported when first used."""

from __future__ import annotations

from typing import Any

# the rooms that share a name with a function below: once loaded, they never take its place
import bench.leaderboard
import bench.run  # noqa: F401

__all__ = ["leaderboard_frame", "load", "load_results", "run"]


def load(kind: str, name: str) -> Any:
    """A model's class, a dataset's function or a metric's function by name; kind: "model", "dataset" or "metric"."""
    from bench.registry import load as load_plugin

    return load_plugin(kind, name)


def run(*, models: tuple[str, ...] = (), datasets: tuple[str, ...] = (), suite: str = "core", **choices: Any) -> Any:
    """Run what is missing in `out` (default "results"); choices: seeds, device, jobs, rerun, settings. Returns an Outcome."""
    from pathlib import Path

    from bench.executors.device import resolve_device
    from bench.executors.start import run as run_benchmark
    from bench.plan.request import Request
    from bench.render.progress import Lines

    out, jobs, rerun = Path(choices.pop("out", "results")), choices.pop("jobs", 1), choices.pop("rerun", "missing")
    device = resolve_device(choices.pop("device", "auto"))
    request = Request(suite=suite, models=tuple(models), datasets=tuple(datasets), device=device, **choices)
    return run_benchmark(request, out=out, jobs=jobs, rerun=rerun, observer=Lines())


def load_results(out: str = "results") -> list[dict[str, Any]]:
    """All records of a results folder, schema bench.cell/1."""
    from pathlib import Path

    from bench.records.store import Store

    return Store(Path(out)).records()


def leaderboard_frame(out: str = "results") -> Any:
    """The tidy board of a results folder as a pandas DataFrame: the rows of leaderboard.csv."""
    from bench.leaderboard.table import tidy

    return tidy(load_results(out))
