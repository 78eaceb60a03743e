"""A plan as lines of JSON, on its way from the process that makes it.

What cells share is written once, a cell is two numbers.

    {"skips": [...], "broken": [...], "looks": [...]}      the first line
    {"shared": {...}}                                      a dict that cells hold: a dataset, a model, metrics; numbered from 0
    {"profile": {"suite": "core", "dataset": 0, ...}}      all of a cell but its seed; dicts by number; numbered from 0
    [profile, seed]                                        a cell

The cells that are read back share those dicts too: 50,000 of them take some 20 MiB, where a copy for each takes gigabytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

from bench.plan.cell import Cell
from bench.plan.look import read_look
from bench.plan.request import Plan, Skip

PLAN_FILE = "plan"  # the name of the file that a planning task hands over
DICTS = ("dataset", "model", "metrics", "features", "versions", "measures")
SCALARS = tuple(f.name for f in fields(Cell) if f.name not in (*DICTS, "seed"))


def encode(plan: Plan) -> bytes:
    """Write a plan as the file of a planning task."""
    return b"".join(to_lines(plan))


def decode(raw: bytes) -> Plan:
    """Read a plan that `encode` wrote, a line at a time."""
    return from_lines(io.BytesIO(raw))


def to_lines(plan: Plan) -> Iterator[bytes]:
    """Write a plan, a line at a time."""
    skips, looks = [asdict(skip) for skip in plan.skips], [asdict(look) for look in plan.looks]
    yield _line({"skips": skips, "broken": plan.broken, "looks": looks})
    shared, profiles = _Numbers("shared"), _Numbers("profile")
    by_identity: dict[int, int] = {}  # the plan keeps its dicts alive, so that an id is never used twice
    for cell in plan.cells:
        profile = {name: getattr(cell, name) for name in SCALARS}
        for name in DICTS:
            value = getattr(cell, name)
            if id(value) not in by_identity:
                by_identity[id(value)], new = shared.number(value)
                yield from new
            profile[name] = by_identity[id(value)]
        number, new = profiles.number(profile)
        yield from new
        yield _line([number, cell.seed])


def from_lines(lines: Iterable[bytes]) -> Plan:
    """Read a plan that `to_lines` wrote."""
    remaining = iter(lines)
    head = json.loads(next(remaining))
    shared: list[dict[str, Any]] = []
    profiles: list[dict[str, Any]] = []
    cells = []
    for line in remaining:
        value = json.loads(line)
        if isinstance(value, list):
            cells.append(Cell(**profiles[value[0]], seed=value[1]))
        elif "shared" in value:
            shared.append(value["shared"])
        else:
            profile = value["profile"]
            profiles.append(profile | {name: shared[profile[name]] for name in DICTS})
    looks = tuple(map(read_look, head["looks"]))
    return Plan(tuple(cells), tuple(Skip(**skip) for skip in head["skips"]), tuple(head["broken"]), looks)


class _Numbers:
    """Numbers for values by what they hold; a value's line is written when it is first seen."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._known: dict[bytes, int] = {}

    def number(self, value: dict[str, Any]) -> tuple[int, list[bytes]]:
        """Return the number of a value, and its line if it is new."""
        line = _line({self._kind: value})
        new = [] if line in self._known else [line]
        return self._known.setdefault(line, len(self._known)), new


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
