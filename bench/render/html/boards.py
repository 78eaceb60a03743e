"""One board as the template sees it: rows, columns by type, pictures and curves."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from bench.leaderboard.row import SUBMISSION, Row
from bench.leaderboard.scales import metric_scale
from bench.leaderboard.tuning import tuning_line
from bench.records.record import Record
from bench.registry import entries
from bench.render.axis import Axis
from bench.render.bars import bar_axis, bar_of
from bench.render.board import field_of
from bench.render.budget import budget_line
from bench.render.html.columns import columns_view
from bench.render.html.curves import training_figures
from bench.render.html.pairs import pairs_json
from bench.render.html.pareto import quality_and_cost
from bench.render.html.pictures import pictures
from bench.render.html.source import Key, Source, family_class, slug
from bench.render.text import DASH, interval, quantity
from bench.render.words import BETTER, cautions, family_title, lack_of, one_sided, primary_title


def board_view(source: Source, key: Key) -> dict[str, Any]:
    """Collect everything that the template prints of one board.

    Pictures, plots and comparisons stand on the board of the most thorough suite alone: grids/ has one picture a dataset.
    """
    whole = key in source.claims
    dataset = key[2]
    primary = source.boards.primaries[dataset][0]
    public, private = source.primary(key), source.primary(key, "private")
    order = source.order(key)
    lone = one_sided(public, private)
    axis = bar_axis([*public.values(), *private.values()], log=metric_scale(primary) == "log")
    shown = [m for m in order if m in public or source.heads(key)[m].reference or not public]
    rows = [_row(source, key, m, private={} if lone else private, axis=axis) for m in shown]
    known = entries("dataset")
    return {
        "id": board_id(key),
        "dataset": dataset,
        "about": known[dataset].title.partition(": ")[2] if dataset in known else "",
        "metric": primary,
        "metric_about": primary_title(primary),
        "better": BETTER[next((r.better for r in public.values()), "none")],
        "n": sorted({r.n_samples for r in public.values() if r.n_samples}),
        "seeds": sorted({r.n_seeds for r in public.values() if r.n_seeds}),
        "cautions": [*cautions(primary, list(public.values())), *_training(source, key)],
        "lone": lone,
        "lack": lack_of(primary),
        "unranked": [m for m in order if m not in shown],
        "absent": _absent(source, key),
        "rows": [r for r in rows if not r["reference"]],
        "references": [r for r in rows if r["reference"]],
        "ticks": [] if axis is None else [(axis.at(v), text) for v, text in axis.ticks(3) if 0 <= axis.at(v) <= 100],
        "log": axis is not None and axis.log,
        "oracle": bar_of(public.get("oracle"), axis),
        "groups": columns_view(source, key),
        "pairs": Markup(pairs_json(source, key)) if whole else "",
        "pictures": pictures(source, key, order) if whole else [],
        "curves": training_figures(source, key, order) if whole else [],
        "speed": quality_and_cost(source, key) if whole else [],
    }


def board_id(key: Key) -> str:
    """Return the address of a board on the page."""
    return slug(*key)


def row_id(key: Key, model: str) -> str:
    """Return the address of a row on the page."""
    return f"{board_id(key)}--{slug(model)}"


def _absent(source: Source, key: Key) -> list[str]:
    """List the models that ran elsewhere in the suite and not here."""
    here = source.heads(key)
    there = {m for other in source.keys if other[:2] == key[:2] for m, row in source.heads(other).items()
             if not row.reference and row.family != SUBMISSION and "+" not in m}  # fmt: skip
    return sorted(there - set(here))


def _row(source: Source, key: Key, model: str, *, private: dict[str, Row], axis: Axis | None) -> dict[str, Any]:
    head, public, other = source.heads(key)[model], source.primary(key).get(model), private.get(model)
    rank = None if public is None else public.rank
    tuned = source.boards.tuned.get((*key, model))
    moved = None if rank is None or other is None or other.rank is None else rank - other.rank
    place = None if public is None else public.place
    return {
        "model": model,
        "id": row_id(key, model),
        "card": "m-" + slug(model.partition("+")[0]),
        "family_title": family_title(head.family),
        "family_class": family_class(head.family),
        "labels": head.uses_labels,
        "marks": source.marks(key, model),
        "reference": head.reference,
        "rank": rank,
        "place": (DASH, "") if place is None else place.parts(field_of(source.primary(key))),
        "value": value_text(public),
        "interval": interval_text(public),
        "sort": None if public is None else public.centre,
        "bar": bar_of(public, axis),
        "private": value_text(other),
        "private_interval": interval_text(other),
        "private_sort": None if other is None else other.centre,
        "private_bar": bar_of(other, axis),
        "moved": moved,
        "findings": [
            *([f"tuned: {tuned.words}"] if tuned else []),
            *source.findings(key, model),
            *failures(source.cells[key][model]),
        ],
    }


def _training(source: Source, key: Key) -> list[str]:
    """Say how long a board's models were trained, how many still improved, and how many trials they had."""
    heads = source.heads(key)
    models = [m for m in source.order(key) if not heads[m].reference and heads[m].family != SUBMISSION]
    lines = (
        budget_line(source.primary(key).values()),
        tuning_line({m: source.boards.tuned.get((*key, m)) for m in models}),
    )
    return [line for line in lines if line]


def failures(records: list[Record]) -> list[str]:
    """Say what failed and where, one line for each status and phase."""
    failed: dict[tuple[str, str], list[int]] = {}
    for record in records:
        if record["status"] != "ok":
            phase = (record.get("error") or {}).get("phase") or "an unknown phase"
            failed.setdefault((record["status"], phase), []).append(record["seed"])
    return [f"{status} in {phase}: seed {', '.join(map(str, seeds))}" for (status, phase), seeds in failed.items()]


def value_text(row: Row | None) -> str:
    """Write a centre with three digits, or a dash."""
    return DASH if row is None or row.centre is None else quantity(row.centre, row.unit)


def interval_text(row: Row | None) -> str:
    """Write the interval, or nothing."""
    if row is None or row.centre is None or row.ci_low is None or row.ci_high is None:
        return ""
    return interval(row.ci_low, row.ci_high, row.unit)
