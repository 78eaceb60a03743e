"""Training curves as small panels of SVG: losses, D(x) and D(G(z)), gradients, quality, modes."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from bench.leaderboard.row import Row
from bench.leaderboard.scales import metric_scale
from bench.records.record import Record
from bench.render.axis import Axis, axis_of, short
from bench.render.html.source import Key, Source, family_class, slug
from bench.render.svg import Point, path_of, tag
from bench.render.text import number
from bench.render.words import REAL

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 232, 120, 36, 16, 8
POINTS = 32
MAX_MODELS = 30  # on one board, so that a page of thousands of variants stays a page
NAMES = {"d_loss": "D", "g_loss": "G", "d_real": "D(x)", "d_fake": "D(G(z))", "w_distance": "W distance"}
PROBABILITIES = ("d_real", "d_fake")
Series = tuple[str, list[Point]]


def training_figures(source: Source, key: Key, order: list[str]) -> list[dict[str, Any]]:
    """Make an entry for each model that was trained step by step, best first: its name and its panels."""
    figures: list[dict[str, Any]] = []
    public = source.primary(key)
    real = public["oracle"].centre if "oracle" in public else None
    for model in order:
        if len(figures) == MAX_MODELS:
            break
        records = source.cells[key][model]
        panels = model_panels(records, source.boards.primaries[key[2]][0], public.get(model), real)
        if panels:
            family = records[0]["model"]["family"]
            card = "m-" + slug(records[0]["model"]["id"])
            figures.append({"model": model, "card": card, "family_class": family_class(family), "panels": panels,
                            "marks": source.marks(key, model)})  # fmt: skip
    return figures


def model_panels(
    records: list[Record], primary: str, row: Row | None = None, real: float | None = None
) -> list[dict[str, Any]]:
    """Draw the panels of one row: curves of the first seed that has one, quality and modes of every seed.

    row: its interval on the board ends the panel of quality. real: the score of real data, a line across it.
    """
    first = next((r for r in records if r.get("curve")), None)
    if first is None:
        return []
    names = sorted({name for point in first["curve"] for name in point} - {"step", "seconds"})
    losses = [n for n in names if n not in PROBABILITIES and not n.startswith("grad_")]
    gradients = [n for n in names if n.startswith("grad_")]
    interval = None if row is None or row.ci_low is None or row.ci_high is None else (row.ci_low, row.ci_high)
    looks = {"log": metric_scale(primary) == "log", "dots": True, "real": real, "interval": interval}
    parts: list[tuple[str, list[Series], dict[str, Any]]] = [
        ("Losses", [(NAMES.get(n, n), _series(first, n)) for n in losses], {}),
        ("D(x) and D(G(z))", [(NAMES[n], _series(first, n)) for n in PROBABILITIES if n in names], {"half": True}),
        ("Gradient norms", [(n[5:], _series(first, n)) for n in gradients], {"log": True}),
        (f"{primary} during training", _probes(records, "probes"), looks),
        ("Modes found", _moving(_probes(records, "modes")), {"dots": True, "zero": True}),
    ]
    return [panel(title, series, **options) for title, series, options in parts if any(s for _, s in series)]


def _series(record: Record, name: str) -> list[Point]:
    points = [(p["step"], p[name]) for p in record["curve"] if p.get(name) is not None]
    every = -(-len(points) // POINTS)
    return points if every <= 1 else points[:-1:every] + points[-1:]


def _probes(records: list[Record], name: str) -> list[Series]:
    """Read one series a seed."""
    probes = [(f"seed {r['seed']}", [tuple(p) for p in r["training"].get(name) or []]) for r in records]
    return [(label, points) for label, points in probes if points]


def _moving(series: list[Series]) -> list[Series]:
    """Leave out what never changes: a flat line tells less than the column of the board."""
    return series if len({value for _, points in series for _, value in points}) > 1 else []


def panel(
    title: str,
    series: list[Series],
    *,
    log: bool = False,
    half: bool = False,
    dots: bool = False,
    zero: bool = False,
    real: float | None = None,
    interval: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """Draw one panel: title, legend [(class, label)], svg.

    At most four lines have colours of their own; seeds (`dots`) share one colour. real: where a line stands for real data.
    interval: the result on the board, drawn at the end.
    """
    every = [p for _, points in series for p in points]
    x = Axis(0, max(step for step, _ in every) or 1, LEFT, WIDTH - 6)
    marked = ([] if real is None else [real]) + list(interval or ())
    values = [v for _, v in every] + ([0.0] if zero else []) + marked
    y = Axis(0, 1, HEIGHT - BOTTOM, TOP) if half else axis_of(values, HEIGHT - BOTTOM, TOP, log=log)
    parts = _axes(x, y)
    if half:
        parts.append(tag("line", class_="half", x1=LEFT, x2=WIDTH - 6, y1=y.at(0.5), y2=y.at(0.5)))
    if real is not None:
        parts.append(tag("line", class_="half", x1=LEFT, x2=WIDTH - 6, y1=y.at(real), y2=y.at(real)))
    if interval is not None:
        parts.append(tag("line", class_="last", x1=WIDTH - 3, x2=WIDTH - 3, y1=y.at(interval[0]), y2=y.at(interval[1])))
    for i, (_, points) in enumerate(series):
        colour = "c0" if dots else f"c{min(i, 3)}"
        parts.append(tag("polyline", class_=colour, points=path_of(points, x, y)))
        if dots:
            spots = "".join(f"M{x.at(a):g} {y.at(b):g}h0" for a, b in points)
            parts.append(tag("path", class_=f"{colour} dots", d=spots))
    legend = [("c0", f"{len(series)} seeds")] if dots and len(series) > 1 else []
    if not dots:
        legend = [(f"c{min(i, 3)}", label) for i, (label, _) in enumerate(series)]
    if half:
        legend.append(("half", "1/2"))
    if real is not None:
        legend.append(("half", REAL))
    if interval is not None:
        legend.append(("last", "95 % interval"))
    label = f"{title}: " + ", ".join(f"{name} ends at {number(points[-1][1])}" for name, points in series[:6] if points)
    return {"title": title + (" (log)" if y.log else ""), "legend": legend, "svg": _svg(label, parts)}


def _axes(x: Axis, y: Axis) -> list[Markup]:
    parts = [tag("path", class_="axis", d=f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - 6}")]
    for value, text in y.ticks(3):
        at = y.at(value)
        parts.append(tag("line", class_="grid", x1=LEFT, x2=WIDTH - 6, y1=at, y2=at))
        parts.append(tag("text", text, x=LEFT - 4, y=round(at + 3.5, 1), text_anchor="end"))
    parts.append(tag("text", "0", x=LEFT, y=HEIGHT - 4))
    parts.append(tag("text", f"step {short(x.high)}", x=WIDTH - 6, y=HEIGHT - 4, text_anchor="end"))
    return parts


def _svg(label: str, parts: list[Markup]) -> Markup:
    return tag("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)
