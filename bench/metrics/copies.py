"""Nearness to training rows: the authenticity of Alaa et al. (2022), as an excess over held-out data.

    copy_fraction(S) = share of s in S with |s - t| < |t - t'|      t the training row nearest to s, t' the nearest to t that differs
    copy_excess      = copy_fraction(samples) - copy_fraction(held-out rows)                              (1)

It is no screen for copies: averages of held-out rows, which hold no training row, exceed 0, and a file whose other half is noise does
not (`python -m studies.copy_screen`; `exact_copies` and `fld_gap` are the screen). Held-out rows alone have a fraction far above zero
(0.42 to 0.46 on digits), training rows have 1: hence the difference. Samples are compared with 5,000 training rows at most, drawn by a
fixed seed: copies of the others go unseen, so a large set needs more of them.
Memory: one strip of 1,024 rows of distances.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from bench.metrics import Estimate, block_of_rows, metric, refuse_non_finite
from bench.metrics._evaluation import Evaluation

STRIP = 1024
MAX_TRAIN = 5_000
Z_99 = 2.3263478740408408  # one-sided


def nearest(queries: Tensor, rows: Tensor, *, own: bool = False) -> tuple[Tensor, Tensor]:
    """Return the distance to the nearest of rows (M, D) and its index, (N,) each.

    own: queries are the rows, and none is its own neighbour.
    """
    distances, indices = [], []
    direct = rows.shape[1] <= 64
    mode = "donot_use_mm_for_euclid_dist" if direct else "use_mm_for_euclid_dist"
    for start in range(0, len(queries), STRIP):
        strip = torch.cdist(queries[start : start + STRIP], rows, compute_mode=mode)
        if own:
            strip.diagonal(start).fill_(math.inf)
        closest = strip.min(dim=1)
        distances.append(closest.values)
        indices.append(closest.indices)
    return torch.cat(distances), torch.cat(indices)


def different_rows(rows: Tensor) -> Tensor:
    """Return each of rows (N, D) once, in their order: a row that stands twice has no spacing of 0."""
    values = (rows.float() + 0.0).cpu().contiguous().numpy()  # -0 becomes 0
    keys = values.view(np.dtype((np.void, values.dtype.itemsize * values.shape[1]))).ravel()
    first = np.sort(np.unique(keys, return_index=True)[1])
    return rows if len(first) == len(rows) else rows[torch.from_numpy(first).to(rows.device)]


def is_copy(samples: Tensor, train: Tensor, spacing: Tensor) -> Tensor:
    """Say which samples (N, D) lie nearer to a training row (M, D) than its own neighbour does, bool (N,).

    spacing: distance of each training row to its nearest other one, `nearest(train, train, own=True)[0]`, of different rows.
    """
    distance, index = nearest(samples, train)
    return distance < spacing[index]


def copy_excess_of(samples: Tensor, held_out: Tensor, train: Tensor) -> tuple[float, float]:
    """Return the excess and its lower 99 % bound for rows (N, D), (M, D), (T, D); > 0 tells copies."""
    for name, rows in {"samples": samples, "held-out rows": held_out, "training rows": train}.items():
        refuse_non_finite(rows, name)
    train = different_rows(train)
    if len(train) < 2:
        raise ValueError(f"expected at least 2 different training rows, got {len(train)}")
    spacing = nearest(train, train, own=True)[0]
    theirs, ours = (is_copy(rows, train, spacing).double() for rows in (samples, held_out))
    excess = float(theirs.mean() - ours.mean())
    return excess, excess - Z_99 * _error(theirs, ours)


def _error(theirs: Tensor, ours: Tensor) -> float:
    """Return a difference of shares' standard error; half a count more, so that 0 and 1 have one."""

    def variance(flags: Tensor) -> float:
        share = (float(flags.sum()) + 0.5) / (len(flags) + 1)
        return share * (1 - share) / len(flags)

    return math.sqrt(variance(theirs) + variance(ours))


def difference_blocks(theirs: Tensor, ours: Tensor) -> tuple[float, ...]:
    """Return differences of shares block by block, of samples (N,) and held-out rows (M,).

    The held-out part is the same for two models and cancels between them; the noise of either's samples stays.
    """
    pairs = zip(block_of_rows(len(theirs)), block_of_rows(len(ours)))
    return tuple(float(theirs[a].double().mean() - ours[b].double().mean()) for a, b in pairs)


@metric(needs=("samples",), better="none", unit="fraction", low=-1.0, high=1.0, version=3)
def copy_excess(ev: Evaluation) -> Estimate:
    """Share of samples nearer to a training row than its neighbour, less that of held-out rows; no rank."""
    train = ev.memo("train rows", lambda: different_rows(ev.train.some(MAX_TRAIN).x[:].flatten(1).float()))
    spacing = ev.memo("train spacing", lambda: nearest(train, train, own=True)[0])
    ours = is_copy(ev.real.x.flatten(1).float(), train, spacing).double()
    theirs = is_copy(ev.draws[0].flatten(1).float(), train, spacing).double()
    excess = float(theirs.mean() - ours.mean())
    bound = excess - Z_99 * _error(theirs, ours)
    note = (
        f"close to training rows: {excess:+.0%} of the samples against held-out rows, as smooth samples are too"
        if bound > 0
        else ""
    )
    blocks = difference_blocks(theirs, ours)
    return Estimate(excess, len(ours), blocks if len(set(blocks)) > 1 else (), note=note)
