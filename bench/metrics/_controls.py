"""The control ladder: real rows, and the same rows damaged in known ways.

What a metric answers to each rung is what it measures.
A board's held-out rows are the public ones; the rungs are made of the private rows, as many as the public board has, and of training rows.
A damage of images works on pixels in [0, 1] and is rounded to the data's levels; on tables and points noise and shift are in standard
deviations, of a mode where the law is known, else of the column.

ORDERS are what a metric must answer to be a board's primary one: the first of a pair is better than the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.datasets import Dataset
from bench.metrics._evaluation import Evaluation
from bench.metrics._score import score

OF_IMAGES = {
    "light noise": 0.05,
    "middle noise": 0.1,
    "heavy noise": 0.3,
}  # of the range of a pixel; a third is flipped of binary ones
OF_COLUMNS = {"light noise": 0.3, "middle noise": 0.6, "heavy noise": 1.5}  # of a column's standard deviation
OF_MODES = {"light noise": 0.5, "middle noise": 1.0, "heavy noise": 4.0}  # of a mode's standard deviation
CONTRAST = 0.9  # barely visible
MAX_ROWS = 2_000  # of a rung, and of the board
MAX_TRAIN = 10_000  # training rows that the laws without dependence are made of
NEIGHBOURS = 5  # held-out rows that an average is of

ORDERS = (
    ("real", "light noise"),
    ("light noise", "middle noise"),
    ("middle noise", "heavy noise"),
    ("real", "low contrast"),
    ("real", "blur"),
    ("real", "shift"),
    ("real", "independent in class"),
    ("light noise", "independent in class"),
    ("low contrast", "independent in class"),
    ("independent in class", "independent"),
    ("real", "one gaussian"),
    ("light noise", "one gaussian"),
    ("copies", "independent in class"),
    ("copies", "one gaussian"),
    ("real", "half classes"),
    ("light noise", "half classes"),
    ("half classes", "one example"),
    ("one gaussian", "one example"),
    ("independent", "one example"),
)
CLEAR = {
    ("low contrast", "independent in class"): 1.25
}  # of a barely visible damage and a ruined one: how much farther from real rows
SPREAD = 1.5  # a primary metric's value of one Gaussian is at least this many times that of real rows


@dataclass(frozen=True)
class Rungs:
    """The rows that damages work on: held out (n, *shape), training rows (N, *shape), their labels."""

    dataset: Dataset
    real: Tensor
    train: Tensor
    labels: Tensor | None
    train_labels: Tensor | None
    generator: torch.Generator

    @property
    def n(self) -> int:
        """Return the number of rows of a rung."""
        return len(self.real)

    def normal(self) -> Tensor:
        """Draw standard normal noise for each value of the real rows."""
        return torch.randn(self.real.shape, generator=self.generator)

    def pick(self, rows: Tensor) -> Tensor:
        """Draw n of some rows, each at most once more than any other."""
        rounds = [torch.randperm(len(rows), generator=self.generator) for _ in range(-(-self.n // len(rows)))]
        return rows[torch.cat(rounds)[: self.n]]


def board_of(dataset: Dataset) -> Dataset:
    """Cut a dataset's held-out splits to the rows that the ladder uses."""
    n = min(MAX_ROWS, len(dataset.valid), len(dataset.test))
    return replace(dataset, valid=dataset.valid.some(n), test=dataset.test.some(n))


def controls(dataset: Dataset, *, seed: int = 0) -> dict[str, Tensor]:
    """Return the samples of every rung, (n, *shape) each, on the dataset's grid; real rows first."""
    board, generator = board_of(dataset), torch.Generator().manual_seed(seed)
    order = torch.randperm(len(dataset.train), generator=generator)[:MAX_TRAIN]
    labels = None if dataset.train.y is None else dataset.train.y[order]
    rungs = Rungs(board, board.test.x[:], dataset.train.x[order], board.test.y, labels, generator)
    samples = _of_images(rungs) if len(dataset.shape) == 3 else _of_rows(rungs)
    samples |= _of_any(rungs, samples["heavy noise"])
    return {name: dataset.to_grid(rows.float()) for name, rows in samples.items()}


def _of_images(rungs: Rungs) -> dict[str, Tensor]:
    x, binary = rungs.real, rungs.dataset.levels == 2
    samples = {"real": x}
    for name, sd in OF_IMAGES.items():
        samples[name] = _flipped(rungs, sd / 3) if binary else x + sd * rungs.normal()
    if not binary:
        samples["low contrast"] = CONTRAST * x
    return samples | {"blur": _blurred(x), "shift": torch.roll(x, 1, dims=3)}


def _flipped(rungs: Rungs, share: float) -> Tensor:
    return torch.where(torch.rand(rungs.real.shape, generator=rungs.generator) < share, 1 - rungs.real, rungs.real)


def _blurred(x: Tensor) -> Tensor:
    kernel = torch.full((x.shape[1], 1, 3, 3), 1 / 9)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=x.shape[1])


def _of_rows(rungs: Rungs) -> dict[str, Tensor]:
    law, x = rungs.dataset.law, rungs.real
    sd = torch.full((x.shape[1],), law.sigma) if law else rungs.train.std(dim=0)
    sizes = OF_MODES if law else OF_COLUMNS
    noisy = {name: x + size * sd * rungs.normal() for name, size in sizes.items()}
    return {"real": x} | noisy | {"shift": x + (2.0 if law else 0.7) * sd}


def _of_any(rungs: Rungs, heavy: Tensor) -> dict[str, Tensor]:
    """Make the rungs that any kind of data has: lost variety, lost dependence, memory."""
    n, copies = rungs.n, rungs.pick(rungs.train)
    samples = {"half classes": rungs.pick(rungs.real[_half(rungs)])} if _half(rungs) is not None else {}
    samples["one example"] = rungs.real[:1].expand_as(rungs.real)
    if rungs.train_labels is not None:
        samples["independent in class"] = rungs.pick(_independent(rungs, rungs.train_labels))
    samples |= {
        "independent": rungs.pick(_independent(rungs, torch.zeros(len(rungs.train)))),
        "one gaussian": _one_gaussian(rungs),
        "copies": copies,
        "half copies": torch.cat([copies[: n // 2], heavy[: n - n // 2]]),
        "averages": _averages(rungs.real),
    }
    return samples


def _half(rungs: Rungs) -> Tensor | None:
    """Say which real rows belong to the first half of the classes or modes; None where there are none."""
    law = rungs.dataset.law
    if law is not None:
        mode = torch.cdist(rungs.real, law.means).argmin(dim=1)
        return mode < (len(law.means) + 1) // 2
    if rungs.labels is None:
        return None
    return rungs.labels < (rungs.dataset.n_classes + 1) // 2


def _independent(rungs: Rungs, groups: Tensor) -> Tensor:
    """Deal every value of the training rows anew within its group: the same marginals, no dependence."""
    rows = rungs.train.flatten(1).clone()
    for group in groups.unique():
        inside = torch.where(groups == group)[0]
        order = torch.rand(len(inside), rows.shape[1], generator=rungs.generator).argsort(dim=0)
        rows[inside] = rows[inside].gather(0, order)
    return rows.view_as(rungs.train)


def _one_gaussian(rungs: Rungs) -> Tensor:
    """Draw from one Gaussian with the training rows' mean and covariance."""
    rows = rungs.train.flatten(1).double()
    values, vectors = torch.linalg.eigh(torch.cov(rows.T))
    noise = torch.randn(rungs.n, len(values), generator=rungs.generator, dtype=torch.float64)
    return (rows.mean(dim=0) + (noise * values.clamp(min=0).sqrt()) @ vectors.T).view_as(rungs.real)


def _averages(real: Tensor) -> Tensor:
    """Average each held-out row's nearest other held-out rows: smooth, and no training row is used."""
    rows = real.flatten(1).float()
    apart = torch.cdist(rows, rows)
    apart.fill_diagonal_(torch.inf)
    nearest = apart.topk(min(NEIGHBOURS, len(rows) - 1), largest=False).indices
    return rows[nearest].mean(dim=1).view_as(real)


def violated(values: Mapping[str, float], *, better: str = "lower") -> list[str]:
    """Return the pairs of ORDERS that a metric's values contradict, in words; those whose rungs are there."""
    sign = 1 if better == "lower" else -1
    pairs = [(a, b) for a, b in ORDERS if a in values and b in values]
    return [
        f"{a} ({values[a]:.4g}) is not {'clearly ' * ((a, b) in CLEAR)}better than {b} ({values[b]:.4g})"
        for a, b in pairs
        if not CLEAR.get((a, b), 1.0) * sign * (values[a] - values["real"]) < sign * (values[b] - values["real"])
    ]


Answers = dict[str, dict[str, float]]  # metric -> rung -> value


def answers_of(dataset: Dataset, metrics: tuple[str, ...], *, seed: int = 0) -> Answers:
    """Return what each metric that applies answers to each rung, in its unit."""
    board = board_of(dataset)
    answers: Answers = {name: {} for name in metrics}
    for rung, samples in controls(dataset, seed=seed).items():
        evaluation = Evaluation(board, {"samples": samples}, board="public")
        for name, estimate in score(evaluation, metrics).items():
            answers[name][rung] = estimate.value
    return {name: values for name, values in answers.items() if values}
