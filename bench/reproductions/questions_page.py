"""docs/questions.md: the answers of ten questions, block by block."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from bench.render.markdown import table
from bench.reproductions.plot import svg
from bench.reproductions.protocol import Experiment
from bench.reproductions.tables import Results, arm_rows, effect_rows
from bench.reproductions.text import correlation_text, failures_text, seeds_text

LINE = 120  # letters a line of the setup


def with_question(text: str, experiment: Experiment, results: Results) -> tuple[str, dict[str, str]]:
    """Return the page with this question's block made anew, and its plots by file name.

    The block is appended where the page has none.
    """
    name = experiment.name
    block, plots = question_block(experiment, results)
    marked = f"<!-- {name} -->\n{block}<!-- end of {name} -->"
    pattern = re.compile(rf"<!-- {name} -->\n.*?<!-- end of {name} -->", re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _: marked, text), plots
    title = "" if text else "# Questions, answered by experiment\n\n"
    n = name.rpartition("-")[2]
    return f"{text}{title}## {n}. {experiment.title}\n\n{marked}\n\n", plots


def question_block(experiment: Experiment, results: Results) -> tuple[str, dict[str, str]]:
    """Return a question's block, a part for each budget that was run, and the plots by file name.

    The block is the setup, then plot, arms and effects of each part.
    """
    lines = ["", *textwrap.wrap(experiment.setup, LINE), "", f"Run it again: `bench reproduce {experiment.name}`", ""]
    plots = {}
    for budget in experiment.budget:
        result = results.get((experiment.name, budget))
        if result is not None:
            file = f"{experiment.name}.{budget}.svg"
            plots[file] = svg(result, experiment.plot or experiment.columns, experiment.curves)
            lines += [f"![{experiment.title} One dot an arm, with its 95 % interval.](questions/{file})", ""]
            lines += _budget(experiment, result)
    if not plots:
        lines += ["Not run yet.", ""]
    return "\n".join(lines), plots


def _budget(experiment: Experiment, result: dict[str, Any]) -> list[str]:
    """Write what one budget's runs gave: the arms, the runs that failed, the effects, the correlations."""
    seeds = "" if experiment.records else f", {seeds_text(result['seeds'])} an arm"
    head = f"Budget `{result['budget']}`{seeds}; mean and 95 % interval over seeds (and held-out rows where a metric has them)."
    lines = [head, "", table(*arm_rows(result, result["arms"])), ""]
    if failures := failures_text(result):
        lines += [failures, ""]
    tests = sum(effect["p"] is not None for effect in result["compare"]) + len(result["correlate"])
    lines += [
        f"Effects, each with a 95 % interval of its own; p by Holm over the {tests} tests of this question, so that an "
        "interval may leave out zero where p does not call it an effect. × is a ratio of geometric means, a sign a difference.",
        "",
        table(*effect_rows(result)),
        "",
    ]
    if result["correlate"]:
        lines += [*map(correlation_text, result["correlate"]), ""]
    return lines
