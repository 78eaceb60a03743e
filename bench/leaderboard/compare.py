"""Two rows of a dataset against each other, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from bench.leaderboard.centre import Centre
from bench.leaderboard.ranks import ALPHA
from bench.leaderboard.student import holm
from bench.leaderboard.table import centre_of
from bench.leaderboard.welch import compare
from bench.records.record import BOARDS, Record
from bench.records.schema import Entry

MOST_SEEDS = 20  # that are proposed: beyond them a difference is hardly one of power


@dataclass(frozen=True)
class Comparison:
    """A table with a row for each board and metric, and the least seeds of either side.

    Its columns: both centres, the difference on the metric's scale with its SE and 95 % interval, p, Holm's p; winner, the side that is
    surely better, empty where neither is; seeds_needed, how many a side would show a difference of this size where today's cannot.
    """

    frame: pd.DataFrame
    seeds: tuple[int, int]

    @property
    def without_training_noise(self) -> bool:
        """Say whether a side has one seed, so that no p knows of the noise of training."""
        return min(self.seeds) == 1


def compare_models(records: list[Record], a: str, b: str, *, dataset: str) -> Comparison:
    """Compare every metric that both rows have on a dataset, Holm over all of them."""
    sides = [[r for r in records if r["dataset"]["id"] == dataset and r["model"]["row"] == name] for name in (a, b)]
    rows, pairs, better = [], [], []
    for board in BOARDS:
        columns = [_columns(side, board) for side in sides]
        for metric in sorted(set(columns[0]) & set(columns[1])):
            left, right = (centre_of(metric, entries[metric]) for entries in columns)
            test = compare(left, right)
            low, high = test.interval() or (None, None)
            rows.append((board, metric, left.centre, right.centre, left.scale, test.value, test.se, low, high, test.p))
            pairs.append((left, right))
            better.append(columns[0][metric][0]["better"])
    names = ["board", "metric", a, b if b != a else f"{b} (2)", "scale", "difference", "se", "low", "high", "p"]
    frame = pd.DataFrame(rows, columns=names)
    p_values = [1.0 if p is None or math.isnan(p) else p for p in frame["p"]]
    frame["p_holm"] = holm(p_values)
    frame["winner"] = [
        _winner(a, b, value, p, which) for value, p, which in zip(frame["difference"], frame["p_holm"], better)
    ]
    many = [adjusted / p if p else 1.0 for adjusted, p in zip(frame["p_holm"], p_values)]
    frame["seeds_needed"] = pd.array([seeds_needed(*pair, tests=by) for pair, by in zip(pairs, many)], dtype="Int64")
    counted = [(left.n_seeds, right.n_seeds) for left, right in pairs] or [(len(sides[0]), len(sides[1]))]
    return Comparison(frame, (min(n for n, _ in counted), min(n for _, n in counted)))


def seeds_needed(a: Centre, b: Centre, *, tests: float = 1.0) -> int | None:
    """Return how many seeds a side would show this difference; p is multiplied by `tests`.

    None where it is shown already, where it would take more than 20, or where a side has one seed, whose scatter is unknown.
    """
    if a.seed_variance is None or b.seed_variance is None or a.scaled == b.scaled or not compare(a, b).se:
        return None
    now = min(a.n_seeds, b.n_seeds)
    for seeds in range(now, MOST_SEEDS + 1):
        more = [replace(c, n_seeds=seeds, seed_variance=(c.seed_variance or 0) * c.n_seeds / seeds) for c in (a, b)]
        p = compare(*more).p
        if p is not None and p * tests < ALPHA:
            return None if seeds == now else seeds
    return None


def _columns(side: Sequence[Record], board: str) -> dict[str, list[Entry]]:
    """Return the entries with a value of each metric, one a seed."""
    found: dict[str, list[Entry]] = {}
    for record in side:
        for metric, entry in record["metrics"][board].items():
            if entry["value"] is not None:
                found.setdefault(metric, []).append(entry)
    return found


def _winner(a: str, b: str, value: float, p: float, better: str) -> str:
    if p >= ALPHA or better == "none" or value == 0:
        return ""
    return a if (value < 0) == (better == "lower") else b
