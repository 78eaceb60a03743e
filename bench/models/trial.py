"""A model that is tried on a small dataset, and what is said of each promise."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bench.datasets import Dataset, Examples
from bench.errors import place_of
from bench.registry import Entry

STEPS = 4


@dataclass(frozen=True)
class Result:
    """One promise on one dataset: kept or not, and what was seen."""

    dataset: str
    promise: str
    kept: bool
    detail: str = ""


@dataclass(frozen=True)
class Trial:
    """A model's class on one dataset. dequantised: it is trained and scored on (code + u) / levels."""

    entry: Entry
    cls: type[Any]
    dataset: Dataset
    dequantised: bool

    def make(self) -> Any:
        """Return a model of a few steps that knows the dataset's levels."""
        fields = {f.name for f in dataclasses.fields(self.cls)}
        values: dict[str, Any] = {"steps": STEPS} if "steps" in fields else {}
        if "levels" in fields:
            values["levels"] = self.dataset.levels
        return self.cls(**values)

    def fit(self, *, seed: int) -> Any:
        """Return another model, fitted to the training rows."""
        return self.make().fit(self.rows(self.dataset.train.x), self.dataset.train.y, seed=seed)

    def rows(self, x: Examples) -> Tensor:
        """Return rows as the model is given them."""
        return self.dataset.dequantize(x, seed=0) if self.dequantised else x[:]

    def failure(self, promise: str, error: Exception) -> Result:
        """Return the result of a promise that raised: the error, and the plugin's own line."""
        place = place_of(error, self.entry.path)
        return self.result(promise, False, f"{type(error).__name__}: {error} ({place})")

    def result(self, promise: str, kept: bool, detail: str = "") -> Result:
        """Return the result of one promise, with what was seen where it is not kept."""
        return Result(self.dataset.name, promise, kept, "" if kept else detail)
