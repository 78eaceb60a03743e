"""docs/questions.md: the answers of ten questions, block by block."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection
from typing import Any

from bench.render.markdown import table
from bench.reproductions.pictures import picture_name
from bench.reproductions.plot import svg
from bench.reproductions.protocol import Experiment
from bench.reproductions.tables import Results, arm_rows, column_lines, effect_rows
from bench.reproductions.text import best_text, correlation_text, failures_text, number, seeds_text

LINE = 120  # letters a line of the setup
PICTURES_A_ROW = 4
OLD_PANELS = 4  # the first columns of an older result are plotted: it may lack those of today's plot
OLDER = """\
> **Made with an older protocol.** The answer above and the numbers below are of runs made before the protocol was last changed to what
> stands here; read both as that, until it has been run again."""


def with_question(
    text: str, experiment: Experiment, results: Results, drawn: Collection[str] = ()
) -> tuple[str, dict[str, str]]:
    """Return the page with this question's block made anew, and its plots by file name.

    The block is appended where the page has none. drawn: the names of the pictures of arms that there are.
    """
    name = experiment.name
    block, plots = question_block(experiment, results, drawn)
    marked = f"<!-- {name} -->\n{block}<!-- end of {name} -->"
    pattern = re.compile(rf"<!-- {name} -->\n.*?<!-- end of {name} -->", re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _: marked, text), plots
    title = "" if text else "# Questions, answered by experiment\n\n"
    n = name.rpartition("-")[2]
    return f"{text}{title}## {n}. {experiment.title}\n\n{marked}\n\n", plots


def question_block(experiment: Experiment, results: Results, drawn: Collection[str] = ()) -> tuple[str, dict[str, str]]:
    """Return a question's block, a part for each budget that was run, and the plots by file name.

    The block is the setup, then pictures of samples, plot, arms and effects of each part.
    """
    lines = ["", *textwrap.wrap(experiment.setup, LINE), "", *_command(experiment), ""]
    plots = {}
    for budget in experiment.budget:
        result = results.get((experiment.name, budget))
        if result is not None:
            result = result | {"arms": _sorted(result["arms"], experiment.sort, result["columns"])}
            file = f"{experiment.name}.{budget}.svg"
            is_older = not experiment.made(result)
            plotted = experiment.plot or experiment.columns
            plots[file] = svg(result, tuple(result["order"][:OLD_PANELS]) if is_older else plotted, experiment.curves)
            lines += [OLDER, ""] if is_older else []
            lines += _pictures(result, drawn)
            alt = f"{experiment.title} A dot an arm, with its 95 % interval and a small tick for each seed."
            lines += [f"![{alt}](questions/{file})", "", *_budget(result)]
    if not plots:
        lines += ["Not run yet.", ""]
    return "\n".join(lines), plots


def _command(experiment: Experiment) -> list[str]:
    cost = experiment.budget["cpu"].core_minutes if "cpu" in experiment.budget else 0.0
    told = f" (about {number(cost)} minutes of one core)" if cost else ""
    return [f"Run it again: `bench reproduce {experiment.name}`{told}"]


def _sorted(arms: list[dict[str, Any]], by: str, columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Sort arms by the centre of a column, the best first and those without it last.

    They stay as they are where there is no such column.
    """
    if by not in columns:
        return arms
    sign = -1 if columns[by]["better"] == "higher" else 1
    return sorted(arms, key=lambda arm: sign * arm["summary"][by]["centre"] if by in arm["summary"] else float("inf"))


def _pictures(result: dict[str, Any], drawn: Collection[str]) -> list[str]:
    """Lay out the pictures of arms in rows; nothing where there are none."""
    named = [(arm["name"], picture_name(result["name"], result["budget"], arm["name"])) for arm in result["arms"]]
    shown = [(arm, file) for arm, file in named if file in drawn]
    lines = []
    for i in range(0, len(shown), PICTURES_A_ROW):
        row = shown[i : i + PICTURES_A_ROW]
        cells = " | ".join(f"![Samples of the first run: {arm}](questions/{file})" for arm, file in row)
        lines += [f"| {' | '.join(arm for arm, _ in row)} |", "|" + " --- |" * len(row), f"| {cells} |", ""]
    return lines


def _budget(result: dict[str, Any]) -> list[str]:
    """Write what one budget's runs gave: the arms, the runs that failed, the effects, the correlations."""
    runs = f"Budget `{result['budget']}`, {seeds_text(result['seeds'])} an arm"
    head = f"{runs}; mean and 95 % interval over seeds (and held-out rows where a metric has them)."
    lines = [*column_lines(result), "", head, "", table(*arm_rows(result, result["arms"])), ""]
    if failures := failures_text(result):
        lines += [failures, ""]
    for best in result.get("best", ()):
        lines += [best_text(best), ""]
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
