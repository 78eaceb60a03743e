"""Write a search in words: its trials, the best first, and the best settings as lines of a suite."""

from __future__ import annotations

import json
import re
from typing import Any

from bench.records.tuning import Search, cost_of
from bench.render.text import DASH, clean, number

ARROWS = {"lower": "↓", "higher": "↑"}


def order_of(search: Search) -> list[int]:
    """Return the numbers of the trials, the best first, those without a value last."""
    sign = -1 if search["metric"]["better"] == "higher" else 1
    key = lambda i: (search["trials"][i]["value"] is None, sign * (search["trials"][i]["value"] or 0.0), i)
    return sorted(range(len(search["trials"])), key=key)


def trial_lines(search: Search) -> list[str]:
    """Write the trials as a table with their settings; trial 0 is the model's defaults."""
    names = sorted(search["search"])
    metric = f"{search['metric']['name']} {ARROWS.get(search['metric']['better'], '')}".strip()
    rows = [["trial", metric, "core-s", *names, ""]]
    for i in order_of(search):
        trial = search["trials"][i]
        cost = DASH if trial["core_seconds"] is None else number(trial["core_seconds"])
        value = DASH if trial["value"] is None else number(trial["value"])
        told = "" if trial["status"] == "ok" else f"{trial['status']}: {trial.get('error', '')}"
        words = "; ".join(part for part in ("the defaults" if i == 0 else "", told) if part)
        rows.append([str(i), value, cost, *(_shown(trial["settings"].get(name)) for name in names), words])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        clean("  ".join(cell.rjust(width) for cell, width in zip(row[:-1], widths)) + f"  {row[-1]}").rstrip()
        for row in rows
    ]


def head_line(search: Search) -> str:
    """Say what was searched, for how long, and on what."""
    steps = f", {search['steps']} steps" if search["steps"] else ""
    fixed = "".join(f", {name}={_shown(value)}" for name, value in search["fixed"].items() if name != "steps")
    return clean(
        f"{search['model']} on {search['dataset']}, public board: {len(search['trials'])} trials, {cost_of(search):,.0f} "
        f"core-seconds (suite {search['suite']}, {search['device']}{steps}{fixed}, training seed {search['seed']})"
    )


def toml_lines(search: Search) -> list[str]:
    """Write the best settings as the lines of a suite; [] where no trial has a value."""
    if search["best"] is None:
        return []
    settings = search["trials"][search["best"]]["settings"]
    lines = [f"[set.{_key(search['model'])}.{_key(search['dataset'])}]"]
    for name, value in sorted(settings.items()):
        lines.append(
            f"# {name} is None, which TOML has no word for: leave it out"
            if value is None
            else f"{name} = {toml(value)}"
        )
    return lines


def toml(value: Any) -> str:
    """Write a value of JSON as TOML; the two agree on strings, finite numbers and truth values."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
