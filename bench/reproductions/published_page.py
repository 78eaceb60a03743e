"""docs/reproductions.md: published numbers beside ours."""

from __future__ import annotations

from typing import Any

from bench.render.markdown import table
from bench.reproductions.protocol import Experiment, load_experiment, names
from bench.reproductions.tables import Results, arm_rows, cost_rows, effect_rows, target_rows
from bench.reproductions.text import length_text, seeds_text

HEAD = """\
# Published results, reproduced

Made by `bench reproduce`; do not edit. Ours stands beside theirs, each with its standard error where it has one. The difference has its
90 % interval, which is two one-sided tests at 5 % turned round (Schuirmann 1987), and the verdict is read off it, against a margin that the
protocol stated before the run:

- *reproduced*: the interval lies within the margin on both sides of theirs; a difference as large as the margin is ruled out.
- *better*, *not reproduced*: it does not, and lies wholly on the good or on the other side of theirs.
- *too uncertain to say*: it holds no difference and one beyond the margin too, or some of our runs have no value.
- *not comparable*: the protocol was shortened, or run on other data or with other networks, whatever the numbers.

Theirs without an error counts as exact but for its rounding; ours is exact where nothing is drawn and the test rows are theirs. Grade
of evidence for theirs: F read in the authors' files, P in the paper, S quoted by a third party, M from memory, X computed for this project.
The last table but one compares programs, not papers: it *agrees* where ours is theirs to the printed digits.
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
    lines += [f"- {t.arm}, {t.metric}: not comparable, since {t.differs}" for t in experiment.target if t.differs]
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
