"""Score samples against anybody's real data.

Every sample metric of the registry, its interval, and two yardsticks beside it.

All samples stand against all real rows. The yardsticks take as many rows of each: a part of REAL nobody else uses ("real") and
REAL's training part ("training", as a copycat hands out),
both against REAL's held-out part, as the same number of samples. So a reader sees good and bad.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.own import own_name
from bench.features import load_space
from bench.files import finite
from bench.metrics import Estimate
from bench.metrics._score import entry_of, metric_of, score
from bench.plan.facts import applicable_metrics
from bench.run.findings import findings
from bench.run.training import Training
from bench.submissions.contest import MOST_EQUAL, Contest, contest_of, notes_of
from bench.submissions.pair import NeedsTraining, Pair
from bench.submissions.score import interval_of
from bench.submissions.sides import Side, alike, open_side

GROUPS = 5  # of samples, whose spread gives the samples' part of an interval
LEAST_OF_A_GROUP = 25
EXACT = 0.05  # share of samples that are exact rows of REAL, from which it is said
BOARD = "real"


def compare(samples: Path | Side, real: Path | Side, *, space: str | None = None) -> dict[str, Any]:
    """Score samples against real data; UsageError and DataUnavailable say what is missing and what to do.

    Returns {"dataset", "space", "rows", "metrics": {"real": {name: entry}}, "yardsticks", "flags", "notes"}.
    """
    opened = [side if isinstance(side, Side) else open_side(side) for side in (samples, real)]
    contest = contest_of(*alike(*opened), space)
    table = Table(contest)
    flags = findings(Training(), contest.samples.x[:MOST_EQUAL], contest.real.x[:MOST_EQUAL])
    exact = contest.share_of_exact_rows()
    if exact > EXACT:
        flags.append(f"copies: {exact:.0%} of the samples are exact rows of REAL")
    features = {contest.space: load_space(contest.space, contest.dataset).sha256}
    for name in applicable_metrics(features, slow=True):
        if not metric_of(name).slow or metric_of(name).better != "none":
            flags += table.add(name)
    return finite(
        {
            "dataset": own_name(contest.real.side.path),
            "space": contest.space,
            "rows": {"samples": len(contest.samples), "real": len(contest.real), "yardsticks": contest.equal},
            "metrics": {BOARD: table.metrics},
            "yardsticks": table.yardsticks,
            "flags": list(dict.fromkeys(flags)),
            "notes": notes_of(contest),
        }
    )


class Table:
    """The metrics of a contest and its yardsticks, a row a metric.

    Metrics share what they compute of the same rows.
    """

    def __init__(self, contest: Contest) -> None:
        self.contest = contest
        self.metrics: dict[str, dict[str, Any]] = {}
        equal = contest.equal
        rows = {"samples": (contest.samples, slice(equal)), "real": contest.third(1, equal)}
        self._contenders = {
            who: contest.against_held_out(part) for who, part in (rows | {"training": contest.third(0, equal)}).items()
        }
        self.yardsticks: dict[str, dict[str, float | None]] = {who: {} for who in self._contenders}
        self._whole = contest.whole()
        self._for_copies = contest.for_copies(slice(MOST_EQUAL))

    def add(self, name: str) -> list[str]:
        """Compute a metric where its needs are met, and return what it found in words."""
        try:
            estimate, copies = score(self._whole, (name,)).get(name), False
        except NeedsTraining:
            estimate, copies = score(self._for_copies, (name,)).get(name), True
        if estimate is None:
            return []
        self.metrics[name] = self._entry(name, estimate, copies=copies)
        for who, pair in self._contenders.items():
            found = score(pair, (name,)).get(name)
            self.yardsticks[who][name] = None if found is None else found.value
        return [estimate.note] if estimate.note else []

    def _entry(self, name: str, estimate: Estimate, *, copies: bool) -> dict[str, Any]:
        """Return a metric as a record holds it, with an interval for the rows of both sides."""
        groups = (
            self._groups_for_copies if copies else self._groups if estimate.blocks else self._groups_of_both(estimate.n)
        )
        values = [scores[name].value for pair in groups if name in (scores := score(pair, (name,)))]
        estimate = replace(estimate, blocks=_with_spread(estimate, values))
        entry = entry_of(name, estimate)
        return entry | {"interval": interval_of(name, entry)}

    @cached_property
    def _groups(self) -> list[Pair]:
        return [self.contest.whole(part) for part in _parts(len(self.contest.samples))]

    @cached_property
    def _groups_for_copies(self) -> list[Pair]:
        return [self.contest.for_copies(part) for part in _parts(min(len(self.contest.samples), MOST_EQUAL))]

    def _groups_of_both(self, n: int) -> list[Pair]:
        """Return groups of the n rows that a metric without blocks of its own has used of either side."""
        return [self.contest.whole(part, part) for part in _parts(min(n, len(self.contest.samples)))]


def _parts(rows: int) -> list[slice]:
    count = min(GROUPS, rows // LEAST_OF_A_GROUP)
    return [slice(g * rows // count, (g + 1) * rows // count) for g in range(count)] if count > 1 else []


def _with_spread(estimate: Estimate, groups: Sequence[float]) -> tuple[float, ...]:
    """Return blocks whose spread holds both sides' noise.

    The real rows' blocks, widened by the spread of the groups of samples.
    """
    spread = float(np.var(groups, ddof=1)) / len(groups) if len(groups) > 1 else 0.0
    if not estimate.blocks:
        middle = sum(groups) / len(groups) if groups else 0.0
        return tuple(estimate.value + value - middle for value in groups)
    own = (estimate.test_se or 0.0) ** 2
    wider = math.sqrt((own + spread) / own) if own > 0 else 1.0
    middle = sum(estimate.blocks) / len(estimate.blocks)
    return tuple(middle + wider * (block - middle) for block in estimate.blocks)
