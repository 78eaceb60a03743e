"""What a fitted model gives the metrics, and its way to disk and back: samples, log-probabilities, class probabilities."""

from __future__ import annotations

import hashlib
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset
from bench.files import write_atomic
from bench.plan.cell import Cell
from bench.run.precision import numerics, precision_of
from bench.run.prepare import wanted_samples
from bench.run.training import synchronize

MAX_GIVEN = 5000  # class-conditional samples of a cell
MAX_TRAIN = 2000  # training rows whose log-probability is kept beside the held-out ones


def collect(model: Any, cell: Cell, dataset: Dataset) -> tuple[dict[str, Tensor], float]:
    """All outputs of a fitted model that metrics can ask for, and the seconds that unconditional sampling took."""
    outputs: dict[str, Tensor] = {}
    lebesgue = cell.model.get("measure") == "lebesgue"
    n, seconds = wanted_samples(cell, dataset), 0.0
    fast = partial(numerics, cell.device, precision_of(cell.model["hparams"]))  # of sampling; likelihoods are strict
    with torch.no_grad():
        if hasattr(model, "sample_held_out"):
            outputs["samples"] = model.sample_held_out(dataset, n, board="public", seed=cell.seed)
            outputs["test.samples"] = model.sample_held_out(dataset, n, board="private", seed=cell.seed)
        elif hasattr(model, "sample"):
            start = time.monotonic()
            with fast():
                samples = model.sample(n, seed=cell.seed)
            synchronize(samples.device)
            seconds = time.monotonic() - start
            _check_shape(samples, (n, *dataset.shape), "sample")
            outputs["samples"] = dataset.to_grid(samples.float(), dequantized=lebesgue)
        if hasattr(model, "sample_given") and dataset.n_classes:
            y = dataset.train.y[dataset.train.y >= 0][:MAX_GIVEN]
            with fast():
                given = model.sample_given(y, seed=cell.seed)
            _check_shape(given, (len(y), *dataset.shape), "sample_given")
            outputs |= {"given.x": dataset.to_grid(given.float(), dequantized=lebesgue), "given.y": y}
        if hasattr(model, "log_prob"):
            first = dataset.train.x[:MAX_TRAIN]  # training rows are in random order
            known = dataset.dequantize(first, seed=cell.seed) if lebesgue else first
            outputs["train.log_prob"] = model.log_prob(known).double()
        for name, split in (("valid", dataset.valid), ("test", dataset.test)):
            rows = dataset.dequantize(split.x, seed=cell.seed) if lebesgue else split.x
            if hasattr(model, "log_prob"):
                outputs[f"{name}.log_prob"] = model.log_prob(rows).double()
            if hasattr(model, "elbo"):
                outputs[f"{name}.elbo"] = model.elbo(rows, seed=cell.seed, k=cell.elbo_samples).double()
            if hasattr(model, "predict_proba") and dataset.n_classes:
                centred = dataset.dequantize(split.x, seed=None) if lebesgue else split.x
                outputs[f"{name}.proba"] = model.predict_proba(centred).float()
    return outputs, seconds


def _check_shape(samples: Tensor, expected: tuple[int, ...], method: str) -> None:
    if tuple(samples.shape) != expected:
        raise ValueError(f"{method}() returned shape {tuple(samples.shape)}, expected {expected}")


def store_outputs(outputs: dict[str, Tensor], dataset: Dataset, path: Path) -> dict[str, Any]:
    """Write the outputs as safetensors, images as codes; returns the artifact's entry."""
    from safetensors.torch import save

    raw = save({name: _pack(name, value, dataset) for name, value in sorted(outputs.items())})
    write_atomic(path, raw)
    return {"role": "outputs", "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}


def load_outputs(path: Path, dataset: Dataset) -> dict[str, Tensor]:
    """The inverse of store_outputs."""
    from safetensors.torch import load as load_safetensors

    stored = load_safetensors(path.read_bytes())
    return {name: _unpack(name, value, dataset).to(dataset.train.x.device) for name, value in stored.items()}


def _is_codes(name: str, dataset: Dataset) -> bool:
    return name in ("samples", "test.samples", "given.x") and dataset.levels is not None and dataset.levels <= 256


def _pack(name: str, value: Tensor, dataset: Dataset) -> Tensor:
    value = value.detach().cpu().contiguous()
    return torch.round(value * (dataset.levels - 1)).to(torch.uint8) if _is_codes(name, dataset) else value


def _unpack(name: str, value: Tensor, dataset: Dataset) -> Tensor:
    return value.float() / (dataset.levels - 1) if _is_codes(name, dataset) else value
