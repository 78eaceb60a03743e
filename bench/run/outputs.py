"""What a fitted model gives the metrics, and its way to disk and back.

Samples, log-probabilities, class probabilities.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset, Split, some_rows
from bench.models import Classifier, ConditionalSampler, Density, HeldOut, LowerBound, Sampler
from bench.plan.cell import Cell
from bench.run.precision import numerics, precision_of
from bench.run.prepare import is_dequantised, wanted_samples
from bench.run.training import synchronize

MAX_GIVEN = 5000  # class-conditional samples of a cell
SIDES = {"public": "valid", "private": "test"}  # what begins the names of a board's outputs
MAX_TRAIN = 2000  # training rows whose log-probability is kept beside the held-out ones


def collect(model: Any, cell: Cell, dataset: Dataset) -> tuple[dict[str, Tensor], float]:
    """Take all that metrics can ask of a fitted model, and the seconds that unconditional sampling took."""
    with torch.no_grad():
        outputs, seconds = _samples(model, cell, dataset)
        outputs |= _given(model, cell, dataset)
        outputs |= _known(model, cell, dataset)
        for board in cell.boards:
            name, split = SIDES[board], dataset.split(board)
            outputs |= {f"{name}.{kind}": value for kind, value in _likelihoods(model, cell, dataset, split).items()}
    return outputs, seconds


def _samples(model: Any, cell: Cell, dataset: Dataset) -> tuple[dict[str, Tensor], float]:
    """Draw samples: "samples" for both boards, or one set for each where the model is real data."""
    n = wanted_samples(cell, dataset)
    if isinstance(model, HeldOut):
        public = model.sample_held_out(dataset, n, board="public", seed=cell.seed)
        private = model.sample_held_out(dataset, n, board="private", seed=cell.seed)
        return {"samples": public, "test.samples": private}, 0.0
    if not isinstance(model, Sampler):
        return {}, 0.0
    start = time.monotonic()
    with numerics(cell.device, precision_of(cell.model["hparams"])):
        samples = model.sample(n, seed=cell.seed)
    synchronize(samples.device)
    seconds = time.monotonic() - start
    check_shape(samples, (n, *dataset.shape), "sample")
    return {"samples": dataset.to_grid(samples.float(), dequantized=is_dequantised(cell))}, seconds


def _given(model: Any, cell: Cell, dataset: Dataset) -> dict[str, Tensor]:
    """Draw one sample for each of 5,000 training labels at most, where there are classes."""
    labels = dataset.train.y
    if not isinstance(model, ConditionalSampler) or not dataset.n_classes or labels is None:
        return {}
    known = labels[labels >= 0]
    y = known[some_rows(len(known), MAX_GIVEN).to(known.device)]
    with numerics(cell.device, precision_of(cell.model["hparams"])):
        given = model.sample_given(y, seed=cell.seed)
    check_shape(given, (len(y), *dataset.shape), "sample_given")
    return {"given.x": dataset.to_grid(given.float(), dequantized=is_dequantised(cell)), "given.y": y}


def _known(model: Any, cell: Cell, dataset: Dataset) -> dict[str, Tensor]:
    """Score some training rows by an exact density.

    What it has learned by heart is seen beside held-out rows.
    """
    if not isinstance(model, Density):
        return {}
    rows: Any = dataset.train.some(MAX_TRAIN).x[:]
    if is_dequantised(cell):
        rows = dataset.dequantize(rows, seed=cell.seed)
    return {"train.log_prob": model.log_prob(rows).double()}


def _likelihoods(model: Any, cell: Cell, dataset: Dataset, split: Split) -> dict[str, Tensor]:
    """Score the rows of a split: likelihood, bound, class probabilities, always in strict numerics."""
    scores: dict[str, Tensor] = {}
    plain: Any = split.x  # a Tensor, or what poses as one
    dequantised = is_dequantised(cell)
    rows = dataset.dequantize(plain, seed=cell.seed) if dequantised else plain
    if isinstance(model, Density):
        scores["log_prob"] = model.log_prob(rows).double()
    if isinstance(model, LowerBound):
        scores["elbo"] = model.elbo(rows, seed=cell.seed, k=cell.elbo_samples).double()
    if isinstance(model, Classifier) and dataset.n_classes:
        centred = dataset.dequantize(plain, seed=None) if dequantised else plain
        scores["proba"] = model.predict_proba(centred).float()
    return scores


def check_shape(samples: Tensor, expected: tuple[int, ...], method: str) -> None:
    """Raise ValueError where a method returned another shape than it promises."""
    if tuple(samples.shape) != expected:
        raise ValueError(f"{method}() returned shape {tuple(samples.shape)}, expected {expected}")


def pack(outputs: dict[str, Tensor], dataset: Dataset) -> bytes:
    """Write outputs as safetensors, images as codes."""
    from safetensors.torch import save

    return save({name: _pack(name, value, dataset) for name, value in sorted(outputs.items())})


def artifact_entry(raw: bytes) -> dict[str, Any]:
    """Return what a record says of its packed outputs."""
    return {"role": "outputs", "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}


def unpack(raw: bytes, dataset: Dataset) -> dict[str, Tensor]:
    """Read outputs that `pack` wrote, on the dataset's device."""
    from safetensors.torch import load as load_safetensors

    device = dataset.train.x.device
    return {name: _unpack(name, value, dataset).to(device) for name, value in load_safetensors(raw).items()}


def _top_code(name: str, dataset: Dataset) -> int | None:
    """Return the largest code of an output that is stored as codes; None for one that is stored as it is."""
    is_images = name in ("samples", "test.samples", "given.x")
    return dataset.levels - 1 if is_images and dataset.levels is not None and dataset.levels <= 256 else None


def _pack(name: str, value: Tensor, dataset: Dataset) -> Tensor:
    value, top = value.detach().cpu().contiguous(), _top_code(name, dataset)
    return value if top is None else torch.round(value * top).to(torch.uint8)


def _unpack(name: str, value: Tensor, dataset: Dataset) -> Tensor:
    top = _top_code(name, dataset)
    return value if top is None else value.float() / top
