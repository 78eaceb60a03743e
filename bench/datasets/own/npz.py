"""An .npz of plain arrays: x, and y where there are labels."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from bench.datasets.own.arrays import SIDES, Arrays, categories, refuse_holes
from bench.errors import UsageError


def read_npz(path: Path) -> Arrays:
    """Read rows (N, D), or images of any of the usual layouts."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            members = list(stored.files) if hasattr(stored, "files") else []
            if "x" not in members:
                raise UsageError(
                    f"{path} holds {', '.join(members) or 'nothing'}; expected a member x, and y where there are labels"
                )
            x, y = stored["x"], stored["y"] if "y" in members else None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path} cannot be read as an .npz of plain arrays: {error}") from error
    if x.dtype.kind not in "fiub":
        raise UsageError(f"{path}: x has dtype {x.dtype}; expected numbers")
    if x.ndim not in (2, 3, 4) or 0 in x.shape:
        raise UsageError(f"{path}: x has shape {x.shape}; expected (N, D), (N, H, W), (N, C, H, W) or (N, H, W, C)")
    refuse_holes(path, x, lambda at: f"x{[int(i) for i in at]}")
    values = x.astype(np.float64) if x.ndim == 2 else _codes(path, x)
    if y is None:
        return Arrays(values, None, notes={"source": path.name})
    return Arrays(values, *categories(path, y, len(x)), {"source": path.name})


def _codes(path: Path, x: np.ndarray) -> np.ndarray:
    """Return images as (N, C, H, W) uint8."""
    if x.ndim == 3:
        x = x[:, None]
    elif x.shape[1] not in (1, 3) and x.shape[3] in (1, 3):
        x = x.transpose(0, 3, 1, 2)
    if x.shape[1] not in (1, 3):
        raise UsageError(f"{path}: x has shape {x.shape}; images have 1 or 3 channels")
    if x.shape[2] != x.shape[3] or x.shape[2] not in SIDES:
        raise UsageError(
            f"{path}: images are {x.shape[2]}x{x.shape[3]}; expected squares of side {', '.join(map(str, SIDES))}"
        )
    low, high = float(x.min()), float(x.max())
    if x.dtype.kind == "f":
        if low < 0 or high > 1:
            raise UsageError(
                f"{path}: float images reach from {low:g} to {high:g}; expected [0, 1], or bytes from 0 to 255"
            )
        x = np.round(x * 255)
    elif low < 0 or high > 255:
        raise UsageError(f"{path}: images reach from {low:g} to {high:g}; expected 0 to 255")
    return np.ascontiguousarray(x.astype(np.uint8))
