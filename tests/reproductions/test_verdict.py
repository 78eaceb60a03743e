"""Verdicts on published numbers, from given numbers and t tables."""

import math

import pytest

from bench.reproductions.verdict import Number, agreement, judge

# 90 % intervals of the difference: t quantiles 0.95 are 1.734 at 18, 1.833 at 9 degrees of freedom, 1.645 at many


@pytest.mark.parametrize(
    ("ours", "theirs", "better", "margin", "word"),
    [
        # difference 1.5, error sqrt(0.5^2 + 0.5^2) = 0.707: 1.5 +- 1.734 x 0.707 = [0.27, 2.73]
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "higher", 1.0, "better"),
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "lower", 1.0, "not reproduced"),
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "none", 1.0, "not reproduced"),
        (Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), "higher", 3.0, "reproduced"),
        # no difference seen, [-1.23, 1.23]: within 1.5 and not within 1
        (Number(6.3, 0.5, 10), Number(6.3, 0.5, 10), "higher", 1.5, "reproduced"),
        (Number(6.3, 0.5, 10), Number(6.3, 0.5, 10), "higher", 1.0, "too uncertain to say"),
        (Number(4.8, 0.5, 10), Number(6.3, 0.5, 10), "higher", 1.0, "not reproduced"),
        # a worse value that is surely worse, but by less than what matters: [-0.42, -0.18]
        (Number(6.0, 0.05, 10), Number(6.3, 0.05, 10), "higher", 1.0, "reproduced"),
        # theirs without an error: ours alone judges, -0.86 +- 1.833 x 0.3 = [-1.41, -0.31]
        (Number(88.0, 0.3, 10), Number(88.86, None, 0), "lower", 2.0, "reproduced"),
        (Number(88.0, 0.3, 10), Number(88.86, None, 0), "lower", 1.0, "better"),
        (Number(88.3, None, 1), Number(88.86, None, 0), "lower", 2.0, "too uncertain to say"),
    ],
)
def test_verdict_from_both_standard_errors_and_the_margin(ours, theirs, better, margin, word):
    assert judge(ours, theirs, better=better, margin=margin, full=True).word == word


def test_rounding_of_a_printed_number_is_an_error_of_its_own():
    """An exact error rate of ours against a printed 3.3 %: its interval is that of a uniform error taken as normal."""
    theirs = Number(330.0, None, 0)
    verdict = judge(Number(345.0, 0.0, 0), theirs, better="lower", margin=20.0, full=True, unit=10.0)
    half = 1.644854 * 10 / math.sqrt(12)  # 4.75
    assert verdict.interval == pytest.approx((15 - half, 15 + half), rel=1e-6)
    assert verdict.word == "reproduced"
    assert (
        judge(Number(351.0, 0.0, 0), theirs, better="lower", margin=20.0, full=True, unit=10.0).word == "not reproduced"
    )


def test_no_verdict_where_ours_has_no_error_or_runs_are_missing():
    theirs = Number(6.3, 0.5, 10)
    for ours, whole in ((Number(9.9, None, 1), True), (Number(9.9, 0.1, 6), False)):
        assert judge(ours, theirs, better="higher", margin=1.0, full=True, whole=whole).word == "too uncertain to say"
    assert judge(Number(9.9, 0.1, 6), theirs, better="higher", margin=1.0, full=True).word == "better"


def test_a_shortened_protocol_is_never_comparable_but_keeps_its_numbers():
    verdict = judge(Number(8.0, 0.1, 10), Number(6.3, 0.5, 10), better="higher", margin=1.0, full=False)
    assert verdict.word == "not comparable"
    assert verdict.difference == pytest.approx(1.7)
    assert verdict.interval[0] < 1.7 < verdict.interval[1]


def test_the_interval_is_both_one_sided_tests_turned_round():
    verdict = judge(Number(7.8, 0.5, 10), Number(6.3, 0.5, 10), better="higher", margin=1.0, full=True)
    half = 1.7340636066 * math.sqrt(0.5)  # t quantile 0.95 at 18 degrees of freedom, from scipy's tables
    assert verdict.interval == pytest.approx((1.5 - half, 1.5 + half), rel=1e-6)


def test_agreement_is_equality_to_the_printed_digits():
    assert agreement(0.97653, 0.977, unit=0.001).word == "agrees"
    assert agreement(0.9764, 0.977, unit=0.001).word == "differs"
