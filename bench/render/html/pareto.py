"""Quality against a cost: a mark a model, and the front of those that no other beats in both.

The front joins the centres. Two models whose intervals overlap may change places on it: the page says so below the figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from bench.leaderboard.row import Row
from bench.leaderboard.scales import metric_scale
from bench.registry import FAMILIES
from bench.render.axis import Axis, axis_of
from bench.render.html.source import Key, Source, family_class
from bench.render.svg import Point, tag
from bench.render.text import interval, number

Box = tuple[float, float, float, float]  # left, top, right, bottom
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 520, 320, 48, 96, 14, 40
COSTS = {  # resource -> what the axis is called
    "sample_examples_per_s": "samples a second",
    "train_seconds": "seconds of training",
    "parameters": "trained numbers",
    "peak_rss_bytes": "bytes of memory",
}
LABEL, LETTER = 12.5, 7.2  # height of a label's line and width of a letter, in units of the view box
SHAPES = {  # a family's mark is a shape too, so that colour carries nothing alone
    "statistical": "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0",
    "tractable": "M-4 -4h8v8h-8z",
    "approximate": "M0 -5.5L5.5 0L0 5.5L-5.5 0z",
    "implicit": "M0 -5L5 4.2H-5z",
    "extension": "M0 5L5 -4.2H-5z",
}


def front(points: Sequence[Point], *, better: str) -> list[int]:
    """List the indices of points (cheapness, quality) that no other beats in both, by falling cheapness."""
    sign = 1 if better == "lower" else -1
    best, chosen = float("inf"), []
    for i in sorted(range(len(points)), key=lambda i: (-points[i][0], sign * points[i][1])):
        if sign * points[i][1] < best:
            best = sign * points[i][1]
            chosen.append(i)
    return chosen


def quality_and_cost(source: Source, key: Key) -> list[dict[str, Any]]:
    """Draw a figure for each cost that at least two models have, and name the models on its front."""
    drawn = []
    for metric, words in COSTS.items():
        column = source.rows[key].get(("", metric), {})
        rows, points = [], []
        for model, row in source.primary(key).items():
            cost = column[model].centre if model in column else None
            if cost is not None and cost > 0 and row.centre is not None and not row.reference and not row.n_failed:
                rows.append(row)
                points.append((cost, row.centre))
        if len(rows) > 1:
            drawn.append(_drawn(rows, points, metric, words))
    return drawn


def _drawn(rows: list[Row], points: list[Point], metric: str, words: str) -> dict[str, Any]:
    more = metric == "sample_examples_per_s"  # of which more is better; of every other cost less
    chosen = front([(cost if more else -cost, score) for cost, score in points], better=rows[0].better)
    families = {row.family for row in rows}
    return {
        "metric": metric,
        "title": words,
        "svg": _figure(rows, points, chosen, words, more=more),
        "front": [rows[i].model for i in chosen],
        "families": [family for family in FAMILIES if family in families],
    }


def mark(family: str, x: float, y: float, about: str = "") -> Markup:
    """Draw a family's mark at a position; `about` is shown where a pointer rests on it."""
    shape = SHAPES.get(family, SHAPES["statistical"])
    inside = [tag("title", about)] if about else []
    return tag("path", *inside, class_=f"mark {family_class(family)}", d=shape, transform=f"translate({x:g} {y:g})")


def whisker(x: float, y: Axis, low: float, high: float) -> list[Markup]:
    """Draw a vertical line over an interval, with a head where it runs off the axis."""
    inside = [min(max(value, y.low), y.high) for value in (low, high)]
    parts = [tag("line", class_="whisker", x1=x, x2=x, y1=y.at(inside[0]), y2=y.at(inside[1]))]
    for value, held in zip((low, high), inside):
        if value != held:
            at = y.at(held)
            back = 5 if at == min(y.start, y.end) else -5  # a head points out of the frame
            parts.append(
                tag("path", class_="whisker head", d=f"M{x - 3:g} {at + back:g}L{x:g} {at:g}L{x + 3:g} {at + back:g}")
            )
    return parts


def _figure(rows: list[Row], points: list[Point], chosen: list[int], words: str, *, more: bool) -> Markup:
    """Draw the front, and a mark, a whisker and, where there is room, a name for each row."""
    primary, models = rows[0].metric, [row.model for row in rows]
    sides = (LEFT, WIDTH - RIGHT)
    x = axis_of([p[0] for p in points], *(sides if more else sides[::-1]), log=True)
    ends = (TOP, HEIGHT - BOTTOM) if rows[0].better == "lower" else (HEIGHT - BOTTOM, TOP)
    y = axis_of([p[1] for p in points], *ends, log=metric_scale(primary) == "log")
    spots = [(x.at(a), y.at(b)) for a, b in points]
    parts = _frame(x, y, primary, words)
    steps = " ".join(f"{spots[i][0]:g},{spots[i][1]:g}" for i in chosen)
    parts.append(tag("polyline", class_="front", points=steps))
    named = _labels(models, spots, chosen)
    for i, (row, point, spot) in enumerate(zip(rows, points, spots)):
        inside = []
        about = f"{row.model}: {primary} {number(point[1])}"
        if row.ci_low is not None and row.ci_high is not None:
            inside += whisker(spot[0], y, row.ci_low, row.ci_high)
            about += f" {interval(row.ci_low, row.ci_high, row.unit)}"
        inside.append(mark(row.family, *spot, about=f"{about}; {words}: {number(point[0])}"))
        if i in named:
            left, top = named[i]
            inside.append(tag("text", models[i][:24], x=left, y=top, class_="on" if i in chosen else "name"))
        parts.append(tag("g", *inside, data_f=family_class(row.family)))
    label = f"{primary} against {words}; best in both senses: " + ", ".join(models[i] for i in chosen)
    return tag("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)


def _frame(x: Axis, y: Axis, primary: str, words: str) -> list[Markup]:
    right = WIDTH - RIGHT + 8
    parts = [tag("path", class_="axis", d=f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{right}")]
    for value, text in y.ticks(4):
        at = y.at(value)
        parts.append(tag("line", class_="grid", x1=LEFT, x2=right, y1=at, y2=at))
        parts.append(tag("text", text, x=LEFT - 7, y=round(at + 4, 1), text_anchor="end"))
    for value, text in x.ticks(4):
        parts.append(tag("text", text, x=x.at(value), y=HEIGHT - BOTTOM + 16, text_anchor="middle"))
    log = " (log)" if x.log else ""
    parts.append(tag("text", f"{words}{log}, better →", x=right, y=HEIGHT - 6, text_anchor="end"))
    parts.append(tag("text", f"better ↑ {primary}{' (log)' if y.log else ''}", x=LEFT + 6, y=TOP + 6))
    return parts


def _labels(models: list[str], spots: list[Point], chosen: list[int]) -> dict[int, Point]:
    """Choose where each name goes: the first place around its mark that covers no mark and no name."""
    boxes = [(a - 6, b - 6, a + 6, b + 6) for a, b in spots]
    placed: dict[int, Point] = {}
    for i in sorted(range(len(models)), key=lambda i: (i not in chosen, spots[i])):
        width = LETTER * min(len(models[i]), 24)
        a, b = spots[i]
        places = [(9, 4), (9, -5), (9, 13), (-9 - width, 4), (-width / 2, -9), (-width / 2, 18), (-9 - width, -6)]
        places += [(9, 22), (9, -16), (-9 - width, 14), (14, 31), (14, -26), (-14 - width, 26), (-14 - width, -20)]
        for dx, dy in places:
            box = (a + dx, b + dy - LABEL + 2, a + dx + width, b + dy + 2)
            inside = box[0] >= LEFT and box[2] <= WIDTH and box[1] >= 0 and box[3] <= HEIGHT - BOTTOM
            if inside and not any(_overlap(box, other) for other in boxes):
                boxes.append(box)
                placed[i] = (round(a + dx, 1), round(b + dy, 1))
                break
    return placed


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
