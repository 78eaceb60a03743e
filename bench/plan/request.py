"""What the user asks for, and what comes of it: cells, skips with their reasons, broken plugins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from bench.plan.cell import Cell
from bench.plan.look import Look


class Reading(TypedDict):
    """What own_dataset is told beside the path."""

    label: str | None
    missing: str
    text: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """What the user asked for; empty lists mean the suite's own."""

    suite: str = "core"
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    seeds: int | None = None
    device: str = "cpu"
    precision: str = "fp32"
    settings: tuple[str, ...] = ()  # "field=value" or "model.field=value"
    data: str | None = None  # path of the user's own data, in place of the suite's datasets
    label: str | None = None  # its column of labels
    missing: str = ""  # "drop" or "keep": what becomes of its missing values
    text: tuple[str, ...] = ()  # its columns of categories written as numbers
    strict: bool = False  # an unreadable image is an error
    jobs: int = 0  # cells side by side, which share the memory that own data may take; 0: not known, as one
    fetch: bool = True  # datasets that are not on disk are downloaded; a dry run only says so

    @property
    def reading(self) -> Reading:
        """How own_dataset is to read the data; every cell repeats it."""
        return {"label": self.label, "missing": self.missing, "text": self.text}


def split_names(given: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the names in a string or in several, split at commas, each once: ("a,b", "c") is (a, b, c)."""
    parts = [given] if isinstance(given, str) else given or ()
    names = [name.strip() for part in parts for name in part.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class Skip:
    """A model that does not run on a dataset, and why."""

    model: str
    dataset: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """All cells, all skips, one line for each plugin that is broken, and a look at own data.

    Cells share the dicts they have in common.
    """

    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]
    broken: tuple[str, ...]
    looks: tuple[Look, ...] = ()
