"""A user's own data as a Dataset: hashed, split 60 / 20 / 20 %, its board and feature space chosen by its kind."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from bench.datasets import Dataset, Split, Splits
from bench.datasets._pixels import PixelRows
from bench.datasets._split import shuffled, stratified
from bench.datasets.own.arrays import Arrays
from bench.datasets.own.read import read_arrays
from bench.registry import entries


def own_dataset(path: str | Path, *, label: str | None = None, strict: bool = False) -> Dataset:
    """Read and split the data at a path (bench.datasets.own.read); UsageError where they are unfit."""
    path = Path(path)
    arrays = read_arrays(path, label=label, strict=strict)
    rows = _split(arrays)
    make = _images if arrays.x.ndim == 4 else _table
    return make(own_name(path), arrays, rows, str(path.resolve()))


def own_name(path: Path) -> str:
    """Turn a file's name into a dataset's: small letters, digits, underscores, and no name of the suite's own."""
    name = re.sub(r"[^a-z0-9]+", "_", Path(path).resolve().stem.lower()).strip("_")[:40] or "data"
    return f"own_{name}" if name in entries("dataset") or not name[0].isalpha() else name


def _split(arrays: Arrays) -> list[np.ndarray]:
    n = len(arrays.x)
    held_out = round(0.2 * n)
    sizes = (n - 2 * held_out, held_out, held_out)
    if arrays.y is not None:
        return shuffled(stratified(arrays.y, sizes, seed=0), seed=0)
    return np.split(np.random.RandomState(0).permutation(n), [sizes[0], sizes[0] + sizes[1]])


def _labels(arrays: Arrays, rows: np.ndarray) -> torch.Tensor | None:
    return None if arrays.y is None else torch.from_numpy(arrays.y[rows])


def _images(name: str, arrays: Arrays, rows: list[np.ndarray], path: str) -> Dataset:
    splits = Splits(*(Split(PixelRows(torch.from_numpy(arrays.x[i]), 256), _labels(arrays, i)) for i in rows))
    return Dataset(
        name=name,
        kind="large_image" if arrays.x.shape[-1] > 16 else "image",
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        primary="fid_random",
        spaces=("random", "pca") if arrays.y is None else ("random", "pca", "lenet"),
        levels=256,
        n_classes=len(arrays.class_names),
        class_names=arrays.class_names,
        n_modes=len(arrays.class_names),
        own_path=path,
        notes=arrays.notes,
    )


def _table(name: str, arrays: Arrays, rows: list[np.ndarray], path: str) -> Dataset:
    train = arrays.x[rows[0]]
    mean, std = train.mean(axis=0), train.std(axis=0, ddof=1)
    std[std == 0] = 1.0
    scaled = (arrays.x - mean) / std
    splits = Splits(*(Split(torch.from_numpy(scaled[i]).float(), _labels(arrays, i)) for i in rows))
    return Dataset(
        name=name,
        kind="table",
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        primary="energy_distance",
        spaces=("identity",),
        n_classes=len(arrays.class_names),
        class_names=arrays.class_names,
        own_path=path,
        notes=arrays.notes | {"values": "standardised by the training rows"},
    )
