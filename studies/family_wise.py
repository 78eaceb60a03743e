"""`python -m studies.family_wise`: how often a board of equal models shows a difference that is not there.

A board has 18 models of one law, 153 pairs, 20 blocks of held-out rows that all share. A false alarm is one pair or more that Holm's
correction calls different. Prints a Markdown table; at 1,000 boards each (the default) it is written into docs/metrics.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from bench.leaderboard.centre import Centre, summarise
from bench.leaderboard.ranks import significant
from studies._page import DOCS, write_block

MODELS, BOARDS, SEEDS = 18, 1000, (3, 5, 10)
Noise = Callable[[np.random.Generator, int], np.ndarray]  # (rng, k) -> what training does to the logarithm of k scores


def even(rng: np.random.Generator, k: int) -> np.ndarray:
    """Scatter every model by 10 %."""
    return 0.1 * rng.standard_normal(k)


def uneven(rng: np.random.Generator, k: int) -> np.ndarray:
    """Scatter each model by a share of its own, mostly 2 to 50 %."""
    return 0.1 * np.exp(0.8 * rng.standard_normal()) * rng.standard_normal(k)


def heavy(rng: np.random.Generator, k: int) -> np.ndarray:
    """Scatter by Student's t of three degrees of freedom."""
    return 0.1 * rng.standard_t(3, k)


def collapse(chance: float) -> Noise:
    """Let a seed collapse now and then: its score is three times as high."""
    return lambda rng, k: 0.1 * rng.standard_normal(k) + np.log(3) * (rng.random(k) < chance)


LAWS: dict[str, Noise] = {
    "scatter of 10 %": even,
    "scatter of 2 to 50 %": uneven,
    "heavy tails (t, 3)": heavy,
    "one seed in 50 collapses": collapse(0.02),
    "one seed in 10 collapses": collapse(0.1),
}


def board(noise: Noise, k: int, rng: np.random.Generator) -> list[Centre]:
    """Draw a board of equal models: what rows do is shared, but for a part of each model's own."""
    shared, centres = 0.2 * rng.standard_normal(20), []
    for _ in range(MODELS):
        rows = shared + 0.1 * rng.standard_normal(20)
        values = np.exp(noise(rng, k) + rows.mean())
        centres.append(summarise(values.tolist(), [(v * (1 + rows - rows.mean())).tolist() for v in values], "log"))
    return centres


def false_alarms(law: str, k: int, *, boards: int = BOARDS, seed: int = 0) -> float:
    """Return the share of boards with a pair of models that are called different."""
    rng = np.random.default_rng(seed)
    return sum(any(significant(board(LAWS[law], k, rng), 1)[0]) for _ in range(boards)) / boards


def page(boards: int) -> str:
    """Write the table as Markdown."""
    lines = ["", "| training noise of 18 equal models | " + " | ".join(f"{k} seeds" for k in SEEDS) + " |"]
    lines.append("| --- |" + " --- |" * len(SEEDS))
    share = lambda law, k: f"{false_alarms(law, k, boards=boards):.1%}"
    lines += [f"| {law} | " + " | ".join(share(law, k) for k in SEEDS) + " |" for law in LAWS]
    error = 100 * (0.05 * 0.95 / boards) ** 0.5
    return "\n".join(
        [*lines, "", f"{boards:,} boards each; the error of a share near 5 % is {error:.1f} points.", "", ""]
    )


def main(arguments: list[str] | None = None) -> None:
    """Simulate, print, and write the page's table where the boards are as many as it says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--boards", type=int, default=BOARDS, help="simulated boards a law and number of seeds")
    boards = parser.parse_args(arguments).boards
    table = page(boards)
    print(table)
    if boards == BOARDS:
        write_block(DOCS / "metrics.md", "family-wise", table)


if __name__ == "__main__":
    main()
