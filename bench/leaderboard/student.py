"""Student's t for sums of variances (Welch and Satterthwaite), and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def satterthwaite(parts: Sequence[tuple[float, int]]) -> float:
    """Degrees of freedom of a sum of independent variance estimates, each (variance, its degrees of freedom)."""
    total = math.fsum(variance for variance, _ in parts)
    below = math.fsum(variance**2 / df for variance, df in parts if df > 0 and variance > 0)
    return total**2 / below if below > 0 else math.inf


def t_quantile(p: float, df: float) -> float:
    """Quantile of Student's t."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(p) if math.isinf(df) else stdtrit(df, p))


def t_tail(t: float, df: float) -> float:
    """P(T > t) of Student's t."""
    from scipy.special import ndtr, stdtr

    return float(ndtr(-t) if math.isinf(df) else stdtr(df, -t))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, np.arange(len(p), 0, -1) * p[order]))
    return adjusted.tolist()
