"""Numbers, intervals and headings as the pages of experiments write them."""

from __future__ import annotations

from typing import Any

from bench.render.text import DASH


def number(value: float | None) -> str:
    """Write at most three significant digits without trailing zeros, unlike the boards'; a dash for None.

    From 10,000 on whole, with commas: below 100,000 all digits, then three that count.
    """
    if value is None:
        return DASH
    if value and not 1e-3 <= abs(value) < 1e9:
        return f"{value:.2e}"
    if abs(value) >= 9999.5:
        return f"{value if abs(value) < 1e5 else float(f'{value:.3g}'):,.0f}"
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def signed_number(value: float | None) -> str:
    """Write a number with a plus where it is above 0."""
    return f"+{number(value)}" if value is not None and value > 0 else number(value)


def with_interval(value: float | None, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Write value [low, high], the brackets only where there are any."""
    if value is None:
        return DASH
    show = signed_number if signed else number
    return show(value) if low is None else f"{show(value)} [{show(low)}, {show(high)}]"


def effect_text(effect: dict[str, Any]) -> str:
    """Write a ratio as "x 1.5 [1.2, 1.9]", a difference with its sign."""
    ratio = effect["scale"] == "log"
    text = with_interval(effect["value"], effect["low"], effect["high"], signed=not ratio)
    return f"× {text}" if ratio else text


def correlation_text(correlation: dict[str, Any]) -> str:
    """Say in one sentence how two columns are correlated over the arms."""
    rho = with_interval(correlation["rho"], correlation["low"], correlation["high"], signed=True)
    return (
        f"Rank correlation of {correlation['x']} and {correlation['y']} over {correlation['n']} arms: "
        f"{rho}, p {p_text(correlation['p_holm'])}."
    )


def best_text(best: dict[str, Any]) -> str:
    """Say which of several arms stands under a name, and what each had on the public board."""
    values = ", ".join(f"{arm} {number(value)}" for arm, value in best["public"].items())
    return f"{best['name']}: the best of these by {best['column']} on the public board is {best['arm']} ({values})."


def p_text(p: float | None) -> str:
    """Write a p-value, never as 0."""
    return DASH if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def plus_minus(value: float | None, se: float | None) -> str:
    """Write value ± standard error."""
    return DASH if value is None else number(value) + (f" ± {number(se)}" if se is not None else "")


def length_text(result: dict[str, Any]) -> str:
    """Say whether a result is of the published protocol, and if not, what differs."""
    return "full length" if result["full"] else f"not the published protocol: {result['note']}"


def seeds_text(seeds: int) -> str:
    """Write "one seed", "5 seeds"."""
    return "one seed" if seeds == 1 else f"{seeds} seeds"


def failures_text(result: dict[str, Any]) -> str:
    """Count the runs of each arm that diverged or failed, in one sentence; empty where all ended well."""
    counts = []
    for arm in result["arms"]:
        failed = sum(run["status"] != "ok" for run in arm["runs"])
        if failed:
            counts.append(f"{arm['name']}: {failed} of {len(arm['runs'])}")
    if not counts:
        return ""
    words = "Runs that diverged or failed, left out of every mean but the share that collapsed"
    return f"{words}: {', '.join(counts)}."
