"""Findings to show beside a row: those of its records, and rows that beat the oracle."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pandas as pd

from bench.leaderboard.hardware import OTHER_HARDWARE, timed_elsewhere
from bench.leaderboard.table import by_board, primary_metrics
from bench.records.record import Record

Flags = dict[tuple[str, str, str, str], list[str]]  # (suite, device, dataset, model) -> findings in words


def flags(frame: pd.DataFrame, records: Iterable[Record]) -> Flags:
    """Collect the findings about each row: those of its records, and that it is better than the oracle."""
    found: Flags = defaultdict(list)
    for record in records:
        key = record["suite"], record["device"], record["dataset"]["id"], record["model"]["row"]
        for flag in record["flags"]:
            words = flag.removeprefix("metric: ")
            if words.partition(":")[0] not in {f.partition(":")[0] for f in found[key]}:
                found[key].append(words)
    for board, models in by_board(records).items():
        for model in timed_elsewhere(models):
            found[*board, model].append(OTHER_HARDWARE)
    primaries = primary_metrics(records)
    for row in better_than_oracle(frame):
        if primaries.get(row.dataset, ("",))[0] == row.metric:
            found[row.suite, row.device, row.dataset, row.model].append(
                f"better than the oracle: {row.metric} beats held-out real data on the {row.board} board"
            )
    return {key: sorted(set(words)) for key, words in sorted(found.items()) if words}


def better_than_oracle(frame: pd.DataFrame) -> list[Any]:
    """Rows that beat the oracle of their board by more than twice the standard error of the difference."""
    rows = []
    keys = ["suite", "device", "dataset", "board", "metric"]
    oracle = {
        tuple(r): (c, s) for *r, c, s in frame[frame.model == "oracle"][[*keys, "centre", "se"]].itertuples(index=False)
    }
    chosen = frame[(frame.board != "") & (frame.better != "none") & ~frame.reference.astype(bool)]
    for row in chosen[[*keys, "model", "better", "centre", "se"]].itertuples():
        real = oracle.get((row.suite, row.device, row.dataset, row.board, row.metric))
        if real is None or row.se is None or math.isnan(row.centre):
            continue
        sign = 1 if row.better == "lower" else -1
        se = math.hypot(row.se, 0.0 if real[1] is None or math.isnan(real[1]) else real[1])
        if sign * (real[0] - row.centre) > 2 * se > 0:
            rows.append(row)
    return rows
