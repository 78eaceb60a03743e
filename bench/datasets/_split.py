"""Fixed stratified splits, and the standardisation of tables by their training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset, Split, Splits


class Bunch(Protocol):
    """What is used of scikit-learn's tables: data (N, D), target (N,), and their names."""

    data: np.ndarray
    target: np.ndarray
    target_names: Sequence[str]
    feature_names: Sequence[str]


def stratified(y: np.ndarray, sizes: tuple[int, int, int], *, seed: int) -> list[np.ndarray]:
    """Return the row indices of train, valid and test, each class in proportion."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(y))
    rest, test = train_test_split(rows, test_size=sizes[2], stratify=y, random_state=seed)
    train, valid = train_test_split(rest, test_size=sizes[1], stratify=y[rest], random_state=seed)
    return [np.sort(train), np.sort(valid), np.sort(test)]


def shuffled(parts: list[np.ndarray], *, seed: int) -> list[np.ndarray]:
    """Put each part in a random order, so that contiguous blocks of rows are random blocks."""
    return [np.random.RandomState(seed + i).permutation(rows) for i, rows in enumerate(parts)]


def split_rows(x: Tensor, y: Tensor, sizes: tuple[int, int, int]) -> Splits:
    """Split rows into train, valid and test by the suite's fixed seed."""
    parts = shuffled(stratified(y.numpy(), sizes, seed=0), seed=0)
    return Splits(*(Split(x[rows], y[rows]) for rows in parts))


def table_dataset(name: str, bunch: Bunch) -> Dataset:
    """Split a scikit-learn table into 60 / 20 / 20 %, standardised by the training rows."""
    y = torch.as_tensor(bunch.target).long()
    x = torch.as_tensor(bunch.data).double()
    held_out = round(0.2 * len(y))
    rows = split_rows(x, y, (len(y) - 2 * held_out, held_out, held_out))
    train = rows.train.x[:]
    mean, std = train.mean(dim=0), train.std(dim=0)
    splits = Splits(*(Split(((s.x - mean) / std).float(), s.y) for s in rows))
    return Dataset(
        name=name,
        kind="table",
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        primary="energy_distance",
        spaces=("identity",),
        n_classes=int(y.max()) + 1,
        class_names=tuple(str(c) for c in bunch.target_names),
        notes={"features": ", ".join(bunch.feature_names), "source": "scikit-learn, standardised by train"},
    )
