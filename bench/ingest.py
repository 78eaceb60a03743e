"""A user's own data as arrays: a folder of images, an .npz or a .csv. Needs no torch; every refusal names file and place.

Images are cropped to their centre square and resized by Pillow's Lanczos filter (antialiased) to 32x32, unless all of them are
already squares of one side in SIDES. Grey if every file is grey, else colour; transparency is laid on white.
"""

from __future__ import annotations

import csv
import hashlib
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.atomic import write_atomic
from bench.errors import UsageError
from bench.fetch import cache_folder
from bench.images import SUFFIXES

SIDES = (8, 16, 28, 32)
SIDE = 32  # of what has another size
LEAST_ROWS = 50
LEAST_OF_A_CLASS = 5
LABEL_NAMES = ("label", "class", "target", "y", "species")
MOST_CATEGORIES = 50
SHOWN = 10  # names or positions in a message


@dataclass(frozen=True)
class Arrays:
    """x: (N, D) float64 of a table, or (N, C, H, W) uint8 of images; y (N,) int64 or None."""

    x: np.ndarray
    y: np.ndarray | None
    class_names: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


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
        found = _read_images(path, strict=strict)
    elif path.suffix.lower() == ".npz":
        found = _read_npz(path)
    elif path.suffix.lower() == ".csv":
        found = _read_csv(path, label)
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


# images


def _read_images(folder: Path, *, strict: bool) -> Arrays:
    """Every image below a folder; class = first-level subfolder where there is more than one."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise UsageError(f"no images in {folder}; expected files ending in {', '.join(SUFFIXES)}")
    classes = [p.relative_to(folder).parts[0] if len(p.relative_to(folder).parts) > 1 else "" for p in paths]
    names = tuple(sorted(set(classes)))
    if len(names) > 1 and "" in names:
        loose = paths[classes.index("")]
        raise UsageError(
            f"{folder} has images both in subfolders (classes) and beside them, {loose.name} for one; move those into a class"
        )
    kept = _cached(folder, paths)
    if kept is None:
        x, unreadable = _decode(paths)
        _keep(folder, paths, x, unreadable)
    else:
        x, unreadable = kept
    told = f"{len(unreadable)} unreadable: {', '.join(str(paths[i].relative_to(folder)) for i in unreadable[:SHOWN])}"
    told += ", ..." if len(unreadable) > SHOWN else ""
    if len(unreadable) == len(paths) or (strict and unreadable):
        raise UsageError(f"{folder}: {told}")
    notes = {"source": f"{len(paths)} image files", "pixels": _story(x)}
    if unreadable:
        notes["left out"] = told
    bad = set(unreadable)
    labels = None
    if len(names) > 1:
        code = {name: k for k, name in enumerate(names)}
        labels = np.array([code[c] for i, c in enumerate(classes) if i not in bad], dtype=np.int64)
    return Arrays(x, labels, names if labels is not None else (), notes)


def _story(x: np.ndarray) -> str:
    return f"{'grey' if x.shape[1] == 1 else 'colour'} {x.shape[2]}x{x.shape[3]}; other sizes cut to the centre square, Lanczos filter"


def _decode(paths: Sequence[Path]) -> tuple[np.ndarray, list[int]]:
    """Codes (N, C, H, W) of the readable files, and the positions of the others."""
    from PIL import Image

    start, sizes, grey = time.monotonic(), set(), True
    for i, path in enumerate(paths):
        try:
            with Image.open(path) as image:  # reads the header alone
                sizes.add(image.size)
                grey = grey and image.mode in ("1", "L", "I", "I;16", "F")
        except Exception:  # noqa: BLE001, S112 - a hostile file may raise anything; the second pass names it
            continue
        _progress("headers", i + 1, len(paths), start)
    side = next(iter(sizes))[0] if len(sizes) == 1 and all(w == h and w in SIDES for w, h in sizes) else SIDE
    x = np.empty((len(paths), side, side) if grey else (len(paths), side, side, 3), np.uint8)
    unreadable: list[int] = []
    start = time.monotonic()
    for i, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                x[i - len(unreadable)] = _square(image, side, grey=grey)
        except Exception:  # noqa: BLE001 - as above: this file is left out by name
            unreadable.append(i)
        _progress("images", i + 1, len(paths), start)
    x = x[: len(paths) - len(unreadable)]
    return np.ascontiguousarray(x[:, None] if grey else x.transpose(0, 3, 1, 2)), unreadable


def _square(image: Any, side: int, *, grey: bool) -> np.ndarray:
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("L" if grey else "RGB")
    if image.size != (side, side):
        width, height = image.size
        edge = min(width, height)
        left, top = (width - edge) // 2, (height - edge) // 2
        image = image.resize((side, side), Image.Resampling.LANCZOS, box=(left, top, left + edge, top + edge))
    return np.asarray(image)


def _progress(what: str, done: int, total: int, start: float) -> None:
    if sys.stderr.isatty() and (done % 100 == 0 or done == total):
        spent = time.monotonic() - start
        left = f"{spent / done * (total - done):.0f} s left" if done < total else f"{spent:.1f} s"
        print(
            f"\r{what} {done / total:4.0%} of {total:,}, {left:12}",
            end="\n" if done == total else "",
            file=sys.stderr,
            flush=True,
        )


def _cache_file(folder: Path, paths: Sequence[Path]) -> Path:
    """One file for the folder as it is now: names, sizes and times of change."""
    digest = hashlib.sha256(f"{folder.resolve()} {SIDE} {SIDES} 1".encode())
    for path in paths:
        stat = path.stat()
        digest.update(f"\n{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}".encode())
    return cache_folder() / "own" / f"{digest.hexdigest()[:32]}.npz"


def _cached(folder: Path, paths: Sequence[Path]) -> tuple[np.ndarray, list[int]] | None:
    try:
        with np.load(_cache_file(folder, paths), allow_pickle=False) as stored:
            return stored["x"], stored["unreadable"].tolist()
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _keep(folder: Path, paths: Sequence[Path], x: np.ndarray, unreadable: list[int]) -> None:
    import io

    stream = io.BytesIO()
    np.savez(stream, x=x, unreadable=np.array(unreadable, dtype=np.int64))
    try:
        write_atomic(_cache_file(folder, paths), stream.getvalue())
    except OSError:  # a full or read-only cache costs time, not the run
        return


# arrays and tables


def _read_npz(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = list(stored.files) if hasattr(stored, "files") else []
            if "x" not in names:
                raise UsageError(
                    f"{path} holds {', '.join(names) or 'nothing'}; expected a member x, and y where there are labels"
                )
            x, y = stored["x"], stored["y"] if "y" in names else None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path} cannot be read as an .npz of plain arrays: {error}") from error
    if x.dtype.kind not in "fiub":
        raise UsageError(f"{path}: x has dtype {x.dtype}; expected numbers")
    if x.ndim not in (2, 3, 4) or 0 in x.shape:
        raise UsageError(f"{path}: x has shape {x.shape}; expected (N, D), (N, H, W), (N, C, H, W) or (N, H, W, C)")
    _refuse_holes(path, x, lambda at: f"x{[int(i) for i in at]}")
    labels, names = (None, ()) if y is None else _categories(path, y, len(x))
    if x.ndim == 2:
        return Arrays(x.astype(np.float64), labels, names, {"source": path.name})
    return Arrays(_codes(path, x), labels, names, {"source": path.name})


def _codes(path: Path, x: np.ndarray) -> np.ndarray:
    """(N, C, H, W) uint8 of an array of images."""
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


def _check_header(path: Path) -> None:
    """UsageError where two columns share a name or a row is longer than the header: pandas would rename or shift them."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, skipinitialspace=True)
        header = next(reader)
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise UsageError(f"{path}: more than one column is called {', '.join(map(repr, twice))}; rename them")
        for row in reader:
            if len(row) > len(header):
                raise UsageError(
                    f"{path}: line {reader.line_num} has {len(row)} values; expected {len(header)}, as in the header"
                )


def _read_csv(path: Path, label: str | None) -> Arrays:
    import pandas as pd

    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError, UnicodeDecodeError) as error:  # pandas' own errors are ValueErrors
        raise UsageError(f"{path} cannot be read as a .csv with a header: {error}") from error
    if table.empty or not len(table.columns):
        raise UsageError(f"{path} has no rows below its header")
    _check_header(path)
    holes = np.argwhere(table.isna().to_numpy())
    if len(holes):
        places = "; ".join(f"line {row + 2}, column {table.columns[column]!r}" for row, column in holes[:SHOWN])
        raise UsageError(
            f"{path}: {len(holes)} missing values ({places}{'; ...' if len(holes) > SHOWN else ''}); fill or remove them"
        )
    column = _label_column(path, list(table.columns), label)
    labels, names = (None, ()) if column is None else _categories(path, table[column].to_numpy(), len(table))
    features = table.drop(columns=[column] if column is not None else [])
    if not len(features.columns):
        raise UsageError(f"{path} has no column beside its labels {column!r}")
    parts, told = [], []
    for name in features.columns:
        values = features[name]
        if values.dtype.kind in "fiub":
            parts.append(values.to_numpy(dtype=np.float64)[:, None])
            continue
        kinds = sorted(values.astype(str).unique())
        if len(kinds) > MOST_CATEGORIES:
            raise UsageError(
                f"{path}: column {name!r} holds text of {len(kinds)} kinds, {kinds[0]!r} for one; expected numbers, or"
                f" at most {MOST_CATEGORIES} categories. Remove the column, or name it with --label"
            )
        parts.append((values.astype(str).to_numpy()[:, None] == np.array(kinds)).astype(np.float64))
        told.append(f"{name} ({len(kinds)})")
    x = np.concatenate(parts, axis=1)
    _refuse_holes(path, x, lambda at: f"line {int(at[0]) + 2}")
    notes = {"source": path.name, "features": ", ".join(map(str, features.columns))}
    if told:
        notes["categories, one column each"] = ", ".join(told)
    if column is not None:
        notes["labels"] = f"column {column!r}"
    return Arrays(x, labels, names, notes)


def _label_column(path: Path, columns: list[str], label: str | None) -> str | None:
    if label is not None:
        if label not in columns:
            raise UsageError(f"{path}: no column {label!r}; columns: {', '.join(map(str, columns))}")
        return label
    return next((c for c in columns if str(c).lower() in LABEL_NAMES), None)


def _categories(path: Path, y: np.ndarray, n: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as 0 .. K - 1 and their names in order."""
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


def _refuse_holes(path: Path, x: np.ndarray, place: Any) -> None:
    if x.dtype.kind != "f" or np.isfinite(x).all():
        return
    bad = np.argwhere(~np.isfinite(x))
    shown = "; ".join(f"{place(at)} is {x[tuple(at)]}" for at in bad[:SHOWN])
    raise UsageError(
        f"{path}: {len(bad)} values are not finite ({shown}{'; ...' if len(bad) > SHOWN else ''}); fill or remove them"
    )
