"""A user's own data as arrays: a folder of images, an .npz, an .npy or a .csv.

Needs no torch; every refusal names the file and the place in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.datasets.own.arrays import LEAST_OF_A_CLASS, NO_LABELS, SHOWN, Arrays
from bench.datasets.own.npz import read_npz
from bench.datasets.own.pictures import read_images
from bench.datasets.own.table import Reading, read_table
from bench.errors import UsageError

LEAST_ROWS = 50


def read_arrays(
    path: Path, *, label: str | None = None, strict: bool = False, missing: str = "", text: Sequence[str] = ()
) -> Arrays:
    """Read whatever is at a path; UsageError says what is there, what is expected and what to do.

    label: the column of a .csv that names the class; "none" for data without labels, of any kind. strict: an image that
    cannot be read is an error, not left out. missing: "drop" or "keep", what becomes of missing values. text: columns of
    a .csv whose numbers are categories.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"--data {path}: no such file or folder")
    ending = "" if path.is_dir() else path.suffix.lower()
    if ending != ".csv":
        if label not in (None, NO_LABELS):
            raise UsageError(
                f"--label {label!r} names a column of a .csv; {path} is none (--label {NO_LABELS} goes with all)"
            )
        if missing or text:
            raise UsageError(f"--missing and --text go with a .csv; {path} is none")
    if path.is_dir():
        arrays = _unlabelled(read_images(path, strict=strict), label)
    elif ending in (".npz", ".npy"):
        arrays = _unlabelled(read_npz(path, labels=label is None), label)
    elif ending == ".csv":
        arrays = read_table(path, Reading(label, missing, tuple(text)))
    else:
        raise UsageError(
            f"--data {path}: expected a folder of images, an .npz, an .npy or a .csv, got {path.suffix or 'a file'!r}"
        )
    _check_counts(path, arrays)
    return arrays


def _unlabelled(arrays: Arrays, label: str | None) -> Arrays:
    if label is None:
        return arrays
    return replace(arrays, y=None, class_names=(), notes=arrays.notes | {"labels": f"none, by --label {NO_LABELS}"})


def _check_counts(path: Path, arrays: Arrays) -> None:
    if len(arrays.x) < LEAST_ROWS:
        raise UsageError(f"{path} has {len(arrays.x)} rows; at least {LEAST_ROWS} are needed for three splits")
    if arrays.y is None:
        return
    without = f"--label {NO_LABELS} reads the data without labels"
    counts = np.bincount(arrays.y, minlength=len(arrays.class_names))
    few = [f"{name!r} has {count}" for name, count in zip(arrays.class_names, counts) if count < LEAST_OF_A_CLASS]
    if few:
        raise UsageError(
            f"{path}: class {'; '.join(few[:SHOWN])} rows, and {LEAST_OF_A_CLASS} are needed for three splits; {without}"
        )
    if len(counts) < 2:
        raise UsageError(f"{path}: all rows are of class {arrays.class_names[0]!r}; {without}")
