"""`python -m studies.gate_power`: how often the gate is red, by simulation with its own functions. Writes docs/gate-power.md.

31 cells of one metric on the log scale (a Frechet distance), a reference of n seeds, fresh runs of n seeds on other bits, so that
no value is identical; none or one cell 30 % worse. Delta is calibrated on each simulated reference, as `bench gate --accept` does.

A second table leaves the ideal: cells that scatter unequally, heavy tails, and seeds that now and then collapse.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from statistics import median, stdev

import numpy as np

from bench.gate.judge import exit_code
from bench.gate.power import RELATIVE_FLOOR, resolvable
from bench.gate.quality import Change, judge_quality

PAGE = Path(__file__).resolve().parent.parent / "docs" / "gate-power.md"
CELLS, WORSE = 31, 0.30
TRIALS = 1000
SPREADS, SEEDS = (0.03, 0.10), (5, 10)
LAWS = {  # how seeds scatter in the second table
    "unequal": "a cell's CV is itself log-normal, from 2 % to 50 % in most cells, 10 % in the middle",
    "heavy": "unequal, and Student's t with 3 degrees of freedom in place of the normal law",
    "collapse": "a CV of 10 %, and one seed in 50, before and after alike, is 2.7 times worse",
}


def scatter(rng: np.random.Generator, law: str, sigma: float, sizes: tuple[int, int]) -> list[np.ndarray]:
    """Deviations of both sides on the log scale, each (CELLS, seeds); law "" is normal, all cells alike."""
    spread = sigma * np.exp(rng.normal(0, 0.8, (CELLS, 1))) if law in ("unequal", "heavy") else sigma
    found = []
    for n in sizes:
        z = rng.standard_t(3, (CELLS, n)) / math.sqrt(3) if law == "heavy" else rng.normal(0, 1, (CELLS, n))
        found.append(z * spread + (rng.random((CELLS, n)) < 0.02 if law == "collapse" else 0.0))
    return found


def one_run(
    rng: np.random.Generator, cv: float, n: int, *, worse: float, law: str = "", fresh: int | None = None
) -> tuple[bool, bool, bool]:
    """(the run is green, a cell that did not change is red, the changed cell is red) of one simulated commit.

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
    """Shares of runs: green, with a false alarm, with the changed cell found."""
    rng = np.random.default_rng(seed)
    runs = np.array([one_run(rng, cv, n, worse=worse, law=law, fresh=fresh) for _ in range(trials)], dtype=float)
    return tuple(runs.mean(axis=0).tolist())


def page() -> str:
    """The table as Markdown."""
    lines = [
        "# How often the gate is red",
        "",
        f"Written by `python -m studies.gate_power`: {CELLS} cells, {TRIALS:,} runs a line, the gate's own functions at its "
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
        "30 %; ten can: the last columns of `bench calibrate --effect 0.3` say what the gate finds and how many seeds a board "
        "needs.",
        "",
        "## Where seeds do not scatter as the tests assume",
        "",
        "Nothing changed; false alarms in " + f"{TRIALS // 2:,} runs a line.",
        "",
        "| how seeds scatter | 5 before, 5 after | 5 before, 3 after | 10 before, 10 after |",
        "| --- | --- | --- | --- |",
    ]
    for law, words in LAWS.items():
        alarms = [
            rates(0.1, n, worse=0.0, trials=TRIALS // 2, law=law, fresh=m)[1] for n, m in ((5, 5), (5, 3), (10, 10))
        ]
        lines.append(f"| {words} | {' | '.join(f'{alarm:.1%}' for alarm in alarms)} |")
    lines += [
        "",
        "Rare collapses are the gate's weak place: a reference whose few seeds all went well scatters too little, and two "
        "collapses among",
        "three new seeds then look like a change. Look at the seeds of a red finding before you believe it, and run more.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    start = time.monotonic()
    found = page()
    PAGE.write_text(found, encoding="utf-8")
    print(found)
    print(f"{time.monotonic() - start:.0f} s")
