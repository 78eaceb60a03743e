"""The first screen: who is best at what, places on every board, the family tree, what ran where."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from bench.leaderboard.row import SUBMISSION, Place
from bench.records.environment import stored
from bench.records.record import Record
from bench.registry import FAMILIES
from bench.render.answer import answers, costs, headline
from bench.render.board import field_of
from bench.render.html.boards import board_id, row_id
from bench.render.html.source import Key, Source, family_class, slug
from bench.render.text import DASH
from bench.render.words import FAMILY_WORDS, KINDS, LIKELIHOOD, separation_of


def answer_view(source: Source) -> dict[str, Any]:
    """Answer the page's title: one sentence, a line for each board, and who costs least."""
    listed = answers(source.all_rows, source.boards.primaries, source.boards.flags)
    lines = []
    for a in listed:
        names = [(row.model, row_id(a.key, row.model), family_class(row.family), row.uses_labels, source.marks(a.key, row.model))
                 for row in a.firsts]  # fmt: skip
        lines.append({"answer": a, "board": board_id(a.key), "names": names})
    return {"headline": headline(listed), "lines": lines, "costs": costs(source.all_rows, [a.key for a in listed])}


def family_tree(source: Source) -> dict[str, dict[str, Any]]:
    """List each family's words and models, each model with its best place on any board."""
    best = _best_places(source)
    models: dict[str, dict[str, str]] = defaultdict(dict)
    for r in source.records:
        family = r["model"]["family"] if r["model"]["family"] in FAMILIES else "other"
        models[family].setdefault(r["model"]["id"], r["model"]["family"])
    tree = {}
    for family in (*FAMILIES, "other"):
        title, words = FAMILY_WORDS.get(family, ("Other", "families that this page does not know"))
        rows = [(m, "m-" + slug(m), *best.get(m, ("", ""))) for m in sorted(models.get(family, {}))]
        if rows:
            tree[family] = {"title": title, "words": words, "class": family_class(family), "models": rows}
    return tree


def _best_places(source: Source) -> dict[str, tuple[str, str]]:
    """Say where each model is placed best, with a link: "1st (1–3) of 7 on fashion_mnist".

    Best as a share of the field, on any suite; a range of more than half of it says little, and a board that tells no two models
    apart nothing.
    """
    places: dict[str, list[tuple[tuple[bool, float, int], str, Key]]] = defaultdict(list)
    for key in source.keys:
        column = source.primary(key)
        found, n = separation_of(column.values()), field_of(column)
        for model, row in column.items() if found.pairs or not found.rows else ():
            place = None if row.reference or row.family == SUBMISSION or "+" in model else row.place
            if place is not None:
                order = (place.is_wide(n), (place.rank - 1) / max(1, n - 1), -n)
                places[model].append((order, _words(place, n, key[2]), key))
    best = {model: min(those, key=lambda one: one[0]) for model, those in places.items()}
    return {model: (words, row_id(key, model)) for model, (_, words, key) in best.items()}


def _words(place: Place, n: int, dataset: str) -> str:
    span = f" ({place.span})" if place.span else ""
    return f"{ordinal(place.rank)}{span} of {n} on {dataset}"


def ordinal(n: int) -> str:
    """Write a rank in words: 1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def places(source: Source, keys: list[Key]) -> dict[str, Any]:
    """Make the table of places: how often each model may be first, then its place on every board."""
    kinds = list(dict.fromkeys(source.kind(key) for key in keys))
    boards = {kind: [key for key in keys if source.kind(key) == kind] for kind in kinds}
    families = {m: row.family for key in keys for m, row in source.heads(key).items() if not row.reference}
    order = {family: i for i, family in enumerate(FAMILIES)}
    rows = []
    for model in sorted(families, key=lambda m: (order.get(families[m], 9), m)):
        there = {key: _place(source, key, model) for kind in kinds for key in boards[kind]}
        cells = list(there.values())
        if any(cell["text"] != DASH or cell["marks"] for cell in cells):
            family = families[model]
            card = "m-" + slug(model.partition("+")[0])
            first = _may_be_first([cell for key, cell in there.items() if source.kind(key) != LIKELIHOOD])
            rows.append({"model": model, "card": card, "class": family_class(family), "first": first, "cells": cells})
    return {
        "kinds": [(KINDS.get(kind, kind), len(boards[kind])) for kind in kinds],
        "boards": [(key[2], key[0], board_id(key)) for kind in kinds for key in boards[kind]],
        "rows": rows,
    }


def _place(source: Source, key: Key, model: str) -> dict[str, Any]:
    """Write a model's place on a board, whether it may be first there, and its marks."""
    column = source.primary(key)
    place = column[model].place if model in column else None
    if place is None:
        marks = source.marks(key, model) if model in column else []
        return {"text": DASH, "sort": None, "class": "", "note": "", "judged": False, "first": False, "marks": marks}
    n = field_of(column)
    text, note = place.parts(n)
    thirds = 1 if place.low is None else min(3, 1 + int(3 * (place.low - 1) / max(n, 1)))
    return {
        "text": text,
        "sort": place.rank,
        "class": "q0" if place.may_be_first else f"q{thirds}" if place.low is not None else "",
        "note": note,
        "judged": place.low is not None,
        "first": place.may_be_first,
        "marks": source.marks(key, model),
    }


def _may_be_first(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Count the tinted cells beside it: "3 of 8" may be first; a dash where no board has ranges."""
    judged = [cell for cell in cells if cell["judged"]]
    if not judged:
        return {"text": DASH, "sort": None}
    count = sum(cell["first"] for cell in judged)
    return {"text": f"{count} of {len(judged)}", "sort": count / len(judged) + count / 1000}


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
