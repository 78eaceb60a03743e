"""The tables of results: arms by column, comparisons, ours beside theirs, and what it all cost."""

from __future__ import annotations

from typing import Any

from bench.render.text import DASH
from bench.reproductions.protocol import names
from bench.reproductions.text import effect_text, number, p_text, plus_minus, with_interval

Results = dict[tuple[str, str], dict[str, Any]]  # by (name of the experiment, budget)
Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]  # headings, rows
ARROWS = {"higher": " ↑", "lower": " ↓"}  # beside a column's name: the direction that is good


def arm_rows(result: dict[str, Any], arms: list[dict[str, Any]]) -> Table:
    """Make a row of each arm, with a cell for each column that any of these arms has."""
    kept = [name for name in result["order"] if any(name in arm["summary"] for arm in arms)]
    headings = (name + ARROWS.get(result["columns"][name]["better"], "") for name in kept)
    rows = ((arm["name"], *(_summary(arm["summary"].get(name)) for name in kept)) for arm in arms)
    return ("arm", *headings), tuple(rows)


def _summary(summary: dict[str, Any] | None) -> str:
    return DASH if summary is None else with_interval(summary["centre"], summary["low"], summary["high"])


def effect_rows(result: dict[str, Any]) -> Table:
    """Make a row of each comparison."""
    rows = ((e["a"], e["b"], e["column"], effect_text(e), p_text(e["p_holm"]), e["words"]) for e in result["compare"])
    return ("arm", "against", "column", "effect", "p", "finding"), tuple(rows)


def target_rows(result: dict[str, Any]) -> Table:
    """Make a row of each published number, with ours beside theirs."""
    judged = any(target.get("margin") for target in result["targets"])
    headings = ("what", "metric", "theirs", "ours", "ours - theirs", *(("margin",) if judged else ()), "verdict")
    return headings, tuple(_target_row(target, judged=judged) for target in result["targets"])


def _target_row(target: dict[str, Any], *, judged: bool) -> tuple[str, ...]:
    other_metric, other_data = (target[f"shown_{name}"] != target[name] for name in ("metric", "data"))
    metric = f"{target['metric']}; ours: {target['shown_metric']}" if other_metric else target["metric"]
    ours = plus_minus(target["ours"], target["ours_se"])
    ours += f" ({target['n_ours']} of {target['n_runs']} runs)" if target["n_ours"] < target["n_runs"] else ""
    ours += f" on {target['shown_data']}" if other_data else ""
    difference = with_interval(target["difference"], target["low"], target["high"], signed=True)
    theirs = plus_minus(target["value"], target["se"])
    shown = DASH if other_metric or other_data else difference
    margin = (number(target.get("margin")),) if judged else ()
    return target["arm"], metric, theirs, ours, shown, *margin, target["verdict"]


def cost_rows(results: Results) -> Table:
    """Make a row of each stored result: its runs and their CPU time; then a sum for each budget."""
    rows: list[tuple[str, ...]] = []
    sums: dict[str, float] = {}
    for (name, budget), result in sorted(results.items(), key=lambda item: (item[0][1], names().index(item[0][0]))):
        minutes = result["core_minutes"]
        runs = sum(len(arm["runs"]) for arm in result["arms"]) if minutes else 0
        sums[budget] = sums.get(budget, 0.0) + minutes
        rows.append((name, budget, str(runs), f"{minutes:.1f}"))
    rows += [("all of these", budget, "", f"{minutes:.1f}") for budget, minutes in sums.items()]
    return ("name", "budget", "runs", "core-minutes"), tuple(rows)
