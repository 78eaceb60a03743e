"""One board as the template sees it: rows, columns by type, pictures and curves."""

from __future__ import annotations

import math
from typing import Any

from bench.leaderboard.copying import tells_copies
from bench.leaderboard.ranks import SEEDS_FOR_AN_ORDER
from bench.leaderboard.row import SUBMISSION, Row
from bench.leaderboard.scales import metric_scale
from bench.leaderboard.tuning import tuning_line
from bench.records.record import Record
from bench.registry import entries
from bench.render import budget
from bench.render.axis import Axis
from bench.render.bars import bar_axis, bar_of
from bench.render.board import RESOURCE_HEADINGS
from bench.render.html.curves import training_figures
from bench.render.html.pareto import quality_and_speed
from bench.render.html.pictures import pictures
from bench.render.html.source import FAMILY_WORDS, Key, Source, family_class, range_text, slug
from bench.render.text import DASH, number

TYPES = {  # heading of a group of columns -> whether a metric's needs, and better, put it there: the first that fits
    "Exact likelihood": lambda needs, better: "log_prob" in needs and "lebesgue" not in needs,
    "Density of dequantised data": lambda needs, better: "log_prob" in needs,
    "Likelihood bound": lambda needs, better: "elbo" in needs,
    "Accuracy": lambda needs, better: "labels" in needs and better != "none",
    "Controls, never ranked": lambda needs, better: better == "none",
    "Scores of samples": lambda needs, better: True,
}
ORDER = ("Exact likelihood", "Density of dequantised data", "Likelihood bound", "Scores of samples", "Accuracy")
BETTER = {"lower": ("↓", "lower is better"), "higher": ("↑", "higher is better"), "none": ("", "never ranked")}
SPEED = "Speed and size"
TRAINING = {
    "steps": "Optimiser steps, the suite's budget.",
    budget.HEADINGS[0]: "Measured core-seconds of training, of the middle seed.",
    budget.HEADINGS[1]: "Whether the curve on the public board was flat at the end of this run: docs/metrics.md.",
}


def board_view(source: Source, key: Key) -> dict[str, Any]:
    """Collect everything that the template prints of one board."""
    suite, device, dataset = key
    primary = source.boards.primaries[dataset][0]
    public, private = source.primary(key), source.primary(key, "private")
    heads, order = source.heads(key), source.order(key)
    axis = bar_axis([*public.values(), *private.values()], log=metric_scale(primary) == "log")
    rows = [_row(source, key, heads[m], public=public.get(m), private=private.get(m), axis=axis) for m in order]
    seeds = sorted({r.n_seeds for r in public.values() if r.n_seeds})
    known = entries("dataset")
    return {
        "id": slug(suite, device, dataset),
        "dataset": dataset,
        "about": known[dataset].title.partition(": ")[2] if dataset in known else "",
        "metric": primary,
        "metric_about": metric_title(primary),
        "better": BETTER[next((r.better for r in public.values()), "none")],
        "n": sorted({r.n_samples for r in public.values() if r.n_samples}),
        "seeds": seeds,
        "tuning": tuning_line({m: source.boards.tuned.get((*key, m)) for m in order if _is_trained(heads[m])}),
        "established": bool(seeds) and min(seeds) >= SEEDS_FOR_AN_ORDER,
        "budget": budget.budget_line(public.values()),
        "rows": [r for r in rows if not r["reference"]],
        "references": [r for r in rows if r["reference"]],
        "ticks": [] if axis is None else [(axis.at(v), text) for v, text in axis.ticks(3) if 0 <= axis.at(v) <= 100],
        "log": axis is not None and axis.log,
        "oracle": bar_of(public.get("oracle"), axis),
        "groups": _groups(source, key, order, heads),
        "pictures": pictures(source, key, order),
        "curves": training_figures(source, key, order),
        "speed": quality_and_speed(source, key),
    }


def _row(
    source: Source, key: Key, head: Row, *, public: Row | None, private: Row | None, axis: Axis | None
) -> dict[str, Any]:
    model = head.model
    rank = None if public is None else public.rank
    tuned = source.boards.tuned.get((*key, model))
    moved = None if rank is None or private is None or private.rank is None else rank - private.rank
    return {
        "model": model,
        "card": "m-" + slug(model.partition("+")[0]),
        "family_title": FAMILY_WORDS.get(head.family, (head.family,))[0],
        "family_class": family_class(head.family),
        "labels": head.uses_labels,
        "improving": head.curve.words,
        "copies": tells_copies(source.boards.flags.get((*key, model), [])),
        "failed": head.n_failed,
        "reference": head.reference,
        "rank": rank,
        "range": range_text(public),
        "value": value_text(public),
        "interval": interval_text(public),
        "sort": None if public is None else public.centre,
        "bar": bar_of(public, axis),
        "private": value_text(private),
        "private_interval": interval_text(private),
        "private_sort": None if private is None else private.centre,
        "private_bar": bar_of(private, axis),
        "moved": moved,
        "findings": [
            *([f"tuned: {tuned.words}"] if tuned else []),
            *source.boards.flags.get((*key, model), []),
            *failures(source.cells[key][model]),
        ],
    }


def _is_trained(head: Row) -> bool:
    return not head.reference and head.family != SUBMISSION


def failures(records: list[Record]) -> list[str]:
    """Say what failed and where, one line for each status and phase."""
    failed: dict[tuple[str, str], list[int]] = {}
    for record in records:
        if record["status"] != "ok":
            phase = (record.get("error") or {}).get("phase") or "an unknown phase"
            failed.setdefault((record["status"], phase), []).append(record["seed"])
    return [f"{status} in {phase}: seed {', '.join(map(str, seeds))}" for (status, phase), seeds in failed.items()]


def _groups(source: Source, key: Key, order: list[str], heads: dict[str, Row]) -> dict[str, Any]:
    """Arrange all columns in groups of one type, and a row of (text, sort value) for each model."""
    columns = source.rows[key]
    present = {metric for board, metric in columns if board == "public"}
    known = list(entries("metric"))
    metrics = [m for m in known if m in present] + sorted(present - set(known))
    groups: dict[str, list[str]] = {name: [] for name in (*ORDER, "Controls, never ranked")}
    for metric in metrics:
        groups[metric_type(metric)].append(metric)
    speeds = [m for m in RESOURCE_HEADINGS if columns.get(("", m))]
    shown = {name: metrics for name, metrics in groups.items() if metrics} | ({SPEED: speeds} if speeds else {})
    heading = lambda m: RESOURCE_HEADINGS.get(m, m)
    flat = [m for metrics in shown.values() for m in metrics]
    training = TRAINING if any(head.steps is not None for head in heads.values()) else {}
    better = {m: next(iter(columns[board_of(m), m].values())).better for m in flat}
    return {
        "names": [(name, len(metrics)) for name, metrics in shown.items()]
        + ([("Training", len(training))] if training else []),
        "columns": [(heading(m), BETTER[better[m]], metric_title(m)) for m in flat]
        + [(name, BETTER["none"], about) for name, about in training.items()],
        "rows": [
            (heads[model], "m-" + slug(model.partition("+")[0]), family_class(heads[model].family),
             [_cell(columns[board_of(m), m].get(model), m) for m in flat] + _training(heads[model])[:len(training)])
            for model in order
        ],
    }  # fmt: skip


def _training(head: Row) -> list[tuple[str, float | None]]:
    """Write how long a row was trained, and how its curve ended, with what each is sorted by."""
    gain = None if head.gain is None else 100 * head.gain
    return [
        (budget.steps_text(head), head.steps),
        (budget.seconds_text(head), head.train_core_s),
        (budget.curve_text(head), gain),
    ]


def board_of(metric: str) -> str:
    """Name the board of a column in the table: "" for speed, memory and size, which belong to none."""
    return "" if metric in RESOURCE_HEADINGS else "public"


def metric_type(metric: str) -> str:
    """Tell the type of a column from what its metric needs."""
    constants = entries("metric")[metric].constants if metric in entries("metric") else {}
    needs, better = constants.get("needs", ()), constants.get("better", "lower")
    return next(name for name, fits in TYPES.items() if fits(needs, better))


def metric_title(metric: str) -> str:
    """Return the line that explains a metric."""
    speeds = {
        "train_examples_per_s": "Training examples a second, one cell at a time.",
        "sample_examples_per_s": "Samples drawn a second, one cell at a time.",
        "parameters": "Trained numbers.",
        "peak_rss_bytes": "Peak memory above that of an empty process, MiB.",
    }
    known = entries("metric")
    return known[metric].title if metric in known else speeds.get(metric, "")


def _cell(row: Row | None, metric: str) -> tuple[str, float | None]:
    if row is None or row.centre is None:
        return DASH, None
    value = row.centre
    if math.isinf(value):
        return "never", None
    if metric in RESOURCE_HEADINGS:
        scaled = value / 2**20 if metric == "peak_rss_bytes" else value
        return (f"{float(f'{scaled:.3g}'):,.0f}" if scaled >= 100 else number(scaled)), value
    return number(value), value


def value_text(row: Row | None) -> str:
    """Write a centre with three digits, or a dash."""
    return DASH if row is None or row.centre is None else number(row.centre)


def interval_text(row: Row | None) -> str:
    """Write both ends of the interval, or nothing."""
    if row is None or row.centre is None or row.ci_low is None or row.ci_high is None:
        return ""
    return f"{number(row.ci_low)} to {number(row.ci_high)}"
