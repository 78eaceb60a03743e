"""Looks at the public board during training.

The score of a model as it stands, and when it reached its board's target.

A look draws few samples and restores every random state; its own time counts nowhere. Time to quality is the step, and the
seconds of training up to it, of the first look whose score is the suite's target or better; the board's own score, after
training, is the last look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset
from bench.metrics._evaluation import Evaluation
from bench.metrics._score import metric_of, score
from bench.models import Density, Sampler
from bench.models.state import undisturbed
from bench.plan.cell import Cell
from bench.run.precision import numerics, precision_of
from bench.run.prepare import is_dequantised
from bench.run.strips import first

PROBE_SAMPLES = 1000
PROBE_LARGE_IMAGES = 400  # drawing 28x28 images value by value takes longer than training
MODES = "modes_captured"  # kept over time beside the primary metric


@dataclass
class Seen:
    """What looks keep beside their score: an entry for each look that gives a finite one."""

    modes: list[float | None] = field(default_factory=list)  # how many modes the samples hold; None: there are none
    samples: list[Tensor] = field(default_factory=list)  # the first few, of the same noise at every look


def look(model: Any, cell: Cell, dataset: Dataset, seen: Seen) -> float | None:
    """Score a model as it stands on the public split, from few samples.

    None where it cannot have the primary metric.

    Appends to what was seen where the score is finite.
    """
    primary = cell.dataset["primary"]
    if primary not in cell.metrics or not isinstance(model, Sampler):
        return None
    dequantised = is_dequantised(cell)
    most = PROBE_LARGE_IMAGES if dataset.kind == "large_image" else PROBE_SAMPLES
    n = min(most, max(len(dataset.valid), dataset.n_mode_samples))
    with torch.no_grad(), undisturbed(model), numerics(cell.device, "fp32"):
        with numerics(cell.device, precision_of(cell.model["hparams"])):
            samples = model.sample(n, seed=cell.seed).float()
        outputs = {"samples": dataset.to_grid(samples, dequantized=dequantised)}
        if not bool(torch.isfinite(outputs["samples"]).all()):
            return None
        small = _some_rows(dataset, n)
        if "log_prob" in metric_of(primary).needs and isinstance(model, Density):
            rows: Any = small.valid.x
            rows = dataset.dequantize(rows, seed=cell.seed) if dequantised else rows
            outputs["valid.log_prob"] = model.log_prob(rows)
        ev = Evaluation(small, outputs, board="public", measure=cell.model.get("measure", ""), draws=1)
        estimates = score(ev, (primary, *({MODES} & cell.metrics.keys())))
    if primary in estimates and math.isfinite(estimates[primary].value):
        seen.modes.append(estimates[MODES].value if MODES in estimates else None)
        seen.samples.append(first(outputs["samples"]))
    return estimates[primary].value if primary in estimates else None


def _some_rows(dataset: Dataset, n: int) -> Dataset:
    """Return the dataset with at most n public rows, as many as a probe has samples."""
    return replace(dataset, valid=dataset.valid.some(n), parts={}, n_mode_samples=n)
