"""Exact copies: the share of samples that are a training row, value by value.

Images are compared on the data's grid, tables and points in float32. Held-out rows may equal a training row too (a table of few
decimals, a blank image), so that the excess over theirs is what tells copies. All training rows are looked at.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset, Examples
from bench.metrics import Estimate, block_means, metric
from bench.metrics._evaluation import Evaluation

STRIP = 4_096
NOTED_FROM = 0.1  # of the samples, above the held-out rows' share; chosen by `python -m studies.copy_screen`


def keys_of(rows: Examples, dataset: Dataset) -> np.ndarray:
    """Return one opaque key a row (N,): equal keys are equal rows on the data's grid, or in float32."""
    parts = [_as_stored(rows[start : start + STRIP], dataset) for start in range(0, len(rows), STRIP)]
    values = torch.cat(parts).flatten(1).cpu().contiguous().numpy()
    return values.view(np.dtype((np.void, values.dtype.itemsize * values.shape[1]))).ravel()


def _as_stored(rows: Tensor, dataset: Dataset) -> Tensor:
    if dataset.levels is None:
        return rows.float() + 0.0  # -0 becomes 0
    codes = torch.round(rows * (dataset.levels - 1)).clamp(0, dataset.levels - 1)
    return codes.to(torch.uint8 if dataset.levels <= 256 else torch.int32)


def is_exact_copy(samples: Examples, dataset: Dataset, train: Examples | None = None) -> Tensor:
    """Say which samples (N, *shape) equal a training row, bool (N,); train: instead of the dataset's."""
    rows = dataset.train.x if train is None else train
    return torch.as_tensor(np.isin(keys_of(samples, dataset), keys_of(rows, dataset)))


@metric(needs=("samples", "unknown_law"), better="none", unit="fraction")
def exact_copies(ev: Evaluation) -> Estimate:
    """Share of samples that equal a training row, less the same share of held-out rows; a flag, no rank."""
    ours = ev.memo(("exact copies", ev.board), lambda: is_exact_copy(ev.real.x, ev.dataset, ev.train.x)).double()
    share = float(is_exact_copy(ev.draws[0], ev.dataset, ev.train.x).double().mean())
    excess = share - float(ours.mean())
    note = f"exact copies: {share:.0%} of the samples are training rows" if excess >= NOTED_FROM else ""
    return Estimate(excess, len(ev.draws[0]), block_means(share - ours), note=note)
