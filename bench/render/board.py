"""One board as a table of strings: the rows and columns that Markdown and the terminal both print."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.leaderboard.row import SUBMISSION, Row, rows_of
from bench.leaderboard.tuning import tuning_line
from bench.registry import entries
from bench.render import budget
from bench.render.bars import Bar, bar_axis, bar_of
from bench.render.marks import marked
from bench.render.text import DASH, interval, quantity
from bench.render.words import INTERVALS, RESOURCES, arrow, cautions, family_title, lack_of, one_sided, primary_title
from bench.submissions.store import UNKNOWN

if TYPE_CHECKING:
    from bench.leaderboard.boards import Boards

Key = tuple[str, str, str]  # suite, device, dataset
FIRST_COLUMNS = 7  # rank, model, family, primary metric, the other board, steps, trials: what a short table shows
TUNED = "tuned"  # the column of trials and their cost


@dataclass(frozen=True)
class Board:
    """What a renderer prints of a board, as text; its reference rows come last."""

    title: str
    dataset: str
    lines: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_ranked: int
    bars: tuple[Bar | None, ...] = ()  # the intervals of the primary metric, one a row, in percent of a column
    families: tuple[str, ...] = ()  # one a row

    def filled(self) -> list[int]:
        """List the columns in which some cell is neither empty nor a dash."""
        return [i for i in range(len(self.headings)) if any(row[i] not in (DASH, "") for row in self.rows)]


def make_boards(boards: Boards, *, board: str = "public", dataset: str | None = None) -> list[Board]:
    """Make one board for each suite, device and dataset, in a fixed order."""
    parts: dict[Key, list[Row]] = defaultdict(list)
    for row in rows_of(boards.frame):
        parts[row.suite, row.device, row.dataset].append(row)
    keys = [key for key in sorted(parts) if dataset in (None, key[2])]
    return [_board(key, _Columns(parts[key], boards.primaries[key[2]][0], board), boards, board) for key in keys]


class _Columns:
    """The rows of one board by model and metric.

    models: one row a model, in the order of the board."""

    def __init__(self, rows: Sequence[Row], primary: str, board: str) -> None:
        self.here = [row for row in rows if row.board == board]
        self.primary = primary
        self.main = {row.model: row for row in self.here if row.metric == primary}
        self.other = {row.model: row for row in rows if row.metric == primary and row.board not in (board, "")}
        self.table = {(row.model, row.metric): row for row in self.here}
        self.resources = {(row.model, row.metric): row for row in rows if row.board == ""}
        first = {row.model: row for row in reversed(self.here)} | self.main
        self.contestants = [row for row in first.values() if not row.reference]
        self.contestants.sort(key=lambda row: (row.model not in self.main, _rank(row), by_value(row), row.model))
        references = sorted(
            (row for row in first.values() if row.reference), key=lambda row: (by_value(row), row.model)
        )
        self.models = self.contestants + references

    def metrics(self) -> list[str]:
        """List the metrics beside the primary one, in the order of the registry, then unknown ones by name."""
        known = list(entries("metric"))
        present = {row.metric for row in self.here} - {self.primary}
        return [m for m in known if m in present] + sorted(present - set(known))


def _board(key: Key, columns: _Columns, boards: Boards, board: str) -> Board:
    suite, device, dataset = key
    primary, main, others = columns.primary, columns.main, columns.metrics()
    lone = one_sided(main, columns.other)
    ranked = [row for row in columns.models if row.reference or row.model in main or not main]
    rows = []
    for row in ranked:
        findings = boards.flags.get((*key, row.model), [])
        tuned = boards.tuned.get((*key, row.model))
        cells = [
            _place(row, main),
            marked(row, findings),
            family_title(row.family).lower(),
            _value(main.get(row.model)),
        ]
        cells.append(DASH if lone else _other_board(columns.other.get(row.model), row, primary))
        cells += [budget.steps_text(row), tuned.words if tuned else DASH]
        cells += [_value(columns.table.get((row.model, metric)), short=True) for metric in others]
        cells += [_value(columns.resources.get((row.model, metric)), short=True) for metric in RESOURCES]
        cells += [budget.seconds_text(row), budget.curve_text(row), "; ".join(findings)]
        rows.append(tuple(cells))
    metrics = [f"{m} {arrow(row for row in columns.here if row.metric == m)}" for m in others]
    other = "private" if board == "public" else "public"
    first = ("rank", "model", "family", f"**{primary}** {arrow(main.values())}", f"{other} (move)", "steps", TUNED)
    resources = (heading for heading, _ in RESOURCES.values())
    unranked = [row.model for row in columns.models if row not in ranked]
    lines = _explain(primary, list(main.values()), lone=lone, unranked=unranked)
    return Board(
        title=f"{dataset} ({board}, suite {suite}, {device})",
        dataset=dataset,
        lines=(*lines, *_tuning(key, columns, boards), *_left_out(key, boards)),
        headings=(*first, *metrics, *resources, *budget.HEADINGS, "findings"),
        rows=tuple(rows),
        n_ranked=sum(row.family != SUBMISSION and not row.reference for row in ranked),
        bars=_bars([main.get(row.model) for row in ranked], primary),
        families=tuple(row.family for row in ranked),
    )


def _bars(rows: Sequence[Row | None], primary: str) -> tuple[Bar | None, ...]:
    """Draw the interval of each row on one axis; None where there is no value."""
    from bench.leaderboard.scales import metric_scale

    axis = bar_axis([row for row in rows if row is not None], log=metric_scale(primary) == "log")
    return tuple(bar_of(row, axis) for row in rows)


def _explain(primary: str, main: Sequence[Row], *, lone: bool, unranked: Sequence[str]) -> tuple[str, ...]:
    samples = sorted({row.n_samples for row in main if row.n_samples is not None})
    seeds = sorted({row.n_seeds for row in main if row.n_seeds})
    count = f"n = {'/'.join(map(str, samples))}; " if samples else ""
    title = primary_title(primary)
    lines = [f"Ranked by {primary}{f': {title}' if title else ','} {count}seeds: {'/'.join(map(str, seeds)) or 0}."]
    lines += cautions(primary, main)
    if trained := budget.budget_line(main):
        lines.append(trained)
    lines.append(INTERVALS)
    if lone:
        lines.append(f"One board: {primary} does not use the held-out rows.")
    if unranked:
        lines.append(f"Not ranked here, {lack_of(primary)}: {', '.join(unranked)}.")
    if any(row.family == SUBMISSION for row in main):
        lines.append(f"sub: a file of samples, with the rank it would have; it moves no model. {UNKNOWN.capitalize()}.")
    return tuple(lines)


def _tuning(key: Key, columns: _Columns, boards: Boards) -> list[str]:
    """Say how many trials the models had; nothing where none was tuned."""
    models = [row.model for row in columns.contestants if row.family != SUBMISSION]
    line = tuning_line({model: boards.tuned.get((*key, model)) for model in models})
    return [line] if line else []


def _left_out(key: Key, boards: Boards) -> list[str]:
    """Name the seeds that stand in the folder and on no row."""
    return [f"{one.key[-1]}: {one.words}." for one in boards.left_out if one.key[:-1] == key]


def _rank(row: Row) -> float:
    return math.inf if row.rank is None else row.rank


def by_value(row: Row) -> float:
    """Return the sort key of rows without a rank: the better the smaller."""
    return math.inf if row.centre is None else -row.centre if row.better == "higher" else row.centre


def _place(row: Row, main: dict[str, Row]) -> str:
    if row.reference:
        return "ref"
    place = main[row.model].place if row.model in main else None
    if place is None:
        return DASH
    return ("sub " if row.family == SUBMISSION else "") + place.words(field_of(main))


def field_of(main: Mapping[str, Row]) -> int:
    """Count the models of a board that take a rank."""
    return sum(row.rank is not None and not row.reference and row.family != SUBMISSION for row in main.values())


def _value(row: Row | None, *, short: bool = False) -> str:
    if row is None or row.centre is None:
        return DASH
    text = quantity(row.centre, row.unit)
    if short or row.ci_low is None or row.ci_high is None:
        return text
    return f"{text} {interval(row.ci_low, row.ci_high, row.unit)}"


def _other_board(other: Row | None, row: Row, primary: str) -> str:
    """Write the value on the other board, and how many places the model moves there."""
    if other is None or other.centre is None:
        return DASH
    text = quantity(other.centre, other.unit)
    if row.metric != primary or row.rank is None or other.rank is None:
        return text
    moved = row.rank - other.rank
    return f"{text} ({'▲' if moved > 0 else '▼'} {abs(moved)})" if moved else text
