"""Compute the named metrics of one evaluation, and turn each into a record's entry."""

from __future__ import annotations

from typing import Any

from bench.metrics import Estimate, Metric
from bench.metrics._evaluation import Evaluation
from bench.registry import entries, load


def score(ev: Evaluation, names: tuple[str, ...]) -> dict[str, Estimate]:
    """Compute every named metric whose needs the evaluation meets."""
    estimates = {}
    for name in names:
        metric = metric_of(name)
        if not all(ev.has(need) for need in metric.needs):
            continue
        space = name[len(metric.name) + 1 :]
        estimate = metric.function(ev, space) if metric.spaces else metric.function(ev)
        if estimate is not None:
            estimates[name] = estimate
    return estimates


def metric_of(name: str) -> Metric:
    """Return the marked metric behind a column's name."""
    return load("metric", name)


def entry_of(name: str, estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as a record holds it."""
    metric = metric_of(name)
    return {
        "value": estimate.value,
        "test_se": estimate.test_se,
        "better": metric.better,
        "unit": metric.unit,
        "n": estimate.n,
        "blocks": [float(f"{b:.6g}") for b in estimate.blocks],
    }


def better_of(name: str) -> str:
    """Read from its file which direction of a metric is good; "lower" for a metric that is gone."""
    known = entries("metric")
    return known[name].constants["better"] if name in known else "lower"
