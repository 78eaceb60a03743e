"""Ranks and rank ranges: Holm's correction over all pairs of a board.

Below five seeds a row has a rank and no range: at three, one board of equal models in eight shows a difference that is not there
(`python -m studies.family_wise`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.leaderboard.centre import Centre
from bench.leaderboard.row import SUBMISSION
from bench.leaderboard.student import holm
from bench.leaderboard.welch import compare, compare_pairs, pairs_of

ALPHA = 0.05
SEEDS_FOR_AN_ORDER = 5


def ranked(
    column: list[dict[str, Any]], centres: Mapping[str, Centre], *, better: str, only_flat: bool = False
) -> list[dict[str, Any]]:
    """Add rank and, from five seeds, the range of ranks that no sure difference excludes.

    only_flat: a row that was trained in steps takes a rank only if its curve was flat at its end; a failed one is last in any case.
    """
    contestants = [row for row in column if not row["reference"] and row["family"] != SUBMISSION]
    if only_flat:
        contestants = [row for row in contestants if row["n_failed"] or row["steps"] is None or row["flat"]]
    if better == "none" or not contestants:
        return column
    sign = 1 if better == "lower" else -1
    whole = [row for row in contestants if row["model"] in centres and not row["n_failed"]]
    whole.sort(key=lambda row: sign * centres[row["model"]].scaled)
    names = [row["model"] for row in whole]
    for position, row in enumerate(whole, start=1):
        row["rank"] = position
    judged = [row for row in whole if centres[row["model"]].n_seeds >= SEEDS_FOR_AN_ORDER]
    above, below = significant([centres[row["model"]] for row in judged], sign)
    for row, better_ones, worse_ones in zip(judged, above, below):
        row |= {"rank_low": 1 + better_ones, "rank_high": len(whole) - worse_ones}
    for row in contestants:
        if row["model"] not in names:  # a failed seed: a mean over the survivors would flatter it
            row |= {"rank": len(contestants), "rank_low": len(whole) + 1, "rank_high": len(contestants)}
    for row in column:
        if row["family"] == SUBMISSION and row["model"] in centres:
            row |= _place_among(centres[row["model"]], [centres[name] for name in names], sign)
    return column


def _place_among(mine: Centre, others: Sequence[Centre], sign: int) -> dict[str, int]:
    """Place a submission among the models, with a range where any has five seeds; Holm over its own pairs."""
    worse_than = sum(sign * (mine.scaled - other.scaled) > 0 for other in others)
    tests = [compare(mine, other) for other in others if other.n_seeds >= SEEDS_FOR_AN_ORDER]
    if not tests:
        return {"rank": 1 + worse_than}
    p_values = holm([1.0 if test.p is None else test.p for test in tests])
    surely_worse = sum(sign * test.value > 0 and p < ALPHA for test, p in zip(tests, p_values))
    surely_better = sum(sign * test.value < 0 and p < ALPHA for test, p in zip(tests, p_values))
    return {"rank": 1 + worse_than, "rank_low": 1 + surely_worse, "rank_high": 1 + len(others) - surely_better}


def significant(centres: Sequence[Centre], sign: int) -> tuple[list[int], list[int]]:
    """Count the models that are surely better and worse than each, by Holm over all pairs."""
    values, p_values = compare_pairs(centres)
    first_is_better = sign * values < 0
    adjusted: np.ndarray = np.asarray(holm(p_values.tolist()))
    certain = (adjusted < ALPHA) & (values != 0)
    first, second = pairs_of(len(centres))
    winners = np.where(first_is_better, first, second)[certain]
    losers = np.where(first_is_better, second, first)[certain]
    return np.bincount(losers, minlength=len(centres)).tolist(), np.bincount(winners, minlength=len(centres)).tolist()


@dataclass(frozen=True)
class Separation:
    """How far the rows of a board that have a rank range can be told apart.

    pairs: of all `of`, those that are surely different. may_be_first: rows than which none is surely better.
    """

    rows: int
    pairs: int
    of: int
    may_be_first: int


def separation(ranges: Sequence[tuple[int, int]]) -> Separation:
    """Read from rank ranges (low, high) how many pairs of rows are surely different: each has one loser."""
    pairs = sum(low - 1 for low, _ in ranges)
    return Separation(len(ranges), pairs, len(ranges) * (len(ranges) - 1) // 2, sum(low == 1 for low, _ in ranges))
