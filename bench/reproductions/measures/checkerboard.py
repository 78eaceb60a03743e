"""Accuracy of a classifier of grid25's two colours on the test points (see models/checkerboard.py)."""

from __future__ import annotations

from bench.reproductions.measure import Column, Fitted

COLUMNS = {"checkerboard_accuracy": Column("accuracy on the checkerboard", better="higher", scale="logit")}


def measure(fitted: Fitted) -> dict[str, float]:
    """Empty for a model that is no classifier of the checkerboard."""
    if not hasattr(fitted.model, "colour_of"):
        return {}
    x = fitted.dataset.test.x
    predicted = fitted.model.predict_proba(x).argmax(dim=1)
    return {"checkerboard_accuracy": float((predicted == fitted.model.colour_of(x)).double().mean())}
