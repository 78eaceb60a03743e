"""Datasets made of others: trained on every published row, or binarised."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.datasets import Dataset, Examples, Split
from bench.datasets._pixels import PixelRows


def with_every_row(dataset: Dataset) -> Dataset:
    """Train on all rows that the publisher gives for training: those of `train`, `valid` and `spare`.

    For protocols that have no public board; `valid` stays what it was, so that nothing may be chosen on it.
    """
    parts = [split for split in (dataset.train, dataset.valid, dataset.spare) if split is not None]
    y = None if any(split.y is None for split in parts) else torch.cat([split.labels for split in parts])
    xs = [split.x for split in parts]
    if all(isinstance(x, PixelRows) and x.index is None for x in xs):
        x: Examples = PixelRows(torch.cat([x.codes for x in xs if isinstance(x, PixelRows)]), xs[0].levels)  # type: ignore[union-attr]
    else:
        x = torch.cat([x[:] for x in xs])
    return replace(dataset, train=Split(x, y), spare=None)


def binarized(dataset: Dataset, *, seed: int = 0) -> Dataset:
    """Draw every pixel once from Bernoulli(value), each split by its own stream: a fixed binarisation."""

    def draw(split: Split, offset: int) -> Split:
        generator = torch.Generator().manual_seed(3 * seed + offset)
        parts = [torch.rand(part.shape, generator=generator) < part for part in split.x.split(4096)]
        return Split(PixelRows(torch.cat(parts).to(torch.uint8), 2), split.y)

    return replace(
        dataset,
        name=f"{dataset.name}_binarized",
        train=draw(dataset.train, 0),
        valid=draw(dataset.valid, 1),
        test=draw(dataset.test, 2),
        levels=2,
        primary="nll",
        spaces=(),
        n_modes=0,
        n_classes=0,
        n_mode_samples=0,
    )
