"""SVG written by hand, so that drawings need no library: escaped tags, and points in the view box.

The page's drawings name classes, so that its style sheet knows light and dark; the plots of docs/ name their colours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from bench.render.axis import Axis
from bench.render.text import clean

Point = tuple[float, float]


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Write one element with everything escaped.

    An attribute class_= is written class=, text_anchor= is written text-anchor=, and None leaves one out.
    """
    pairs = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(value)) if isinstance(value, str) else value}"'
        for key, value in attributes.items()
        if value is not None
    ]
    inside = "".join(c if isinstance(c, Markup) else escape(clean(str(c))) for c in children)
    return Markup(f"<{name}{''.join(pairs)}>{inside}</{name}>" if children else f"<{name}{''.join(pairs)}/>")


def path_of(points: Sequence[Point], x: Axis, y: Axis) -> str:
    """Place the points of a polyline, without those that are not finite."""
    return " ".join([f"{x.at(a):g},{y.at(b):g}" for a, b in points if math.isfinite(a) and math.isfinite(b)])
