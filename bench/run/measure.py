"""What an experiment reads off a fitted model.

The contract of a measure, which is a plugin of kind "measure".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.datasets import Dataset, Split


@dataclass(frozen=True)
class Fitted:
    """A model after its training. train: the rows it was given; curve: the record's points.

    Model None: training diverged.
    """

    model: Any
    dataset: Dataset
    train: Split
    curve: list[dict[str, float]]
    seed: int
    metrics: dict[str, float]  # of the private board


@dataclass(frozen=True)
class Column:
    """How to read a measured value. better: "higher", "lower", "none".

    scale: "raw", "log", "logit", or "share" of 0s and 1s.
    """

    title: str
    better: str = "none"
    scale: str = "raw"


Measure = Callable[[Fitted], dict[str, float]]
