"""What the training curve says: gradients that reach G, and D's opinion, early and late.

early: the first tenth of the steps; late: the third quarter, before the falling learning rate freezes both networks.
grad_generator is the norm of the gradient of G's own loss at sampled steps, the median over them.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, median

from bench.reproductions.measure import Column, Fitted

COLUMNS = {
    "grad_g_early": Column("norm of G's gradient, early", scale="log"),
    "grad_g_late": Column("norm of G's gradient, late", scale="log"),
    "d_real_late": Column("mean D(x), late"),
    "d_fake_late": Column("mean D(G(z)), late"),
    "v_late": Column("V = E log D(x) + E log(1 - D(G(z))), late, nats"),
}


def measure(fitted: Fitted) -> dict[str, float]:
    """Medians and means over the two stretches of the curve; what a model does not report is left out."""
    steps = max((point["step"] for point in fitted.curve), default=0)
    early = [p for p in fitted.curve if p["step"] <= steps / 10]
    late = [p for p in fitted.curve if steps / 2 < p["step"] <= 3 * steps / 4]
    found = {
        "grad_g_early": _of(early, "grad_generator", median),
        "grad_g_late": _of(late, "grad_generator", median),
        "d_real_late": _of(late, "d_real", fmean),
        "d_fake_late": _of(late, "d_fake", fmean),
    }
    if found["d_real_late"] is not None:
        loss = _of(late, "d_loss", fmean)
        found["v_late"] = None if loss is None else -loss
    return {name: value for name, value in found.items() if value is not None}


def _of(points: list[dict[str, float]], name: str, average: Callable[[list[float]], float]) -> float | None:
    values = [point[name] for point in points if name in point]
    return average(values) if values else None
