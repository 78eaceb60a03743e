"""Ranks and rank ranges: Holm's correction over all pairs of a board."""

from __future__ import annotations

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
    """Add rank and rank range to one metric's rows: 1 + significantly better to 1 + not significantly worse."""
    contestants = [row for row in column if not row["reference"] and row["family"] != SUBMISSION]
    if better == "none" or not contestants:
        return column
    sign = 1 if better == "lower" else -1
    whole = [row for row in contestants if row["model"] in found and not row["n_failed"]]
    whole.sort(key=lambda row: sign * found[row["model"]].scaled)
    for position, row in enumerate(whole):
        row["rank"] = position + 1
    above, below = _significant([row["model"] for row in whole], found, sign)
    for row in whole:
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
    """The rank and rank range that a submission would have among the models; Holm over its own pairs."""
    tests = [compare(mine, other) for other in others]
    p_values = holm([1.0 if test.p is None else test.p for test in tests])
    worse_than = sum(sign * test.value > 0 for test in tests)
    surely_worse = sum(sign * test.value > 0 and p < ALPHA for test, p in zip(tests, p_values))
    surely_better = sum(sign * test.value < 0 and p < ALPHA for test, p in zip(tests, p_values))
    return {"rank": 1 + worse_than, "rank_low": 1 + surely_worse, "rank_high": 1 + len(others) - surely_better}


def _significant(names: list[str], found: dict[str, Centre], sign: int) -> tuple[dict[str, int], dict[str, int]]:
    """How many models are significantly better and worse than each, Holm over all pairs of the board."""
    values, p_values = compare_pairs([found[name] for name in names])
    better = sign * values < 0
    certain = (np.array(holm(p_values)) < ALPHA) & (values != 0)
    first, second = pairs_of(len(names))
    winners, losers = np.where(better, first, second)[certain], np.where(better, second, first)[certain]
    count = lambda places: dict(zip(names, np.bincount(places, minlength=len(names)).tolist()))
    return count(losers), count(winners)
