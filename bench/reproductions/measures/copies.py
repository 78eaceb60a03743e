"""Does a model remember its training rows? Distances of samples to the rows it was given and to held-out ones.

    copy_excess_own = copy_fraction(samples) - copy_fraction(held-out rows), against the rows the model was given
    distance_ratio  = median distance of a sample to its nearest training row / the same to as many held-out rows

A ratio of 1: the training rows are no nearer than other real rows. Euclidean, on the data as it is.
"""

from __future__ import annotations

from bench.metrics.copies import copy_excess_of, nearest
from bench.reproductions.measure import Column, Fitted

COLUMNS = {
    "copy_excess_own": Column("copy excess against its own training rows", better="none"),
    "distance_ratio": Column("distance to training / held-out rows", better="none", scale="log"),
}


def measure(fitted: Fitted) -> dict[str, float]:
    """Both columns, from as many samples as there are held-out rows; as many rows of either kind for the ratio."""
    if fitted.model is None:
        return {}
    dataset, held_out = fitted.dataset, fitted.dataset.test.x.flatten(1).float()
    lebesgue = getattr(fitted.model, "measure", "") == "lebesgue"
    samples = fitted.model.sample(len(held_out), seed=fitted.seed + 1000)
    samples = dataset.to_grid(samples.float(), dequantized=lebesgue).flatten(1)
    rows = fitted.train.x
    train = dataset.to_grid(rows, dequantized=True).flatten(1) if lebesgue else rows.flatten(1).float()
    n = min(len(train), len(held_out))
    to_train, to_held_out = (float(nearest(samples, x[:n])[0].median()) for x in (train, held_out))
    return {
        "copy_excess_own": copy_excess_of(samples, held_out, train)[0],
        "distance_ratio": max(to_train, 1e-3) / max(to_held_out, 1e-3),
    }
