"""From a cell to what it runs on: its dataset on its device, its model, the rows it is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bench.datasets import Dataset, Split
from bench.datasets._variants import binarized, with_every_row
from bench.datasets.own import own_dataset
from bench.plan.cell import Cell
from bench.registry import Entry, load, load_alone, read_entry

READING = ("label", "missing", "text")  # what a cell says of how its own data are read


def load_dataset(cell: Cell) -> Dataset:
    """Load the cell's dataset to the cell's device; refuses data that is not what was planned."""
    if "path" in cell.dataset:
        dataset = own_dataset(cell.dataset["path"], **{k: cell.dataset[k] for k in READING if k in cell.dataset})
    else:
        dataset = load("dataset", cell.dataset["id"])()
    if cell.dataset.get("every_row"):
        dataset = with_every_row(dataset)
    if cell.dataset.get("binarized"):
        dataset = binarized(dataset)
    if dataset.sha256 != cell.dataset["sha256"]:
        raise ValueError(f"dataset {dataset.name} changed since the plan was made: {dataset.sha256[:12]}...")
    return dataset.to(cell.device)


def make_model(cell: Cell, hparams: dict[str, Any] | None = None) -> Any:
    """Make the cell's model with its hyper-parameters, or with others."""
    path = Path(cell.model["path"])
    entry: Entry = read_entry("model", path, cell.model["module"])
    return load_alone(entry)(**(cell.model["hparams"] if hparams is None else hparams))


def is_dequantised(cell: Cell) -> bool:
    """Tell whether the cell's model is a density of real values.

    Images are then (code + u) / levels to it.
    """
    return cell.model.get("measure") == "lebesgue"


def training_rows(cell: Cell, dataset: Dataset) -> Any:
    """Return what the model is trained on.

    Dequantised by the cell's seed for densities of real values, else the rows.

    A tensor, or lazy 8-bit rows in its place.
    """
    rows: Any = dataset.train.x  # a Tensor, or what poses as one
    return dataset.dequantize(rows, seed=cell.seed) if is_dequantised(cell) else rows


def training_split(cell: Cell, dataset: Dataset) -> Split:
    """Return training_rows with their labels; an experiment's smaller set is drawn by the cell's seed."""
    x, y = training_rows(cell, dataset), dataset.train.y
    if not cell.train_rows:
        return Split(x, y)
    if cell.train_rows > len(x):
        raise ValueError(f"train_rows must be at most {len(x)}, the rows of {dataset.name}, got {cell.train_rows}")
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(cell.seed))
    rows = order[: cell.train_rows].to(x.device)
    return Split(x[rows], None if y is None else y[rows])


def wanted_samples(cell: Cell, dataset: Dataset) -> int:
    """Return how many samples the metrics of both boards can use."""
    rows = max(len(dataset.valid), len(dataset.test))
    modes = 2 * dataset.n_mode_samples if dataset.law is not None else dataset.n_mode_samples
    wanted = max(cell.draws * rows, modes)
    return min(wanted, cell.sample_limit) if cell.sample_limit else wanted
