"""Sample grids and scatters inside the page: shrunk to what they hold, as data URIs, real data first."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

from bench.render.html.source import Key, Source, family_class, slug
from bench.render.words import REAL

ROWS = 5  # rows of images that are kept of a grid of ten
WIDEST = 300  # pixels that a grid takes on the page
MAX_PICTURES = 30  # on one board, so that a page of thousands of variants stays a page
COLOURS = 32
TONES = 16  # of a grey picture that has more than COLOURS: a PNG then holds two pixels a byte
CELLS, GAP = 10, 2  # images in a row, and pixels between them, as bench.run.pictures draws
MAX_BYTES = 2_000_000  # a larger file was not drawn by genbench
_MEMO: dict[str, dict[str, Any]] = {}


def pictures(source: Source, key: Key, order: list[str]) -> list[dict[str, Any]]:
    """Collect the pictures of a board's rows: the oracle's first, then by rank."""
    folder = source.out / "grids" / key[2]
    kind = source.boards.primaries[key[2]][1]
    images = "image" in kind
    names = sorted(order, key=lambda m: (m != "oracle", order.index(m)))
    heads = source.heads(key)
    shown = []
    for model in names[:MAX_PICTURES]:
        picture = embed(folder / f"{model}.png", images=images)
        if picture:
            near = embed(folder / f"{model}.nearest.png", images=images) if images else None
            caption = REAL if model == "oracle" else model
            shown.append({
                "caption": caption, "model": model, "card": "m-" + slug(model.partition("+")[0]), "marks": source.marks(key, model),
                "family_class": family_class(heads[model].family), "nearest": near, "images": images, **picture,
                "view": view(picture["width"], picture["height"]) if images else None,
                "near_scale": max(1, WIDEST // near["width"]) if near else 1,
            })  # fmt: skip
    return shown


def view(width: int, height: int, *, columns: int = CELLS, rows: int = ROWS) -> tuple[int, int, int]:
    """Choose how a grid is shown: (width, height, scale) in pixels of the screen.

    The scale is whole, and the grid at most WIDEST wide: of large images fewer columns are shown, at twice their size.
    """
    unit = (width - 1) // CELLS
    shown = next((c for c in range(columns, 0, -1) if 2 * (c * unit + 1) <= WIDEST), 1)
    scale = max(1, WIDEST // (shown * unit + 1))
    return scale * (shown * unit + 1), scale * min(height, rows * unit + 1), scale


def embed(path: Path, *, images: bool) -> dict[str, Any] | None:
    """Make a PNG small: uri, width and height; None where there is no readable picture."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return None
        raw = path.read_bytes()
    except OSError:
        return None
    digest = hashlib.sha256(raw).hexdigest() + str(images)
    if digest not in _MEMO:
        try:
            _MEMO[digest] = _shrink(raw, images=images)
        except (OSError, ValueError, SyntaxError):  # what Pillow raises on a file that is no picture
            return None
    return _MEMO[digest]


def _shrink(raw: bytes, *, images: bool) -> dict[str, Any]:
    from PIL import Image

    Image.init()
    with Image.open(io.BytesIO(raw), formats=("PNG",)) as opened:
        if opened.width * opened.height > 4_000_000:
            raise ValueError(f"a picture of {opened.width} x {opened.height} pixels is none of ours")
        picture = opened.convert("RGB")
    if images:
        picture = _native(picture)
    grey = picture.convert("L")
    if grey.convert("RGB").tobytes() == picture.tobytes():
        tones = COLOURS if len(grey.getcolors() or ()) <= COLOURS else TONES
        small = grey.quantize(tones, dither=Image.Dither.NONE)
    else:
        small = picture.quantize(COLOURS if images else 24, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return {"uri": uri, "width": small.width, "height": small.height}


def _native(picture: Any) -> Any:
    """Shrink a grid to its images' own pixels and at most ROWS rows, with gaps of one pixel."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(picture)
    step = (pixels.shape[1] - GAP) // CELLS
    side = step - GAP
    rows = min(ROWS, (pixels.shape[0] - GAP) // step)
    if side < 1 or rows < 1 or (pixels.shape[1] - GAP) % CELLS:
        return picture
    cells = [
        [pixels[GAP + r * step : GAP + r * step + side, GAP + c * step : GAP + c * step + side] for c in range(CELLS)]
        for r in range(rows)
    ]
    scale = next((s for s in (4, 3, 2) if side % s == 0 and all(_blocky(c, s) for row in cells for c in row)), 1)
    small, gap = side // scale, 1
    canvas = np.full((rows * (small + gap) + gap, CELLS * (small + gap) + gap, 3), 96, dtype=np.uint8)
    for r, row in enumerate(cells):
        for c, cell in enumerate(row):
            top, left = gap + r * (small + gap), gap + c * (small + gap)
            canvas[top : top + small, left : left + small] = cell[::scale, ::scale]
    return Image.fromarray(canvas)


def _blocky(cell: Any, scale: int) -> bool:
    """Tell whether a picture is made of squares of `scale` x `scale` equal pixels."""
    small = cell[::scale, ::scale].repeat(scale, axis=0).repeat(scale, axis=1)
    return small.shape == cell.shape and bool((small == cell).all())
