"""Accuracy of a classifier of two colours (see models/two_colours.py).

On the test points of grid25; on 10,000 fresh rows for the parity.
"""

from __future__ import annotations

import torch

from bench.reproductions.measure import Column, Fitted

COLUMNS = {
    "checkerboard_accuracy": Column("accuracy on the checkerboard", better="higher", scale="logit"),
    "parity_accuracy": Column("accuracy on the parity of four signs", better="higher", scale="logit"),
}
FRESH = 10_000


def measure(fitted: Fitted) -> dict[str, float]:
    """The column of the model's task; empty for a model that has none."""
    model, test = fitted.model, fitted.dataset.test.x
    if not hasattr(model, "colour_of"):
        return {}
    generator = torch.Generator().manual_seed(fitted.seed + 1000)
    rows = model.rows(test, FRESH, generator) if model.task == "parity" else test
    predicted = model.predict_proba(rows).argmax(dim=1)
    return {f"{model.task}_accuracy": float((predicted == model.colour_of(rows)).double().mean())}
