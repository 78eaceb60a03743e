"""Hold what every source of a user's own data is read into, and check what the sources share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.errors import UsageError

SIDES = (8, 16, 28, 32)  # images of these sides stay as they are
SHOWN = 10  # names or positions in a message
LEAST_OF_A_CLASS = 5
EXACT = 2**53  # integers up to here are float64 numbers
NO_LABELS = "none"  # --label none: there are no labels, whatever a column is called


@dataclass(frozen=True)
class Arrays:
    """Hold x, (N, D) float64 of a table or (N, C, H, W) uint8 of images, and y, (N,) int64 or None.

    columns: the D names of a table. notes: all that was assumed, left out or changed, each under a plain word.
    """

    x: np.ndarray
    y: np.ndarray | None
    class_names: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


def listed(names: Iterable[object], shown: int = SHOWN) -> str:
    """Return the first names of a list, and how many more there are."""
    words = [str(name) for name in names]
    more = f", ... ({len(words)} in all)" if len(words) > shown else ""
    return ", ".join(words[:shown]) + more


def joined(notes: dict[str, str], key: str, text: str) -> dict[str, str]:
    """Return notes with one more sentence under a key; an empty text adds none."""
    return notes | {key: f"{notes[key]}; {text}" if key in notes else text} if text else notes


def categories(path: Path, y: np.ndarray, n: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels as 0 .. K - 1, and their names in order."""
    if y.shape != (n,):
        raise UsageError(f"{path}: labels have shape {y.shape}; expected one for each of the {n} rows, ({n},)")
    if y.dtype.kind not in "fiubUS":
        raise UsageError(f"{path}: labels have dtype {y.dtype}; expected whole numbers or names")
    if y.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.isfinite(y) & (y == np.round(y)) & (np.abs(y) <= EXACT)
        if not whole.all():
            raise UsageError(
                f"{path}: label {y[~whole][0]} of row {int(np.argmin(whole))} is no class; expected whole numbers or names, "
                f"or --label {NO_LABELS} for data without labels"
            )
        y = y.astype(np.int64)
    names, codes = np.unique(_words(path, y) if y.dtype.kind in "US" else y, return_inverse=True)
    if len(names) > n // LEAST_OF_A_CLASS:
        raise UsageError(
            f"{path}: {len(names)} classes in {n} rows; expected categories with at least {LEAST_OF_A_CLASS} rows each, "
            f"or --label {NO_LABELS} for data without labels"
        )
    return codes.reshape(-1).astype(np.int64), tuple(str(name) for name in names)


def _words(path: Path, y: np.ndarray) -> np.ndarray:
    """Return names without blanks at their ends; UsageError where bytes are no text."""
    try:
        return np.char.strip(np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: labels are bytes that are no UTF-8 text ({error}); store them as text") from error


def refuse_holes(path: Path, x: np.ndarray, place: Callable[[np.ndarray], str]) -> None:
    """Raise UsageError where a value is not finite; place(position) names it in the file's own terms."""
    if x.dtype.kind != "f" or np.isfinite(x).all():
        return
    bad = np.argwhere(~np.isfinite(x))
    shown = "; ".join(f"{place(at)} is {x[tuple(at)]}" for at in bad[:SHOWN])
    raise UsageError(
        f"{path}: {len(bad)} values are not finite ({shown}{'; ...' if len(bad) > SHOWN else ''}); fill or remove them"
    )
