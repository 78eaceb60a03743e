"""Find measures by name: a file holds a function `measure`, its COLUMNS, perhaps what it NEEDS."""

from __future__ import annotations

import hashlib
from importlib import import_module
from types import ModuleType

from bench.registry import entries, find
from bench.run.measure import Column, Fitted, Measure

__all__ = ["Column", "Fitted", "Measure", "columns_of", "measure_names", "measure_sha256", "needs_of"]


def measure_names() -> list[str]:
    """List the measures: the files of measures/."""
    return sorted(entries("measure"))


def columns_of(name: str) -> dict[str, Column]:
    """Return the columns that a measure fills."""
    return _module(name).COLUMNS


def needs_of(name: str) -> tuple[str, ...]:
    """Return the feature spaces that a measure cannot do without."""
    return getattr(_module(name), "NEEDS", ())


def measure_sha256(name: str) -> str:
    """Hash a measure's source: a changed measure runs its cells again."""
    return hashlib.sha256(find("measure", name).path.read_bytes()).hexdigest()


def _module(name: str) -> ModuleType:
    return import_module(find("measure", name).module)
