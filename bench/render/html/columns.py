"""All columns of a board, grouped by what they measure: the ranking one first, empty ones left out."""

from __future__ import annotations

import math
from typing import Any

from bench.leaderboard.row import Row
from bench.registry import entries
from bench.render import budget
from bench.render.board import TUNED
from bench.render.html.source import Key, Source, family_class, slug
from bench.render.text import DASH, quantity
from bench.render.words import BETTER, RESOURCES, metric_title

TYPES = {  # heading of a group of columns -> whether a metric's needs, and better, put it there: the first that fits
    "Exact likelihood": lambda needs, better: "log_prob" in needs and "lebesgue" not in needs,
    "Density of dequantised data": lambda needs, better: "log_prob" in needs,
    "Likelihood bound": lambda needs, better: "elbo" in needs,
    "Accuracy": lambda needs, better: "labels" in needs and better != "none",
    "Controls, never ranked": lambda needs, better: better == "none",
    "Scores of samples": lambda needs, better: True,
}
ORDER = (
    "Scores of samples",
    "Accuracy",
    "Exact likelihood",
    "Density of dequantised data",
    "Likelihood bound",
    "Controls, never ranked",
)
RANKED_BY, SPEED, TRAINING = "Ranked by", "Speed and size", "Training"
TRAINED = {  # columns that are no metrics
    "steps": "Optimiser steps, the suite's budget.",
    budget.HEADINGS[0]: "Measured core-seconds of training, of the middle seed.",
    budget.HEADINGS[1]: "Whether the curve on the public board was flat at the end of this run: docs/metrics.md.",
    TUNED: "Trials of the search that chose a model's settings, and their core-seconds.",
}


def columns_view(source: Source, key: Key) -> dict[str, Any]:
    """Arrange all columns in groups of one type, and a row of (text, sort value) for each model."""
    columns, heads, order = source.rows[key], source.heads(key), source.order(key)
    shown = _groups(source, key)
    flat = [m for metrics in shown.values() for m in metrics]
    better = {m: next(iter(columns[board_of(m), m].values())).better for m in flat}
    trained = {model: _trained(source, key, heads[model]) for model in order}
    filled = [i for i in range(len(TRAINED)) if any(cells[i][0] != DASH for cells in trained.values())]
    about = list(TRAINED.items())
    return {
        "names": [(name, len(metrics)) for name, metrics in shown.items()] + ([(TRAINING, len(filled))] if filled else []),
        "columns": [
            (RESOURCES[m][0] if m in RESOURCES else m, BETTER[better[m]], metric_title(m), "down" if better[m] == "higher" else "up")
            for m in flat
        ] + [(about[i][0], BETTER["none"], about[i][1], "up") for i in filled],
        "rows": [
            (heads[model], "m-" + slug(model.partition("+")[0]), family_class(heads[model].family),
             [_cell(columns[board_of(m), m].get(model)) for m in flat] + [trained[model][i] for i in filled],
             source.marks(key, model))
            for model in order
        ],
    }  # fmt: skip


def _trained(source: Source, key: Key, head: Row) -> list[tuple[str, float | None]]:
    """Write how long a row was trained, how its curve ended and how it was tuned, with sort values."""
    gain = None if head.gain is None else 100 * head.gain
    tuned = source.boards.tuned.get((*key, head.model))
    return [
        (budget.steps_text(head), head.steps),
        (budget.seconds_text(head), head.train_core_s),
        (budget.curve_text(head), gain),
        (tuned.words, tuned.trials) if tuned else (DASH, None),
    ]


def _groups(source: Source, key: Key) -> dict[str, list[str]]:
    """Return the metrics of each group that has any, the primary one alone in the first."""
    columns, primary = source.rows[key], source.boards.primaries[key[2]][0]
    present = {metric for board, metric in columns if board == "public"} - {primary}
    known = list(entries("metric"))
    groups: dict[str, list[str]] = {RANKED_BY: [primary] if ("public", primary) in columns else []}
    groups |= {name: [] for name in ORDER}
    for metric in [m for m in known if m in present] + sorted(present - set(known)):
        groups[metric_type(metric)].append(metric)
    groups[SPEED] = [m for m in RESOURCES if columns.get(("", m))]
    return {name: metrics for name, metrics in groups.items() if metrics}


def board_of(metric: str) -> str:
    """Name the board of a column in the table: "" for speed, memory and size, which belong to none."""
    return "" if metric in RESOURCES else "public"


def metric_type(metric: str) -> str:
    """Tell the type of a column from what its metric needs."""
    constants = entries("metric")[metric].constants if metric in entries("metric") else {}
    needs, better = constants.get("needs", ()), constants.get("better", "lower")
    return next(name for name, fits in TYPES.items() if fits(needs, better))


def _cell(row: Row | None) -> tuple[str, float | None]:
    if row is None or row.centre is None:
        return DASH, None
    if math.isinf(row.centre):
        return "never", None
    return quantity(row.centre, row.unit), float(f"{row.centre:.9g}")
