"""One board as a table of strings: the rows and columns that Markdown and the terminal both print."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.leaderboard.copying import tells_copies
from bench.leaderboard.row import SUBMISSION, Row, rows_of
from bench.leaderboard.tuning import tuning_line
from bench.registry import entries
from bench.render import budget
from bench.render.bars import Bar, bar_axis, bar_of
from bench.render.text import DASH, number
from bench.submissions.store import UNKNOWN

if TYPE_CHECKING:
    from bench.leaderboard.boards import Boards

Key = tuple[str, str, str]  # suite, device, dataset
FIRST_COLUMNS = 7  # rank, model, family, primary metric, the other board, steps, trials: what a short table shows
RESOURCE_HEADINGS = {
    "train_examples_per_s": "train/s",
    "sample_examples_per_s": "samples/s",
    "steps_to_quality": "steps to target",
    "seconds_to_quality": "s to target",
    "parameters": "parameters",
    "peak_rss_bytes": "peak MiB",
}
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
        references = sorted((row for row in first.values() if row.reference), key=lambda row: row.model)
        self.models = self.contestants + references

    def metrics(self) -> list[str]:
        """List the metrics beside the primary one, in the order of the registry, then unknown ones by name."""
        known = list(entries("metric"))
        present = {row.metric for row in self.here} - {self.primary}
        return [m for m in known if m in present] + sorted(present - set(known))


def _board(key: Key, columns: _Columns, boards: Boards, board: str) -> Board:
    suite, device, dataset = key
    primary, main, others = columns.primary, columns.main, columns.metrics()
    rows = []
    for row in columns.models:
        findings = boards.flags.get((*key, row.model), [])
        cells = [_place(row, main), _name(row, copies=tells_copies(findings)), row.family]
        cells += [_value(main.get(row.model)), _other_board(columns.other.get(row.model), row, primary)]
        tuned = boards.tuned.get((*key, row.model))
        cells += [budget.steps_text(row), tuned.words if tuned else DASH]
        cells += [_value(columns.table.get((row.model, metric)), short=True) for metric in others]
        cells += [_resource(columns.resources.get((row.model, metric)), metric) for metric in RESOURCE_HEADINGS]
        cells += [budget.seconds_text(row), budget.curve_text(row), "; ".join(findings)]
        rows.append(tuple(cells))
    metrics = [f"{m} {_arrow(row for row in columns.here if row.metric == m)}" for m in others]
    headings = [
        "rank",
        "model",
        "family",
        f"**{primary}** {_arrow(main.values())}",
        "on the other board",
        "steps",
        TUNED,
        *metrics,
    ]
    return Board(
        title=f"{dataset} ({board}, suite {suite}, {device})",
        dataset=dataset,
        lines=(*_explain(primary, list(main.values())), *_tuning(key, columns, boards), *_left_out(key, boards)),
        headings=(*headings, *RESOURCE_HEADINGS.values(), *budget.HEADINGS, "findings"),
        rows=tuple(rows),
        n_ranked=sum(row.family != SUBMISSION for row in columns.contestants),
        bars=_bars([main.get(row.model) for row in columns.models], primary),
        families=tuple(row.family for row in columns.models),
    )


def _bars(rows: Sequence[Row | None], primary: str) -> tuple[Bar | None, ...]:
    """Draw the interval of each row on one axis; None where there is no value."""
    from bench.leaderboard.scales import metric_scale

    axis = bar_axis([row for row in rows if row is not None], log=metric_scale(primary) == "log")
    return tuple(bar_of(row, axis) for row in rows)


def _explain(primary: str, main: Sequence[Row]) -> tuple[str, ...]:
    from bench.leaderboard.ranks import SEEDS_FOR_AN_ORDER

    known = entries("metric")
    what = known[primary].title if primary in known else ""
    samples = sorted({row.n_samples for row in main if row.n_samples is not None})
    seeds = sorted({row.n_seeds for row in main if row.n_seeds})
    count = f"n = {'/'.join(map(str, samples))}; " if samples else ""
    lines = [f"Ranked by {primary}: {what} {count}seeds: {'/'.join(map(str, seeds)) or 0}."]
    if primary.startswith("fid_") and not primary.startswith("fid_inception"):
        lines.append(
            f"No FID of the papers: theirs is in Inception's features, this one in those of {primary.removeprefix('fid_')}."
        )
    lines.append(
        "± is a 95 % interval over training seeds and held-out rows; a rank range counts the models surely better and surely worse."
    )
    if not seeds or min(seeds) < SEEDS_FOR_AN_ORDER:
        lines.append("Order not established: rows of fewer than five seeds have no rank range.")
    if trained := budget.budget_line(main):
        lines.append(trained)
    if separated := _separated(main):
        lines.append(separated)
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


def _separated(main: Sequence[Row]) -> str:
    """Say how many pairs of rows are surely different, and how many rows may be first."""
    from bench.leaderboard.ranks import separation

    whole = [row for row in main if row.family != SUBMISSION and not row.n_failed]
    found = separation([(r.rank_low, r.rank_high) for r in whole if r.rank_low is not None and r.rank_high is not None])
    if found.rows < 2:
        return ""
    if not found.pairs:
        return f"No two of these {found.rows} rows are surely different: their order may be chance."
    return f"{found.pairs} of {found.of} pairs of rows are surely different; {found.may_be_first} of {found.rows} rows may be first."


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
    mark = "sub " if row.family == SUBMISSION else ""
    return f"{mark}{place.rank}" + (f" ({place.span})" if place.span else "")


def _name(row: Row, *, copies: bool) -> str:
    marks = (" †" if row.uses_labels else "") + (" (copies)" if copies else "")
    failed = f" ({row.n_failed} failed)" if row.n_failed else ""
    improving = f" ({row.curve.words})" if row.curve.words else ""
    return f"{row.model}{marks}{failed}{improving}"


def _value(row: Row | None, *, short: bool = False) -> str:
    if row is None or row.centre is None:
        return DASH
    text = number(row.centre)
    if short or row.ci_low is None or row.ci_high is None:
        return text
    return f"{text} [{number(row.ci_low)}, {number(row.ci_high)}]"


def _other_board(other: Row | None, row: Row, primary: str) -> str:
    """Write the value on the other board, and how many places the model moves there."""
    if other is None or other.centre is None:
        return DASH
    text = number(other.centre)
    if row.metric != primary or row.rank is None or other.rank is None:
        return text
    moved = row.rank - other.rank
    return f"{text} ({moved:+d})" if moved else text


def _resource(row: Row | None, metric: str) -> str:
    if row is None or row.centre is None:
        return DASH
    if metric == "peak_rss_bytes":
        return f"{row.centre / 2**20:,.0f}"
    return f"{float(f'{row.centre:.3g}'):,.0f}" if row.centre >= 100 else number(row.centre)


def _arrow(column: Iterable[Row]) -> str:
    better = {row.better for row in column}
    return {"lower": "↓", "higher": "↑"}.get(better.pop() if len(better) == 1 else "", "")
