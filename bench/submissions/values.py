"""Compare the samples of a file with what its dataset asks for: shape, number, range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_ROWS = 1_000_000
LARGEST = 1e6  # of real data, which is standardised: beyond it features and distances overflow
RANGE_SLACK = 1e-6
SHOWN = 5


@dataclass(frozen=True)
class Form:
    """What a dataset asks of a submission.

    Rows of `shape`, from least to most of them, values in [low, high] or finite.
    """

    dataset: str
    shape: tuple[int, ...]
    least: int
    most: int
    low: float = -math.inf
    high: float = math.inf

    def describe(self) -> str:
        """Describe this form in one line, for users."""
        shape = ", ".join(["N", *map(str, self.shape)])
        values = f"in [{self.low:g}, {self.high:g}]" if math.isfinite(self.low) else "finite"
        return f"an .npz with one member `samples`: float32 of shape ({shape}), N from {self.least:,} to {self.most:,}, values {values}"


def form_of(dataset: Any) -> Form:
    """Return the form that a Dataset asks for: at least the rows of its larger board."""
    rows = max(len(dataset.valid), len(dataset.test))
    bounds = (0.0, 1.0) if dataset.levels else (-LARGEST, LARGEST)
    return Form(dataset.name, dataset.shape, rows, MAX_ROWS, *bounds)


def form_problems(array_shape: tuple[int, ...], form: Form) -> list[str]:
    """Say what is wrong with the shape (N, ...) of all samples together."""
    problems = []
    n, shape = array_shape[0], array_shape[1:]
    if shape != form.shape:
        problems.append(f"one sample has shape {shape}; expected {form.shape}")
    if not form.least <= n <= form.most:
        problems.append(f"{n:,} samples; expected {form.least:,} to {form.most:,}")
    return problems


def value_problems(x: np.ndarray, form: Form) -> list[str]:
    """Say which samples (N, ...) are not finite or outside the range."""
    problems = []
    finite = np.isfinite(x)
    if not finite.all():
        problems.append(_list_bad(x, ~finite, "are not finite"))
    with np.errstate(invalid="ignore"):
        outside = finite & ((x < form.low - RANGE_SLACK) | (x > form.high + RANGE_SLACK))
    if outside.any():
        words = _list_bad(x, outside, f"outside [{form.low:g}, {form.high:g}]")
        problems.append(f"{words}; bytes are divided by their largest code")
    return problems


def _list_bad(x: np.ndarray, bad: np.ndarray, what: str) -> str:
    """Count the bad values and name the first places: all places would take eight times the file."""
    count, places = int(np.count_nonzero(bad)), []
    for row in range(len(bad)):
        places += [(row, *map(int, at)) for at in np.argwhere(bad[row])[:SHOWN]] if bad[row].any() else []
        if len(places) >= SHOWN:
            break
    shown = "; ".join(f"{x[at]:g} at {list(at)}" for at in places[:SHOWN])
    return f"{count:,} values {what}: {shown}{'; ...' if count > SHOWN else ''}"
