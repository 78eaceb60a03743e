"""Show on a model's card the strips that its cells leave: films of training, latent walks, class rows."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from bench.records.record import Record
from bench.records.store import PICTURES
from bench.render.html.pictures import MAX_BYTES, embed
from bench.render.html.source import Source, slug
from bench.render.text import number

STRIPS = {
    "film": "Over training: the same noise at every look",
    "walk": "Through the latent space: walks from one noise to another",
    "classes": "Class by class: what is drawn given the class",
}
WIDEST, NARROWEST = (
    300,
    200,
)  # pixels that a strip of images takes on a desk and on a telephone; scatters take what there is
MOST = 8, 20  # datasets on a card, labels of a strip


def films(source: Source, model: str) -> list[dict[str, Any]]:
    """Collect the strips of a model's plain row, a group a dataset, in the order of the boards."""
    runs: dict[str, list[Record]] = {}
    anchors: dict[str, str] = {}
    for key in source.keys:
        for records in source.cells[key].values():
            for record in records:
                if record["model"]["id"] == model and record["seed"] == 0 and not record["model"].get("variant"):
                    runs.setdefault(key[2], []).append(record)
                    anchors.setdefault(key[2], slug(*key))
    groups = []
    for dataset, of_dataset in runs.items():
        primary, kind = source.boards.primaries[dataset]
        stem = source.out / "grids" / dataset / of_dataset[0]["model"]["row"]
        strips = _strips(stem, of_dataset, images="image" in kind)
        if strips:
            groups.append({"dataset": dataset, "anchor": anchors[dataset], "metric": primary, "strips": strips})
    return groups[: MOST[0]]


def _strips(stem: Path, records: list[Record], *, images: bool) -> list[dict[str, Any]]:
    """Read the strips of a row on a dataset, each with its labels: (what, the score beside it)."""
    strips = []
    for name, title in STRIPS.items():
        path = stem.with_name(stem.name + PICTURES[name])
        picture = embed(path, images=images)  # no strip has ten columns of images two pixels apart: it stays as it is
        if picture:
            labels = labels_of(path)
            strips.append({
                "name": name, "title": title, "across": name == "film" and not images,
                "labels": _scored(labels, records) if name == "film" else [(label, "") for label in labels],
                "wide": [most // picture["width"] * picture["width"] or picture["width"] for most in (WIDEST, NARROWEST)]
                if images else None, **picture,
            })  # fmt: skip
    return strips


def labels_of(path: Path) -> list[str]:
    """Read the labels of a strip's rows from its PNG; none where they are not ours."""
    from PIL import Image

    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        with Image.open(io.BytesIO(raw), formats=("PNG",)) as picture:
            labels = json.loads(picture.info.get("labels", "[]"))
    except (OSError, ValueError, SyntaxError):  # what Pillow and json raise on a file that is none of ours
        return []
    known = isinstance(labels, list) and len(labels) <= MOST[1] and all(isinstance(label, str) for label in labels)
    return labels if known else []


def _scored(steps: list[str], records: list[Record]) -> list[tuple[str, str]]:
    """Put the public score beside each step.

    Of several suites' records one drew the film: the one whose looks these steps are.
    """
    for record in records:
        scores = {str(step): number(value) for step, value in record["training"].get("probes") or []}
        if scores.keys() >= set(steps):
            return [(step, scores[step]) for step in steps]
    return [(step, "") for step in steps]
