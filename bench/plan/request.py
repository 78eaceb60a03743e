"""What the user asks for, and what comes of it: cells, skips with their reasons, broken plugins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from bench.plan.cell import Cell


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
    strict: bool = False  # an unreadable image is an error
    fetch: bool = True  # datasets that are not on disk are downloaded; a dry run only says so


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
    """All cells, all skips, and one line for each plugin that is broken."""

    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]
    broken: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON, for the way from the planning process."""
        return {
            "cells": [cell.to_json() for cell in self.cells],
            "skips": [asdict(skip) for skip in self.skips],
            "broken": list(self.broken),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Plan:
        """The inverse of to_json."""
        return cls(
            tuple(Cell(**cell) for cell in value["cells"]),
            tuple(Skip(**skip) for skip in value["skips"]),
            tuple(value["broken"]),
        )
