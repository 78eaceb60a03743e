"""Ranks and rank ranges: Holm's correction over all pairs of a board.

Below five seeds a row has a rank and no range: at three, one board of equal models in eight shows a difference that is not there
(`python -m studies.family_wise`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.leaderboard.centre import Centre
from bench.leaderboard.student import holm
from bench.leaderboard.welch import compare, compare_pairs, pairs_of

ALPHA = 0.05
SEEDS_FOR_AN_ORDER = 5
SUBMISSION = (
    "submission"  # family of a row that came as a file of samples: placed among the models, it moves none of them
)


def ranked(column: list[dict[str, Any]], found: dict[str, Centre], *, better: str) -> list[dict[str, Any]]:
    """Add rank and, from five seeds, rank range to one metric's rows: 1 + surely better to all that are not surely worse."""
    contestants = [row for row in column if not row["reference"] and row["family"] != SUBMISSION]
    if better == "none" or not contestants:
        return column
    sign = 1 if better == "lower" else -1
    whole = [row for row in contestants if row["model"] in found and not row["n_failed"]]
    whole.sort(key=lambda row: sign * found[row["model"]].scaled)
    for position, row in enumerate(whole):
        row["rank"] = position + 1
    judged = [row for row in whole if found[row["model"]].n_seeds >= SEEDS_FOR_AN_ORDER]
    above, below = significant([row["model"] for row in judged], found, sign)
    for row in judged:
        row["rank_low"] = 1 + above[row["model"]]
        row["rank_high"] = len(whole) - below[row["model"]]
    for row in contestants:
        if row not in whole:  # a failed seed: a mean over the survivors would flatter it
            row["rank"], row["rank_low"], row["rank_high"] = len(contestants), len(whole) + 1, len(contestants)
    for row in column:
        if row["family"] == SUBMISSION and row["model"] in found:
            row |= _place_among(found[row["model"]], [found[other["model"]] for other in whole], sign)
    return column


def _place_among(mine: Centre, others: list[Centre], sign: int) -> dict[str, int]:
    """Place a submission among the models, with a range where any of them has five seeds; Holm over its own pairs."""
    worse_than = sum(sign * (mine.scaled - other.scaled) > 0 for other in others)
    tests = [compare(mine, other) for other in others if other.n_seeds >= SEEDS_FOR_AN_ORDER]
    if not tests:
        return {"rank": 1 + worse_than}
    p_values = holm([1.0 if test.p is None else test.p for test in tests])
    surely_worse = sum(sign * test.value > 0 and p < ALPHA for test, p in zip(tests, p_values))
    surely_better = sum(sign * test.value < 0 and p < ALPHA for test, p in zip(tests, p_values))
    return {"rank": 1 + worse_than, "rank_low": 1 + surely_worse, "rank_high": 1 + len(others) - surely_better}


def significant(names: list[str], found: dict[str, Centre], sign: int) -> tuple[dict[str, int], dict[str, int]]:
    """Count the models that are surely better and surely worse than each, Holm over all pairs of these."""
    values, p_values = compare_pairs([found[name] for name in names])
    better = sign * values < 0
    certain = (np.array(holm(p_values)) < ALPHA) & (values != 0)
    first, second = pairs_of(len(names))
    winners, losers = np.where(better, first, second)[certain], np.where(better, second, first)[certain]
    count = lambda places: dict(zip(names, np.bincount(places, minlength=len(names)).tolist()))
    return count(losers), count(winners)


@dataclass(frozen=True)
class Separation:
    """How far the ranked rows of a board can be told apart. pairs: of all `of`, those that are surely different; rows: that have a range.

    may_be_first: rows than which none is surely better.
    """

    rows: int
    pairs: int
    of: int
    may_be_first: int


def separation(ranges: Sequence[tuple[int, int]]) -> Separation:
    """Read from the rank ranges (low, high) of a board's rows how many pairs are surely different: each has one loser."""
    pairs = sum(low - 1 for low, _ in ranges)
    return Separation(len(ranges), pairs, len(ranges) * (len(ranges) - 1) // 2, sum(low == 1 for low, _ in ranges))
