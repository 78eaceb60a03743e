"""Markdown made from results: docs/reproductions.md, and the marked blocks of docs/questions.md with their plots.

`python -m bench.reproductions.pages` makes them anew from results/reproductions/. What stands outside the markers of
questions.md is written by hand and stays.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bench.files import write_atomic
from bench.registry import ROOT
from bench.render.markdown import table
from bench.reproductions.catalogue import Experiment, load_experiment, names
from bench.reproductions.execute import results_in
from bench.reproductions.plot import svg

DASH = "–"
Results = dict[tuple[str, str], dict[str, Any]]


def write_pages(out: Path) -> list[Path]:
    """Rebuild both pages from the results in a folder: into docs/ of the checkout for its own results, else into OUT/docs."""
    own = out.resolve() == ROOT / "results"
    docs = ROOT / "docs" if own else out / "docs"
    results = results_in(out / "reproductions")
    texts = {docs / "reproductions.md": reproductions_page(results)}
    template = ROOT / "docs" / "questions.md"
    text = template.read_text(encoding="utf-8") if template.is_file() else ""
    for name in (n for n in names() if n.startswith("question-")):
        experiment = load_experiment(name)
        text, plots = _with_question(text, experiment, results)
        texts |= {docs / "questions" / file: plot for file, plot in plots.items()}
    texts[docs / "questions.md"] = text
    for path, content in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            write_atomic(path, content.encode())
    return [docs / "reproductions.md", docs / "questions.md"]


def number(value: float | None) -> str:
    """Three significant digits; a dash for None."""
    if value is None:
        return DASH
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def with_interval(value: float | None, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """value [low, high], the brackets only where there are any."""
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
    """value ± standard error."""
    return DASH if value is None else number(value) + (f" ± {number(se)}" if se is not None else "")


# --- published results ---------------------------------------------------------------------------------------------


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


# --- questions -----------------------------------------------------------------------------------------------------


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


def heading(name: str, column: dict[str, Any]) -> str:
    """A column's name with the direction that is good."""
    return name + {"higher": " ↑", "lower": " ↓"}.get(column["better"], "")


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


if __name__ == "__main__":
    for page in write_pages(ROOT / "results"):
        print(page)
