"""Read `search`, the ranges and choices of a model's fields that `bench tune` searches.

    search: ClassVar[dict[str, Any]] = {"learning_rate": (1e-4, 1e-2), "width": [64, 128, 256]}

A tuple (low, high) of positive numbers is a range, searched on the log scale; a list is a set of choices.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from bench.errors import Broken
from bench.registry import Entry, unknown

HARNESS_SETS = ("levels", "precision", "steps")  # the same for every trial: a model cannot search them


@dataclasses.dataclass(frozen=True)
class Range:
    """Positive numbers from low to high; whole: whole numbers only."""

    low: float
    high: float
    whole: bool


@dataclasses.dataclass(frozen=True)
class Choices:
    """Values of which each is as likely as another."""

    values: tuple[Any, ...]


Space = dict[str, Range | Choices]


def read_search(entry: Entry, cls: type) -> Space:
    """Return what a model declares, {} if nothing; Broken names the file and line of what is wrong."""
    declared = getattr(cls, "search", None)
    if declared is None:
        return {}
    if not isinstance(declared, Mapping):
        raise _broken(entry, None, f"is {declared!r}; expected a dict of fields")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    space: Space = {}
    for name, given in declared.items():
        try:
            space[name] = _axis(name, given, fields)
        except (ValueError, LookupError) as error:
            raise _broken(entry, name, str(error).strip('"')) from error
    return space


def _axis(name: Any, given: Any, fields: Mapping[str, dataclasses.Field[Any]]) -> Range | Choices:
    if name not in fields:
        raise unknown("field", str(name), fields)
    if name in HARNESS_SETS:
        raise ValueError(f"{name!r} is the same for every trial: the suite, the data or --set decides it")
    if isinstance(given, tuple):
        return _range(name, given, fields[name])
    if isinstance(given, list):
        return _choices(name, given)
    raise ValueError(f"{name!r} is {given!r}; expected a tuple (low, high) or a list of choices")


def _range(name: str, given: tuple[Any, ...], field: dataclasses.Field[Any]) -> Range:
    if len(given) != 2 or not all(type(end) in (int, float) and math.isfinite(end) and end > 0 for end in given):
        raise ValueError(f"{name!r} is {given!r}; expected two positive numbers (low, high)")
    low, high = given
    if low >= high:
        raise ValueError(f"{name!r} is {given!r}; expected low < high")
    default = _default(field)
    if default is not None and type(default) not in (int, float):
        raise ValueError(f"{name!r} is a range, and the field's default is {default!r}; expected a list of choices")
    whole = "int" in str(field.type) and "float" not in str(field.type) if default is None else type(default) is int
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise ValueError(f"{name!r} is {given!r}; expected whole numbers, as the field's are")
    return Range(low, high, whole)


def _choices(name: str, given: list[Any]) -> Choices:
    try:
        spelled = {json.dumps(value, allow_nan=False) for value in given}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name!r} is {given!r}; expected numbers, strings, lists or None: {error}") from error
    if len(spelled) < 2 or len(spelled) < len(given):
        raise ValueError(f"{name!r} is {given!r}; expected at least two choices, each once")
    return Choices(tuple(given))


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _broken(entry: Entry, name: Any, problem: str) -> Broken:
    return Broken(f"model {entry.name!r} ({entry.path}{_line(entry, name)}): search: {problem}")


def _line(entry: Entry, name: Any) -> str:
    """Return ":LINE" of a field in the declaration, else of the declaration; empty where it is inherited."""
    tree = ast.parse(entry.path.read_text(encoding="utf-8"))
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == entry.attribute):
        for item in node.body:
            targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == "search" for target in targets):
                value = getattr(item, "value", None)
                keys = value.keys if isinstance(value, ast.Dict) else []
                lines = [key.lineno for key in keys if isinstance(key, ast.Constant) and key.value == name]
                return f":{(lines or [item.lineno])[0]}"
    return ""
