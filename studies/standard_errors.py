"""`python -m studies.standard_errors`: the row error of every set metric beside the truth, where the truth is known.

The law is a mixture of Gaussians fitted class by class to the pinned classifier's features of all digits, so that held-out sides can be
drawn at will: with each class's exact share, as splits are made, or independently. One generated set is scored against many of them.
A ratio is the mean standard error over the standard deviation of the scores; a paired one is of the difference of two generated
sets on the same rows. The oracle's row is simulated too: how often its interval holds what it, and what a perfect sampler, is expected to
score. Prints Markdown tables; at the default numbers they are written into docs/metrics.md between their marks.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset, Split, resampled_rows
from bench.leaderboard.centre import summarise, variance_of_mean
from bench.metrics import Estimate
from bench.metrics._evaluation import Evaluation
from bench.metrics._score import score
from bench.registry import load
from studies._page import DOCS, write_block

METRICS = ("fid", "kid", "energy_distance", "precision", "recall", "density", "coverage")
SIDES = {"398 rows, shares of classes exact": (398, 10, True), "398 rows, independent": (398, 10, False),
         "30 rows of 3 classes, shares exact": (30, 3, True), "114 rows of 2 classes, shares exact": (114, 2, True)}  # fmt: skip
TRIALS = 120
UNBIASED = ("kid", "energy_distance")
ORACLE_DRAWS, ORACLE_SEEDS = 5, 5


@dataclass(frozen=True)
class Law:
    """Gaussians, one a class: means (K, D) and factors (K, D, D)."""

    means: Tensor
    factors: Tensor

    @classmethod
    def of_digits(cls, classes: int) -> Law:
        """Fit the first classes of the digits in the space of the pinned classifier."""
        from bench.features import load_space

        digits = load("dataset", "digits")()
        x, y = (torch.cat([getattr(s, a) for s in (digits.train, digits.valid, digits.test)]) for a in ("x", "y"))
        with torch.no_grad():
            features = load_space("lenet", digits)(x).double()
        means, factors = [], []
        for c in range(classes):
            rows = features[y == c]
            values, vectors = torch.linalg.eigh(torch.cov(rows.T))
            means.append(rows.mean(dim=0))
            factors.append(vectors * values.clamp(min=0).sqrt())
        return cls(torch.stack(means), torch.stack(factors))

    def draw(self, n: int, *, exact: bool, seed: int, spread: float = 1.0) -> Split:
        """Draw n rows, each class with its exact share or by chance."""
        rng = np.random.default_rng(seed)
        classes, dim = self.means.shape
        y = np.arange(n) % classes if exact else rng.integers(0, classes, n)
        noise = torch.from_numpy(rng.standard_normal((n, dim, 1)))
        x = self.means[y] + spread * (self.factors[y] @ noise).squeeze(2)
        order = rng.permutation(n)
        return Split(x[order].float(), torch.from_numpy(y[order]))


def estimates(
    train: Split, real: Split, samples: Tensor, metrics: tuple[str, ...] = METRICS, draws: int = 1
) -> dict[str, Estimate]:
    """Return every set metric's estimate, by the way that a cell is scored."""
    data = Dataset(f"law_{len(train)}", "table", train, real, real, "energy_distance", ("identity",), n_classes=10)
    names = tuple(name if name == "energy_distance" else f"{name}_identity" for name in metrics)
    found = score(Evaluation(data, {"samples": samples}, board="public", draws=draws), names)
    return {name.removesuffix("_identity"): estimate for name, estimate in found.items()}


def ratios(n: int, classes: int, exact: bool, *, trials: int) -> dict[str, tuple[float, float]]:
    """Return metric -> (mean error over true spread of a score, the same of a paired difference)."""
    law = Law.of_digits(classes)
    train = law.draw(100 * classes, exact=True, seed=1)
    one, other = law.draw(n, exact=False, seed=2).x, law.draw(n, exact=False, seed=3, spread=0.8).x
    values: dict[str, list[list[float]]] = {name: [] for name in METRICS}
    for trial in range(trials):
        real = law.draw(n, exact=exact, seed=1000 + trial)
        a, b = estimates(train, real, one), estimates(train, real, other)
        for name in METRICS:
            paired = [x - y for x, y in zip(a[name].blocks, b[name].blocks)]
            error = variance_of_mean(paired) ** 0.5
            values[name].append([a[name].value, a[name].test_se or 0.0, a[name].value - b[name].value, error])
    found = {}
    for name, rows in values.items():
        value, se, difference, error = np.array(rows).T
        with np.errstate(divide="ignore", invalid="ignore"):
            found[name] = (float(se.mean() / value.std(ddof=1)), float(error.mean() / difference.std(ddof=1)))
    return found


class Oracle(NamedTuple):
    """What a perfect sampler and the oracle score in the mean over boards, with errors, and how often the intervals hold either."""

    perfect: float
    perfect_error: float
    own: float
    own_error: float
    hold_perfect: float
    hold_own: float


def oracle_of(n: int, classes: int, exact: bool, *, trials: int) -> dict[str, Oracle]:
    """Return metric -> what the oracle's row says on boards drawn afresh, and what a perfect sampler's would."""
    law = Law.of_digits(classes)
    train = law.draw(100 * classes, exact=True, seed=1)
    perfect: dict[str, list[float]] = {name: [] for name in UNBIASED}
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in UNBIASED}
    for trial in range(trials):
        sides = [law.draw(n, exact=exact, seed=seed + trial) for seed in (1000, 5000)]
        samples = law.draw(ORACLE_DRAWS * n, exact=False, seed=9000 + trial).x
        fresh = estimates(train, sides[0], samples, UNBIASED, ORACLE_DRAWS)
        seeds = []
        for seed in range(ORACLE_SEEDS):
            samples = resampled_rows(sides[1].x, ORACLE_DRAWS * n, seed=seed)
            seeds.append(estimates(train, sides[0], samples, UNBIASED, ORACLE_DRAWS))
        for name in UNBIASED:
            perfect[name].append(fresh[name].value)
            each = [by_name[name] for by_name in seeds]
            centre = summarise(
                [e.value for e in each], [e.blocks for e in each], "raw", errors=[e.test_se for e in each]
            )
            low, high = centre.interval() or (centre.centre, centre.centre)
            rows[name].append((centre.centre, low, high))
    return {name: _oracle(np.array(perfect[name]), np.array(rows[name])) for name in UNBIASED}


def _oracle(perfect: np.ndarray, rows: np.ndarray) -> Oracle:
    own, low, high = rows.T
    error = lambda x: float(x.std(ddof=1)) / len(x) ** 0.5
    hold = lambda value: float(np.mean((low <= value) & (value <= high)))
    return Oracle(perfect.mean(), error(perfect), own.mean(), error(own), hold(perfect.mean()), hold(own.mean()))


def oracle_page(trials: int) -> str:
    """Write the oracle's table as Markdown."""
    lines = [
        "",
        "| held-out side | metric | a perfect sampler | the oracle | the oracle's intervals that hold the first | the second |",
        "| --- |" + " --- |" * 5,
    ]
    for title, (n, classes, exact) in SIDES.items():
        for name, o in oracle_of(n, classes, exact, trials=trials).items():
            means = f"{o.perfect:.3g} ± {o.perfect_error:.1g} | {o.own:.3g} ± {o.own_error:.1g}"
            lines.append(f"| {title} | {name} | {means} | {o.hold_perfect:.0%} | {o.hold_own:.0%} |")
    return "\n".join([*lines, "", f"{trials} boards each, {ORACLE_SEEDS} seeds of {ORACLE_DRAWS} draws.", "", ""])


def page(trials: int) -> str:
    """Write the table as Markdown."""
    lines = ["", "| held-out side | " + " | ".join(METRICS) + " |", "| --- |" + " --- |" * len(METRICS)]
    for title, (n, classes, exact) in SIDES.items():
        found = ratios(n, classes, exact, trials=trials)
        for place, what in enumerate(("", "; paired")):
            lines.append(f"| {title}{what} | " + " | ".join(f"{found[name][place]:.2f}" for name in METRICS) + " |")
    return "\n".join(
        [*lines, "", f"{trials} held-out sides each: a ratio is known to about {1 / (2 * trials) ** 0.5:.0%}.", "", ""]
    )


def main(arguments: list[str] | None = None) -> None:
    """Simulate, print, and write the page's table where the trials are as many as it says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=TRIALS, help="held-out sides of each kind")
    trials = parser.parse_args(arguments).trials
    for block, write in {"oracle's intervals": oracle_page, "standard errors": page}.items():
        table = write(trials)
        print(table, flush=True)
        if trials == TRIALS:
            write_block(DOCS / "metrics.md", block, table)


if __name__ == "__main__":
    main()
