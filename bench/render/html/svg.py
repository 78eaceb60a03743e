"""SVG by hand: escaped tags and polylines. Colours are classes, so that the style sheet knows light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from bench.render.axis import Axis
from bench.render.text import clean

Point = tuple[float, float]


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element, everything escaped: class_="a" is class="a", text_anchor= is text-anchor=; None leaves one out."""
    pairs = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(value)) if isinstance(value, str) else value}"'
        for key, value in attributes.items()
        if value is not None
    ]
    inside = "".join(c if isinstance(c, Markup) else str(escape(clean(str(c)))) for c in children)
    return Markup(f"<{name}{''.join(pairs)}>{inside}</{name}>" if children else f"<{name}{''.join(pairs)}/>")


def path_of(points: Sequence[Point], x: Axis, y: Axis) -> str:
    """Points of a polyline."""
    return " ".join([f"{x.at(a):g},{y.at(b):g}" for a, b in points if math.isfinite(a) and math.isfinite(b)])
