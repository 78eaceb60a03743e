"""A user's own data as arrays: a folder of images, an .npz or a .csv. Needs no torch; every refusal names file and place."""

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
    """Whatever is at path; UsageError says what was found, what is expected and what to do.

    label: the column of a .csv that names the class. strict: an image that cannot be read is an error, not left out.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"--data {path}: no such file or folder")
    if label is not None and path.suffix.lower() != ".csv":
        raise UsageError(f"--label {label!r} names a column of a .csv; {path} is none")
    if path.is_dir():
        found = read_images(path, strict=strict)
    elif path.suffix.lower() == ".npz":
        found = read_npz(path)
    elif path.suffix.lower() == ".csv":
        found = read_table(path, label)
    else:
        raise UsageError(
            f"--data {path}: expected a folder of images, an .npz or a .csv, got {path.suffix or 'a file'!r}"
        )
    _check_counts(path, found)
    return found


def _check_counts(path: Path, found: Arrays) -> None:
    if len(found.x) < LEAST_ROWS:
        raise UsageError(f"{path} has {len(found.x)} rows; at least {LEAST_ROWS} are needed for three splits")
    if found.y is None:
        return
    counts = np.bincount(found.y, minlength=len(found.class_names))
    few = [f"{name!r} has {count}" for name, count in zip(found.class_names, counts) if count < LEAST_OF_A_CLASS]
    if few:
        raise UsageError(
            f"{path}: class {'; '.join(few[:SHOWN])} rows, and {LEAST_OF_A_CLASS} are needed for three splits"
        )
    if len(counts) < 2:
        raise UsageError(f"{path}: all rows are of class {found.class_names[0]!r}; leave the labels out")
