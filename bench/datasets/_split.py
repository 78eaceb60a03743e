"""Fixed stratified splits, and the standardisation of tables by their training rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset, Split


def stratified(y: np.ndarray, sizes: tuple[int, int, int], *, seed: int) -> list[np.ndarray]:
    """Row indices of train, valid and test, each class in proportion."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(y))
    rest, test = train_test_split(rows, test_size=sizes[2], stratify=y, random_state=seed)
    train, valid = train_test_split(rest, test_size=sizes[1], stratify=y[rest], random_state=seed)
    return [np.sort(train), np.sort(valid), np.sort(test)]


def shuffled(parts: list[np.ndarray], *, seed: int) -> list[np.ndarray]:
    """Each part in a random order, so that contiguous blocks of rows are random blocks."""
    return [np.random.RandomState(seed + i).permutation(rows) for i, rows in enumerate(parts)]


def split_rows(x: Tensor, y: Tensor, sizes: tuple[int, int, int]) -> dict[str, Split]:
    """Train, valid and test by the suite's fixed seed."""
    parts = shuffled(stratified(y.numpy(), sizes, seed=0), seed=0)
    return {name: Split(x[rows], y[rows]) for name, rows in zip(("train", "valid", "test"), parts)}


def table_dataset(name: str, bunch: object) -> Dataset:
    """60 / 20 / 20 % of a scikit-learn table, standardised by the training rows."""
    y = torch.as_tensor(bunch.target).long()  # type: ignore[attr-defined]
    x = torch.as_tensor(bunch.data).double()  # type: ignore[attr-defined]
    held_out = round(0.2 * len(y))
    rows = split_rows(x, y, (len(y) - 2 * held_out, held_out, held_out))
    mean, std = rows["train"].x.mean(dim=0), rows["train"].x.std(dim=0)
    splits = {part: Split(((s.x - mean) / std).float(), s.y) for part, s in rows.items()}
    return Dataset(
        name=name,
        kind="table",
        **splits,
        primary="energy_distance",
        spaces=("identity",),
        n_classes=int(y.max()) + 1,
        class_names=tuple(str(c) for c in bunch.target_names),  # type: ignore[attr-defined]
        notes={"features": ", ".join(bunch.feature_names), "source": "scikit-learn, standardised by train"},  # type: ignore[attr-defined]
    )
