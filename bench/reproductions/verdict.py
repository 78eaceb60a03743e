"""The verdict on a published number: two one-sided tests against a margin stated before the run.

t = (ours - theirs) / sqrt(se_ours^2 + se_theirs^2 + u^2 / 12)     with Welch and Satterthwaite's degrees of freedom    (1)

u is the unit of theirs' last printed digit: a number printed as .977 says no more. Theirs without an error counts as exact but for u.
The 90 % interval of eq. (1) is both one-sided tests at 5 % turned round (Schuirmann 1987):

reproduced                 it lies within the margin on both sides of theirs: a difference as large as the margin is ruled out
better                     it does not, and lies wholly on the good side of theirs
not reproduced             it does not, and lies wholly on the other side (or no side is the good one)
too uncertain to say       it holds both theirs and a difference beyond the margin; or ours has no error, or runs without a value
not comparable             the protocol was shortened, or run on other data, or is another one: whatever the numbers

Agreement with a program that was run on the same rows is no such test: it agrees where the difference rounds to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.leaderboard.welch import Difference, difference

VERDICTS = ("reproduced", "better", "not reproduced", "too uncertain to say", "not comparable", "agrees", "differs")
MANY = 10**9  # degrees of freedom of a variance that is known, or that unknown many runs stand behind
TAIL = 0.05  # of each of the two one-sided tests


@dataclass(frozen=True)
class Number:
    """A mean, its standard error (None: unknown) and the runs it stands on (0: unknown, taken as many)."""

    value: float
    se: float | None
    n: int


@dataclass(frozen=True)
class Verdict:
    """The word, and the difference ours - theirs with its 90 % interval.

    The interval is None where there is no error to judge by.
    """

    word: str
    difference: float
    interval: tuple[float, float] | None


def judge(
    ours: Number, theirs: Number, *, better: str, margin: float, full: bool, whole: bool = True, unit: float = 0.0
) -> Verdict:
    """Return the verdict on ours against theirs.

    better: "higher", "lower" or "none"; margin: the difference that would matter, in the metric's unit, above 0;
    full: the published protocol, unshortened; whole: every run of ours has a value; unit: of theirs' last printed digit.
    """
    tested = _tested(ours, theirs, unit)
    interval = None if ours.se is None else tested.interval(TAIL)
    if not full:
        word = "not comparable"
    elif interval is None or not whole:
        word = "too uncertain to say"
    else:
        word = _word(*interval, better=better, margin=margin)
    return Verdict(word, tested.value, interval)


def agreement(ours: float, theirs: float, *, unit: float) -> Verdict:
    """Return whether ours is theirs to half of theirs' last printed digit."""
    apart = ours - theirs
    return Verdict("agrees" if abs(apart) <= unit / 2 else "differs", apart, None)


def _word(low: float, high: float, *, better: str, margin: float) -> str:
    if -margin < low and high < margin:
        return "reproduced"
    if low <= 0 <= high:
        return "too uncertain to say"
    is_good = low > 0 if better == "higher" else high < 0 if better == "lower" else False
    return "better" if is_good else "not reproduced"


def _tested(ours: Number, theirs: Number, unit: float) -> Difference:
    """Set ours - theirs beside its error by eq. (1)."""
    parts: list[tuple[float, float]] = [
        (n.se**2, max(n.n - 1, 1) if n.n else MANY) for n in (ours, theirs) if n.se is not None
    ]
    return difference(ours.value - theirs.value, [*parts, (unit**2 / 12, MANY)])
