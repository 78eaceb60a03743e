"""Effects between arms against scipy, their papers and closed forms, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.reproductions import effects


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (28, 57)])
def test_wilson_is_scipys(hits, n):
    theirs = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert effects.wilson(hits, n) == pytest.approx(tuple(theirs), abs=1e-12)


def test_wilson_and_newcombe_give_their_papers_numbers():
    assert effects.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=5e-4)  # 1.96^2 / (10 + 1.96^2)
    difference, low, high, _ = effects.shares_apart([1.0] * 56 + [0.0] * 14, [1.0] * 48 + [0.0] * 32)
    assert (difference, low, high) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )  # Newcombe 1998, table II (a), method 10


def test_welch_and_paired_agree_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1.0, 1.0, 6), rng.normal(0.0, 2.0, 6)
    centre = lambda v: effects.centre_of(list(v), [[]] * len(v), "raw")
    value, low, high, p = effects.between(centre(a), centre(b), "raw")
    reference = stats.ttest_ind(a, b, equal_var=False)
    assert (value, p) == pytest.approx((a.mean() - b.mean(), reference.pvalue), rel=1e-9)
    assert (low, high) == pytest.approx(tuple(reference.confidence_interval(0.95)), rel=1e-9)
    value, low, high, p = effects.paired(list(a), list(b), "raw")
    reference = stats.ttest_rel(a, b)
    assert p == pytest.approx(reference.pvalue, rel=1e-9)
    assert (low, high) == pytest.approx(tuple(reference.confidence_interval(0.95)), rel=1e-9)


def test_a_log_column_gives_a_ratio():
    three, one = ([f * v for v in (1.0, 1.1, 0.9, 1.05, 0.95)] for f in (3.0, 1.0))
    centres = [effects.centre_of(v, [[]] * 5, "log") for v in (three, one)]
    value, low, high, _ = effects.between(*centres, "log")
    assert value == pytest.approx(3.0)
    assert low < 3.0 < high and low * high == pytest.approx(9.0)


def test_without_variance_the_permutation_test_judges():
    a, b = (effects.centre_of([v] * 5, [[]] * 5, "raw") for v in (8.0, 7.0))
    assert effects.between(a, b, "raw") == (1.0, None, None, pytest.approx(2 / 252))
    assert effects.between(a, a, "raw")[3] == 1.0


def test_one_run_a_side_is_no_evidence_whatever_its_held_out_rows_say():
    rows = list(np.random.default_rng(0).normal(0, 0.1, 20))
    one, many = effects.centre_of([9.0], [rows], "raw"), effects.centre_of([1.0, 1.1, 0.9], [rows] * 3, "raw")
    assert one.se is not None and effects.between(one, many, "raw") == (8.0, None, None, None)


def test_no_effect_is_said_and_a_direction_has_a_side():
    effect = effects.Effect("a", "b", "c", "raw", 1.0, None, None, 0.03)
    assert effects.words(effect, 0.2, "higher") == "no effect seen"
    assert effects.words(effect, 0.01, "higher") == "higher: better"
    assert effects.words(effect, 0.01, "lower") == "higher: worse"
    assert effects.words(replace(effect, scale="log", value=0.5), 0.01, "lower") == "lower: better"
    assert effects.words(effect, None, "lower") == "too few runs to say"
    both = effects.with_holm([effect, replace(effect, p=0.04)], {"c": "none"})
    assert [e.p_holm for e in both] == pytest.approx([0.06, 0.06])
    assert [e.words for e in both] == ["no effect seen"] * 2  # each below 5 % alone, not together
    assert effects.with_holm([effect], {"c": "none"}, also=[0.5])[0].p_holm == pytest.approx(
        0.06
    )  # a test beside it counts
    assert effects.words(replace(effect, left_out=3), 0.2, "higher") == "no effect seen (3 runs left out)"
