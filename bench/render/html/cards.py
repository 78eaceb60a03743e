"""One model, one card: what it is, its equation, paper, file, hyper-parameters, results and failures."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from bench.records.record import Record
from bench.registry import FAMILIES, ROOT, Entry, entries
from bench.render.board import field_of
from bench.render.html.boards import failures, interval_text, row_id, value_text
from bench.render.html.films import films
from bench.render.html.source import Key, Source, family_class, slug
from bench.render.text import DASH, clean
from bench.render.words import family_title

SENTENCES = 3
FINDINGS = 12


def model_cards(source: Source) -> list[dict[str, Any]]:
    """Make a card for each model that has a record, in the order of the family tree."""
    by_id: dict[str, list[Record]] = defaultdict(list)
    for record in source.records:
        by_id[record["model"]["id"]].append(record)
    rank = {family: i for i, family in enumerate(FAMILIES)}
    results = _results(source)
    order = sorted(by_id, key=lambda m: (rank.get(by_id[m][0]["model"]["family"], 9), m))
    return [_card(model, by_id[model], results[model]) | {"films": films(source, model)} for model in order]


def _card(model: str, records: list[Record], results: list[dict[str, Any]]) -> dict[str, Any]:
    entry = entries("model").get(model)
    family = records[0]["model"]["family"]
    text = describe(entry.path if entry else None)
    return {
        "id": "m-" + slug(model),
        "model": model,
        "family": family_title(family),
        "family_class": family_class(family),
        "labels": records[0]["model"]["uses_labels"],
        "paper": entry.constants.get("paper", "") if entry else "",
        "link": paper_link(entry.constants.get("paper", "")) if entry else "",
        "file": _file(entry),
        "parameters": sorted({n for r in records if (n := r["model"].get("n_params"))}),
        "hparams": hyper_parameters(records),
        "results": results,
        "failures": _failures(records),
        **text,
    }


def _file(entry: Entry | None) -> str:
    if entry is None:
        return ""
    return str(entry.path.relative_to(ROOT)) if entry.path.is_relative_to(ROOT) else entry.path.name


@cache
def describe(path: Path | None) -> dict[str, Any]:
    """Read title, three sentences, equations and deviations from a model file's docstring, unimported."""
    try:
        text = (path and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))) or ""
    except (OSError, SyntaxError, ValueError):
        text = ""
    title, _, rest = text.partition("\n")
    about, _, differs = rest.partition("\nDiffers from ")
    blocks = [b for b in re.split(r"\n\s*\n", about.strip("\n")) if b.strip()]
    drawn = [
        i
        for i, b in enumerate(blocks)
        if all(line.startswith("    ") or re.match(r"p\(", line) for line in b.splitlines())
    ]
    first = drawn[0] if drawn else len(blocks)
    before, left = _sentences(blocks[:first], SENTENCES)
    after, _ = _sentences([b for i, b in enumerate(blocks[first:], first) if i not in drawn], left)
    lines = [
        re.sub(r"\s+", " ", part).strip(" -:") for part in re.split(r"\n- |\. (?=[A-Z])", differs.partition(":")[2])
    ]
    return {
        "title": title.strip(),
        "before": before if drawn else _ended(before),
        "after": _ended(after),
        "equations": [clean_lines(blocks[i]) for i in drawn],
        "differs": [p for p in lines if p],
    }


def _sentences(blocks: list[str], count: int) -> tuple[str, int]:
    """Return the first `count` sentences of paragraphs, and how many of `count` are left.

    A short one, such as a venue ("ICML 2015."), does not count.
    """
    kept: list[str] = []
    for sentence in re.split(r"(?<=[a-z0-9)\]][.:])\s+(?=[A-Z])", " ".join(" ".join(b.split()) for b in blocks)):
        if count <= 0 or not sentence:
            break
        kept.append(sentence)
        count -= len(sentence) > 30
    return " ".join(kept), count


def _ended(text: str) -> str:
    """End a text that announces what is not shown."""
    return text[:-1] + "." if text.endswith(":") else text


def clean_lines(block: str) -> list[str]:
    """Strip the lines of a block of their common margin and of control characters."""
    lines = block.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [clean(re.sub(r"\s{6,}", "     ", line[margin:])) for line in lines]


def paper_link(paper: str) -> str:
    """Return the address of an arXiv number or a DOI; empty for anything else."""
    arxiv = re.search(r"arXiv:(\d{4}\.\d{4,5})\b", paper)
    doi = re.search(r"doi:(10\.\d{4,9}/[\w.;()/:-]+)", paper)
    return f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else f"https://doi.org/{doi[1]}" if doi else ""


def hyper_parameters(records: list[Record]) -> list[tuple[str, str]]:
    """List (name, value) of hyper-parameters; several values each with the datasets it was used on."""
    used: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in records:
        if not record["model"].get("variant"):
            for name, value in (record["model"].get("hparams") or {}).items():
                used[name][_plain(value)].add(record["dataset"]["id"])
    rows = []
    for name, values in sorted(used.items()):
        if len(values) == 1:
            rows.append((name, next(iter(values))))
        else:
            parts = [f"{v} ({', '.join(sorted(d))})" for v, d in sorted(values.items(), key=lambda kv: sorted(kv[1]))]
            rows.append((name, "; ".join(parts)))
    return rows


def _plain(value: Any) -> str:
    words = {None: "chosen by the data", True: "yes", False: "no"}
    if value is None or isinstance(value, bool):
        return words[value]
    return value if isinstance(value, str) else json.dumps(value)


def _results(source: Source) -> dict[str, list[dict[str, Any]]]:
    """Collect each model's rows on every board."""
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key in source.keys:
        private = source.primary(key, "private")
        public = source.primary(key)
        for model, row in public.items():
            place = f"{row.place.words(field_of(public))} of {field_of(public)}" if row.place else DASH
            results[_id_of(source, key, model)].append({
                "board": key[2], "suite": key[0], "anchor": row_id(key, model), "row": model, "marks": source.marks(key, model),
                "rank": "ref" if row.reference else place, "value": value_text(row),
                "interval": interval_text(row), "private": value_text(private.get(model)),
            })  # fmt: skip
    return results


def _id_of(source: Source, key: Key, model: str) -> str:
    records = source.cells[key][model]
    return records[0]["model"]["id"] if records else model


def _failures(records: list[Record]) -> list[str]:
    """Failures of a model with board, phase and what was said."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record["status"] != "ok":
            groups[record["suite"], record["dataset"]["id"]].append(record)
    lines = []
    for (suite, dataset), those in groups.items():
        said = ((those[0].get("error") or {}).get("message") or "").strip().splitlines()
        lines += [f"{dataset} ({suite}): {words}. {said[0][:200] if said else ''}" for words in failures(those)]
    return lines[:FINDINGS]
