"""Ranks and rank ranges: Holm's correction over all pairs of a board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.leaderboard.centre import Centre
from bench.leaderboard.row import SUBMISSION
from bench.leaderboard.student import holm
from bench.leaderboard.welch import compare, compare_pairs, pairs_of

ALPHA = 0.05
SEEDS_FOR_AN_ORDER = 5


def ranked(column: list[dict[str, Any]], centres: Mapping[str, Centre], *, better: str) -> list[dict[str, Any]]:
    """Add rank and rank range to one metric's rows: 1 + surely better to 1 + not surely worse."""
    contestants = [row for row in column if not row["reference"] and row["family"] != SUBMISSION]
    if better == "none" or not contestants:
        return column
    sign = 1 if better == "lower" else -1
    whole = [row for row in contestants if row["model"] in centres and not row["n_failed"]]
    whole.sort(key=lambda row: sign * centres[row["model"]].scaled)
    names = [row["model"] for row in whole]
    above, below = _significant([centres[name] for name in names], sign)
    for position, (row, better_ones, worse_ones) in enumerate(zip(whole, above, below), start=1):
        row |= {"rank": position, "rank_low": 1 + better_ones, "rank_high": len(whole) - worse_ones}
    for row in contestants:
        if row["model"] not in names:  # a failed seed: a mean over the survivors would flatter it
            row |= {"rank": len(contestants), "rank_low": len(whole) + 1, "rank_high": len(contestants)}
    for row in column:
        if row["family"] == SUBMISSION and row["model"] in centres:
            row |= _place_among(centres[row["model"]], [centres[name] for name in names], sign)
    return column


def _place_among(mine: Centre, others: Sequence[Centre], sign: int) -> dict[str, int]:
    """Place a submission among the models: its rank and rank range, Holm over its own pairs."""
    tests = [compare(mine, other) for other in others]
    p_values = holm([1.0 if test.p is None else test.p for test in tests])
    worse_than = sum(sign * test.value > 0 for test in tests)
    surely_worse = sum(sign * test.value > 0 and p < ALPHA for test, p in zip(tests, p_values))
    surely_better = sum(sign * test.value < 0 and p < ALPHA for test, p in zip(tests, p_values))
    return {"rank": 1 + worse_than, "rank_low": 1 + surely_worse, "rank_high": 1 + len(others) - surely_better}


def _significant(centres: Sequence[Centre], sign: int) -> tuple[list[int], list[int]]:
    """Count the models that are surely better and worse than each, by Holm over all pairs."""
    values, p_values = compare_pairs(centres)
    first_is_better = sign * values < 0
    adjusted: np.ndarray = np.asarray(holm(p_values.tolist()))
    certain = (adjusted < ALPHA) & (values != 0)
    first, second = pairs_of(len(centres))
    winners = np.where(first_is_better, first, second)[certain]
    losers = np.where(first_is_better, second, first)[certain]
    return np.bincount(losers, minlength=len(centres)).tolist(), np.bincount(winners, minlength=len(centres)).tolist()
