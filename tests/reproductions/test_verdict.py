"""Verdicts on published numbers, from given numbers and t tables."""

import math

import pytest

from bench.reproductions.verdict import Number, judge


@pytest.mark.parametrize(
    ("ours", "theirs", "better", "word"),
    [
        # difference 1.5, error sqrt(0.5^2 + 0.5^2) = 0.707: 2.12 errors, and t at 18 degrees of freedom asks for 2.101
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "higher", "better"),
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "lower", "not reproduced"),
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "none", "not reproduced"),
        # the same with three runs of ours: 4 degrees of freedom and more, t asks for more than 2.12
        (Number(7.8, 0.5, 3), Number(6.3, 0.5, 10), "higher", "reproduced"),
        (Number(6.3, 0.5, 10), Number(6.3, 0.5, 10), "higher", "reproduced"),
        (Number(4.8, 0.5, 10), Number(6.3, 0.5, 10), "higher", "not reproduced"),
        # theirs without an error: ours alone judges, 9 degrees of freedom ask for 2.262 errors
        (Number(88.0, 0.3, 10), Number(88.86, None, 0), "lower", "better"),
        (Number(88.3, 0.3, 10), Number(88.86, None, 0), "lower", "reproduced"),
        (Number(88.3, None, 1), Number(88.86, None, 0), "lower", "undecided"),
    ],
)
def test_verdict_from_both_standard_errors(ours, theirs, better, word):
    assert judge(ours, theirs, better=better, full=True).word == word


def test_rounding_of_a_printed_number_is_an_error_of_its_own():
    """.977 stands for .9765 to .9775: within a half of its last digit nothing differs, a whole digit off it does."""
    theirs = Number(0.977, None, 0)
    near, off = (Number(v, 0.0, 0) for v in (0.97653, 0.9759))
    assert judge(near, theirs, better="higher", full=True, unit=0.001).word == "reproduced"
    assert judge(off, theirs, better="higher", full=True, unit=0.001).word == "not reproduced"
    # 1.96 / sqrt(12) of a digit: the interval of a uniform error taken as normal
    low, high = judge(near, theirs, better="higher", full=True, unit=0.001).interval
    assert (high - low) / 2 == pytest.approx(1.959964 * 0.001 / math.sqrt(12), rel=1e-6)


def test_no_verdict_where_ours_has_no_error_or_runs_are_missing():
    theirs = Number(6.3, 0.5, 10)
    assert judge(Number(9.9, None, 1), theirs, better="higher", full=True).word == "undecided"
    assert judge(Number(9.9, 0.1, 6), theirs, better="higher", full=True, whole=False).word == "undecided"
    assert judge(Number(9.9, 0.1, 6), theirs, better="higher", full=True).word == "better"


def test_a_shortened_protocol_is_never_comparable_but_keeps_its_numbers():
    verdict = judge(Number(8.0, 0.1, 10), Number(6.3, 0.5, 10), better="higher", full=False)
    assert verdict.word == "not comparable"
    assert verdict.difference == pytest.approx(1.7)
    assert verdict.interval[0] < 1.7 < verdict.interval[1]


def test_the_interval_is_the_test_turned_round():
    verdict = judge(Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), better="higher", full=True)
    half = 2.1009220402 * math.sqrt(0.5)  # t quantile 0.975 at 18 degrees of freedom, from scipy's tables
    assert verdict.interval == pytest.approx((1.5 - half, 1.5 + half), rel=1e-6)
