"""Split by a fixed seed, by class and by groups of equal rows; standardise tables."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset, Split, Splits
from bench.datasets._spread import deviations


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


def equal_rows(x: np.ndarray) -> np.ndarray:
    """Return a number for each different row of x (N, ...), from 0, (N,); -0.0 equals 0.0."""
    seen: dict[bytes, int] = {}
    flat = x.reshape(len(x), -1)
    numbers = []
    for row in flat:
        same = np.ascontiguousarray(row + 0.0 if row.dtype.kind == "f" else row)
        numbers.append(seen.setdefault(hashlib.blake2b(same.tobytes(), digest_size=16).digest(), len(seen)))
    return np.array(numbers, dtype=np.int64)


def grouped(groups: np.ndarray, y: np.ndarray | None, sizes: tuple[int, int, int], *, seed: int) -> list[np.ndarray]:
    """Return the row indices of train, valid and test, each of the groups (N,) whole in one of them.

    Each class stands in proportion as far as groups allow: class by class, groups in random order, large ones first, go to
    where the largest share is open; what a class leaves over is the next one's. A group of several classes counts as its
    most frequent.
    """
    labels = np.zeros(len(groups), np.int64) if y is None else y
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    class_of = np.array([np.bincount(labels[rows]).argmax() for rows in members])
    parts: list[list[np.ndarray]] = [[], [], []]
    share, left_over = np.array(sizes) / len(groups), np.zeros(3)
    for k in np.unique(class_of):
        units = np.random.RandomState(seed).permutation(np.flatnonzero(class_of == k))
        units = units[np.argsort([-len(members[u]) for u in units], kind="stable")]
        room = share * sum(len(members[u]) for u in units) + left_over
        target, taken = np.maximum(room, 1e-9), np.zeros(3)
        for i, unit in enumerate(units):
            size = len(members[unit])
            empty = taken == 0
            after = (target - taken - size) / target
            if empty.sum() >= len(units) - i:  # the last groups of a class go to sides that have none of it
                after[~empty] = -np.inf
            side = int(after.argmax())
            parts[side].append(members[unit])
            taken[side] += size
        left_over = room - taken
    return [np.sort(np.concatenate(part)) if part else np.zeros(0, np.int64) for part in parts]


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
    mean, std = train.mean(dim=0), deviations(train)
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
