"""Student's t for sums of variances (Welch and Satterthwaite), and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Values = float | np.ndarray  # one number, or one for each of many tests
Parts = Sequence[tuple[Values, Values]]  # independent estimates of variance, each with its degrees of freedom


def satterthwaite(parts: Parts) -> np.ndarray:
    """Return the degrees of freedom of a sum of independent variances.

    A part with 0 degrees of freedom counts as a known variance.
    """
    total = sum(variance for variance, _ in parts)
    below = sum(np.where(np.greater(df, 0), np.square(variance) / np.maximum(df, 1), 0.0) for variance, df in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.greater(below, 0), np.divide(np.square(total), below), np.inf)


def t_quantile(p: float, df: Values) -> float:
    """Return a quantile of Student's t."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(p) if math.isinf(df) else stdtrit(df, p))


def t_tail(t: Values, df: Values) -> np.ndarray:
    """Return P(T > t) of Student's t; df = inf is the normal law."""
    from scipy.special import ndtr, stdtr

    normal = np.isinf(df)
    return np.where(normal, ndtr(np.negative(t)), stdtr(np.where(normal, 1.0, df), np.negative(t)))


def holm(p_values: Sequence[float] | np.ndarray) -> list[float]:
    """Return Holm's adjusted p-values, in the order given."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, np.arange(len(p), 0, -1) * p[order]))
    return adjusted.tolist()
