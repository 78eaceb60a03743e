"""Read the cells of a .csv, each row with its line, and refuse what is no table below a header."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from bench.datasets.own.arrays import listed
from bench.errors import UsageError

LONGEST_FIELD = 2**31 - 1
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Lines:
    """The header's names, the rows' cells without blanks at their ends, and the line of each row, from 1."""

    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, j: int) -> list[str]:
        """Return the cells of one column."""
        return [row[j] for row in self.rows]


def read_lines(path: Path) -> Lines:
    """Read every row that is not blank; UsageError where the file is no table of commas."""
    rows, lines = _parsed(path, _text(path))
    if not rows:
        raise UsageError(f"{path} is empty; expected a .csv with a header")
    header = rows[0]
    _check_separator(path, header)
    named = [name for name in header if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise UsageError(f"{path}: more than one column is called {listed(map(repr, twice))}; rename them")
    if len(rows) == 1:
        raise UsageError(f"{path} has no rows below its header")
    odd = next((i for i in range(1, len(rows)) if len(rows[i]) != len(header)), None)
    if odd is not None:
        more = (
            "" if any(len(row) != len(header) + 1 for row in rows[1:]) else "; a column of row names needs a name too"
        )
        raise UsageError(
            f"{path}: line {lines[odd]} has {len(rows[odd])} values; expected {len(header)}, as in the header{more}"
        )
    return Lines(header, rows[1:], lines[1:])


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a .csv with a header: {error}") from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{path} cannot be read as a .csv: line {line} is no UTF-8 text (byte 0x{raw[error.start]:02x}); save it as UTF-8"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UsageError(f"{path} cannot be read as a .csv: line {line} holds a zero byte; save it as UTF-8 text")
    return text


def _parsed(path: Path, text: str) -> tuple[list[list[str]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    rows, lines, usual = [], [], csv.field_size_limit(LONGEST_FIELD)
    try:
        begins = 1
        for row in reader:
            if any(cell.strip() for cell in row) or len(row) > 1:
                rows.append([cell.strip() for cell in row])
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path} cannot be read as a .csv: the row that begins in line {begins}: {error}") from error
    finally:
        csv.field_size_limit(usual)
    return rows, lines


def _check_separator(path: Path, header: list[str]) -> None:
    if len(header) > 1:
        return
    for mark, word in SEPARATORS.items():
        if mark in header[0]:
            raise UsageError(
                f"{path}: its columns stand between {word}; expected commas. Convert it, for one by pandas.read_csv(path, "
                f'sep={mark!r}).to_csv("new.csv", index=False), with decimal="," where numbers have decimal commas'
            )
