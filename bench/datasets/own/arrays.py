"""The arrays that every source of a user's own data is read into, and the checks that the sources share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.errors import UsageError

SIDES = (8, 16, 28, 32)  # of images that stay as they are
SHOWN = 10  # names or positions in a message
LEAST_OF_A_CLASS = 5


@dataclass(frozen=True)
class Arrays:
    """x: (N, D) float64 of a table, or (N, C, H, W) uint8 of images; y (N,) int64 or None."""

    x: np.ndarray
    y: np.ndarray | None
    class_names: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


def categories(path: Path, y: np.ndarray, n: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels as 0 .. K - 1, and their names in order."""
    if y.shape != (n,):
        raise UsageError(f"{path}: labels have shape {y.shape}; expected one for each of the {n} rows, ({n},)")
    if y.dtype.kind == "f":
        whole = np.isfinite(y) & (y == np.round(y))
        if not whole.all():
            raise UsageError(
                f"{path}: label {y[~whole][0]} of row {int(np.argmin(whole))} is no class; expected whole numbers or names"
            )
        y = y.astype(np.int64)
    names, codes = np.unique(y.astype(str) if y.dtype.kind not in "iub" else y, return_inverse=True)
    if len(names) > n // LEAST_OF_A_CLASS:
        raise UsageError(
            f"{path}: {len(names)} classes in {n} rows; expected categories with at least {LEAST_OF_A_CLASS} rows each"
        )
    return codes.reshape(-1).astype(np.int64), tuple(str(name) for name in names)


def refuse_holes(path: Path, x: np.ndarray, place: Callable[[np.ndarray], str]) -> None:
    """Raise UsageError where a value is not finite; place(position) names it in the file's own terms."""
    if x.dtype.kind != "f" or np.isfinite(x).all():
        return
    bad = np.argwhere(~np.isfinite(x))
    shown = "; ".join(f"{place(at)} is {x[tuple(at)]}" for at in bad[:SHOWN])
    raise UsageError(
        f"{path}: {len(bad)} values are not finite ({shown}{'; ...' if len(bad) > SHOWN else ''}); fill or remove them"
    )
