"""The first screen: the family tree with each model's place, places per kind of data, what ran where."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from bench.leaderboard.row import Place, Row
from bench.records.environment import stored
from bench.records.record import Record
from bench.registry import FAMILIES
from bench.render.html.source import FAMILY_WORDS, KINDS, Key, Source, family_class, range_text, slug
from bench.render.text import DASH, number

IMPROVING = "improving"  # beside a place: training ended before the curve was flat


def family_tree(source: Source) -> dict[str, dict[str, Any]]:
    """List each family's words and models, each model with its best place in the main suite."""
    best = _best_places(source)
    models: dict[str, dict[str, str]] = defaultdict(dict)
    for r in source.records:
        family = r["model"]["family"] if r["model"]["family"] in FAMILIES else "other"
        models[family].setdefault(r["model"]["id"], r["model"]["family"])
    tree = {}
    for family in (*FAMILIES, "other"):
        title, words = FAMILY_WORDS.get(family, ("Other", "families that this page does not know"))
        rows = [(m, "m-" + slug(m), best.get(m, "")) for m in sorted(models.get(family, {}))]
        if rows:
            tree[family] = {"title": title, "words": words, "class": family_class(family), "models": rows}
    return tree


def _best_places(source: Source) -> dict[str, str]:
    """Say where each model is placed best in the main suite: "1st (1–3) on ring8"."""
    places: dict[str, list[tuple[Place, str]]] = defaultdict(list)
    for key in source.keys:
        if key[:2] == source.suites[0]:
            for model, row in source.primary(key).items():
                if row.place is not None and not row.reference and "+" not in model:
                    places[model].append((row.place, key[2]))
    return {model: _best_place(those) for model, those in places.items()}


def _best_place(places: list[tuple[Place, str]]) -> str:
    """Write the best of a model's (place, dataset), with the span of ranges where several are best."""
    best = min(place.rank for place, _ in places)
    there = [(place, dataset) for place, dataset in places if place.rank == best]
    low = min((place.low for place, _ in there if place.low is not None), default=None)
    high = max((place.high for place, _ in there if place.high is not None), default=None)
    where = there[0][1] if len(there) == 1 else f"{len(there)} boards"
    span = "" if low is None or low == high else f" ({low}–{high})"
    return f"{ordinal(best)}{span} on {where}"


def ordinal(n: int) -> str:
    """Write a rank in words: 1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def places(source: Source, suite: str, device: str) -> dict[str, Any]:
    """Make the table of places: columns by kind of data, the mean rank last; one row a model."""
    keys = [key for key in source.keys if key[:2] == (suite, device)]
    kinds = list(dict.fromkeys(source.boards.primaries[key[2]][1] for key in keys))
    boards = {kind: [key for key in keys if source.boards.primaries[key[2]][1] == kind] for kind in kinds}
    means = {
        (row.model, row.kind): row
        for row in source.boards.summary.itertuples()
        if (row.suite, row.device) == (suite, device)
    }  # fmt: skip
    families = {m: row.family for key in keys for m, row in source.heads(key).items() if not row.reference}
    rank = {family: i for i, family in enumerate(FAMILIES)}
    rows = []
    for model in sorted(families, key=lambda m: (rank.get(families[m], 9), m)):
        cells: list[dict[str, Any]] = []
        for kind in kinds:
            cells += [_place(source, key, model) for key in boards[kind]]
            cells.append(_mean(means.get((model, kind)), [source.primary(k).get(model) for k in boards[kind]]))
        if any(cell["text"] != DASH or cell["note"] == IMPROVING for cell in cells):
            family = families[model]
            card = "m-" + slug(model.partition("+")[0])
            rows.append({"model": model, "card": card, "family": family, "class": family_class(family), "cells": cells})
    return {
        "kinds": [(KINDS.get(kind, kind), len(boards[kind]) + 1) for kind in kinds],
        "boards": [[(key[2], slug(*key)) for key in boards[kind]] for kind in kinds],
        "rows": rows,
    }


def _place(source: Source, key: Key, model: str) -> dict[str, Any]:
    """Write a model's rank on a board, how good it is in fifths of the board, and its range."""
    column = source.primary(key)
    place = column[model].place if model in column else None
    improving = IMPROVING if model in column and column[model].flat is False else ""
    if place is None:
        return {"text": DASH, "sort": None, "class": "", "note": improving}
    ranked = sum(not row.reference and row.rank is not None for row in column.values())
    fifth = int(5 * (place.rank - 1) / max(ranked, 1))
    note = ", ".join(filter(None, (range_text(column[model]), improving)))
    return {"text": str(place.rank), "sort": place.rank, "class": f"q{fifth}", "note": note}


def _mean(row: Any, on_boards: list[Row | None]) -> dict[str, Any]:
    """Write a model's mean rank over the boards that all entered, and what it rests on.

    row: of the summary; on_boards: the model's row on each board of that kind of data, None where it has none.
    """
    if row is None:
        return {"text": DASH, "sort": None, "class": "mean", "note": ""}
    places = [place for entered in on_boards if entered is not None and (place := entered.place) is not None]
    ends = [(p.low, p.high) for p in places if p.low is not None and p.high is not None]
    span = f"{min(low for low, _ in ends)}–{max(high for _, high in ends)}, " if ends else ""
    absent = row.mean_rank is None or row.mean_rank != row.mean_rank
    note = f"{span}{row.boards_entered} of {row.boards}"
    return {"text": DASH if absent else number(row.mean_rank), "sort": None if absent else row.mean_rank,
            "class": "mean", "note": note}  # fmt: skip


def what_ran(source: Source) -> list[dict[str, str]]:
    """Describe what ran, one row for each suite, device and machine."""
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for r in source.records:
        if "curve" not in r:  # a submission: where it was made is unknown
            continue
        groups[r["suite"], r["device"], r.get("env_ref") or ""].append(r)
    order = {pair: i for i, pair in enumerate(source.suites)}
    return [_ran(source, *key, groups[key]) for key in sorted(groups, key=lambda k: (order.get(k[:2], len(order)), k))]


def _ran(source: Source, suite: str, device: str, ref: str, records: list[Record]) -> dict[str, str]:
    env = stored(source.out, ref)
    dates = sorted({(r.get("started_utc") or "")[:10] for r in records} - {""})
    seeds = sorted({r["seed"] for r in records})
    steps = sorted({s for r in records if (s := (r.get("protocol") or {}).get("steps"))})
    seconds = sum((r.get("resources") or {}).get("cpu_s") or 0.0 for r in records)
    commits = sorted({((r.get("code") or {}).get("git_sha") or "")[:10] for r in records} - {""})
    bad = sum(r["status"] != "ok" for r in records)
    libraries = env.get("libraries", {})
    gpu = f", {env['gpu']}" if env.get("gpu") else ""
    machine = f"{env['processor']}, {env['cores']} cores, {env['memory_gib']} GiB{gpu}" if env else "unknown"
    versions = f"Python {env.get('python')}, torch {libraries.get('torch')}" if env else "unknown"
    return {
        "suite": suite,
        "device": f"{device}, {', '.join(sorted({r.get('precision', '') for r in records}))}",
        "cells": f"{len(records):,}" + (f" ({bad} not ok)" if bad else ""),
        "seeds": f"{len(seeds)}",
        "budget": f"{steps[0]:,} to {steps[-1]:,} steps; {seconds / 3600:.1f} core hours" if steps else "",
        "machine": machine,
        "versions": versions
        + (f"; commit {', '.join(commits[:3])}{' …' if len(commits) > 3 else ''}" if commits else ""),
        "dates": dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}" if dates else "unknown",
    }
