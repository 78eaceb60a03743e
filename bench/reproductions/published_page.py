"""docs/reproductions.md: published numbers beside ours."""

from __future__ import annotations

from typing import Any

from bench.render.markdown import table
from bench.reproductions.protocol import Experiment, load_experiment, names
from bench.reproductions.tables import Results, arm_rows, cost_rows, effect_rows, target_rows
from bench.reproductions.text import length_text, seeds_text

HEAD = """\
# Published results, reproduced

Made by `bench reproduce`; do not edit. Ours stands beside theirs, each with its standard error, and the verdict is a
two-sided test at 5 % on the combined standard error: *reproduced* (the test does not tell them apart: with few runs
that is easy), *better* or *not reproduced*. A protocol that was shortened, run on other data or with other networks is
*not comparable* whatever the numbers; where some of our runs have no value it is *undecided*. Theirs without an error
counts as exact but for its rounding. Grade of evidence for theirs: F read in the authors' files, P in the paper, S
quoted by a third party, M from memory, X computed for this project.
"""
COST = """\
## What it costs

Measured core-minutes of every protocol, questions included; on N cores divide by N.
"""


def reproductions_page(results: Results) -> str:
    """Write docs/reproductions.md: a section for each published experiment, and what all experiments cost."""
    lines = [HEAD]
    for name in names():
        if not name.startswith("question-"):
            lines += _section(load_experiment(name), results)
    return "\n".join([*lines, COST, table(*cost_rows(results))]) + "\n"


def _section(experiment: Experiment, results: Results) -> list[str]:
    lines = [
        f"## {experiment.title}",
        "",
        f"`bench reproduce {experiment.name}`",
        "",
        f"- Source: {experiment.paper}; {experiment.source} (grade {experiment.grade})",
        f"- Protocol: {experiment.protocol}",
    ]
    if experiment.differs:
        lines.append(f"- Differs: {'; '.join(experiment.differs)}")
    lines.append("")
    stored = [results[experiment.name, budget] for budget in experiment.budget if (experiment.name, budget) in results]
    if not stored:
        needs = ", ".join(sorted({arm.dataset for arm in experiment.arm}))
        lines += [f"Not run yet. At full length it needs {needs}.", ""]
    for result in stored:
        lines += _result(result)
    return lines


def _result(result: dict[str, Any]) -> list[str]:
    """Write one budget's result: its targets, the arms without one, and the comparisons."""
    tables = [target_rows(result)]
    targeted = {target["arm"] for target in result["targets"]}
    if others := [arm for arm in result["arms"] if arm["name"] not in targeted]:
        tables.append(arm_rows(result, others))
    if result["compare"]:
        tables.append(effect_rows(result))
    lines = [f"Budget `{result['budget']}` ({length_text(result)}), {seeds_text(result['seeds'])}:", ""]
    for each in tables:
        lines += [table(*each), ""]
    return lines
