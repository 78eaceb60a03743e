"""Judge metrics: is one surely worse than in the reference, and by more than its delta?

    identical values pass without statistics; a difference is tested: one-sided on the metric's declared scale, Holm over every
    difference of the run; red only if it is significant and beyond the column's delta, in the mean and in the median seed

    p = min(1, 2 min(p_welch, p_outlying)),   t_outlying = worsening / (s_before sqrt(1/n + 1/m)), n - 1 degrees of freedom    (1)

Welch's test takes the scatter of the new seeds for doubt, and a broken model scatters: three seeds twenty times worse pass it.
The second test asks whether the new seeds scatter like the reference's, as those of an unchanged model would; doubling the
smaller p keeps the level. The second test would mistake a rare collapse for a change where the reference's seeds did not happen
to show one. The median, which one seed cannot move, guards against that.

Both sides share their held-out rows, so that training seeds are the only noise. What is neither shown to be worse nor shown to
be no worse than delta is inconclusive: a warning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.gate.finding import Finding
from bench.gate.power import ALPHA
from bench.leaderboard import welch
from bench.leaderboard.scales import from_scale, to_scale
from bench.leaderboard.student import holm


@dataclass(frozen=True)
class Change:
    """One metric of one cell before and after: values per seed in the metric's unit.

    delta is on the metric's scale.
    """

    row: str
    metric: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    scale: str
    better: str
    delta: float

    @property
    def sign(self) -> int:
        """Return what a rise of the metric counts as: 1 where it is worse, else -1."""
        return 1 if self.better == "lower" else -1

    @property
    def scaled(self) -> tuple[list[float], list[float]]:
        """Return the values before and after, on the metric's scale."""
        before, after = ([to_scale(value, self.scale) for value in values] for values in (self.before, self.after))
        return before, after

    @property
    def identical(self) -> bool:
        """Say whether the seeds that both sides ran gave the same bits.

        A run of fewer seeds is compared with the first ones.
        """
        count = min(len(self.before), len(self.after))
        return self.before[:count] == self.after[:count]


@dataclass(frozen=True)
class Worsening:
    """How much worse the new mean is on the scale, its p by eq. (1), and its upper limit.

    size: positive is worse.

    p and limit are None where no side has a variance.
    """

    size: float
    p: float | None
    limit: float | None


def measure_worsening(test: Change, *, alpha: float = ALPHA) -> Worsening:
    """Return the worsening with the p-value of both tests, eq. (1), and its upper limit at alpha."""
    mean = welch_test(test)
    limits = mean.interval(alpha)
    p, other = mean.p_above, outlying(test)
    if p is not None and other is not None:
        p = min(1.0, 2 * min(p, other))
    return Worsening(mean.value, p, limits[1] if limits else None)


def welch_test(test: Change) -> welch.Difference:
    """Test the worsening of the mean seed by Welch. A side of one seed takes the other side's variance."""
    before, after = test.scaled
    worsening = test.sign * (_mean(after) - _mean(before))
    known = [(_variance(side), len(side) - 1) for side in (before, after) if len(side) > 1]
    if not known:
        return welch.Difference(worsening, None)
    sides = known if len(known) == 2 else known * 2
    parts = [(variance / len(side), df) for side, (variance, df) in zip((before, after), sides)]
    tested = welch.difference(worsening, parts)
    # one variance used twice has its own degrees of freedom, not twice as many
    return tested if len(known) == 2 or not tested.se else replace(tested, df=known[0][1])


def outlying(test: Change) -> float | None:
    """Return the p of the new mean among seeds that scatter as the reference's, eq. (1).

    It is None where that scatter is not known.
    """
    before, after = test.scaled
    if len(before) < 2 or len(after) < 2:  # Welch's test asks the same of one new seed
        return None
    variance = _variance(before)
    if not variance:
        return None
    se = math.sqrt(variance * (1 / len(before) + 1 / len(after)))
    return welch.Difference(test.sign * (_mean(after) - _mean(before)), se, len(before) - 1).p_above


def typical_worsening(test: Change) -> float:
    """Return the worsening of the median seed against the reference's mean seed, on the scale."""
    before, after = test.scaled
    return test.sign * (median(after) - _mean(before))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)


def judge_quality(tests: Sequence[Change], *, alpha: float = ALPHA) -> list[Finding]:
    """Return a verdict on each test, in their order.

    Identical values are no test and cost Holm's correction nothing.
    """
    worsenings = {i: measure_worsening(test, alpha=alpha) for i, test in enumerate(tests) if not test.identical}
    adjusted = dict(zip(worsenings, holm([1.0 if w.p is None else w.p for w in worsenings.values()])))
    return [
        _finding(test, worsenings[i], adjusted[i], alpha)
        if i in worsenings
        else Finding(test.row, test.metric, "same", "identical")
        for i, test in enumerate(tests)
    ]


def _finding(test: Change, worsening: Worsening, p: float, alpha: float) -> Finding:
    verdict, words = _verdict(test, worsening, p, alpha)
    change = f"{_centre(test.before, test.scale)} -> {_centre(test.after, test.scale)}"
    return Finding(test.row, test.metric, verdict, f"{change} ({_effect(test, worsening.size)}{words})", worsening.size)


def _verdict(test: Change, worsening: Worsening, p: float, alpha: float) -> tuple[str, str]:
    """Return the verdict, and the reason for it in words that follow the change."""
    seeds = f"{len(test.before)} and {len(test.after)} seeds"
    if worsening.p is None:
        return "inconclusive", "; one seed on each side decides nothing: run more seeds"
    significant = p < alpha
    if significant and worsening.size > test.delta:
        if typical_worsening(test) > test.delta:
            return "regression", f", p {p:.2g}, {seeds}"
        words = f", p {p:.2g}, but the median of {seeds} is not beyond delta: a few seeds moved the mean"
        return "inconclusive", words
    if worsening.limit is not None and worsening.limit <= test.delta:
        return "within", ", within delta"
    if significant:
        return "inconclusive", f", p {p:.2g}: worse, but by less than delta {_effect(test, test.delta)}"
    return "inconclusive", f", p {p:.2g}, {seeds}: cannot exclude {_effect(test, test.delta)}"


def _centre(values: Sequence[float], scale: str) -> str:
    return f"{from_scale(_mean([to_scale(v, scale) for v in values]), scale):.4g}"


def _effect(test: Change, size: float) -> str:
    """Return a worsening in words: percent on the log scale, steps of the unit or of the odds elsewhere."""
    direction = "worse" if size >= 0 else "better"
    if math.isinf(size):
        return "any change"
    if test.scale == "log":
        return f"{math.expm1(min(abs(size), 50)):.1%} {direction}"
    unit = " on the logit scale" if test.scale == "logit" else ""
    return f"{abs(size):.3g}{unit} {direction}"
