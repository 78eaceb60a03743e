"""What a measure is given, and how it is found: bench/reproductions/measures/NAME.py."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.datasets import Dataset, Split
from bench.registry import unknown

FOLDER = Path(__file__).parent / "measures"


@dataclass(frozen=True)
class Fitted:
    """A model after its training. train: the rows it was given; curve: the record's points; model None: training diverged."""

    model: Any
    dataset: Dataset
    train: Split
    curve: list[dict[str, float]]
    seed: int
    metrics: dict[str, float]  # of the private board


@dataclass(frozen=True)
class Column:
    """How to read a measured value. better: "higher", "lower", "none"; scale: "raw", "log", "logit", or "share" of 0s and 1s."""

    title: str
    better: str = "none"
    scale: str = "raw"


Measure = Callable[[Fitted], dict[str, float]]


def measure_names() -> list[str]:
    """Names of the measures: the files of measures/."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def load_measure(name: str) -> Measure:
    """The function of a measure; NotFound lists the names."""
    return _module(name).measure


def columns_of(name: str) -> dict[str, Column]:
    """The columns a measure fills."""
    return _module(name).COLUMNS


def needs_of(name: str) -> tuple[str, ...]:
    """Feature spaces that a measure cannot do without."""
    return getattr(_module(name), "NEEDS", ())


def measure_sha256(name: str) -> str:
    """Hash of a measure's source: a changed measure runs its cells again."""
    if name not in measure_names():
        raise unknown("measure", name, measure_names())
    return hashlib.sha256((FOLDER / f"{name}.py").read_bytes()).hexdigest()


def _module(name: str) -> Any:
    if name not in measure_names():
        raise unknown("measure", name, measure_names())
    return import_module(f"bench.reproductions.measures.{name}")
