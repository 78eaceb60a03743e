"""Findings to show beside a row.

Its records' own, still improving at the end, other hardware, better than the oracle, near copies.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import pandas as pd

from bench.leaderboard.copying import near_copies
from bench.leaderboard.hardware import OTHER_HARDWARE, timed_elsewhere
from bench.leaderboard.plateau import curve_of
from bench.leaderboard.row import Row, rows_of
from bench.leaderboard.table import by_board, primary_metrics
from bench.records.record import Record

Flags = dict[tuple[str, str, str, str], list[str]]  # (suite, device, dataset, model) -> findings in words


def flags(frame: pd.DataFrame, records: Sequence[Record]) -> Flags:
    """Collect the findings about each row of the boards."""
    words: Flags = defaultdict(list)
    for board, models in by_board(records).items():
        for model, those in models.items():
            words[*board, model] += _of_records(those)
            words[*board, model] += [improving] if (improving := curve_of(those).words) else []
        for model in timed_elsewhere(models):
            words[*board, model].append(OTHER_HARDWARE)
    primaries = primary_metrics(records)
    for row in better_than_oracle(rows_of(frame)):
        if primaries.get(row.dataset, ("",))[0] == row.metric:
            words[row.suite, row.device, row.dataset, row.model].append(
                f"better than the oracle: {row.metric} beats held-out real data on the {row.board} board"
            )
    for row, words_of_row in near_copies(rows_of(frame)):
        words[row.suite, row.device, row.dataset, row.model].append(words_of_row)
    return {key: sorted(set(findings)) for key, findings in sorted(words.items()) if findings}


def _of_records(records: Iterable[Record]) -> list[str]:
    """Collect the findings of a row's records, of those that open with the same words the first one only."""
    first: dict[str, str] = {}
    for flag in (flag.removeprefix("metric: ") for record in records for flag in record["flags"]):
        first.setdefault(flag.partition(":")[0], flag)
    return list(first.values())


def better_than_oracle(rows: Sequence[Row]) -> list[Row]:
    """Find the rows that beat their board's oracle by more than two standard errors of the difference."""
    oracle = {_place(row): row for row in rows if row.model == "oracle"}
    contestants = [row for row in rows if row.board and row.better != "none" and not row.reference]
    return [row for row in contestants if _beats(row, oracle.get(_place(row)))]


def _place(row: Row) -> tuple[str, ...]:
    return row.suite, row.device, row.dataset, row.board, row.metric


def _beats(row: Row, oracle: Row | None) -> bool:
    if oracle is None or oracle.centre is None or row.centre is None or row.se is None:
        return False
    ahead = oracle.centre - row.centre if row.better == "lower" else row.centre - oracle.centre
    return ahead > 2 * math.hypot(row.se, oracle.se or 0.0) > 0
