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

from dataclasses import dataclass

from bench.leaderboard.welch import Difference, difference

VERDICTS = ("reproduced", "better", "not reproduced", "not comparable", "undecided")
MANY = 10**9  # degrees of freedom of a variance that is known, or that unknown many runs stand behind


@dataclass(frozen=True)
class Number:
    """A mean, its standard error (None: unknown) and the runs it stands on (0: unknown, taken as many)."""

    value: float
    se: float | None
    n: int


@dataclass(frozen=True)
class Verdict:
    """The word, the difference ours - theirs with its 95 % interval, and p.

    Interval and p are None where there is no error to judge by.
    """

    word: str
    difference: float
    interval: tuple[float, float] | None
    p: float | None


def judge(ours: Number, theirs: Number, *, better: str, full: bool, whole: bool = True, unit: float = 0.0) -> Verdict:
    """Return the verdict on ours against theirs.

    better: "higher", "lower" or "none"; full: the published protocol, unshortened.

    whole: every run of ours has a value; unit: of theirs' last printed digit, u of eq. (1).
    """
    tested = _tested(ours, theirs, unit)
    judged = bool(tested.se)
    p = tested.p if judged else None
    if not full:
        word = "not comparable"
    elif ours.se is None or not whole:
        word = "undecided"
    elif p is None:
        word = "reproduced" if tested.value == 0 else "undecided"  # both exact
    elif p >= 0.05:
        word = "reproduced"
    else:
        word = "better" if _is_good(tested.value, better) else "not reproduced"
    return Verdict(word, tested.value, tested.interval() if judged else None, p)


def _tested(ours: Number, theirs: Number, unit: float) -> Difference:
    """Test ours - theirs by eq. (1)."""
    parts: list[tuple[float, float]] = [
        (n.se**2, max(n.n - 1, 1) if n.n else MANY) for n in (ours, theirs) if n.se is not None
    ]
    return difference(ours.value - theirs.value, [*parts, (unit**2 / 12, MANY)])


def _is_good(value: float, better: str) -> bool:
    return value > 0 if better == "higher" else value < 0 if better == "lower" else False
