"""A user's own data as arrays: a folder of images, an .npz or a .csv.

Needs no torch; every refusal names the file and the place in it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.datasets.own.arrays import LEAST_OF_A_CLASS, SHOWN, Arrays
from bench.datasets.own.npz import read_npz
from bench.datasets.own.pictures import read_images
from bench.datasets.own.table import read_table
from bench.errors import UsageError

LEAST_ROWS = 50


def read_arrays(path: Path, *, label: str | None = None, strict: bool = False) -> Arrays:
    """Read whatever is at a path; UsageError says what is there, what is expected and what to do.

    label: the column of a .csv that names the class. strict: an image that cannot be read is an error, not left out.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"--data {path}: no such file or folder")
    if label is not None and path.suffix.lower() != ".csv":
        raise UsageError(f"--label {label!r} names a column of a .csv; {path} is none")
    if path.is_dir():
        arrays = read_images(path, strict=strict)
    elif path.suffix.lower() == ".npz":
        arrays = read_npz(path)
    elif path.suffix.lower() == ".csv":
        arrays = read_table(path, label)
    else:
        raise UsageError(
            f"--data {path}: expected a folder of images, an .npz or a .csv, got {path.suffix or 'a file'!r}"
        )
    _check_counts(path, arrays)
    return arrays


def _check_counts(path: Path, arrays: Arrays) -> None:
    if len(arrays.x) < LEAST_ROWS:
        raise UsageError(f"{path} has {len(arrays.x)} rows; at least {LEAST_ROWS} are needed for three splits")
    if arrays.y is None:
        return
    counts = np.bincount(arrays.y, minlength=len(arrays.class_names))
    few = [f"{name!r} has {count}" for name, count in zip(arrays.class_names, counts) if count < LEAST_OF_A_CLASS]
    if few:
        raise UsageError(
            f"{path}: class {'; '.join(few[:SHOWN])} rows, and {LEAST_OF_A_CLASS} are needed for three splits"
        )
    if len(counts) < 2:
        raise UsageError(f"{path}: all rows are of class {arrays.class_names[0]!r}; leave the labels out")
