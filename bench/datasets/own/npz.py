"""Plain arrays: an .npz with x, and y where there are labels, or an .npy that is x."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.datasets.own.arrays import EXACT, SIDES, Arrays, categories, joined, listed, refuse_holes
from bench.errors import UsageError

DARK = 31  # integers up to here are nearly black as bytes: the numbers of another scale


def read_npz(path: Path, *, labels: bool = True) -> Arrays:
    """Read rows (N, D), or images of any of the usual layouts; labels: whether y is read."""
    try:
        with path.open("rb") as file:  # numpy leaves a damaged file open
            x, y = _members(path, np.load(file, allow_pickle=False), labels=labels)
    except UsageError:
        raise
    except Exception as error:
        what = "an .npy" if path.suffix.lower() == ".npy" else "an .npz"
        told = " ".join(str(error).split())[:200]
        raise UsageError(f"{path} cannot be read as {what} of plain arrays: {told or type(error).__name__}") from error
    if not isinstance(x, np.ndarray) or (y is not None and not isinstance(y, np.ndarray)):
        raise UsageError(f"{path}: x or y is no array; write it with numpy.savez(path, x=..., y=...)")
    return _arrays(path, x, y)


def _members(
    path: Path, stored: np.ndarray | np.lib.npyio.NpzFile, *, labels: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return x, and y where it is there and asked for."""
    if isinstance(stored, np.ndarray):
        return stored, None
    with stored:
        if "x" not in stored.files:
            raise UsageError(
                f"{path} holds {listed(stored.files) or 'nothing'}; expected a member x, and y where there are labels"
            )
        return stored["x"], stored["y"] if labels and "y" in stored.files else None


def _arrays(path: Path, x: np.ndarray, y: np.ndarray | None) -> Arrays:
    if x.dtype.kind not in "fiub":
        raise UsageError(f"{path}: x has dtype {x.dtype}; expected numbers")
    if x.ndim not in (2, 3, 4) or 0 in x.shape:
        more = "; one column is x[:, None]" if x.ndim == 1 and len(x) else ""
        raise UsageError(
            f"{path}: x has shape {x.shape}; expected (N, D), (N, H, W), (N, C, H, W) or (N, H, W, C){more}"
        )
    refuse_holes(path, x, lambda at: f"x{[int(i) for i in at]}")
    notes = {"source": path.name, "rows": f"{len(x):,}"}
    if x.ndim == 2:
        values, told = _numbers(path, x)
    else:
        values, told = _codes(path, x)
    notes = joined(notes, "units", told)
    columns = tuple(f"x[:, {j}]" for j in range(x.shape[1])) if x.ndim == 2 else ()
    if y is None:
        return Arrays(values, None, notes=notes, columns=columns)
    return Arrays(values, *categories(path, y, len(x)), notes | {"labels": "member y"}, columns)


def _numbers(path: Path, x: np.ndarray) -> tuple[np.ndarray, str]:
    """Return columns as float64; what it would round is counted from its least value, exactly."""
    if x.dtype.kind == "b":
        return x.astype(np.float64), "True is 1, False is 0"
    if x.dtype.kind in "iu":
        least = x.min(axis=0)
        large = [j for j in range(x.shape[1]) if max(abs(int(least[j])), abs(int(x[:, j].max()))) > EXACT]
        values = x.astype(np.float64)
        for j in large:  # differences modulo 2^64 are exact, whatever the signs
            values[:, j] = (x[:, j].astype(np.uint64) - least[j].astype(np.uint64)).astype(np.float64)
        names = [f"x[:, {j}] from {int(least[j])}" for j in large]
        return values, f"integers beyond 2^53 are counted from their least value: {listed(names)}" if large else ""
    with np.errstate(over="ignore"):
        values = x.astype(np.float64)
    if x.dtype.itemsize > 8:
        refuse_holes(path, values, lambda at: f"x{[int(i) for i in at]}, as float64,")
    if x.dtype.itemsize <= 8 or np.array_equal(values.astype(x.dtype), x):
        return values, ""
    return (x - x.min(axis=0)).astype(np.float64), f"{x.dtype} is counted from each column's least value, as float64"


def _codes(path: Path, x: np.ndarray) -> tuple[np.ndarray, str]:
    """Return images as (N, C, H, W) uint8, and how their values were read."""
    layout = "one channel"
    if x.ndim == 3:
        x = x[:, None]
    elif x.shape[1] not in (1, 3) and x.shape[3] in (1, 3):
        x, layout = x.transpose(0, 3, 1, 2), "channels last"
    else:
        layout = "channels first"
    if x.shape[1] not in (1, 3):
        raise UsageError(f"{path}: x has shape {x.shape}; images have 1 or 3 channels")
    if x.shape[2] != x.shape[3] or x.shape[2] not in SIDES:
        raise UsageError(
            f"{path}: images are {x.shape[2]}x{x.shape[3]}; expected squares of side {', '.join(map(str, SIDES))}"
        )
    codes, told = _bytes(path, x)
    return np.ascontiguousarray(codes.astype(np.uint8)), f"{told}; {layout}"


def _bytes(path: Path, x: np.ndarray) -> tuple[np.ndarray, str]:
    """Return values as 0 .. 255 by what they are; UsageError where two readings are possible."""
    if x.dtype.kind == "b":
        return x * np.uint8(255), "True is white, False is black"
    low, high = x.min().item(), x.max().item()
    if x.dtype.kind == "f":
        if low < 0 or high > 1:
            raise UsageError(
                f"{path}: float images reach from {low:g} to {high:g}; expected [0, 1], or bytes from 0 to 255"
            )
        scaled = x.astype(np.float64) * 255
        codes = np.round(scaled)
        if bool(((x == 0) | (x == 1)).all()):
            return codes, "0 is black, 1 is white"
        if high <= 1 / 255:
            raise UsageError(
                f"{path}: float images reach from {low:g} to {high:g} only, black as shares of 1; if they were divided "
                "by 255 twice, multiply them by 255"
            )
        rounded = "" if float(np.abs(scaled - codes).max()) < 0.01 else ", rounded to 256 levels"
        return codes, f"floats from {low:g} to {high:g} as shares of 1{rounded}"
    if low < 0 or high > 255:
        more = "; if they have 16 bits, divide them by 257" if low >= 0 and high <= 65535 else ""
        raise UsageError(f"{path}: images reach from {low} to {high}; expected 0 to 255{more}")
    if high <= DARK:
        readings = (
            "black and white (save x.astype(bool))" if high <= 1 else f"shares of {high} (save x / {high}, as floats)"
        )
        raise UsageError(
            f"{path}: integer images reach from {low} to {high} only, which may be {readings} or bytes of 255, nearly black "
            "(save x / 255, as floats); say which"
        )
    return x, f"integers from {low} to {high} as bytes, of 255"
