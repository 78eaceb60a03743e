"""`python -m studies.gate_power`: how often the gate is red, by simulation with its own functions.

31 cells of one metric on the log scale (a Frechet distance), a reference of n seeds, fresh runs of n seeds on other bits, so that
no value is identical; none or one cell 30 % worse. Delta is calibrated on each simulated reference, as `bench gate --accept` does.

A second table leaves the ideal: cells that scatter unequally, heavy tails, and seeds that now and then collapse. At 1,000 runs
a line (the default of `--trials`) it writes docs/gate-power.md.
"""

from __future__ import annotations

import argparse
import math
from statistics import median, stdev

import numpy as np

from bench.gate.judge import exit_code
from bench.gate.power import RELATIVE_FLOOR, resolvable
from bench.gate.quality import Change, judge_quality
from studies._page import DOCS

CELLS, WORSE = 31, 0.30
TRIALS = 1000
SPREADS, SEEDS = (0.03, 0.10), (5, 10)
LAWS = {  # how seeds scatter in the second table
    "unequal": "a cell's CV is itself log-normal, from 2 % to 50 % in most cells, 10 % in the middle",
    "heavy": "unequal, and Student's t with 3 degrees of freedom in place of the normal law",
    "collapse": "a CV of 10 %, and one seed in 50, before and after alike, is 2.7 times worse",
}


def scatter(rng: np.random.Generator, law: str, sigma: float, sizes: tuple[int, int]) -> list[np.ndarray]:
    """Draw deviations of both sides on the log scale, each (CELLS, seeds).

    Law "" is normal, all cells alike.
    """
    spread = sigma * np.exp(rng.normal(0, 0.8, (CELLS, 1))) if law in ("unequal", "heavy") else sigma
    sides = []
    for n in sizes:
        z = rng.standard_t(3, (CELLS, n)) / math.sqrt(3) if law == "heavy" else rng.normal(0, 1, (CELLS, n))
        sides.append(z * spread + (rng.random((CELLS, n)) < 0.02 if law == "collapse" else 0.0))
    return sides


def one_run(
    rng: np.random.Generator, cv: float, n: int, *, worse: float, law: str = "", fresh: int | None = None
) -> tuple[bool, bool, bool]:
    """Simulate one commit: is the run green, is a cell red that did not change, is the changed cell red?

    fresh: seeds of the new run, n if left out.
    """
    centres = np.exp(rng.normal(1.5, 0.7, (CELLS, 1)))
    sigma = math.sqrt(math.log1p(cv**2))  # log-normal with this coefficient of variation
    before, after = (centres * np.exp(part) for part in scatter(rng, law, sigma, (n, fresh or n)))
    after[0] *= 1 + worse
    deviation = median(stdev(row) for row in np.log(before).tolist())
    delta = max(resolvable(deviation, n), RELATIVE_FLOOR)
    sides = zip(before.tolist(), after.tolist())
    tests = [Change(f"{i}", "fid", tuple(a), tuple(b), "log", "lower", delta) for i, (a, b) in enumerate(sides)]
    findings = judge_quality(tests)
    red = {finding.row for finding in findings if finding.verdict == "regression"}
    return exit_code(findings) == 0, bool(red - {"0"} if worse else red), "0" in red


def rates(
    cv: float, n: int, *, worse: float, trials: int = TRIALS, seed: int = 0, law: str = "", fresh: int | None = None
) -> tuple[float, float, float]:
    """Return the shares of runs that are green, that have a false alarm, and that find the changed cell."""
    rng = np.random.default_rng(seed)
    runs = np.array([one_run(rng, cv, n, worse=worse, law=law, fresh=fresh) for _ in range(trials)], dtype=float)
    return tuple(runs.mean(axis=0).tolist())


def page(trials: int) -> str:
    """Write both tables as Markdown."""
    return "\n".join([*_ideal(trials), *_not_ideal(trials // 2)])


def _ideal(trials: int) -> list[str]:
    lines = [
        "# How often the gate is red",
        "",
        f"Written by `python -m studies.gate_power`: {CELLS} cells, {trials:,} runs a line, the gate's own functions at its "
        "default alpha of 0.05. No value is",
        "identical on the two sides, as after a change of processor: the hardest case. A run on the machine of the "
        "reference is easier, since",
        "what did not change is identical, passes without a test and costs Holm's correction nothing.",
        "",
        "| seed CV | seeds a side | what changed | green (exit 0) | false alarm | regression found |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for cv in SPREADS:
        for n in SEEDS:
            green, alarm, _ = rates(cv, n, worse=0.0, trials=trials)
            lines.append(f"| {cv:.0%} | {n} | nothing | {green:.1%} | {alarm:.1%} | |")
            green, alarm, seen = rates(cv, n, worse=WORSE, trials=trials)
            lines.append(f"| {cv:.0%} | {n} | one cell {WORSE:.0%} worse | {green:.1%} | {alarm:.1%} | {seen:.1%} |")
    lines += [
        "",
        "A false alarm is a run in which a cell that did not change is red. At a seed CV of 10 % five seeds cannot hold 31 "
        "cells apart and find",
        "30 %; ten can: the last columns of `bench calibrate --effect 0.3` say what the gate finds and how many seeds a board "
        "needs.",
        "",
    ]
    return lines


def _not_ideal(trials: int) -> list[str]:
    lines = [
        "## Where seeds do not scatter as the tests assume",
        "",
        f"Nothing changed; false alarms in {trials:,} runs a line.",
        "",
        "| how seeds scatter | 5 before, 5 after | 5 before, 3 after | 10 before, 10 after |",
        "| --- | --- | --- | --- |",
    ]
    for law, words in LAWS.items():
        alarms = [rates(0.1, n, worse=0.0, trials=trials, law=law, fresh=m)[1] for n, m in ((5, 5), (5, 3), (10, 10))]
        lines.append(f"| {words} | {' | '.join(f'{alarm:.1%}' for alarm in alarms)} |")
    lines += [
        "",
        "Rare collapses are the gate's weak place: a reference whose few seeds all went well scatters too little, and two "
        "collapses among",
        "three new seeds then look like a change. Look at the seeds of a red finding before you believe it, and run more.",
        "",
    ]
    return lines


def main(arguments: list[str] | None = None) -> None:
    """Simulate, print, and write the page where the runs are as many as it says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=TRIALS, help="simulated runs a line of the first table")
    trials = parser.parse_args(arguments).trials
    text = page(trials)
    if trials == TRIALS:
        (DOCS / "gate-power.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
