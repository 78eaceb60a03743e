"""FID of 10,000 samples against the 10,000 test rows in Inception's space, grey images tiled to RGB (Lucic et al. 2018)."""

from __future__ import annotations

from bench.features import load_space
from bench.metrics.frechet import frechet_distance
from bench.reproductions.measure import Column, Fitted

COLUMNS = {"fid_inception_10k": Column("FID, Inception, 10,000 against 10,000", better="lower")}
NEEDS = ("inception",)
SAMPLES = 10_000


def measure(fitted: Fitted) -> dict[str, float]:
    """One number; lower is better."""
    if fitted.model is None:
        return {}
    dataset, space = fitted.dataset, load_space("inception", fitted.dataset)
    samples = dataset.to_grid(fitted.model.sample(SAMPLES, seed=fitted.seed + 1000).float())
    return {"fid_inception_10k": float(frechet_distance(space(dataset.test.x[:SAMPLES]), space(samples)))}
