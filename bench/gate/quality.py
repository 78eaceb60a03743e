from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.gate.finding import Finding
from bench.leaderboard.scales import from_scale, to_scale
from bench.leaderboard.student import holm, satterthwaite, t_quantile, t_tail

ALPHA = 0.05


@dataclass(frozen=True)
class Difference:
    """One metric of one cell before and after: values per seed in the metric's unit; delta is on its scale."""

    row: str
    metric: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    scale: str
    better: str
    delta: float


@dataclass(frozen=True)
class Welch:
    """Worsening on the scale (positive is worse), its one-sided p-value, and its upper confidence limit; None: unknown."""

    worsening: float
    p: float | None
    limit: float | None


def welch(test: Difference, *, alpha: float = ALPHA) -> Welch:
    """One-sided Welch test that `after` is worse. A side of one seed takes the other side's variance."""
    sign = 1 if test.better == "lower" else -1
    sides = [[to_scale(value, test.scale) for value in values] for values in (test.before, test.after)]
    means = [math.fsum(values) / len(values) for values in sides]
    worsening = sign * (means[1] - means[0])
    variances = [_variance(values, mean) for values, mean in zip(sides, means)]
    known = [v for v in variances if v is not None]
    if not known:
        return Welch(worsening, None, None)
    parts = []
    for values, own in zip(sides, variances):
        chosen, df = (own, len(values) - 1) if own is not None else (known[0], max(len(s) for s in sides) - 1)
        parts.append((chosen / len(values), df))
    se = math.sqrt(parts[0][0] + parts[1][0])
    if se == 0.0:
        return Welch(worsening, 0.0 if worsening > 0 else 1.0, worsening)
    df = satterthwaite(parts)
    if None in variances:  # one variance used twice has its own degrees of freedom, not twice as many
        df = parts[0][1]
    return Welch(worsening, t_tail(worsening / se, df), worsening + t_quantile(1 - alpha, df) * se)


def outlying(test: Difference) -> float | None:
    """One-sided p-value of the new mean as seeds of the reference's own scatter, eq. (1); None where that is not known."""
    before, after = ([to_scale(v, test.scale) for v in values] for values in (test.before, test.after))
    mean, k = math.fsum(before) / len(before), len(before)
    variance = _variance(before, mean)
    if not variance or len(after) < 2:  # of one new seed Welch asks the same
        return None
    worsening = (1 if test.better == "lower" else -1) * (math.fsum(after) / len(after) - mean)
    return t_tail(worsening / math.sqrt(variance * (1 / k + 1 / len(after))), k - 1)


def typical_worsening(test: Difference) -> float:
    """Worsening of the median seed against the reference's mean seed, on the scale."""
    before, after = ([to_scale(v, test.scale) for v in values] for values in (test.before, test.after))
    return (1 if test.better == "lower" else -1) * (median(after) - math.fsum(before) / len(before))


def p_value(test: Difference, found: Welch) -> float | None:
    """Both tests in one, eq. (1); None where no variance is known."""
    other = outlying(test)
    return found.p if other is None or found.p is None else min(1.0, 2 * min(found.p, other))


def _variance(values: Sequence[float], mean: float) -> float | None:
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1) if len(values) > 1 else None


def judge_quality(tests: Sequence[Difference], *, alpha: float = ALPHA) -> list[Finding]:
    """A verdict a test, in their order. Identical values are no test and cost Holm's correction nothing."""
    differing = [test for test in tests if not _identical(test)]
    results = {id(test): welch(test, alpha=alpha) for test in differing}
    found = [p_value(test, results[id(test)]) for test in differing]
    p_values = holm([1.0 if p is None else p for p in found])
    adjusted = {id(test): p for test, p in zip(differing, p_values)}
    return [
        _finding(test, results[id(test)], adjusted[id(test)], alpha)
        if id(test) in results
        else Finding(test.row, test.metric, "same", "identical")
        for test in tests
    ]


def _identical(test: Difference) -> bool:
    """Every seed that both sides ran gave the same bits (a run of fewer seeds is compared with the first ones)."""
    count = min(len(test.before), len(test.after))
    return test.before[:count] == test.after[:count]


def _finding(test: Difference, found: Welch, p: float, alpha: float) -> Finding:
    change = (
        f"{_centre(test.before, test.scale)} -> {_centre(test.after, test.scale)} ({_effect(test, found.worsening)}"
    )
    seeds = f"{len(test.before)} and {len(test.after)} seeds"
    if found.p is None:
        words = f"{change}; one seed on each side decides nothing: run more seeds)"
        return Finding(test.row, test.metric, "inconclusive", words, found.worsening)
    significant, beyond = p < alpha, found.worsening > test.delta
    if significant and beyond and typical_worsening(test) <= test.delta:
        words = f"{change}, p {p:.2g}, but the median of {seeds} is not beyond delta: a few seeds moved the mean)"
        return Finding(test.row, test.metric, "inconclusive", words, found.worsening)
    if significant and beyond:
        return Finding(test.row, test.metric, "regression", f"{change}, p {p:.2g}, {seeds})", found.worsening)
    if found.limit is not None and found.limit <= test.delta:
        return Finding(test.row, test.metric, "within", f"{change}, within delta)", found.worsening)
    if significant:
        words = f"{change}, p {p:.2g}: worse, but by less than delta {_effect(test, test.delta)})"
    else:
        words = f"{change}, p {p:.2g}, {seeds}: cannot exclude {_effect(test, test.delta)})"
    return Finding(test.row, test.metric, "inconclusive", words, found.worsening)


def _centre(values: Sequence[float], scale: str) -> str:
    return f"{from_scale(math.fsum(to_scale(v, scale) for v in values) / len(values), scale):.4g}"


def _effect(test: Difference, size: float) -> str:
    """A worsening in words: percent on the log scale, steps of the unit or of the odds elsewhere."""
    direction = "worse" if size >= 0 else "better"
    if math.isinf(size):
        return "any change"
    if test.scale == "log":
        return f"{math.expm1(min(abs(size), 50)):.1%} {direction}"
    unit = " on the logit scale" if test.scale == "logit" else ""
    return f"{abs(size):.3g}{unit} {direction}"
