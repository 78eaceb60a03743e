"""Speed, memory and size: columns of their own, never ranked against quality."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.leaderboard.hardware import SPEEDS, common_hardware, hardware_of, speed
from bench.records.record import Record


@dataclass(frozen=True)
class Resource:
    """A column: the good direction ("none": never ranked), its unit, how to read it from a record."""

    better: str
    unit: str
    read: Callable[[Record], float | None]


def _speed(name: str) -> Callable[[Record], float | None]:
    return partial(speed, name=name)


def _to_quality(record: Record, name: str) -> float | None:
    """Read the steps or seconds until the suite's target; None without one, infinite if not reached."""
    reached = record["training"].get("to_quality")
    if not reached:
        return None
    return math.inf if reached[name] is None else reached[name]


RESOURCES = {
    "train_examples_per_s": Resource("higher", "1/s", _speed("train_examples_per_s")),
    "sample_examples_per_s": Resource("higher", "1/s", _speed("sample_examples_per_s")),
    "train_seconds": Resource("none", "s", lambda record: record["timing"].get("train_s")),
    "peak_rss_bytes": Resource("lower", "bytes", lambda record: record["resources"].get("peak_rss_bytes")),
    "peak_cuda_bytes": Resource("lower", "bytes", lambda record: record["resources"].get("peak_cuda_bytes")),
    "parameters": Resource("none", "count", lambda record: record["model"].get("n_params")),
    "share_of_peak": Resource("none", "fraction", _speed("share_of_peak")),
    "joules_per_1000_samples": Resource("lower", "J", _speed("joules_per_1000_samples")),
    # not ranked: a step is another amount of work in each model, and other cells may run beside the seconds
    "steps_to_quality": Resource("none", "count", partial(_to_quality, name="steps")),
    "seconds_to_quality": Resource("none", "s", partial(_to_quality, name="seconds")),
}


def resource_rows(models: Mapping[str, Sequence[Record]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (row of the board, one of its columns), the median over seeds.

    Unlike a mean it counts a seed that never reached a target. A speed that was measured on other hardware than most
    of the board's is left out. n_seeds: those with a finite value.
    """
    common = common_hardware(models)
    for model, records in sorted(models.items()):
        for metric, resource in RESOURCES.items():
            comparable = [r for r in records if metric not in SPEEDS or hardware_of(r) == common]
            values = _values(comparable, metric, resource)
            centre = sorted(values)[len(values) // 2] if values else math.inf
            if math.isfinite(centre):
                facts = {"metric": metric, "better": resource.better, "unit": resource.unit}
                yield model, facts | {"centre": centre, "n_seeds": sum(map(math.isfinite, values))}


def _values(records: Sequence[Record], metric: str, resource: Resource) -> list[float]:
    """Read a column seed by seed.

    A run that diverged has no score; where another seed of its row had a target, it counts as one that never got there.
    """
    values = [float(v) for v in (resource.read(r) for r in records if r["status"] == "ok") if v is not None]
    if metric.endswith("_to_quality") and values:
        values += [math.inf for r in records if r["status"] == "diverged"]
    return values
