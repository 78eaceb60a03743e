"""Tell numbers, near numbers, flags and categories apart in a column of text, and what is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.datasets.own.arrays import EXACT, SHOWN, listed
from bench.errors import UsageError

MOST_CATEGORIES = 50
LONGEST_SHOWN = 30  # letters of a cell in a message
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
NEARLY = re.compile(  # thousands, decimal commas, percent, currencies, limits of measurement, accounts' brackets
    r"\(?[<>~=≤≥]*\s*[+\-−]?\s*[$€£¥₹]?\s*[+-]?(\d+([ ,.'’\u00a0\u202f]\d{3})*([.,]\d+)?|[.,]\d+)(e[+-]?\d+)?"
    r"\s*(%|‰|[$€£¥₹]|usd|eur|gbp|chf)?\)?",
    re.IGNORECASE,
)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
MISSING = frozenset(  # in any column: pandas' spellings
    [
        "",
        "#n/a",
        "#n/a n/a",
        "#na",
        "-1.#ind",
        "-1.#qnan",
        "-nan",
        "1.#ind",
        "1.#qnan",
        "<na>",
        "n/a",
        "na",
        "null",
        "nan",
        "none",
        "nat",
    ]
)
MISSING_NUMBERS = MISSING | frozenset(["?", "-", "--", ".", "*", "...", "missing", "unknown"])  # in a column of numbers
FLAGS = ("false", "true")


@dataclass(frozen=True)
class Column:
    """A column's values (N, K), the names of the K, what it is, and what is to be said of it."""

    values: np.ndarray
    names: list[str]
    kind: str  # "numbers", "flags" or "categories"
    told: str = ""


def is_missing(cells: list[str], *, text: bool, keep: bool) -> list[bool]:
    """Say of each cell whether it stands for a missing value.

    text: the column holds categories, even if they look like numbers. keep: a spelled one is a category too.
    """
    of_text = frozenset({""}) if keep else MISSING
    marks = of_text if text or not holds_numbers(cells) else MISSING_NUMBERS
    return [cell.lower() in marks for cell in cells]


def kept_marks(cells: list[str]) -> str:
    """Say which spellings of a missing value a column of text keeps as categories, empty if none."""
    marks = sorted({cell for cell in cells if cell.lower() in MISSING_NUMBERS})
    return listed(f"{mark!r} ({cells.count(mark)} times)" for mark in marks)


def holds_numbers(cells: list[str]) -> bool:
    """Say whether at least half of the cells that hold something are numbers, or nearly."""
    told = [cell for cell in cells if cell.lower() not in MISSING_NUMBERS]
    return bool(told) and 2 * sum(bool(NEARLY.fullmatch(c) or NUMBER.fullmatch(c)) for c in told) >= len(told)


def read_column(path: Path, name: str, cells: list[str], lines: list[int], *, text: bool) -> Column:
    """Turn cells without missing values into values; UsageError where most but not all are numbers."""
    if not text and holds_numbers(cells):
        return _numbers(path, name, cells, lines)
    kinds = sorted(set(cells))
    if not text and {kind.lower() for kind in kinds} <= set(FLAGS):
        return Column(np.array([[float(cell.lower() == "true")] for cell in cells]), [name], "flags")
    if len(kinds) > MOST_CATEGORIES:
        raise UsageError(
            f"{path}: column {name!r} holds text of {len(kinds)} kinds, {_cut(kinds[0])} for one; expected numbers, or"
            f" at most {MOST_CATEGORIES} categories. Remove the column, or name it with --label"
        )
    code = {kind: k for k, kind in enumerate(kinds)}
    values = np.zeros((len(cells), len(kinds)))
    values[np.arange(len(cells)), [code[cell] for cell in cells]] = 1.0
    return Column(values, [f"{name}={kind[:LONGEST_SHOWN]}" for kind in kinds], "categories", spellings(name, kinds))


def spellings(name: str, kinds: list[str]) -> str:
    """Say which categories differ in capital letters alone, empty where none do."""
    alike: dict[str, list[str]] = {}
    for kind in kinds:
        alike.setdefault(kind.casefold(), []).append(kind)
    twins = [" and ".join(map(repr, group)) for group in alike.values() if len(group) > 1]
    return f"{name} holds {listed(twins)} as different categories" if twins else ""


def leading_zeros(cells: list[str]) -> bool:
    """Say whether whole numbers are written with zeros before them, as codes are."""
    return any(WHOLE.fullmatch(cell) and len(digits := cell.lstrip("+-")) > 1 and digits[0] == "0" for cell in cells)


def _numbers(path: Path, name: str, cells: list[str], lines: list[int]) -> Column:
    others = [i for i, cell in enumerate(cells) if not NUMBER.fullmatch(cell)]
    if others:
        shown = "; ".join(f"line {lines[i]}: {_cut(cells[i])}" for i in others[:SHOWN])
        raise UsageError(
            f"{path}: column {name!r} holds numbers, but {len(others)} of {len(cells)} values are written otherwise "
            f"({shown}{'; ...' if len(others) > SHOWN else ''}); write them as plain numbers (1500, 0.5), leave them empty where "
            f"they are missing, or make every value of it a category by --text {name!r}"
        )
    told = (
        f"{name} has zeros before its numbers, which are lost (--text {name!r} keeps them)"
        if leading_zeros(cells)
        else ""
    )
    large = [cell for cell in cells if len(cell) > 15 and WHOLE.fullmatch(cell) and abs(int(cell[:400])) > EXACT]
    if large and all(WHOLE.fullmatch(cell) and len(cell) < 300 for cell in cells):
        whole = [int(cell) for cell in cells]
        least = min(whole)  # float64 has 53 bits: counted from the least, integers keep their differences
        told = f"{name} is counted from {least}, its least value: integers beyond 2^53"
        return Column(np.array([[float(value - least)] for value in whole]), [name], "numbers", told)
    return Column(np.array([[float(cell)] for cell in cells]), [name], "numbers", told)


def _cut(cell: str) -> str:
    return repr(cell if len(cell) <= LONGEST_SHOWN else cell[:LONGEST_SHOWN] + "...")
