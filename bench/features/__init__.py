"""Feature spaces by name: `load_space(name, dataset)` gives a FeatureSpace; records hold its hash."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor

from bench.datasets import Dataset, Examples
from bench.errors import DataUnavailable

_loaded: dict[tuple[str, str, str], FeatureSpace] = {}


class FeatureSpace(Protocol):
    """A map of examples to features, by name; its hash tells other weights or other training rows apart."""

    name: str
    sha256: str

    def __call__(self, x: Examples) -> Tensor:
        """Return features (N, D) of examples (N, *shape)."""
        ...


@runtime_checkable
class Classifying(Protocol):
    """A space with a classifier on its features."""

    def logits_of(self, features: Tensor) -> Tensor:
        """Return the logits of each of G channel groups, (N, G, K)."""
        ...


@runtime_checkable
class CountingModes(Protocol):
    """A space that tells a dataset's modes apart."""

    def mode_ids_of(self, features: Tensor) -> Tensor:
        """Return the mode of each example from its features, (N,)."""
        ...


def load_space(name: str, dataset: Dataset) -> FeatureSpace:
    """Return a dataset's space by name; LookupError lists the names, `Unavailable` what is missing."""
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
    """Return the names of the feature spaces: the files of this folder."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_")))


class Unavailable(DataUnavailable):
    """Weights that cannot be had here; the message is one line with the remedy."""
