"""docs/reproductions.md: published numbers beside ours."""

from __future__ import annotations

from typing import Any

from bench.render.markdown import table
from bench.reproductions.protocol import Experiment, load_experiment, names
from bench.reproductions.questions_page import arm_rows, effect_rows
from bench.reproductions.text import DASH, Results, cost_rows, length_text, plus_minus, seeds_text, with_interval


def reproductions_page(results: Results) -> str:
    """docs/reproductions.md."""
    lines = [
        "# Published results, reproduced",
        "",
        "Made by `bench reproduce`; do not edit. Ours stands beside theirs, each with its standard error, and the verdict is a",
        "two-sided test at 5 % on the combined standard error: *reproduced* (the test does not tell them apart: with few runs",
        "that is easy), *better* or *not reproduced*. A protocol that was shortened, run on other data or with other networks is",
        "*not comparable* whatever the numbers; where some of our runs have no value it is *undecided*. Theirs without an error",
        "counts as exact but for its rounding. Grade of evidence for theirs: F read in the authors' files, P in the paper, S",
        "quoted by a third party, M from memory, X computed for this project.",
        "",
    ]
    for name in (n for n in names() if not n.startswith("question-")):
        lines += _published(load_experiment(name), results)
    lines += [
        "## What it costs",
        "",
        "Measured core-minutes of every protocol, questions included; on N cores divide by N.",
        "",
    ]
    lines += [table(*cost_rows(results)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _published(experiment: Experiment, results: Results) -> list[str]:
    lines = [f"## {experiment.title}", "", f"`bench reproduce {experiment.name}`", ""]
    lines += [
        f"- Source: {experiment.paper}; {experiment.source} (grade {experiment.grade})",
        f"- Protocol: {experiment.protocol}",
    ]
    lines += [f"- Differs: {'; '.join(experiment.differs)}"] if experiment.differs else []
    lines += [""]
    found = [results[experiment.name, budget] for budget in experiment.budget if (experiment.name, budget) in results]
    if not found:
        needs = ", ".join(sorted({arm.dataset for arm in experiment.arm}))
        lines += [f"Not run yet. At full length it needs {needs}.", ""]
    for result in found:
        length = length_text(result)
        lines += [f"Budget `{result['budget']}` ({length}), {seeds_text(result['seeds'])}:", ""]
        lines += [table(*target_rows(result)), ""]
        others = [arm for arm in result["arms"] if arm["name"] not in {t["arm"] for t in result["targets"]}]
        lines += [table(*arm_rows(result, others)), ""] if others else []
        lines += [table(*effect_rows(result)), ""] if result["compare"] else []
    return lines


def target_rows(result: dict[str, Any]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Headings and rows of ours beside theirs."""
    headings = ("what", "metric", "theirs", "ours", "ours - theirs", "verdict")
    rows = []
    for t in result["targets"]:
        stand_in = (t["shown_metric"], t["shown_data"]) != (t["metric"], t["data"])
        difference = DASH if stand_in else with_interval(t["difference"], t["low"], t["high"], signed=True)
        metric = t["metric"] if t["shown_metric"] == t["metric"] else f"{t['metric']}; ours: {t['shown_metric']}"
        ours = plus_minus(t["ours"], t["ours_se"])
        ours += f" ({t['n_ours']} of {t['n_runs']} runs)" if t["n_ours"] < t["n_runs"] else ""
        ours += f" on {t['shown_data']}" if t["shown_data"] != t["data"] else ""
        rows.append((t["arm"], metric, plus_minus(t["value"], t["se"]), ours, difference, t["verdict"]))
    return headings, tuple(rows)
