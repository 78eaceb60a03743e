"""Plots of a result as SVG: arms as dots with 95 % intervals, and curves over the training steps.

A white ground, 640 units wide, scaled by the page to its width; every seed is a small tick under its arm's dot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from bench.render.axis import Axis, decade_ticks, round_ticks, short
from bench.render.svg import Point, path_of, tag

WIDTH, LEFT, RIGHT, ROW, TOP, BOTTOM = 640, 215, 20, 20, 30, 34
CURVE_LEFT, CURVE_HEIGHT, LEGEND_ROW = 60, 150, 15
TICKS = 6
LOG_AXIS = ", log axis"  # behind the title of a panel that has one
COLOURS = ("#1b6ca8", "#c4501b", "#2e8b57", "#8a4baf", "#a8801b", "#444444", "#c2185b", "#00838f", "#6d4c41")
INK, FAINT, SEED = "#222222", "#cccccc", "#888888"
Panel = tuple[list[Markup], float]  # what is drawn, and how high it is


def svg(result: dict[str, Any], columns: tuple[str, ...], curves: tuple[str, ...]) -> str:
    """Draw one picture of a result: a panel for each column that any arm has, then one for each curve."""
    panels = [_dots(result["arms"], name, result["columns"][name]) for name in columns if name in result["columns"]]
    panels += [_lines(result["curves"], name) for name in curves]
    parts: list[Markup] = []
    height = 0.0
    for body, tall in (panel for panel in panels if panel is not None):
        parts.append(tag("g", *body, transform=f"translate(0,{height:g})"))
        height += tall
    ground = tag("rect", width=WIDTH, height=f"{height:g}", fill="white")
    picture = tag(
        *("svg", tag("title", result["title"]), ground, *parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        font_family="sans-serif",
        font_size=11,
        fill=INK,
    )
    return f"{picture}\n"


def _axis(values: Sequence[float], start: float, end: float, *, log: bool) -> Axis:
    """Span an axis over the values with a margin of 5 %; what is outside is held at its edge."""
    log = log and min(values) > 0
    low, high = (math.log10(v) if log else v for v in (min(values), max(values)))
    margin = 0.05 * (high - low) or 0.5 * (abs(low) or 1.0)
    low, high = (10**v if log else v for v in (low - margin, high + margin))
    return Axis(low, high, start, end, log, over=0.0)


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    """List a few round values inside the axis: (position, label)."""
    values = (decade_ticks if axis.log else round_ticks)(axis.low, axis.high, TICKS)
    return [(axis.at(value), f"{value:g}" if abs(value) < 1e4 else short(value)) for value in values]


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str | None = None) -> Markup:
    return tag("text", text, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor, font_weight=weight)


def _line(start: Point, end: Point, colour: str, *, width: float = 1) -> Markup:
    (x1, y1), (x2, y2) = ((f"{x:g}", f"{y:g}") for x, y in (start, end))
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=f"{width:g}")


def _dots(arms: list[dict[str, Any]], name: str, column: dict[str, Any]) -> Panel | None:
    """Draw a column: a row for each arm that has it, or nothing where none has."""
    arms = [arm for arm in arms if name in arm["summary"]]
    if not arms:
        return None
    seeds = [[run["values"][name] for run in arm["runs"] if name in run["values"]] for arm in arms]
    axis = _axis_of_dots([arm["summary"][name] for arm in arms], seeds, log=column["scale"] == "log")
    bottom = TOP + ROW * len(arms)
    arrow = {"higher": " (higher is better)", "lower": " (lower is better)"}.get(column["better"], "")
    parts = [_text(4, 16, column["title"] + arrow + LOG_AXIS * bool(axis.log), weight="bold")]
    for x, label in _ticks(axis):
        parts += [_line((x, TOP - 4), (x, bottom), FAINT, width=0.6), _text(x, bottom + 14, label, anchor="middle")]
    for i, (arm, values) in enumerate(zip(arms, seeds, strict=True)):
        y, summary = TOP + ROW * (i + 0.5), arm["summary"][name]
        parts.append(_text(LEFT - 8, y + 4, _cut(arm["name"], 36), anchor="end"))
        parts += [_line((axis.at(v), y + 4), (axis.at(v), y + 8), SEED) for v in values]
        if summary["low"] is not None:
            parts.append(_line((axis.at(summary["low"]), y), (axis.at(summary["high"]), y), COLOURS[0], width=2))
        parts.append(tag("circle", cx=f"{axis.at(summary['centre']):g}", cy=f"{y:g}", r=3.5, fill=COLOURS[0]))
    return parts, bottom + BOTTOM


def _axis_of_dots(summaries: list[dict[str, Any]], seeds: list[list[float]], *, log: bool) -> Axis:
    """Span an axis over all seeds and centres, and over interval ends not too far from them."""
    points = [v for values in seeds for v in values] + [summary["centre"] for summary in summaries]
    ends = [end for summary in summaries for end in (summary["low"], summary["high"]) if end is not None]
    return _axis([v for v in points + _tame(ends, points) if v > 0 or not log] or points, LEFT, WIDTH - RIGHT, log=log)


def _tame(ends: list[float], points: list[float]) -> list[float]:
    """Pull interval ends to within half the points' range: a wide interval runs off the axis."""
    low, high = min(points), max(points)
    room = 0.5 * (high - low) or abs(high) or 1.0
    return [min(max(e, low - room), high + room) for e in ends]


def _lines(curves: dict[str, dict[str, Any]], name: str) -> Panel | None:
    """Draw a curve of each arm that has it, with a legend below, or nothing where none has."""
    having = {arm: series[name] for arm, series in curves.items() if series.get(name)}
    if not having:
        return None
    bottom = TOP + CURVE_HEIGHT
    x = _axis([step for points in having.values() for step, _ in points], CURVE_LEFT, WIDTH - RIGHT, log=False)
    y = _axis([v for points in having.values() for _, v in points], bottom, TOP, log=name.startswith("grad_"))
    parts = [_text(4, 16, f"{name}, mean over seeds, by training step{LOG_AXIS * y.log}", weight="bold")]
    for at, label in _ticks(y):
        parts.append(_line((CURVE_LEFT, at), (WIDTH - RIGHT, at), FAINT, width=0.6))
        parts.append(_text(CURVE_LEFT - 6, at + 4, label, anchor="end"))
    parts += [_text(at, bottom + 14, label, anchor="middle") for at, label in _ticks(x)]
    for i, (arm, points) in enumerate(having.items()):
        colour = COLOURS[i % len(COLOURS)]
        parts.append(tag("polyline", points=path_of(points, x, y), fill="none", stroke=colour, stroke_width=1.5))
        left, base = (CURVE_LEFT if i % 2 == 0 else 350), bottom + 32 + LEGEND_ROW * (i // 2)
        parts.append(_line((left, base - 4), (left + 16, base - 4), colour, width=2.5))
        parts.append(_text(left + 22, base, _cut(arm, 42)))
    return parts, bottom + 32 + LEGEND_ROW * ((len(having) + 1) // 2) + 6


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
