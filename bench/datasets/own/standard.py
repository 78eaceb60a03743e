"""Make a Dataset of a user's own table: constant columns left out by name, the others standardised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bench.datasets import Dataset, Split, Splits
from bench.datasets._spread import constant_columns, deviations
from bench.datasets.own.arrays import Arrays, joined, listed
from bench.errors import UsageError

FAR = 1e6  # deviations from the mean: beyond it features and distances overflow, as in a submission
LARGEST = 1e300
FEW = 10  # values: a column of so few has no density


def table_of(name: str, arrays: Arrays, rows: list[np.ndarray], path: Path) -> Dataset:
    """Return the dataset; UsageError where no column varies or a value is too far from the others."""
    x, columns, left_out = _varying(arrays, rows, path)
    scaled = _standardised(x, rows[0])
    _refuse_far(path, columns, x, scaled)
    density = _without_density(x[rows[0]], columns)
    notes = joined(arrays.notes, "left out", left_out) | {"values": "standardised by the training rows"}
    notes = joined(notes, "densities", f"no nll: {density}" if density else "")
    labels = None if arrays.y is None else torch.from_numpy(arrays.y)
    splits = Splits(
        *(
            Split(torch.from_numpy(scaled[i]).float(), None if labels is None else labels[torch.from_numpy(i)])
            for i in rows
        )
    )
    return Dataset(
        name=name,
        kind="table",
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        primary="energy_distance",
        spaces=("identity",),
        n_classes=len(arrays.class_names),
        class_names=arrays.class_names,
        own_path=str(path.resolve()),
        density=density,
        notes=notes,
    )


def _varying(arrays: Arrays, rows: list[np.ndarray], path: Path) -> tuple[np.ndarray, list[str], str]:
    """Return the columns that vary in the training rows, their names, and what is said of the others."""
    largest = np.abs(arrays.x).max(axis=0)
    if largest.max() > LARGEST:
        column = arrays.columns[int(largest.argmax())]
        raise UsageError(
            f"{path}: column {column} reaches {largest.max():.3g}; expected at most {LARGEST:g}: rescale it"
        )
    constant = constant_columns(torch.from_numpy(arrays.x[rows[0]])).numpy()
    if constant.all():
        raise UsageError(f"{path}: every column is constant in the training rows; there is nothing to model")
    told = []
    for j in np.flatnonzero(constant):
        value = arrays.x[rows[0][0], j]
        held_out = arrays.x[np.concatenate(rows[1:]), j]
        others = int((np.abs(held_out - value) > 1e-12 * abs(value)).sum())
        told.append(f"{arrays.columns[j]} ({value:g}{f'; {others} held-out rows differ' if others else ''})")
    names = [column for column, same in zip(arrays.columns, constant) if not same]
    return arrays.x[:, ~constant], names, f"constant in the training rows: {listed(told)}" if told else ""


def _standardised(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return (x - mean) / std of the training rows.

    Values far from the origin, or at extreme scales, are moved and scaled first to where digits suffice.
    """
    low, high = x[train].min(axis=0), x[train].max(axis=0)
    width = high - low
    moved = np.maximum(np.abs(low), np.abs(high)) > 1e6 * width
    extreme = (width > 1e100) | (width < 1e-100)
    x = (x - np.where(moved, low, 0.0)) / np.where(extreme, width, 1.0)
    std = deviations(torch.from_numpy(x[train])).numpy()
    return (x - x[train].mean(axis=0)) / std


def _refuse_far(path: Path, columns: list[str], x: np.ndarray, scaled: np.ndarray) -> None:
    far = np.argwhere(~(np.abs(scaled) <= FAR))
    if len(far):
        i, j = far[0]
        raise UsageError(
            f"{path}: {x[i, j]:g} in column {columns[j]}, row {i + 1} of the data, is {abs(scaled[i, j]):.2g} standard deviations "
            f"of the training rows from their mean; expected at most {FAR:g}: remove or mend it"
        )


def _without_density(train: np.ndarray, columns: list[str]) -> str:
    """Say which columns hold few values, or one half the time, and so have no density; empty if none."""
    few = []
    for j, column in enumerate(columns):
        counts = np.unique(train[:, j], return_counts=True)[1]
        if len(counts) <= FEW or 2 * counts.max() >= len(train):
            few.append(f"{column} ({len(counts)} values)")
    return f"a density has no meaning on columns of few values, and grows without bound: {listed(few)}" if few else ""
