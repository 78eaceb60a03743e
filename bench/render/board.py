"""One board as a table of strings: the rows and columns that Markdown and the terminal both print."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.registry import entries
from bench.render.bars import Bar, bar_axis, bar_of
from bench.render.text import DASH, number
from bench.submissions.store import SUBMISSION, UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

    from bench.leaderboard.boards import Boards

RESOURCE_HEADINGS = {
    "train_examples_per_s": "train/s",
    "sample_examples_per_s": "samples/s",
    "steps_to_quality": "steps to target",
    "seconds_to_quality": "s to target",
    "parameters": "parameters",
    "peak_rss_bytes": "peak MiB",
}


@dataclass(frozen=True)
class Board:
    """What a renderer prints: a title, lines of explanation, headings, rows of text; reference rows come last."""

    title: str
    dataset: str
    lines: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_ranked: int
    bars: tuple[Bar | None, ...] = ()  # the intervals of the primary metric, one a row, in percent of a column
    families: tuple[str, ...] = ()  # one a row


def make_boards(boards: Boards, *, board: str = "public", dataset: str | None = None) -> list[Board]:
    """Make one board for each suite, device and dataset, in a fixed order."""
    made = []
    frame = boards.frame.astype(object)  # rows of pandas' own integers are slow to walk
    for (suite, device, name), part in frame.groupby(["suite", "device", "dataset"], sort=True):
        if dataset in (None, name):
            made.append(_board(suite, device, name, part, boards.primaries[name][0], boards.flags, board))
    return made


def _board(suite: str, device: str, dataset: str, part: pd.DataFrame, primary: str, flags: dict, board: str) -> Board:
    here, other = part[part.board == board], part[part.board == ("private" if board == "public" else "public")]
    main = here[here.metric == primary]
    others = [m for m in _metric_order(here) if m != primary]
    table = {(row.model, row.metric): row for row in here.itertuples()}
    private = {row.model: row for row in other[other.metric == primary].itertuples()}
    resources = {(row.model, row.metric): row for row in part[part.board == ""].itertuples()}
    models = [*main.itertuples()]
    seen = {row.model for row in models}
    models += [row for row in here.drop_duplicates("model").itertuples() if row.model not in seen]
    contestants = sorted((r for r in models if not r.reference), key=lambda r: (r.model not in seen, _rank(r), r.model))
    references = sorted((r for r in models if r.reference), key=lambda r: r.model)
    rows = []
    for row in contestants + references:
        cells = [_place(row, row.model in seen), _name(row), row.family]
        cells += [_value(table.get((row.model, primary))), _other_board(private.get(row.model), row, primary)]
        cells += [_value(table.get((row.model, metric)), short=True) for metric in others]
        cells += [_resource(resources.get((row.model, metric)), metric) for metric in RESOURCE_HEADINGS]
        cells.append("; ".join(flags.get((suite, device, dataset, row.model), [])))
        rows.append(tuple(cells))
    headings = ("rank", "model", "family", f"**{primary}** {_arrow(main)}", "on the other board")
    headings += tuple(f"{m} {_arrow(here[here.metric == m])}" for m in others)
    headings += (*RESOURCE_HEADINGS.values(), "findings")
    return Board(
        title=f"{dataset} ({board}, suite {suite}, {device})",
        dataset=dataset,
        lines=_explain(primary, main, board),
        headings=headings,
        rows=tuple(rows),
        n_ranked=sum(row.family != SUBMISSION for row in contestants),
        bars=_bars([table.get((row.model, primary)) for row in contestants + references], primary),
        families=tuple(row.family for row in contestants + references),
    )


def _bars(found: list, primary: str) -> tuple[Bar | None, ...]:
    """The interval of each row on one axis; None where there is no value."""
    from bench.leaderboard.table import metric_scale

    plain = lambda v: None if _missing(v) else float(v)
    rows = [row and {name: plain(getattr(row, name)) for name in ("centre", "ci_low", "ci_high")} for row in found]
    axis = bar_axis([row for row in rows if row], log=metric_scale(primary) == "log")
    return tuple(bar_of(row, axis) for row in rows)


def _explain(primary: str, main: pd.DataFrame, board: str) -> tuple[str, ...]:
    known = entries("metric")
    what = known[primary].title if primary in known else ""
    samples = sorted({int(n) for n in main.n_samples.dropna()})
    seeds = sorted({int(n) for n in main.n_seeds.dropna() if n})
    count = f"n = {'/'.join(map(str, samples))}; " if samples else ""
    lines = [f"Ranked by {primary}: {what} {count}seeds: {'/'.join(map(str, seeds)) or 0}."]
    lines.append(
        "± is a 95 % interval over training seeds and held-out rows; a rank range counts the models surely better and surely worse."
    )
    if not seeds or min(seeds) < 5:
        lines.append("Order not established: rows of fewer than five seeds have no rank range.")
    if separated := _separated(main):
        lines.append(separated)
    if (main.family == SUBMISSION).any():
        lines.append(f"sub: a file of samples, with the rank it would have; it moves no model. {UNKNOWN.capitalize()}.")
    return tuple(lines)


def _separated(main: pd.DataFrame) -> str:
    """Say how many pairs of rows are surely different, and what follows for the first place."""
    from bench.leaderboard.ranks import separation

    rows = main[main.rank_low.notna() & (main.family != SUBMISSION) & (main.n_failed == 0)]
    found = separation([(int(low), int(high)) for low, high in zip(rows.rank_low, rows.rank_high)])
    if found.rows < 2:
        return ""
    if not found.pairs:
        return f"No two of these {found.rows} rows are surely different: the order is that of chance as far as these results can tell."
    return f"{found.pairs} of {found.of} pairs of rows are surely different; {found.may_be_first} of {found.rows} rows may be first."


def _metric_order(here: pd.DataFrame) -> list[str]:
    known = list(entries("metric"))
    present = set(here.metric)
    return [m for m in known if m in present] + sorted(present - set(known))


def _rank(row: object) -> float:
    rank = row.rank  # type: ignore[attr-defined]
    return math.inf if _missing(rank) else float(rank)


def _place(row: object, on_board: bool) -> str:
    if row.reference:  # type: ignore[attr-defined]
        return "ref"
    if not on_board or math.isinf(_rank(row)):
        return DASH
    mark = "sub " if row.family == SUBMISSION else ""  # type: ignore[attr-defined]
    if _missing(row.rank_low):  # type: ignore[attr-defined]
        return f"{mark}{int(row.rank)}"  # type: ignore[attr-defined]
    low, high = int(row.rank_low), int(row.rank_high)  # type: ignore[attr-defined]
    return f"{mark}{int(row.rank)}" if low == high else f"{mark}{int(row.rank)} ({low}–{high})"  # type: ignore[attr-defined]


def _name(row: object) -> str:
    marks = " †" if row.uses_labels else ""  # type: ignore[attr-defined]
    failed = f" ({int(row.n_failed)} failed)" if row.n_failed else ""  # type: ignore[attr-defined]
    return f"{row.model}{marks}{failed}"  # type: ignore[attr-defined]


def _value(row: object, *, short: bool = False) -> str:
    if row is None or _missing(row.centre):  # type: ignore[attr-defined]
        return DASH
    text = number(row.centre)  # type: ignore[attr-defined]
    if short or _missing(row.ci_low):  # type: ignore[attr-defined]
        return text
    return f"{text} [{number(row.ci_low)}, {number(row.ci_high)}]"  # type: ignore[attr-defined]


def _other_board(other: object, row: object, primary: str) -> str:
    """The value on the other board, and how many places the model moves there."""
    if other is None or _missing(other.centre):  # type: ignore[attr-defined]
        return DASH
    text = number(other.centre)  # type: ignore[attr-defined]
    if row.metric != primary or math.isinf(_rank(row)) or math.isinf(_rank(other)):  # type: ignore[attr-defined]
        return text
    moved = int(_rank(row) - _rank(other))
    return f"{text} ({moved:+d})" if moved else text


def _resource(row: object, metric: str) -> str:
    if row is None or _missing(row.centre):  # type: ignore[attr-defined]
        return DASH
    value = row.centre  # type: ignore[attr-defined]
    if metric == "peak_rss_bytes":
        return f"{value / 2**20:,.0f}"
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else number(value)


def _arrow(column: pd.DataFrame) -> str:
    better = set(column.better)
    return {"lower": "↓", "higher": "↑"}.get(better.pop() if len(better) == 1 else "", "")


def _missing(value: object) -> bool:
    import pandas

    return value is None or value is pandas.NA or bool(value != value)
