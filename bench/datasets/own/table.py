"""Read a .csv: numbers, categories, and labels where a column is named so or has a usual name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.datasets.own.arrays import (
    EXACT,
    LEAST_OF_A_CLASS,
    NO_LABELS,
    SHOWN,
    Arrays,
    categories,
    joined,
    listed,
    refuse_holes,
)
from bench.datasets.own.columns import (
    NUMBER,
    Column,
    holds_numbers,
    is_missing,
    kept_marks,
    leading_zeros,
    read_column,
    spellings,
)
from bench.datasets.own.header import check_header, row_numbers
from bench.datasets.own.lines import Lines, read_lines
from bench.errors import UsageError

LABEL_NAMES = ("label", "class", "target", "y", "species")
MISSING_CHOICES = ("", "drop", "keep")


@dataclass(frozen=True)
class Reading:
    """Hold what the user says of a .csv: its labels, its missing values, its categories."""

    label: str | None = None
    missing: str = ""  # "": refused; "drop": their rows are left out; "keep": a spelled one is a category
    text: tuple[str, ...] = ()


@dataclass
class _Table:
    path: Path
    names: list[str]
    cells: list[list[str]]  # by column
    lines: list[int]
    notes: dict[str, str] = field(default_factory=dict)

    def say(self, key: str, text: str) -> None:
        self.notes = joined(self.notes, key, text)


def read_table(path: Path, reading: Reading) -> Arrays:
    """Read numbers as they are, and text as one column of 0 and 1 a category."""
    if reading.missing not in MISSING_CHOICES:
        raise UsageError(f"--missing must be drop or keep, got {reading.missing!r}")
    table = _without_row_numbers(path, read_lines(path))
    for name in reading.text:
        if name not in table.names:
            raise UsageError(f"--text {name!r}: {_no_column(path, table.names, name)}")
    column = _label_column(table, reading)
    _mend_holes(table, reading)
    labels, class_names = (None, ()) if column is None else _labels(table, column, reading)
    kept = [name for name in table.names if name != column]
    if not kept:
        raise UsageError(f"{path} has no column beside its labels {column!r}")
    columns = [_column(table, name, reading) for name in kept]
    x = np.concatenate([c.values for c in columns], axis=1)
    refuse_holes(path, x, lambda at: f"line {table.lines[int(at[0])]}")
    _say_kinds(table, dict(zip(kept, columns)))
    return Arrays(x, labels, class_names, table.notes, tuple(name for c in columns for name in c.names))


def _without_row_numbers(path: Path, lines: Lines) -> _Table:
    check_header(path, lines)
    columns = {j: lines.column(j) for j in range(len(lines.header))}
    left_out = row_numbers(path, lines.header, columns)
    kept = [j for j in columns if j not in left_out]
    table = _Table(path, [lines.header[j] for j in kept], [columns[j] for j in kept], lines.lines)
    table.notes = {"source": path.name, "rows": f"{len(lines.rows):,}"}
    table.say("left out", listed(left_out.values()))
    if all(NUMBER.fullmatch(name) for name in table.names):
        table.say("header", f"numbers, {listed(table.names)}; if they are a row of data, write names above them")
    if not kept:
        raise UsageError(f"{path} has no column beside its row numbers; give that column a name if it is data")
    return table


def _mend_holes(table: _Table, reading: Reading) -> None:
    """Leave out rows with missing values where --missing says so, and refuse them by line otherwise."""
    keep = reading.missing == "keep"
    masks = [is_missing(cells, text=name in reading.text, keep=keep) for name, cells in zip(table.names, table.cells)]
    holes = [(i, j) for i in range(len(table.lines)) for j, mask in enumerate(masks) if mask[i]]
    if not holes:
        return
    spelled = sorted({repr(table.cells[j][i]) for i, j in holes if table.cells[j][i]})
    as_what = f", spelled {listed(spelled)}" if spelled else ""
    if reading.missing == "drop":
        bad = {i for i, _ in holes}
        if len(bad) == len(table.lines):
            raise UsageError(f"{table.path}: every row has a missing value, so that --missing drop leaves none")
        table.cells = [[cell for i, cell in enumerate(cells) if i not in bad] for cells in table.cells]
        table.lines = [line for i, line in enumerate(table.lines) if i not in bad]
        where = listed(sorted({table.names[j] for _, j in holes}))
        table.say("missing", f"{len(bad)} of {len(masks[0])} rows are left out for a missing value in {where}{as_what}")
        return
    places = "; ".join(
        f"line {table.lines[i]}, column {table.names[j]!r}" + (f": {table.cells[j][i]!r}" if table.cells[j][i] else "")
        for i, j in holes[:SHOWN]
    )
    words = {j for i, j in holes if table.cells[j][i] and not holds_numbers(table.cells[j])}
    more = (
        f", or take them for a category of {table.names[min(words)]!r} by --missing keep" if words and not keep else ""
    )
    raise UsageError(
        f"{table.path}: {len(holes)} missing values ({places}{'; ...' if len(holes) > SHOWN else ''}); fill them, or leave "
        f"their rows out by --missing drop{more}"
    )


def _label_column(table: _Table, reading: Reading) -> str | None:
    """Return the column of labels, named or by a usual name, and say in the notes which and why."""
    if reading.label == NO_LABELS:
        table.say("labels", f"none, by --label {NO_LABELS}")
        return None
    if reading.label is not None:
        if reading.label not in table.names:
            raise UsageError(_no_column(table.path, table.names, reading.label))
        table.say("labels", f"column {reading.label!r}")
        return reading.label
    usual = [name for name in table.names if name.lower() in LABEL_NAMES]
    chosen = None
    for name in usual:
        why = _no_classes(table.cells[table.names.index(name)])
        if why or chosen:
            table.say(
                "labels", f"column {name!r} is a feature: {why or f'{chosen!r} holds the labels'} (--label {name!r})"
            )
        else:
            chosen = name
            table.say("labels", f"column {name!r}, for its name (--label {NO_LABELS} makes it a feature)")
    if not usual:
        table.say("labels", "none: no column is called " + ", ".join(LABEL_NAMES))
    return chosen


def _no_classes(cells: list[str]) -> str:
    """Say why a column of a usual name holds measured or counted numbers, empty if it may hold classes."""
    if not holds_numbers(cells):
        return ""
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        return ""  # missing, or nearly numbers: said elsewhere
    if not (np.isfinite(values) & (values == np.round(values))).all():
        return "its numbers are not whole"
    kinds, counts = np.unique(values, return_counts=True)
    if len(kinds) > len(values) // LEAST_OF_A_CLASS:
        return f"it holds {len(kinds)} different numbers in {len(values)} rows"
    if counts.min() < LEAST_OF_A_CLASS:
        return f"{kinds[counts.argmin()]:g} occurs {counts.min()} times only"
    return ""


def _labels(table: _Table, column: str, reading: Reading) -> tuple[np.ndarray, tuple[str, ...]]:
    cells = table.cells[table.names.index(column)]
    values = np.array(cells)
    if holds_numbers(cells) and column not in reading.text and not leading_zeros(cells):
        try:
            numbers = [float(cell) for cell in cells]
        except ValueError:
            pass  # names such as 3rd among numbers
        else:
            exact = all(np.isfinite(v) and v == round(v) and abs(v) <= EXACT for v in numbers)
            values = np.array(numbers if not exact else [int(v) for v in numbers])
    labels, names = categories(table.path, values, len(cells))
    table.say("labels", spellings(column, list(names)))
    return labels, names


def _column(table: _Table, name: str, reading: Reading) -> Column:
    cells = table.cells[table.names.index(name)]
    return read_column(table.path, name, cells, table.lines, text=name in reading.text)


def _say_kinds(table: _Table, columns: dict[str, Column]) -> None:
    table.say("features", listed(columns, 30))
    several = [f"{name} ({len(c.names)})" for name, c in columns.items() if c.kind == "categories"]
    table.say("categories", f"one column of 0 and 1 each: {listed(several, 30)}" if several else "")
    flags = [name for name, c in columns.items() if c.kind == "flags"]
    table.say("flags", f"true is 1, false is 0: {listed(flags)}" if flags else "")
    for name, c in columns.items():
        marks = kept_marks(table.cells[table.names.index(name)]) if c.kind == "categories" else ""
        table.say("missing", f"kept as categories of {name}: {marks}" if marks else "")
        table.say("numbers" if c.kind == "numbers" else "categories", c.told)


def _no_column(path: Path, columns: list[str], name: str) -> str:
    near = next((c for c in columns if c.lower() == name.strip().lower()), None)
    guesses = [near] if near else difflib.get_close_matches(name, columns, 1)
    hint = f"; did you mean {guesses[0]!r}?" if guesses else ""
    return f"{path}: no column {name!r}{hint}; columns: {listed(columns, 30)}"
