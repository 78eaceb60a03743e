"""Modes of 26,000 samples of stacked digits, as the mode-collapse papers count them: a triple counts when it is predicted once."""

from __future__ import annotations

import torch

from bench.features import CountingModes, load_space
from bench.metrics.modes import histogram_kl
from bench.reproductions.measure import Column, Fitted

COLUMNS = {
    "stacked_modes": Column("modes of 1000", better="higher"),
    "stacked_kl": Column("KL to the uniform, nats", better="lower"),
}
NEEDS = ("lenet",)
SAMPLES, CHUNK = 26_000, 2_000


def measure(fitted: Fitted) -> dict[str, float]:
    """Both columns, by the dataset's pinned classifier."""
    if fitted.model is None:
        return {}
    space, counts = load_space("lenet", fitted.dataset), torch.zeros(1000, dtype=torch.long)
    assert isinstance(space, CountingModes)
    with torch.no_grad():
        for i in range(SAMPLES // CHUNK):
            x = fitted.dataset.to_grid(fitted.model.sample(CHUNK, seed=1000 * (fitted.seed + 1) + i).float())
            counts += torch.bincount(space.mode_ids_of(space(x)).cpu(), minlength=1000)
    uniform = torch.full((1000,), 1e-3, dtype=torch.float64)
    return {"stacked_modes": float((counts > 0).sum()), "stacked_kl": histogram_kl(counts, uniform)}
