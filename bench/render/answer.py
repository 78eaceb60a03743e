"""The question of the page, answered from the records: best at what, how sure, at what cost.

Of a dataset that several suites ran, the most thorough one speaks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.leaderboard.kinds import kind_of_board
from bench.leaderboard.row import SUBMISSION, Row
from bench.registry import entries
from bench.render.marks import marked
from bench.render.text import interval, number, quantity
from bench.render.words import KINDS, REAL

if TYPE_CHECKING:
    from bench.leaderboard.flags import Flags
    from bench.leaderboard.table import Primaries

Key = tuple[str, str, str]  # suite, device, dataset
THOROUGH = ("standard", "full", "core", "smoke")  # suites, those first that carry claims
COSTS = {  # resource -> what the model is called that has the best of it, and the good direction
    "sample_examples_per_s": ("Fastest to sample", "higher", "samples/s"),
    "train_seconds": ("Quickest to train", "lower", "s"),
    "parameters": ("Smallest", "lower", "trained numbers"),
}


@dataclass(frozen=True)
class Answer:
    """What one board says: who may be first, the best measured one first, and the words about them.

    settled: exactly one model may be first. judged: any model has a range of ranks.
    """

    key: Key
    kind: str
    about: str
    firsts: tuple[Row, ...]
    names: tuple[str, ...]
    sure: str
    score: str
    cost: str
    settled: bool
    judged: bool

    @property
    def words(self) -> str:
        """Write the answer as one sentence."""
        parts = [part for part in (self.sure, self.score, self.cost) if part]
        return f"{self.names[0] if self.names else 'nothing ended'}: {'; '.join(parts)}"


@dataclass(frozen=True)
class Cost:
    """Who has the best of one resource, on how many boards, and over which values."""

    title: str
    model: str
    boards: int
    of: int
    values: str


def claims(keys: Iterable[Key]) -> list[Key]:
    """Choose for each device and dataset the board of the most thorough suite."""
    best: dict[tuple[str, str], Key] = {}
    for key in sorted(keys, key=lambda key: (suite_order(key[0]), key)):
        best.setdefault(key[1:], key)
    return list(best.values())


def suite_order(suite: str) -> tuple[int, str]:
    """Return the sort key of a suite."""
    return (THOROUGH.index(suite) if suite in THOROUGH else len(THOROUGH), suite)


def answers(rows: Iterable[Row], primaries: Primaries, flags: Flags, *, board: str = "public") -> list[Answer]:
    """Answer board by board, in the order of KINDS."""
    parts: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        parts[row.suite, row.device, row.dataset].append(row)
    listed = [_answer(key, parts[key], primaries[key[2]], flags, board) for key in claims(parts)]
    order = list(KINDS)
    return sorted(listed, key=lambda a: (order.index(a.kind) if a.kind in order else len(order), a.key[2]))


def _answer(key: Key, rows: Sequence[Row], primary: tuple[str, str], flags: Flags, board: str) -> Answer:
    main = {row.model: row for row in rows if row.metric == primary[0] and row.board == board}
    entered = [r for r in main.values() if not r.reference and r.family != SUBMISSION and r.centre is not None]
    field = [row for row in main.values() if row.rank is not None and not row.reference and row.family != SUBMISSION]
    field.sort(key=lambda row: row.rank or 0)
    judged = [row for row in field if row.rank_low is not None and not row.n_failed]
    firsts = tuple(row for row in judged if row.rank_low == 1) or tuple(field[:1])
    known = entries("dataset")
    title = known[key[2]].title.partition(": ")[2] if key[2] in known else ""
    return Answer(
        key=key,
        kind=kind_of_board(*primary),
        about=re.split(r", (?![-0-9])| \(", title.rstrip("."))[0],
        firsts=firsts,
        names=tuple(marked(row, flags.get((*key, row.model), [])) for row in firsts),
        sure=_sure(field, judged, firsts) + _ahead(entered, firsts),
        score=_score(firsts[0], main.get("oracle")) if firsts else "",
        cost=cost_words(
            {row.metric: row for row in rows if firsts and row.board == "" and row.model == firsts[0].model}
        ),
        settled=bool(judged) and len(firsts) == 1,
        judged=bool(judged),
    )


def _sure(field: Sequence[Row], judged: Sequence[Row], firsts: Sequence[Row]) -> str:
    """Say how sure it is that the model measured best is the best."""
    if not firsts:
        return ""
    if len(field) == 1:
        return "the only model with a rank"
    if not judged:
        return "measured best, but fewer than five seeds establish no order"
    if len(firsts) == 1:
        beaten = len(field) - 1
        return f"surely better than the {beaten} others" if beaten > 1 else "surely better than the other"
    if 2 * len(firsts) > len(judged):
        return f"measured best, but {len(firsts)} of {len(field)} models may be first"
    others = [row.model for row in firsts[1:]]
    return f"measured best; not surely worse: {', '.join(others[:3])}" + (
        f" and {len(others) - 3} more" if others[3:] else ""
    )


def _ahead(entered: Iterable[Row], firsts: Sequence[Row]) -> str:
    """Name the models that take no rank, since they were still improving, and measured better."""
    if not firsts or firsts[0].centre is None:
        return ""
    sign, best = (-1 if firsts[0].better == "higher" else 1), firsts[0].centre
    ahead = [row.model for row in entered if row.rank is None and sign * (row.centre or 0.0) < sign * best]
    return f"; still improving and measured better: {', '.join(ahead)}" if ahead else ""


def _score(best: Row, oracle: Row | None) -> str:
    """Write the score with its interval, and that of real data."""
    if best.centre is None:
        return ""
    ends = "" if best.ci_low is None or best.ci_high is None else f" {interval(best.ci_low, best.ci_high, best.unit)}"
    real = "" if oracle is None or oracle.centre is None else f", {REAL} {quantity(oracle.centre, oracle.unit)}"
    return f"{best.metric} {quantity(best.centre, best.unit)}{ends}{real}"


def cost_words(resources: Mapping[str, Row]) -> str:
    """Write what a model costs: "trains in 41 s, 7,940 samples/s, 1,234 trained numbers"."""
    said = []
    for metric, words in (
        ("train_seconds", "trains in {} s"),
        ("sample_examples_per_s", "{} samples/s"),
        ("parameters", "{} parameters"),
    ):
        row = resources.get(metric)
        if row is not None and row.centre is not None:
            said.append(words.format(quantity(row.centre, row.unit)))
    return ", ".join(said)


def costs(rows: Iterable[Row], chosen: Sequence[Key]) -> list[Cost]:
    """Say for each of COSTS which model has the best of it on most boards."""
    columns: dict[str, dict[Key, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        key = (row.suite, row.device, row.dataset)
        if row.board == "" and row.metric in COSTS and not row.reference and row.centre is not None and key in chosen:
            columns[row.metric][key].append(row)
    found = []
    for metric, (title, better, unit) in COSTS.items():
        sign = -1 if better == "higher" else 1
        best = [
            min(those, key=lambda row: (sign * (row.centre or 0.0), row.model)) for those in columns[metric].values()
        ]
        wins = [row.model for row in best]
        if wins:
            model = max(sorted(set(wins)), key=wins.count)
            values = sorted(row.centre or 0.0 for row in best if row.model == model)
            ends = list(
                dict.fromkeys(
                    number(value) if metric != "parameters" else f"{value:,.0f}" for value in (values[0], values[-1])
                )
            )
            found.append(Cost(title, model, wins.count(model), len(wins), f"{' to '.join(ends)} {unit}"))
    return found


def _measured(listed: Sequence[Answer]) -> str:
    """Say who measured best on how many boards, where too few seeds establish an order."""
    best: dict[str, list[str]] = defaultdict(list)
    for one in listed:
        if one.firsts:
            best[one.firsts[0].model].append(one.key[2])
    order = sorted(best.items(), key=lambda item: (-len(item[1]), item[0]))
    who = "; ".join(f"{model} on {', '.join(where)}" for model, where in order)
    return f"Fewer than five seeds establish no order yet. Measured best: {who or 'nobody'}."


def headline(listed: Sequence[Answer]) -> str:
    """Answer in one sentence: on how many boards one model is surely best, and which."""
    if listed and not any(a.judged for a in listed):
        return _measured(listed)
    settled = [a for a in listed if a.settled]
    winners: dict[str, list[str]] = defaultdict(list)
    for one in settled:
        winners[one.names[0]].append(one.key[2])
    who = "; ".join(f"{name} on {', '.join(where)}" for name, where in winners.items())
    young = sum(not a.judged for a in listed)
    rest = len(listed) - len(settled) - young
    parts = [f"On {len(settled)} of {len(listed)} boards one model is surely best: {who}." if settled
             else f"On none of {len(listed)} boards is one model surely best." if listed else "No results yet."]  # fmt: skip
    if rest and (settled or young):
        parts.append(f"On {rest} several may be first.")
    if young:
        parts.append(f"On {young} fewer than five seeds establish no order.")
    return " ".join(parts)
