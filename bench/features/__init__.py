"""Feature spaces by name: `load_space(name, dataset)` gives a FeatureSpace whose hash stands in every record."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol

from torch import Tensor

from bench.datasets import Dataset
from bench.errors import DataUnavailable

_loaded: dict[tuple[str, str, str], FeatureSpace] = {}


class FeatureSpace(Protocol):
    """Maps examples (N, *shape) to features (N, D). Spaces with a classifier also have `logits_of(features) -> (N, G, K)`."""

    name: str
    sha256: str

    def __call__(self, x: Tensor) -> Tensor: ...


def load_space(name: str, dataset: Dataset) -> FeatureSpace:
    """The named space for a dataset; LookupError lists the known names, `Unavailable` says what is missing and why."""
    key = (name, dataset.name, str(dataset.train.x.device))
    if key not in _loaded:
        try:
            module = import_module(f"bench.features.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"bench.features.{name}":
                raise
            raise LookupError(f"unknown feature space {name!r}; known: {', '.join(space_names())}") from None
        _loaded[key] = module.build(dataset)
    return _loaded[key]


@cache
def space_names() -> tuple[str, ...]:
    """Names of the feature spaces: the files of this folder."""
    from pathlib import Path

    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_")))


class Unavailable(DataUnavailable):
    """Weights that cannot be had here; the message is one line with the remedy."""
