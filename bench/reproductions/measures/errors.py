"""Errors on the test rows, scaled to 10,000 of them as the semi-supervised papers print them."""

from __future__ import annotations

from bench.reproductions.measure import Column, Fitted

COLUMNS = {"errors_per_10000": Column("errors per 10,000 test rows", better="lower")}


def measure(fitted: Fitted) -> dict[str, float]:
    """From the model's predictions of the test rows; on MNIST's 10,000 it is the count."""
    if fitted.model is None:
        return {}
    predicted = fitted.model.predict_proba(fitted.dataset.test.x).argmax(dim=1)
    return {"errors_per_10000": 10_000 * float((predicted != fitted.dataset.test.y).double().mean())}
