"""Make a Dataset of a user's own data, split 60 / 20 / 20 %, its board chosen by its kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bench.datasets import Dataset, Split, Splits
from bench.datasets._pixels import PixelRows
from bench.datasets.own.arrays import Arrays, joined
from bench.datasets.own.read import read_arrays
from bench.datasets.own.sides import split_of
from bench.datasets.own.standard import table_of
from bench.registry import entries


def own_dataset(
    path: str | Path, *, label: str | None = None, strict: bool = False, missing: str = "", text: Sequence[str] = ()
) -> Dataset:
    """Read and split the data at a path by the choices of read_arrays; UsageError where they are unfit."""
    path = Path(path)
    arrays = read_arrays(path, label=label, strict=strict, missing=missing, text=text)
    rows, told = split_of(arrays)
    arrays = replace(arrays, notes=joined(arrays.notes, "duplicates", told))
    return (_images if arrays.x.ndim == 4 else table_of)(own_name(path), arrays, rows, path)


def own_name(path: Path) -> str:
    """Turn a file's name into a dataset's: small letters, digits, underscores; none of the suite's."""
    name = re.sub(r"[^a-z0-9]+", "_", Path(path).resolve().stem.lower()).strip("_")[:40] or "data"
    return f"own_{name}" if name in entries("dataset") or not name[0].isalpha() else name


def _labels(arrays: Arrays, rows: np.ndarray) -> torch.Tensor | None:
    return None if arrays.y is None else torch.from_numpy(arrays.y[rows])


def _images(name: str, arrays: Arrays, rows: list[np.ndarray], path: Path) -> Dataset:
    splits = Splits(*(Split(PixelRows(torch.from_numpy(arrays.x[i]), 256), _labels(arrays, i)) for i in rows))
    space = "pca" if arrays.y is None else "lenet"
    return Dataset(
        name=name,
        kind="large_image" if arrays.x.shape[-1] > 16 else "image",
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        primary=f"fid_{space}",
        spaces=(space,),
        levels=256,
        n_classes=len(arrays.class_names),
        class_names=arrays.class_names,
        n_modes=len(arrays.class_names),
        own_path=str(path.resolve()),
        notes=arrays.notes,
    )
