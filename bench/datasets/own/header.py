"""The first line of a .csv: is it a header at all, and which columns only number the rows?"""

from __future__ import annotations

from pathlib import Path

from bench.datasets.own.columns import NUMBER, WHOLE
from bench.datasets.own.lines import Lines
from bench.errors import UsageError

ROW_NAMES = ("#", "id", "idx", "index", "no", "nr", "row", "row_id", "row_number", "rowid", "rownames")
UNNAMED = "unnamed:"  # how pandas writes a nameless column


def check_header(path: Path, lines: Lines) -> None:
    """Raise UsageError where all names but one, at most, look like the data below them."""
    named = [j for j, name in enumerate(lines.header) if name]
    numbers = [j for j in named if NUMBER.fullmatch(lines.header[j])]
    words = [j for j in named if j not in numbers and lines.header[j] in lines.column(j)]
    alike = len(numbers) + len(words)
    if not alike or alike < len(named) - 1 or (not words and _counts([lines.header[j] for j in numbers])):
        return
    names = ",".join(name or "name" for name in (f"c{j}" for j in range(len(lines.header))))
    raise UsageError(
        f"{path} seems to have no header: its first row, {','.join(lines.header)[:80]}, looks like the rows below. "
        f"Write names above it, for one {names[:80]}; if it is a header, rename the columns"
    )


def row_numbers(path: Path, header: list[str], columns: dict[int, list[str]]) -> dict[int, str]:
    """Return what is to be said of each column that only numbers the rows, or is empty, by its place."""
    left_out = {}
    for j, name in enumerate(header):
        nameless = not name or name.lower().startswith(UNNAMED)
        called = f"column {j + 1}, {name!r}" if name else f"column {j + 1}, which has no name"
        if not name and not any(columns[j]):
            left_out[j] = f"{called} and no values"
        elif (nameless or name.lower() in ROW_NAMES) and _numbers_rows(columns[j]):
            left_out[j] = f"{called} and numbers the rows (give it another name to keep it)"
        elif not name:
            raise UsageError(f"{path}: column {j + 1} has no name, and does not number the rows; name or remove it")
    return left_out


def _numbers_rows(cells: list[str]) -> bool:
    """Say whether the cells are different whole numbers."""
    return all(WHOLE.fullmatch(cell) for cell in cells) and len(set(cells)) == len(cells)


def _counts(names: list[str]) -> bool:
    """Say whether numbers count by one, as a table's columns or years do: 0, 1, 2 or 2019, 2020."""
    if not all(len(name) < 19 and WHOLE.fullmatch(name) for name in names):
        return False
    first = int(names[0])
    usual = len(names) > 2 or first in (0, 1) or 1900 <= first <= 2100
    return usual and [int(name) for name in names] == list(range(first, first + len(names)))
