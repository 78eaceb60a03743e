"""docs/questions.md: the answers of ten questions, block by block."""

from __future__ import annotations

import re
from typing import Any

from bench.render.markdown import table
from bench.reproductions.plot import svg
from bench.reproductions.protocol import Experiment
from bench.reproductions.text import (
    DASH,
    Results,
    _diverged,
    _wrapped,
    effect_text,
    heading,
    p_text,
    seeds_text,
    with_interval,
)


def _with_question(text: str, experiment: Experiment, results: Results) -> tuple[str, dict[str, str]]:
    """The page with this question's block made anew (appended where there is none), and its plots by file name."""
    name = experiment.name
    block, plots = question_block(experiment, results)
    marked = f"<!-- {name} -->\n{block}<!-- end of {name} -->"
    pattern = re.compile(rf"<!-- {name} -->\n.*?<!-- end of {name} -->", re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _: marked, text), plots
    heading = "# Questions, answered by experiment\n\n" if not text else ""
    n = name.rpartition("-")[2]
    return f"{text}{heading}## {n}. {experiment.title}\n\n{marked}\n\n", plots


def question_block(experiment: Experiment, results: Results) -> tuple[str, dict[str, str]]:
    """Setup, plot, arms and effects of a question for each budget that was run."""
    lines, plots = ["", *_wrapped(experiment.setup), "", f"Run it again: `bench reproduce {experiment.name}`", ""], {}
    for budget in experiment.budget:
        result = results.get((experiment.name, budget))
        if result is None:
            continue
        file = f"{experiment.name}.{budget}.svg"
        plots[file] = svg(result, experiment.plot or experiment.columns, experiment.curves)
        lines += [f"![{experiment.title} One dot an arm, with its 95 % interval.](questions/{file})", ""]
        seeds = "" if experiment.records else f", {seeds_text(result['seeds'])} an arm"
        lines += [
            f"Budget `{budget}`{seeds}; mean and 95 % interval over seeds (and held-out rows where a metric has them).",
            "",
        ]
        lines += [table(*arm_rows(result, result["arms"])), ""]
        lines += [_diverged(result), ""] if _diverged(result) else []
        tests = sum(e["p"] is not None for e in result["compare"]) + len(result["correlate"])
        lines += [
            f"Effects, each with a 95 % interval of its own; p by Holm over the {tests} tests of this question, so that an "
            "interval may leave out zero where p does not call it an effect. × is a ratio of geometric means, a sign a difference.",
            "",
            table(*effect_rows(result)),
            "",
        ]
        lines += [correlation_text(c) for c in result["correlate"]] + ([""] if result["correlate"] else [])
    if not plots:
        lines += ["Not run yet.", ""]
    return "\n".join(lines), plots


def arm_rows(result: dict[str, Any], arms: list[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Headings and rows of arms by column; columns that no arm here has are left out."""
    kept = [c for c in result["order"] if any(c in arm["summary"] for arm in arms)]
    rows = []
    for arm in arms:
        cells = [arm["summary"].get(c) for c in kept]
        rows.append(
            (arm["name"], *(DASH if c is None else with_interval(c["centre"], c["low"], c["high"]) for c in cells))
        )
    return ("arm", *(heading(c, result["columns"][c]) for c in kept)), tuple(rows)


def effect_rows(result: dict[str, Any]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Headings and rows of the comparisons."""
    rows = [(e["a"], e["b"], e["column"], effect_text(e), p_text(e["p_holm"]), e["words"]) for e in result["compare"]]
    return ("arm", "against", "column", "effect", "p", "finding"), tuple(rows)


def correlation_text(found: dict[str, Any]) -> str:
    """One sentence."""
    return (
        f"Rank correlation of {found['x']} and {found['y']} over {found['n']} arms: "
        f"{with_interval(found['rho'], found['low'], found['high'], signed=True)}, p {p_text(found['p_holm'])}."
    )
