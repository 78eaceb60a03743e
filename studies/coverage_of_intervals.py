"""`python -m studies.coverage_of_intervals`: how often a 95 % interval holds what it is an interval of, by simulation.

What it is of: the centre on the metric's declared scale, that is the mean over training seeds (and over fresh test rows) of
the transformed value. Prints a Markdown table. At 4,000 trials each (the default of `--trials`) it is the one of docs/metrics.md,
and is written there between its marks.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np

from bench.leaderboard.centre import summarise
from bench.leaderboard.welch import compare
from studies._page import DOCS, write_block

TRIALS = 4000
Law = tuple[
    list[float], list[list[float]], str, float
]  # values by seed, blocks of rows by seed, scale, true centre on it


def normal_seeds(rng: np.random.Generator, k: int) -> Law:
    """Draw seeds N(5, 1), no row noise, raw scale."""
    return list(rng.normal(5, 1, k)), [[]] * k, "raw", 5.0


def lognormal_seeds(rng: np.random.Generator, k: int) -> Law:
    """Draw log-normal seeds with sigma 0.8 (a score such as FID), log scale: the centre is the median, e^1."""
    return list(rng.lognormal(1, 0.8, k)), [[]] * k, "log", 1.0


def logit_seeds(rng: np.random.Generator, k: int) -> Law:
    """Draw logit-normal seeds around 0.9, logit scale."""
    return list(1 / (1 + np.exp(-rng.normal(math.log(9), 0.5, k)))), [[]] * k, "logit", math.log(9)


def rows_only(rng: np.random.Generator, k: int) -> Law:
    """Draw 400 fresh test rows of a deterministic model: the row variance is all there is."""
    blocks = rng.normal(2, 3, (20, 20)).mean(axis=1)
    return [float(blocks.mean())] * k, [list(blocks)] * k, "raw", 2.0


def seeds_and_rows(rng: np.random.Generator, k: int) -> Law:
    """Draw both, equally large: rows are shared by the seeds, so more seeds do not average them away."""
    rows = rng.normal(0, 3, (20, 20)).mean(axis=1)
    seeds = 2 + rng.normal(0, 0.15 * math.sqrt(k), k)
    return [float(s + rows.mean()) for s in seeds], [list(s + rows) for s in seeds], "raw", 2.0


LAWS: dict[str, Callable[..., Law]] = {
    "normal seeds": normal_seeds,
    "log-normal seeds": lognormal_seeds,
    "logit-normal seeds": logit_seeds,
    "test rows only": rows_only,
    "seeds and test rows": seeds_and_rows,
}


def coverage(law: str, k: int, *, trials: int = TRIALS, seed: int = 0) -> float:
    """Return the share of trials whose 95 % interval, taken back to the metric's scale, holds the true centre."""
    rng, held = np.random.default_rng(seed), 0
    for _ in range(trials):
        values, blocks, scale, truth = LAWS[law](rng, k)
        low, high = summarise(values, blocks, scale).interval()
        truth = math.exp(truth) if scale == "log" else 1 / (1 + math.exp(-truth)) if scale == "logit" else truth
        held += low <= truth <= high
    return held / trials


def false_alarms(k: int, *, trials: int = TRIALS, seed: int = 1) -> float:
    """Return the share of trials in which two models of one law, on the same rows, differ at the 5 % level."""
    rng, alarms = np.random.default_rng(seed), 0
    for _ in range(trials):
        rows = rng.normal(0, 3, 20)
        centres = []
        for _ in range(2):
            own = rows + rng.normal(0, 1, 20)
            seeds = rng.normal(0, 1, k)
            centres.append(summarise([float(s + own.mean()) for s in seeds], [list(s + own) for s in seeds], "raw"))
        alarms += compare(*centres).p < 0.05
    return alarms / trials


def page(trials: int) -> str:
    """Write the table as Markdown."""
    lines = ["", "| law of the results | 3 seeds | 5 seeds | 10 seeds |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {law} | " + " | ".join(f"{coverage(law, k, trials=trials):.1%}" for k in (3, 5, 10)) + " |" for law in LAWS
    ]
    alarms = " | ".join(f"{false_alarms(k, trials=trials):.1%}" for k in (3, 5, 10))
    lines += [f"| *false alarms of a comparison at 5 %* | {alarms} |", ""]
    error = 100 * math.sqrt(0.95 * 0.05 / trials)
    return "\n".join([*lines, f"{trials:,} trials each; the error of a share near 95 % is {error:.1f} points.", "", ""])


def main(arguments: list[str] | None = None) -> None:
    """Simulate, print, and write the page's table where the trials are as many as it says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=TRIALS, help="simulated results a law and number of seeds")
    trials = parser.parse_args(arguments).trials
    table = page(trials)
    print(table)
    if trials == TRIALS:
        write_block(DOCS / "metrics.md", "coverage", table)


if __name__ == "__main__":
    main()
