"""Score samples from outside as a model's are: by every sample metric, on both boards."""

from __future__ import annotations

from typing import Any

import torch

from bench.datasets import Dataset
from bench.metrics._evaluation import Evaluation
from bench.metrics._score import entry_of, score
from bench.plan.facts import applicable_metrics, spaces_of
from bench.records.record import BOARDS
from bench.run.findings import findings
from bench.run.outputs import MAX_GIVEN
from bench.run.training import Training


def score_samples(dataset: Dataset, samples: Any) -> dict[str, Any]:
    """Return {"dataset", "metrics": {board: {name: entry}}, "flags"} of samples (n, *shape); slow metrics are left out."""
    outputs = {"samples": dataset.to_grid(torch.as_tensor(samples))}
    features, missing = spaces_of(dataset)
    flags = [*findings(Training(), outputs["samples"], dataset.train.x[:MAX_GIVEN]), *missing]
    metrics: dict[str, Any] = {}
    shared: dict[Any, Any] = {}
    for board in BOARDS:
        estimates = score(Evaluation(dataset, outputs, board=board, shared=shared), tuple(applicable_metrics(features)))
        metrics[board] = {name: entry_of(name, estimate) for name, estimate in estimates.items()}
        flags += [estimate.note for estimate in estimates.values() if estimate.note]
    return {"dataset": dataset.name, "metrics": metrics, "flags": list(dict.fromkeys(flags))}
