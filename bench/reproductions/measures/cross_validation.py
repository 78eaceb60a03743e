"""Accuracy by RepeatedStratifiedKFold(5 x 10, seed 0) on scikit-learn's own rows of iris, wine or digits.

One value a repeat is 5 folds; the standard error is over the 10 repeats, which share their rows: it measures the folds' luck alone.
A field `bandwidth` of the model means kernels on features standardised by the training fold.
"""

from __future__ import annotations

from dataclasses import asdict
from statistics import fmean, stdev
from typing import Any

import torch

from bench.datasets._spread import deviations
from bench.reproductions.measure import Column, Fitted

COLUMNS = {
    "cv_accuracy": Column("accuracy, 5 x 10 folds", better="higher"),
    "cv_se": Column("its standard error over repeats"),
}
FOLDS, REPEATS = 5, 10


def measure(fitted: Fitted) -> dict[str, float]:
    """Mean accuracy over the 50 folds and its standard error over the repeats."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{fitted.dataset.name}")()
    x, y = torch.as_tensor(bunch.data).double(), torch.as_tensor(bunch.target).long()
    per_fold = fold_accuracies(fitted.model, x, y)
    repeats = [fmean(per_fold[i * FOLDS : (i + 1) * FOLDS]) for i in range(REPEATS)]
    return {"cv_accuracy": fmean(repeats), "cv_se": stdev(repeats) / REPEATS**0.5}


def fold_accuracies(model: Any, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """One accuracy a fold of a fresh model with the same fields; x (N, D) float64, y (N,)."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    splitter, found = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0), []
    for train, test in splitter.split(x.numpy(), y.numpy()):
        rows, others = x[train], x[test]
        if hasattr(model, "bandwidth"):
            mean, std = rows.mean(dim=0), deviations(rows, unbiased=False)
            rows, others = (rows - mean) / std, (others - mean) / std
        fresh = type(model)(**asdict(model)).fit(rows, y[train], seed=0)
        found.append(float((fresh.predict_proba(others).argmax(dim=1) == y[test]).double().mean()))
    return found
