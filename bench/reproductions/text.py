"""Numbers, intervals and headings as the pages of reproductions write them."""

from __future__ import annotations

from typing import Any

from bench.reproductions.protocol import names

DASH = "–"
Results = dict[tuple[str, str], dict[str, Any]]


def number(value: float | None) -> str:
    """Three significant digits; a dash for None."""
    if value is None:
        return DASH
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def with_interval(value: float | None, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Value [low, high], the brackets only where there are any."""
    if value is None:
        return DASH
    show = (lambda v: ("+" if v > 0 else "") + number(v)) if signed else number
    return show(value) if low is None else f"{show(value)} [{show(low)}, {show(high)}]"


def effect_text(effect: dict[str, Any]) -> str:
    """A ratio as "x 1.5 [1.2, 1.9]", a difference with its sign."""
    ratio = effect["scale"] == "log"
    text = with_interval(effect["value"], effect["low"], effect["high"], signed=not ratio)
    return f"× {text}" if ratio else text


def p_text(p: float | None) -> str:
    """A p-value, never 0."""
    return DASH if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def plus_minus(value: float | None, se: float | None) -> str:
    """Value ± standard error."""
    return DASH if value is None else number(value) + (f" ± {number(se)}" if se is not None else "")


def cost_rows(results: Results) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """A row a stored result: its runs and the CPU time they took; a sum for each budget."""
    rows, sums = [], {}
    for (name, budget), result in sorted(results.items(), key=lambda item: (item[0][1], names().index(item[0][0]))):
        runs = sum(len(arm["runs"]) for arm in result["arms"]) if result["core_minutes"] else 0
        sums[budget] = sums.get(budget, 0.0) + result["core_minutes"]
        rows.append((name, budget, str(runs), f"{result['core_minutes']:.1f}"))
    rows += [("all of these", budget, "", f"{minutes:.1f}") for budget, minutes in sums.items()]
    return ("name", "budget", "runs", "core-minutes"), tuple(rows)


def length_text(result: dict[str, Any]) -> str:
    """Whether it is the published protocol, and what is not."""
    return "full length" if result["full"] else f"not the published protocol: {result['note']}"


def seeds_text(seeds: int) -> str:
    """ "one seed", "5 seeds"."""
    return "one seed" if seeds == 1 else f"{seeds} seeds"


def heading(name: str, column: dict[str, Any]) -> str:
    """A column's name with the direction that is good."""
    return name + {"higher": " ↑", "lower": " ↓"}.get(column["better"], "")


def _diverged(result: dict[str, Any]) -> str:
    counts = {
        arm["name"]: f"{n} of {len(arm['runs'])}"
        for arm in result["arms"]
        if (n := sum(run["status"] != "ok" for run in arm["runs"]))
    }
    return (
        "Runs that diverged or failed, left out of every mean but the share that collapsed: "
        + ", ".join(f"{k}: {v}" for k, v in counts.items())
        + "."
        if counts
        else ""
    )


def _wrapped(text: str, width: int = 120) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)
