"""Samples in any form that `bench score` reads, made into the form that a dataset asks for.

Bytes, other layouts, folders, flat rows.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from bench.datasets.own.folder import shown
from bench.errors import InvalidSubmission, UsageError
from bench.submissions.archive import MEMBER, invalid
from bench.submissions.array_file import SUFFIXES, read_array
from bench.submissions.sides import as_codes, open_side
from bench.submissions.values import Form, form_problems, value_problems


def is_strict(path: Path) -> bool:
    """Say whether a file is to be read as a submission.

    What is no folder, .npy, .csv, or .npz of bytes or of another member.
    """
    if path.is_dir() or path.suffix.lower() in (".npy", ".csv"):
        return False
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if MEMBER not in names:
                return not {"x.npy", "arr_0.npy"} & set(names)
            with archive.open(MEMBER) as stream:
                return not any(
                    f"'{kind}" in stream.read(128).decode("latin1") for kind in ("|u1", "|i1", "<i", "<u", "|b1")
                )
    except (OSError, ValueError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return True  # the strict reader says what is wrong with it


def read_for(path: Path, form: Form, levels: int | None) -> np.ndarray:
    """Return samples (N, *form.shape) float32; InvalidSubmission lists what is wrong with them."""
    wanted = f"expected for {form.dataset}: {form.describe()}"
    try:
        x = _folder(path) if path.is_dir() else read_array(path)[0]
        x = _in_shape(x, form)
        if levels is not None and x.dtype.kind != "f":
            x = _from_codes(path, x, levels)
    except UsageError as error:
        raise invalid(path, [str(error)], wanted) from error
    problems = form_problems(x.shape, form) + value_problems(x, form)
    if problems:
        raise InvalidSubmission(str(invalid(path, problems, wanted)))
    return np.ascontiguousarray(x, dtype=np.float32)


def _folder(path: Path) -> np.ndarray:
    """Return the images of a folder as codes, in the size they have."""
    from bench.datasets.own.pictures import Form as Pixels

    side = open_side(path)
    sizes = np.unique(side.sizes, axis=0)
    if len(sizes) != 1 or sizes[0][0] != sizes[0][1]:
        raise UsageError(
            f"{side.name} has images of {len(sizes)} sizes, {sizes[0][0]}x{sizes[0][1]} for one; expected squares of one size"
        )
    return side.made(Pixels(int(sizes[0][0]), side.grey)).codes


def _in_shape(x: np.ndarray, form: Form) -> np.ndarray:
    """Return images as (N, C, H, W) where their layout can be told from the dataset's shape."""
    if not is_another_layout(x.shape, form):
        return x
    channels, height, width = form.shape
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x.reshape(-1, channels, height, width)


def is_another_layout(shape: tuple[int, ...], form: Form) -> bool:
    """Say whether an array's shape is images of the dataset with the channels last.

    Or grey ones without channels or flat.
    """
    if len(form.shape) != 3 or shape[1:] == form.shape:
        return False
    channels, height, width = form.shape
    return shape[1:] == (height, width, channels) or (
        channels == 1 and shape[1:] in ((height, width), (height * width,))
    )


def _from_codes(path: Path, x: np.ndarray, levels: int) -> np.ndarray:
    """Return codes of 256 levels as values in [0, 1].

    UsageError where they may be codes of the dataset's own fewer levels.
    """
    if levels < 256 and x.dtype != bool and x.max() < levels:
        raise UsageError(
            f"{shown(path)}: integers from {x.min()} to {x.max()} may be codes of {levels} levels or of 256; give floats in [0, 1]"
        )
    return as_codes(path, x).astype(np.float32) / 255
