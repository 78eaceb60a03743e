"""Rows of two sides as metrics see an Evaluation.

All samples against all real rows, features computed once and sliced.

The rows of each side stand in a random order of a fixed seed, so that any first part of them is a random part of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset, Examples, Split
from bench.datasets._pixels import PixelRows
from bench.features import FeatureSpace, load_space
from bench.metrics._evaluation import Evaluation
from bench.submissions.sides import Side

SEED = 0
STRIP = 1024
NATIVE_BATCH = 50


class NeedsTraining(Exception):
    """A metric asked for training rows where all real rows stand on one side."""


class Rows:
    """The rows of a side in random order, and their features by space."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.order = np.random.RandomState(SEED).permutation(len(side.codes))
        shuffled = torch.from_numpy(np.ascontiguousarray(side.codes[self.order]))
        self.x: Examples = shuffled.float() if side.is_table else PixelRows(shuffled, 256)
        self._features: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self.order)

    def part(self, rows: slice) -> Examples:
        """Return some rows; bytes stay bytes."""
        return PixelRows(self.x.codes[rows], 256) if isinstance(self.x, PixelRows) else self.x[rows]

    def features(self, space: FeatureSpace, *, native: bool) -> Tensor:
        """Return features (N, D) of all rows; native: of the images in the size they are stored in."""
        if space.name not in self._features:
            with torch.no_grad():
                if native:
                    found = torch.cat([space(batch) for batch in self._native_batches()])[torch.from_numpy(self.order)]
                else:
                    found = torch.cat([space(part) for part in self.x.split(STRIP)])
            self._features[space.name] = found
        return self._features[space.name]

    def _native_batches(self) -> Iterator[Tensor]:
        """Yield batches (B, C, H, W) in [0, 1] of neighbours of one size, in the order of the files."""
        waiting: list[np.ndarray] = []
        for image in self.side.in_own_size():
            if waiting and (len(waiting) == NATIVE_BATCH or waiting[0].shape != image.shape):
                yield torch.from_numpy(np.stack(waiting)).float() / 255
                waiting = []
            waiting.append(image)
        yield torch.from_numpy(np.stack(waiting)).float() / 255


class Pair(Evaluation):
    """Some rows of one side against some of another; `train` is asked for by metrics of copies only."""

    def __init__(
        self,
        dataset: Dataset,
        real: tuple[Rows, slice],
        fake: tuple[Rows, slice],
        train: tuple[Rows, slice] | None = None,
    ) -> None:
        (self._real, self._real_rows), (self._fake, self._fake_rows) = real, fake
        self._train = train
        super().__init__(
            dataset, {"samples": torch.empty(0)}, board="public", draws=1
        )  # taken when asked for, see below

    @cached_property
    def real(self) -> Split:
        """Return the real rows."""
        return Split(self._real.part(self._real_rows))

    @property
    def samples(self) -> Tensor:
        """Return the samples, (n, *shape)."""
        return self._fake.x[self._fake_rows]

    @property
    def train(self) -> Split:
        """Return the rows that samples may be copies of; NeedsTraining where there are none."""
        rows, part = self._training
        return Split(rows.part(part))

    @property
    def _training(self) -> tuple[Rows, slice]:
        if self._train is None:
            raise NeedsTraining
        return self._train

    @property
    def draws(self) -> list[Tensor]:
        """Return all samples as one draw."""
        return [self.samples]

    def real_features(self, space: str) -> Tensor:
        """Return features of the real rows."""
        return self._of(self._real, space)[self._real_rows]

    def train_features(self, space: str) -> Tensor:
        """Return features of the training rows."""
        rows, part = self._training
        return self._of(rows, space)[part]

    def sample_features(self, space: str) -> Tensor:
        """Return features of all samples."""
        return self._of(self._fake, space)[self._fake_rows]

    def draw_features(self, space: str) -> list[Tensor]:
        """Return features of all samples as one draw."""
        return [self.sample_features(space)]

    def _of(self, rows: Rows, space: str) -> Tensor:
        """Return features of all rows. Images have no "identity".

        A test of classifiers sees the space that was asked for.
        """
        if space == "identity" and not rows.side.is_table:
            (space,) = self.dataset.spaces
        return rows.features(load_space(space, self.dataset), native=space == "inception")
