"""The strip of the first screen: real images beside those of a few models, at whole multiples."""

from __future__ import annotations

import base64
import io
from typing import Any

from bench.render.html.boards import board_id, row_id
from bench.render.html.pictures import CELLS, embed
from bench.render.html.source import Key, Source, family_class
from bench.render.words import REAL

MOST, WIDEST, NARROWEST = 6, 176, 100  # pictures, and pixels of each on a desk and on a telephone


def strip(source: Source) -> dict[str, Any] | None:
    """Choose the first board of images that has real ones, and cut a few images from each grid.

    Shown: real data, those that may be first, then the best of every other family, then the others, the worst first.
    """
    for key in source.claims:
        if "image" in source.boards.primaries[key[2]][1]:
            pictures = [one for model in _models(source, key) if (one := _cut(source, key, model))]
            if pictures and pictures[0]["model"] == "oracle" and len(pictures) > 1:
                return {"dataset": key[2], "board": board_id(key), "pictures": pictures[:MOST]}
    return None


def _models(source: Source, key: Key) -> list[str]:
    ranked = sorted((r for r in source.primary(key).values() if r.rank is not None), key=lambda r: r.rank or 0)
    firsts = [row.model for row in ranked if row.rank_low == 1][:2] or [row.model for row in ranked[:1]]
    families = {row.family for row in ranked if row.model in firsts}
    others = []
    for row in ranked:
        if row.family not in families:
            others.append(row.model)
            families.add(row.family)
    rest = [row.model for row in ranked if row.model not in (*firsts, *others)]
    return ["oracle", *firsts, *others, *reversed(rest)]


def _cut(source: Source, key: Key, model: str) -> dict[str, Any] | None:
    """Cut the first images of a model's grid; None where there is no grid."""
    whole = embed(source.out / "grids" / key[2] / f"{model}.png", images=True)
    if whole is None or (whole["width"] - 1) % CELLS:
        return None
    from PIL import Image

    unit = (whole["width"] - 1) // CELLS
    count = next((c for c in range(4, 1, -1) if 2 * (c * unit + 1) <= WIDEST), 1)
    side = count * unit + 1
    raw = base64.b64decode(whole["uri"].partition(",")[2])
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(raw)) as picture:
        picture.crop((0, 0, side, min(side, picture.height))).save(buffer, format="PNG", optimize=True)
        height = min(side, picture.height)
    head = source.heads(key)[model]
    return {
        "model": model,
        "caption": REAL if model == "oracle" else model,
        "row": row_id(key, model),
        "family_class": family_class(head.family),
        "labels": head.uses_labels,
        "marks": source.marks(key, model),
        "uri": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(),
        "width": side,
        "height": height,
        "two": min(side, 2 * unit + 1),  # of two images in a row, where there is no room for more
        "desk": max(1, WIDEST // side),
        "phone": max(1, NARROWEST // side),
    }
