"""Which training rows keep their labels, where a measure or a model is given few."""

from __future__ import annotations

import torch
from torch import Tensor


def label_subset(y: Tensor, n: int, seed: int) -> Tensor:
    """Choose n labelled rows of y (N,), as balanced over the classes as they allow: int64 rows (n,).

    The rows are the first n of one sequence that depends on (y, seed) alone, so the 20 rows of a seed are among its 50. The
    sequence deals one row of each class in turn, the classes in a random order in each round. y = -1 is never chosen.
    A semi-supervised model that deals its own labels by the same rule is given the same rows for the same seed.
    """
    classes = y.unique()[y.unique() >= 0].tolist()
    available = int((y >= 0).sum())
    if not len(classes) <= n <= available:
        raise ValueError(f"n must be between {len(classes)} (one a class) and {available} (the labelled rows), got {n}")
    generator = torch.Generator().manual_seed(seed)
    piles = {}
    for k in classes:
        rows = torch.nonzero(y.cpu() == k)[:, 0]
        piles[k] = rows[torch.randperm(len(rows), generator=generator)].tolist()
    dealt: list[int] = []
    while len(dealt) < available:
        order = torch.randperm(len(classes), generator=generator).tolist()
        dealt += [piles[classes[i]].pop() for i in order if piles[classes[i]]]
    return torch.tensor(dealt[:n], device=y.device)
