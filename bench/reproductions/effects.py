"""Effects between arms, each with a 95 % interval and Holm's p over all comparisons of one experiment.

raw     difference of means, Welch           log     ratio of geometric means, Welch on the logarithms
inter   the difference of two such differences (of two log ratios: a ratio of ratios), by the four arms' variances
share   difference of shares of 0s and 1s: Newcombe's interval from two Wilson intervals, Fisher's exact p
paired  the same two for two columns of one run: a t-test on the differences over seeds
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.leaderboard.centre import Centre, summarise, variance_of_mean
from bench.leaderboard.scales import from_scale, to_scale
from bench.leaderboard.student import holm
from bench.leaderboard.welch import Difference, compare, difference

Z = 1.959963984540054  # two-sided 95 %
NOTHING = "no effect seen"
Numbers = tuple[
    float, float | None, float | None, float | None
]  # an effect, its 95 % interval, its p; None where unknown


@dataclass(frozen=True)
class Effect:
    """a against b in one column.

    value, low, high: a difference, on the log scale a ratio; None where unknown.
    """

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
    """Return the mean over seeds on the column's scale; a share's mean is raw."""
    return summarise(values, blocks, "raw" if scale == "share" else scale)


def interval_of(centre: Centre, values: Sequence[float], scale: str) -> tuple[float, float] | None:
    """Return the 95 % interval of one arm, in the column's unit."""
    return wilson(sum(values), len(values)) if scale == "share" else centre.interval()


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927).

    scipy's binomtest gives the same; its module takes 0.4 s to import and a call 0.4 ms, where this formula takes a microsecond.
    """
    share, z2 = hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def shares_apart(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float, float]:
    """Return (difference, low, high, p) of two shares: Newcombe 1998, method 10, and Fisher's exact test."""
    from scipy.stats import fisher_exact

    hits, sizes = (sum(a), sum(b)), (len(a), len(b))
    (pa, pb), ((la, ua), (lb, ub)) = (hits[0] / sizes[0], hits[1] / sizes[1]), map(wilson, hits, sizes)
    low = pa - pb - math.hypot(pa - la, ub - pb)
    high = pa - pb + math.hypot(ua - pa, pb - lb)
    table = [[hits[0], sizes[0] - hits[0]], [hits[1], sizes[1] - hits[1]]]
    return pa - pb, low, high, float(fisher_exact(table).pvalue)


def between(a: Centre, b: Centre, scale: str) -> Numbers:
    """Return the effect of two arms by Welch.

    There is no interval and no p where an arm has one run, whatever its held-out rows say.

    Where no run of either arm differs from its neighbours (counts often do not) there is no variance to judge by: p is then that of
    the exact permutation test, 2 / C(n_a + n_b, n_a).
    """
    tested = compare(a, b)
    if a.seed_variance is None or b.seed_variance is None:
        tested = Difference(tested.value, None)
    return _numbers(tested, scale, exact=min(1.0, 2 / math.comb(a.n_seeds + b.n_seeds, a.n_seeds)))


def interaction(pair: tuple[Centre, Centre], other: tuple[Centre, Centre], scale: str) -> Numbers:
    """Return by how much the arms of a pair are farther apart than those of the other pair.

    A difference of differences on the column's scale, the first arm less the second; for logarithms a ratio of ratios.
    Welch and Satterthwaite with the variances over seeds of all four arms, and with that of the held-out rows, which they share.
    """
    four, signs = (*pair, *other), (1, -1, -1, 1)
    value = sum(sign * centre.scaled for sign, centre in zip(signs, four, strict=True))
    if any(centre.seed_variance is None for centre in four):
        return _numbers(Difference(value, None), scale, exact=1.0)
    parts = [(centre.seed_variance or 0.0, centre.n_seeds - 1) for centre in four]
    if len({len(centre.blocks) for centre in four}) == 1 and pair[0].blocks:
        rows = [
            sum(sign * x for sign, x in zip(signs, row, strict=True))
            for row in zip(*(c.blocks for c in four), strict=True)
        ]
        parts.append((variance_of_mean(rows), len(rows) - 1))
    else:
        parts += [(centre.row_variance, len(centre.blocks) - 1) for centre in four]
    exact = min(1.0, 2 / math.comb(pair[0].n_seeds + pair[1].n_seeds, pair[0].n_seeds))
    return _numbers(difference(value, parts), scale, exact=exact)


def paired(a: Sequence[float], b: Sequence[float], scale: str) -> Numbers:
    """Return the effect of two columns of the same runs.

    Where all runs differ alike, p is that of the exact sign test.
    """
    differences = [to_scale(x, scale) - to_scale(y, scale) for x, y in zip(a, b, strict=True)]
    n, mean = len(differences), math.fsum(differences) / len(differences)
    se = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1) / n) if n > 1 else None
    return _numbers(Difference(mean, se, n - 1), scale, exact=2.0 ** (1 - n))


def _numbers(tested: Difference, scale: str, *, exact: float) -> Numbers:
    """Return (effect, low, high, p) of a tested difference. exact: p of an effect where nothing scatters."""
    value = _unscaled(tested.value, scale)
    limits = tested.interval()
    if limits is None:
        return value, None, None, None
    if tested.se == 0:
        return value, None, None, 1.0 if tested.value == 0 else exact
    low, high = limits
    return value, _unscaled(low, scale), _unscaled(high, scale), tested.p


def _unscaled(value: float, scale: str) -> float:
    return from_scale(value, "log") if scale == "log" else value


def with_holm(effects: Sequence[Effect], better: dict[str, str], *, also: Sequence[float] = ()) -> list[Effect]:
    """Return the effects with Holm's p over those that have one, and the finding in words at 5 %.

    better: column -> direction; also: p-values of other tests of the same family.
    """
    p_values = [effect.p for effect in effects if effect.p is not None]
    adjusted = iter(holm([*p_values, *also]))  # those of `also` come last: not asked for
    judged = []
    for effect in effects:
        p = None if effect.p is None else next(adjusted)
        judged.append(replace(effect, p_holm=p, words=words(effect, p, better[effect.column])))
    return judged


def words(effect: Effect, p: float | None, better: str) -> str:
    """Say whether an effect was seen, its direction, and how many runs it passes over."""
    left_out = effect.left_out
    return _finding(effect, p, better) + (f" ({left_out} run{'s' * (left_out > 1)} left out)" if left_out else "")


def _finding(effect: Effect, p: float | None, better: str) -> str:
    if p is None:
        return "not tested" if effect.left_out else "too few runs to say"
    if p >= 0.05:
        return NOTHING
    up = effect.value > (1.0 if effect.scale == "log" else 0.0)
    direction = "higher" if up else "lower"
    if better == "none":
        return direction
    return f"{direction}: {'better' if direction == better else 'worse'}"


def spearman(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float, float]:
    """Return (rank correlation, low, high, p).

    The interval is made by Fisher's z with the variance 1.06 / (n - 3) (Fieller et al. 1957).
    """
    from scipy.stats import spearmanr

    n = len(x)
    if n < 5:
        raise ValueError(f"a rank correlation with an interval needs at least 5 pairs, got {n}")
    test = spearmanr(x, y)
    rho = float(test.statistic)
    z, half = math.atanh(max(-0.999999, min(0.999999, rho))), Z * math.sqrt(1.06 / (n - 3))
    return rho, math.tanh(z - half), math.tanh(z + half), float(test.pvalue)
