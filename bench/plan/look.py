"""Describe what was understood of a dataset, in plain values; bench.render.look makes words of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FLAG_KINDS = {1: "constant", 2: "two values"}  # distinct values in the training rows -> kind of a table's column


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was understood of a dataset. All of it is JSON.

    rows: by split. classes: name -> rows of all splits, empty without labels. columns: of a table, kind -> how many.
    notes: what the reader did and assumed, in words. own: whether these are the user's own data.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    rows: dict[str, int]
    classes: dict[str, int] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    levels: int | None = None
    primary: str = ""
    spaces: tuple[str, ...] = ()
    sha256: str = ""
    own: bool = False
    notes: dict[str, str] = field(default_factory=dict)


def look_at(dataset: Any, notes: Mapping[str, str] | None = None) -> Look:
    """Return the look at a bench.datasets.Dataset; notes: more of them than the dataset's own."""
    splits = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    return Look(
        name=dataset.name,
        kind=dataset.kind,
        shape=tuple(int(side) for side in dataset.shape),
        rows={name: len(split) for name, split in splits.items()},
        classes=_classes(dataset, splits),
        columns=_columns(dataset) if dataset.kind == "table" else {},
        levels=dataset.levels,
        primary=dataset.primary,
        spaces=tuple(dataset.spaces),
        sha256=dataset.sha256,
        own=bool(dataset.own_path),
        notes={**dataset.notes, **(notes or {})},
    )


def read_look(value: Mapping[str, Any]) -> Look:
    """Read a look back from JSON."""
    parts: dict[str, Any] = {name: tuple(part) if isinstance(part, list) else part for name, part in value.items()}
    return Look(**parts)


def _classes(dataset: Any, splits: Mapping[str, Any]) -> dict[str, int]:
    """Count the rows of each class over all splits; a row without a label (-1) counts for none."""
    if not dataset.n_classes:
        return {}
    counts = [0] * dataset.n_classes
    for split in splits.values():
        if split.y is not None:
            for k, count in enumerate(split.y[split.y >= 0].bincount(minlength=dataset.n_classes).tolist()):
                counts[k] += count
    names = dataset.class_names if len(dataset.class_names) == len(counts) else range(len(counts))
    return {str(name): count for name, count in zip(names, counts)}


def _columns(dataset: Any) -> dict[str, int]:
    """Count a table's columns by what the training rows hold: numbers, two values only, one value only."""
    kinds: dict[str, int] = {}
    for column in dataset.train.x[:].flatten(1).T:
        kind = FLAG_KINDS.get(len(column.unique()), "numbers")
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds
