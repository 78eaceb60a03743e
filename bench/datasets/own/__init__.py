"""A user's own data as a Dataset: hashed, split 60 / 20 / 20 %, its board and feature space chosen by its kind."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from bench.datasets import Dataset, Split
from bench.datasets._pixels import Rows
from bench.datasets._split import shuffled, stratified
from bench.datasets.own.arrays import Arrays
from bench.datasets.own.read import read_arrays
from bench.registry import entries

PARTS = ("train", "valid", "test")


def own_dataset(path: str | Path, *, label: str | None = None, strict: bool = False) -> Dataset:
    """The data at path, see bench.ingest; UsageError where it is unfit."""
    path = Path(path)
    found = read_arrays(path, label=label, strict=strict)
    rows = _split(found)
    make = _images if found.x.ndim == 4 else _table
    return make(own_name(path), found, rows, str(path.resolve()))


def own_name(path: Path) -> str:
    """The file's name as a dataset's: small letters, digits and underscores; never one of the suite's own."""
    name = re.sub(r"[^a-z0-9]+", "_", Path(path).resolve().stem.lower()).strip("_")[:40] or "data"
    return f"own_{name}" if name in entries("dataset") or not name[0].isalpha() else name


def _split(found: Arrays) -> list[np.ndarray]:
    n = len(found.x)
    held_out = round(0.2 * n)
    sizes = (n - 2 * held_out, held_out, held_out)
    if found.y is not None:
        return shuffled(stratified(found.y, sizes, seed=0), seed=0)
    return np.split(np.random.RandomState(0).permutation(n), [sizes[0], sizes[0] + sizes[1]])


def _labels(found: Arrays, rows: np.ndarray) -> torch.Tensor | None:
    return None if found.y is None else torch.from_numpy(found.y[rows])


def _images(name: str, found: Arrays, rows: list[np.ndarray], path: str) -> Dataset:
    space = "pca" if found.y is None else "lenet"
    return Dataset(
        name=name,
        kind="large_image" if found.x.shape[-1] > 16 else "image",
        **{
            part: Split(Rows(torch.from_numpy(found.x[index]), 256), _labels(found, index))
            for part, index in zip(PARTS, rows)
        },
        primary=f"fid_{space}",
        spaces=(space,),
        levels=256,
        n_classes=len(found.class_names),
        class_names=found.class_names,
        n_modes=len(found.class_names),
        own_path=path,
        notes=found.notes,
    )


def _table(name: str, found: Arrays, rows: list[np.ndarray], path: str) -> Dataset:
    train = found.x[rows[0]]
    mean, std = train.mean(axis=0), train.std(axis=0, ddof=1)
    std[std == 0] = 1.0
    return Dataset(
        name=name,
        kind="table",
        **{
            part: Split(torch.from_numpy((found.x[index] - mean) / std).float(), _labels(found, index))
            for part, index in zip(PARTS, rows)
        },
        primary="energy_distance",
        spaces=("identity",),
        n_classes=len(found.class_names),
        class_names=found.class_names,
        own_path=path,
        notes=found.notes | {"values": "standardised by the training rows"},
    )
