"""Score samples from outside as a model's are.

By every sample metric, on both boards, yardsticks beside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset, resampled_rows
from bench.leaderboard.centre import summarise
from bench.metrics import Estimate
from bench.metrics._evaluation import Evaluation
from bench.metrics._score import entry_of, metric_of, score
from bench.plan.facts import applicable_metrics, spaces_of
from bench.records.record import BOARDS
from bench.run.findings import findings
from bench.run.outputs import MAX_GIVEN
from bench.run.training import Training

SEED = 0


def score_samples(dataset: Dataset, samples: Any) -> dict[str, Any]:
    """Return {"dataset", "metrics": {board: {name: entry}}, "flags"} of samples (n, *shape).

    Slow metrics are left out.
    """
    outputs = {"samples": dataset.to_grid(torch.as_tensor(samples))}
    _, missing = spaces_of(dataset)
    flags = [*findings(Training(), outputs["samples"], dataset.train.some(MAX_GIVEN).x[:]), *missing]
    metrics: dict[str, Any] = {}
    for board, estimates in _estimates(dataset, outputs).items():
        metrics[board] = {name: entry_of(name, estimate) for name, estimate in estimates.items()}
        flags += [estimate.note for estimate in estimates.values() if estimate.note]
    return {"dataset": dataset.name, "metrics": metrics, "flags": list(dict.fromkeys(flags))}


def yardsticks_of(dataset: Dataset) -> dict[str, dict[str, dict[str, float]]]:
    """Return {"real" | "training": {board: {name: value}}}.

    Other real rows, and training rows, in the place of samples.
    """
    n = max(len(dataset.valid), len(dataset.test))
    sources = {
        "real": {
            f"{side}samples": dataset.oracle(n, board=board, seed=SEED)
            for board, side in zip(BOARDS, ("valid.", "test."))
        },
        "training": {"samples": resampled_rows(dataset.train.x, n, seed=SEED)},
    }
    sources["real"]["samples"] = sources["real"]["valid.samples"]
    return {
        who: {
            board: {name: e.value for name, e in found.items()} for board, found in _estimates(dataset, outputs).items()
        }
        for who, outputs in sources.items()
    }


def _estimates(dataset: Dataset, outputs: Mapping[str, Tensor]) -> dict[str, dict[str, Estimate]]:
    """Return every fast metric of samples on each board."""
    features, _ = spaces_of(dataset)
    shared: dict[Any, Any] = {}
    names = tuple(applicable_metrics(features))
    return {board: score(Evaluation(dataset, outputs, board=board, shared=shared), names) for board in BOARDS}


def interval_of(name: str, entry: dict[str, Any]) -> list[float] | None:
    """Return the 95 % interval that an entry's blocks give, made on the metric's scale.

    It holds the value.
    """
    value, blocks = entry["value"], entry["blocks"]
    if value is None or not math.isfinite(value) or len(blocks) < 2:
        return None
    interval = summarise([value], [blocks], metric_of(name).scale, entry["n"]).interval()
    return None if interval is None else [min(interval[0], value), max(interval[1], value)]
