"""Effects between arms, each with a 95 % interval and Holm's p over all comparisons of one experiment.

raw     difference of means, Welch           log     ratio of geometric means, Welch on the logarithms
share   difference of shares of 0s and 1s: Newcombe's interval from two Wilson intervals, Fisher's exact p
paired  the same two for two columns of one run: a t-test on the differences over seeds
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.leaderboard.centre import Centre, summarise
from bench.leaderboard.scales import from_scale, to_scale
from bench.leaderboard.student import satterthwaite, t_quantile, t_tail
from bench.leaderboard.welch import compare

Z = 1.959963984540054  # two-sided 95 %
NOTHING = "no effect seen"


@dataclass(frozen=True)
class Effect:
    """a against b in one column. value, low, high: a difference, on the log scale a ratio; None where unknown."""

    a: str
    b: str
    column: str
    scale: str
    value: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None = None
    words: str = ""
    left_out: int = 0  # runs of either side without a value: diverged or failed


def centre_of(values: Sequence[float], blocks: Sequence[Sequence[float]], scale: str) -> Centre:
    """Mean over seeds on the column's scale; a share's mean is raw."""
    return summarise(values, blocks, "raw" if scale == "share" else scale)


def interval_of(centre: Centre, values: Sequence[float], scale: str) -> tuple[float, float] | None:
    """95 % interval of one arm, in the column's unit."""
    return wilson(sum(values), len(values)) if scale == "share" else centre.interval()


def wilson(hits: float, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    share, z2 = hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def shares_apart(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float, float]:
    """(difference, low, high, p) of two shares: Newcombe 1998, method 10, and Fisher's exact test."""
    from scipy.stats import fisher_exact

    hits, sizes = (sum(a), sum(b)), (len(a), len(b))
    (pa, pb), ((la, ua), (lb, ub)) = (hits[0] / sizes[0], hits[1] / sizes[1]), map(wilson, hits, sizes)
    low = pa - pb - math.hypot(pa - la, ub - pb)
    high = pa - pb + math.hypot(ua - pa, pb - lb)
    table = [[hits[0], sizes[0] - hits[0]], [hits[1], sizes[1] - hits[1]]]
    return pa - pb, low, high, float(fisher_exact(table).pvalue)


def between(a: Centre, b: Centre, scale: str) -> tuple[float, float | None, float | None, float | None]:
    """(effect, low, high, p) of two arms by Welch; no interval and no p where an arm has one run, whatever its held-out rows say.

    Where no run of either arm differs from its neighbours (counts often do not) there is no variance to judge by: p is then that of
    the exact permutation test, 2 / C(n_a + n_b, n_a).
    """
    found = compare(a, b)
    if found.se is None or a.seed_variance is None or b.seed_variance is None:
        return _unscaled(found.value, scale), None, None, None
    if found.se == 0:
        exact = 2 / math.comb(a.n_seeds + b.n_seeds, a.n_seeds)
        value = _unscaled(found.value, scale)
        return value, None, None, 1.0 if found.value == 0 else min(1.0, exact)
    half = t_quantile(0.975, found.df) * found.se
    low, high = (_unscaled(found.value + sign * half, scale) for sign in (-1, 1))
    return _unscaled(found.value, scale), low, high, found.p


def paired(
    a: Sequence[float], b: Sequence[float], scale: str
) -> tuple[float, float | None, float | None, float | None]:
    """(effect, low, high, p) of two columns of the same runs."""
    differences = [to_scale(x, scale) - to_scale(y, scale) for x, y in zip(a, b, strict=True)]
    n, mean = len(differences), math.fsum(differences) / len(differences)
    if n < 2:
        return _unscaled(mean, scale), None, None, None
    se = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1) / n)
    if se == 0:
        return _unscaled(mean, scale), None, None, 1.0 if mean == 0 else 2.0 ** (1 - n)  # the exact sign test
    half = t_quantile(0.975, satterthwaite([(se**2, n - 1)])) * se
    low, high = (_unscaled(mean + sign * half, scale) for sign in (-1, 1))
    return _unscaled(mean, scale), low, high, 2 * t_tail(abs(mean) / se, n - 1)


def _unscaled(value: float, scale: str) -> float:
    return from_scale(value, "log") if scale == "log" else value


def with_holm(effects: Sequence[Effect], better: dict[str, str], *, also: Sequence[float] = ()) -> list[Effect]:
    """The effects with Holm's p over those that have one, and the finding in words at 5 %.

    better: column -> direction; also: p-values of other tests of the same family.
    """
    from bench.leaderboard.student import holm

    tested = [i for i, e in enumerate(effects) if e.p is not None]
    adjusted = dict(
        zip(tested, holm([effects[i].p for i in tested] + list(also)))
    )  # the others come last: not asked for
    return [
        replace(e, p_holm=adjusted.get(i), words=words(e, adjusted.get(i), better[e.column]))
        for i, e in enumerate(effects)
    ]


def words(effect: Effect, p: float | None, better: str) -> str:
    """ "no effect seen", or the direction and whether it is the good one, and how many runs it passes over."""
    left_out = effect.left_out
    return _finding(effect, p, better) + (f" ({left_out} run{'s' * (left_out > 1)} left out)" if left_out else "")


def _finding(effect: Effect, p: float | None, better: str) -> str:
    if p is None:
        return "too few runs to say"
    if p >= 0.05:
        return NOTHING
    up = effect.value > (1.0 if effect.scale == "log" else 0.0)
    direction = "higher" if up else "lower"
    if better == "none":
        return direction
    return f"{direction}: {'better' if direction == better else 'worse'}"


def spearman(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float, float]:
    """(rank correlation, low, high, p); the interval by Fisher's z with the variance 1.06 / (n - 3) (Fieller et al. 1957)."""
    from scipy.stats import spearmanr

    found, n = spearmanr(x, y), len(x)
    if n < 5:
        raise ValueError(f"a rank correlation with an interval needs at least 5 pairs, got {n}")
    rho = float(found.statistic)
    z, half = math.atanh(max(-0.999999, min(0.999999, rho))), Z * math.sqrt(1.06 / (n - 3))
    return rho, math.tanh(z - half), math.tanh(z + half), float(found.pvalue)
