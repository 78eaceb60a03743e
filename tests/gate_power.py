"""`python -m tests.gate_power`: how often the gate is red, by simulation with its own functions. Writes docs/gate-power.md.

31 cells of one metric on the log scale (a Frechet distance), a reference of n seeds, fresh runs of n seeds on other bits, so that
no value is identical; none or one cell 30 % worse. Delta is calibrated on each simulated reference, as `bench gate --accept` does.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from statistics import median, stdev

import numpy as np

from bench.calibrate import RELATIVE_FLOOR, resolvable
from bench.gate import Difference, exit_code, judge_quality

PAGE = Path(__file__).resolve().parent.parent / "docs" / "gate-power.md"
CELLS, WORSE = 31, 0.30
TRIALS = 1000
SPREADS, SEEDS = (0.03, 0.10), (5, 10)


def one_run(rng: np.random.Generator, cv: float, n: int, *, worse: float) -> tuple[bool, bool, bool]:
    """(the run is green, a cell that did not change is red, the changed cell is red) of one simulated commit."""
    centres = np.exp(rng.normal(1.5, 0.7, (CELLS, 1)))
    sigma = math.sqrt(math.log1p(cv**2))  # log-normal with this coefficient of variation
    before, after = (centres * np.exp(rng.normal(0, sigma, (CELLS, n))) for _ in range(2))
    after[0] *= 1 + worse
    deviation = median(stdev(row) for row in np.log(before).tolist())
    delta = max(resolvable(deviation, n), RELATIVE_FLOOR)
    sides = zip(before.tolist(), after.tolist())
    tests = [Difference(f"{i}", "fid", tuple(a), tuple(b), "log", "lower", delta) for i, (a, b) in enumerate(sides)]
    findings = judge_quality(tests)
    red = {finding.row for finding in findings if finding.verdict == "regression"}
    return exit_code(findings) == 0, bool(red - {"0"} if worse else red), "0" in red


def rates(cv: float, n: int, *, worse: float, trials: int = TRIALS, seed: int = 0) -> tuple[float, float, float]:
    """Shares of runs: green, with a false alarm, with the changed cell found."""
    rng = np.random.default_rng(seed)
    runs = np.array([one_run(rng, cv, n, worse=worse) for _ in range(trials)], dtype=float)
    return tuple(runs.mean(axis=0).tolist())


def page() -> str:
    """The table as Markdown."""
    lines = [
        "# How often the gate is red",
        "",
        f"Written by `python -m tests.gate_power`: {CELLS} cells, {TRIALS:,} runs a line, the gate's own functions at its "
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
            green, alarm, _ = rates(cv, n, worse=0.0)
            lines.append(f"| {cv:.0%} | {n} | nothing | {green:.1%} | {alarm:.1%} | |")
            green, alarm, found = rates(cv, n, worse=WORSE)
            lines.append(f"| {cv:.0%} | {n} | one cell {WORSE:.0%} worse | {green:.1%} | {alarm:.1%} | {found:.1%} |")
    lines += [
        "",
        "A false alarm is a run in which a cell that did not change is red. At a seed CV of 10 % five seeds cannot hold 31 "
        "cells apart and find",
        "30 %; ten can: `bench calibrate --effect 0.3` says how many a board needs.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    start = time.monotonic()
    found = page()
    PAGE.write_text(found, encoding="utf-8")
    print(found)
    print(f"{time.monotonic() - start:.0f} s")
