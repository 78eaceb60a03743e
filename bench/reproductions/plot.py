"""Plots as SVG, written by hand so that they need no library: arms as dots with 95 % intervals, and curves over the steps.

A white ground, 640 units wide, scaled by the page to its width; every seed is a small tick under its arm's dot.
"""

from __future__ import annotations

import math
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT, ROW, TOP, BOTTOM = 640, 215, 20, 20, 30, 34
COLOURS = ("#1b6ca8", "#c4501b", "#2e8b57", "#8a4baf", "#a8801b", "#444444", "#c2185b", "#00838f", "#6d4c41")
INK, FAINT = "#222222", "#cccccc"


def svg(result: dict[str, Any], columns: tuple[str, ...], curves: tuple[str, ...]) -> str:
    """One picture of a result: a panel for each column that any arm has, then one for each curve."""
    arms = result["arms"]
    panels = [p for name in columns if name in result["columns"] and (p := _dots(arms, name, result["columns"][name]))]
    panels += [p for name in curves if (p := _lines(result["curves"], name))]
    parts, height = [], 0.0
    for body, tall in panels:
        parts.append(f'<g transform="translate(0,{height:g})">{body}</g>')
        height += tall
    title = escape(result["title"])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'font-family="sans-serif" font-size="11" fill="{INK}"><title>{title}</title>'
        f'<rect width="{WIDTH}" height="{height:g}" fill="white"/>{"".join(parts)}</svg>\n'
    )


class Axis:
    """Values to places between LEFT and WIDTH - RIGHT, linear or logarithmic, with ticks."""

    def __init__(self, values: list[float], *, log: bool, left: float = LEFT, right: float = WIDTH - RIGHT) -> None:
        self.log = log and min(values) > 0
        ends = [self._to(min(values)), self._to(max(values))]
        pad = 0.05 * (ends[1] - ends[0]) or 0.5 * (abs(ends[0]) or 1.0)
        self.low, self.high = ends[0] - pad, ends[1] + pad
        self.left, self.right = left, right

    def _to(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def __call__(self, value: float) -> float:
        share = (self._to(max(value, 1e-300) if self.log else value) - self.low) / (self.high - self.low)
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left), 1)

    def ticks(self) -> list[float]:
        """A few round values inside the axis."""
        if self.log and self.high - self.low >= 1:
            span = range(math.ceil(self.low), math.floor(self.high) + 1)
            stride = max(1, math.ceil(len(span) / 6))
            if len(span) < 3:
                finer = [m * 10.0**k for k in range(span.start - 1, span.stop) for m in (1, 2, 5)]
                return [tick for tick in finer if self.low <= math.log10(tick) <= self.high]
            return [10.0**k for k in span if k % stride == 0]
        low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        step = 10 ** math.floor(math.log10((high - low) / 4))
        step *= next(m for m in (1, 2, 5, 10) if (high - low) / (m * step) <= 6)
        first = math.ceil(low / step)
        return [float(f"{k * step:.6g}") for k in range(first, math.floor(high / step) + 1)]


def _text(x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" stroke-width="{width:g}"/>'


def _dots(arms: list[dict[str, Any]], name: str, column: dict[str, Any]) -> tuple[str, float] | None:
    rows = [arm for arm in arms if name in arm["summary"]]
    if not rows:
        return None
    seeds = [[run["values"][name] for run in arm["runs"] if name in run["values"]] for arm in rows]
    log = column["scale"] == "log"
    ends = [e for arm in rows for e in (arm["summary"][name]["low"], arm["summary"][name]["high"]) if e is not None]
    points = [v for values in seeds for v in values] + [arm["summary"][name]["centre"] for arm in rows]
    span = [v for v in points + _tame(ends, points) if v > 0 or not log] or points
    axis = Axis(span, log=log)
    bottom = TOP + ROW * len(rows)
    arrow = {"higher": " (higher is better)", "lower": " (lower is better)"}.get(column["better"], "")
    parts = [_text(4, 16, column["title"] + arrow, more=' font-weight="bold"')]
    for tick in axis.ticks():
        parts += [
            _line(axis(tick), TOP - 4, axis(tick), bottom, FAINT, 0.6),
            _text(axis(tick), bottom + 14, f"{tick:g}", "middle"),
        ]
    for i, (arm, values) in enumerate(zip(rows, seeds, strict=True)):
        y, summary = TOP + ROW * (i + 0.5), arm["summary"][name]
        parts.append(_text(LEFT - 8, y + 4, _cut(arm["name"], 36), "end"))
        parts += [_line(axis(v), y + 4, axis(v), y + 8, "#888888") for v in values]
        if summary["low"] is not None:
            parts.append(_line(axis(summary["low"]), y, axis(summary["high"]), y, COLOURS[0], 2))
        parts.append(f'<circle cx="{axis(summary["centre"]):g}" cy="{y:g}" r="3.5" fill="{COLOURS[0]}"/>')
    return "".join(parts), bottom + BOTTOM


def _tame(ends: list[float], points: list[float]) -> list[float]:
    """Interval ends, but none farther from the points than half their range: a wide interval runs off the axis."""
    low, high = min(points), max(points)
    room = 0.5 * (high - low) or abs(high) or 1.0
    return [min(max(e, low - room), high + room) for e in ends]


def _lines(curves: dict[str, dict[str, Any]], name: str) -> tuple[str, float] | None:
    having = {arm: series[name] for arm, series in curves.items() if series.get(name)}
    if not having:
        return None
    values = [v for points in having.values() for _, v in points]
    across = Axis([s for points in having.values() for s, _ in points], log=False, left=60)
    plot_height = 150
    up = Axis(values, log=name.startswith("grad_"), left=TOP + plot_height, right=TOP)
    parts = [_text(4, 16, f"{name}, mean over seeds, by training step", more=' font-weight="bold"')]
    for tick in up.ticks():
        parts += [_line(60, up(tick), WIDTH - RIGHT, up(tick), FAINT, 0.6), _text(54, up(tick) + 4, f"{tick:g}", "end")]
    bottom = TOP + plot_height
    parts += [_text(across(tick), bottom + 14, f"{tick:g}", "middle") for tick in across.ticks()]
    for i, (arm, points) in enumerate(having.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{across(s):g},{up(v):g}" for s, v in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        x, y = (60 if i % 2 == 0 else 350), bottom + 32 + 15 * (i // 2)
        parts += [_line(x, y - 4, x + 16, y - 4, colour, 2.5), _text(x + 22, y, _cut(arm, 42))]
    return "".join(parts), bottom + 32 + 15 * ((len(having) + 1) // 2) + 6


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
