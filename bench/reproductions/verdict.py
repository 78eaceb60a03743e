"""The verdict on a published number, from both standard errors and nothing else.

t = (ours - theirs) / sqrt(se_ours^2 + se_theirs^2 + u^2 / 12)     with Welch and Satterthwaite's degrees of freedom    (1)

u is the unit of theirs' last printed digit: a number printed as .977 says no more. Theirs without an error counts as exact but for u.

reproduced        a two-sided test at 5 % does not tell the two apart
better            it does, and ours lies on the good side
not reproduced    it does, and ours lies on the other side (or no side is the good one)
not comparable    the protocol was shortened, or run on other data, or is another one: whatever the numbers
undecided         ours has no standard error, or some of our runs have no value: the mean of the others would flatter
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.leaderboard.student import satterthwaite, t_quantile, t_tail

VERDICTS = ("reproduced", "better", "not reproduced", "not comparable", "undecided")


@dataclass(frozen=True)
class Number:
    """A mean, its standard error (None: unknown) and the runs it stands on (0: unknown, taken as many)."""

    value: float
    se: float | None
    n: int


@dataclass(frozen=True)
class Verdict:
    """The word, the difference ours - theirs with its 95 % interval, and p; None where there is no error to judge by."""

    word: str
    difference: float
    interval: tuple[float, float] | None
    p: float | None


def judge(ours: Number, theirs: Number, *, better: str, full: bool, whole: bool = True, unit: float = 0.0) -> Verdict:
    """The verdict on ours against theirs. better: "higher", "lower" or "none"; full: the published protocol, unshortened.

    whole: every run of ours has a value; unit: of theirs' last printed digit, u of eq. (1).
    """
    difference = ours.value - theirs.value
    parts = [(n.se**2, max(n.n - 1, 1) if n.n else 0) for n in (ours, theirs) if n.se is not None]
    parts += [(unit**2 / 12, 0)] if unit else []
    se = math.sqrt(math.fsum(variance for variance, _ in parts))
    interval = p = None
    if parts and se > 0:
        df = _degrees(parts)
        half = t_quantile(0.975, df) * se
        interval, p = (difference - half, difference + half), 2 * t_tail(abs(difference) / se, df)
    if not full:
        return Verdict("not comparable", difference, interval, p)
    if ours.se is None or not whole:
        return Verdict("undecided", difference, interval, p)
    if p is None:
        same = parts and difference == 0
        return Verdict("reproduced" if same else "undecided", difference, interval, p)
    good = difference > 0 if better == "higher" else difference < 0 if better == "lower" else False
    word = "reproduced" if p >= 0.05 else "better" if good else "not reproduced"
    return Verdict(word, difference, interval, p)


def _degrees(parts: list[tuple[float, int]]) -> float:
    """Satterthwaite's degrees of freedom; a part with unknown ones (0) counts as a constant variance."""
    return satterthwaite([(variance, df or 10**9) for variance, df in parts])
