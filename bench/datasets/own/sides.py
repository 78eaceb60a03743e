"""Split a user's own data 60 / 20 / 20 %, equal rows on one side: nothing trained on is held out."""

from __future__ import annotations

import numpy as np

from bench.datasets._split import equal_rows, grouped, shuffled, stratified
from bench.datasets.own.arrays import Arrays

COPIES = 4  # more equal rows than these and than a tenth of a held-out side are a common value, not copies


def split_of(arrays: Arrays) -> tuple[list[np.ndarray], str]:
    """Return the rows of train, valid and test, each class in proportion, and what is said of equal rows."""
    n = len(arrays.x)
    held_out = round(0.2 * n)
    sizes = (n - 2 * held_out, held_out, held_out)
    groups = equal_rows(arrays.x)
    counts = np.bincount(groups)
    common = counts > max(COPIES, held_out // 10)
    told = _story(counts, common)
    if bool(((counts > 1) & ~common).any()):
        alone = np.where(common[groups], len(counts) + np.arange(n), groups)
        return shuffled(grouped(alone, arrays.y, sizes, seed=0), seed=0), told
    if arrays.y is not None:
        return shuffled(stratified(arrays.y, sizes, seed=0), seed=0), told
    return np.split(np.random.RandomState(0).permutation(n), [sizes[0], sizes[0] + sizes[1]]), told


def _story(counts: np.ndarray, common: np.ndarray) -> str:
    copied, often = counts[(counts > 1) & ~common], counts[common]
    told = []
    if len(copied):
        told.append(
            f"{copied.sum():,} rows occur more than once ({len(copied):,} different); equal rows stay on one side of the split"
        )
    if len(often):
        told.append(
            f"{len(often):,} common rows, which occur up to {often.max():,} times, stand on all sides: {often.sum():,} rows"
        )
    return "; ".join(told)
