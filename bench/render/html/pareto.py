"""Quality against sampling speed: a mark a model, and the front of those that no other beats in both.

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

Box = tuple[float, float, float, float]  # left, top, right, bottom
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 340, 56, 120, 14, 40
LABEL, LETTER = 12.5, 7.2  # height of a label's line and width of a letter, in units of the view box
SHAPES = {  # a family's mark is a shape too, so that colour carries nothing alone
    "statistical": "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0",
    "tractable": "M-4 -4h8v8h-8z",
    "approximate": "M0 -5.5L5.5 0L0 5.5L-5.5 0z",
    "implicit": "M0 -5L5 4.2H-5z",
    "extension": "M0 5L5 -4.2H-5z",
}


def front(points: Sequence[Point], *, better: str) -> list[int]:
    """List the indices of points (speed, quality) that no other beats in both, by falling speed."""
    sign = 1 if better == "lower" else -1
    best, chosen = float("inf"), []
    for i in sorted(range(len(points)), key=lambda i: (-points[i][0], sign * points[i][1])):
        if sign * points[i][1] < best:
            best = sign * points[i][1]
            chosen.append(i)
    return chosen


def quality_and_speed(source: Source, key: Key) -> dict[str, Any] | None:
    """Draw the figure and name the models on the front; None with fewer than two models that have both."""
    speeds = source.rows[key].get(("", "sample_examples_per_s"), {})
    rows: list[Row] = []
    points: list[Point] = []
    for model, row in source.primary(key).items():
        speed = speeds[model].centre if model in speeds else None
        if speed is not None and row.centre is not None and not row.reference and not row.n_failed:
            rows.append(row)
            points.append((speed, row.centre))
    if len(rows) < 2:
        return None
    chosen = front(points, better=rows[0].better)
    families = {row.family for row in rows}
    return {
        "svg": _figure(rows, points, chosen),
        "front": [rows[i].model for i in chosen],
        "families": [family for family in FAMILIES if family in families],
    }


def mark(family: str, x: float, y: float) -> Markup:
    """Draw a family's mark at a position."""
    shape = SHAPES.get(family, SHAPES["statistical"])
    return tag("path", class_=f"mark {family_class(family)}", d=shape, transform=f"translate({x:g} {y:g})")


def whisker(x: float, y: Axis, low: float, high: float) -> Markup:
    """Draw a vertical line over an interval, held inside the axis."""
    return tag("line", class_="whisker", x1=x, x2=x, y1=y.at(low), y2=y.at(high))


def _figure(rows: list[Row], points: list[Point], chosen: list[int]) -> Markup:
    """Draw the front, and a mark, a whisker and (where there is room) a name for each row."""
    primary, models = rows[0].metric, [row.model for row in rows]
    x = axis_of([p[0] for p in points], LEFT, WIDTH - RIGHT, log=True)
    ends = (TOP, HEIGHT - BOTTOM) if rows[0].better == "lower" else (HEIGHT - BOTTOM, TOP)  # good is up
    y = axis_of([p[1] for p in points], *ends, log=metric_scale(primary) == "log")
    spots = [(x.at(a), y.at(b)) for a, b in points]
    parts = _frame(x, y, primary)
    steps = " ".join(f"{spots[i][0]:g},{spots[i][1]:g}" for i in chosen)
    parts.append(tag("polyline", class_="front", points=steps))
    for row, (left, _) in zip(rows, spots):
        if row.ci_low is not None and row.ci_high is not None:
            parts.append(whisker(left, y, row.ci_low, row.ci_high))
    parts += [mark(row.family, *spot) for row, spot in zip(rows, spots)]
    for i, (left, top) in _labels(models, spots, chosen).items():
        parts.append(tag("text", models[i][:24], x=left, y=top, class_="on" if i in chosen else "name"))
    label = f"{primary} against samples a second; best in both senses: " + ", ".join(models[i] for i in chosen)
    return tag("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)


def _frame(x: Axis, y: Axis, primary: str) -> list[Markup]:
    parts = [tag("path", class_="axis", d=f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT + 8}")]
    for value, text in y.ticks(4):
        at = y.at(value)
        parts.append(tag("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT + 8, y1=at, y2=at))
        parts.append(tag("text", text, x=LEFT - 7, y=round(at + 4, 1), text_anchor="end"))
    for value, text in x.ticks(5):
        parts.append(tag("text", text, x=x.at(value), y=HEIGHT - BOTTOM + 16, text_anchor="middle"))
    parts.append(tag("text", "samples a second (log) →", x=WIDTH - RIGHT + 8, y=HEIGHT - 6, text_anchor="end"))
    scale = " (log)" if y.log else ""
    parts.append(tag("text", f"better ↑ {primary}{scale}", x=LEFT + 6, y=TOP + 6))
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
