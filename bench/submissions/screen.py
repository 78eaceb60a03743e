"""Check a file of samples for cheating: copies of held-out rows among them, and missing modes."""

from __future__ import annotations

from typing import Any

import numpy as np

EXCESS = 0.05  # share of samples that are exact held-out rows, above that of the training rows, which data may repeat


def share_of_rows(rows: np.ndarray, known: np.ndarray) -> float:
    """Return the share of rows (N, ...) that equal one of known (M, ...) bit for bit, in [0, 1]."""
    table = {row.tobytes() for row in np.ascontiguousarray(known, dtype=np.float32)}
    return float(np.mean([row.tobytes() in table for row in np.ascontiguousarray(rows, dtype=np.float32)]))


def screen(dataset: Any, samples: np.ndarray, metrics: dict[str, Any]) -> list[str]:
    """Return findings in words about checked samples (N, *shape) of a Dataset and their scores by board."""
    import torch

    on_grid = dataset.to_grid(torch.as_tensor(samples)).numpy()
    train = dataset.train.some(5000).x[:].numpy()
    findings = []
    for board in ("public", "private"):
        held_out = dataset.split(board).x[:].numpy()
        share = share_of_rows(on_grid, held_out)
        if share > EXCESS + share_of_rows(train, held_out):
            findings.append(f"held-out rows: {share:.0%} of the samples are exact rows of the {board} board")
    hit = metrics["public"].get("modes_hit", {}).get("value")
    if hit is not None and dataset.n_modes and hit < dataset.n_modes:
        findings.append(f"missing modes: {hit:.0f} of {dataset.n_modes} are hit")
    return findings
