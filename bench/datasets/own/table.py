"""A .csv with a header: numbers, categories, and a column of labels if one is named or has a usual name."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets.own.arrays import SHOWN, Arrays, categories, refuse_holes
from bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

LABEL_NAMES = ("label", "class", "target", "y", "species")
MOST_CATEGORIES = 50
NUMBERS = "fiub"  # numpy's letters for floats, integers and booleans


def read_table(path: Path, label: str | None) -> Arrays:
    """Read numbers as they are, and text as one column of 0 and 1 a category."""
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
    labels, names = (None, ()) if column is None else categories(path, table[column].to_numpy(), len(table))
    features = table.drop(columns=[column] if column is not None else [])
    if not len(features.columns):
        raise UsageError(f"{path} has no column beside its labels {column!r}")
    parts = [_numbers(path, str(name), features[name]) for name in features.columns]
    told = [
        f"{name} ({part.shape[1]})"
        for name, part in zip(features.columns, parts)
        if features[name].dtype.kind not in NUMBERS
    ]
    x = np.concatenate(parts, axis=1)
    refuse_holes(path, x, lambda at: f"line {int(at[0]) + 2}")
    notes = {"source": path.name, "features": ", ".join(map(str, features.columns))}
    if told:
        notes["categories, one column each"] = ", ".join(told)
    if column is not None:
        notes["labels"] = f"column {column!r}"
    return Arrays(x, labels, names, notes)


def _numbers(path: Path, name: str, values: pd.Series) -> np.ndarray:
    """Return a column of numbers as (N, 1), one of text as one column of 0 and 1 for each of its K kinds, (N, K)."""
    if values.dtype.kind in NUMBERS:
        return values.to_numpy(dtype=np.float64)[:, None]
    kinds = sorted(values.astype(str).unique())
    if len(kinds) > MOST_CATEGORIES:
        raise UsageError(
            f"{path}: column {name!r} holds text of {len(kinds)} kinds, {kinds[0]!r} for one; expected numbers, or"
            f" at most {MOST_CATEGORIES} categories. Remove the column, or name it with --label"
        )
    return (values.astype(str).to_numpy()[:, None] == np.array(kinds)).astype(np.float64)


def _check_header(path: Path) -> None:
    """Raise UsageError where pandas would rename or shift: equal names, or a row longer than the header."""
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


def _label_column(path: Path, columns: list[str], label: str | None) -> str | None:
    if label is not None:
        if label not in columns:
            raise UsageError(f"{path}: no column {label!r}; columns: {', '.join(map(str, columns))}")
        return label
    return next((c for c in columns if str(c).lower() in LABEL_NAMES), None)
