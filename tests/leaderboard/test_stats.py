"""Intervals and tests against SciPy and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench.leaderboard.centre import summarise
from bench.leaderboard.scales import from_scale, slope, to_scale
from bench.leaderboard.student import holm, satterthwaite
from bench.leaderboard.welch import compare
from bench.metrics import SCALES


@pytest.mark.parametrize("scale", SCALES)
def test_scales_invert_and_their_slope_is_the_derivative(scale):
    value = {"raw": -3.0, "log": 0.02, "logit": 0.93}[scale]
    assert from_scale(to_scale(value, scale), scale) == pytest.approx(value, rel=1e-12)
    step = 1e-6
    numeric = (to_scale(value + step, scale) - to_scale(value - step, scale)) / (2 * step)
    assert slope(value, scale) == pytest.approx(numeric, rel=1e-6)


def test_without_rows_the_interval_is_students():
    values = [3.1, 2.9, 3.4, 3.0, 3.3]
    low, high = summarise(values, [[]] * 5, "raw").interval()
    expected = scipy_stats.t.interval(0.95, 4, np.mean(values), scipy_stats.sem(values))
    assert (low, high) == pytest.approx(expected, rel=1e-12)


def test_without_rows_the_comparison_is_welchs():
    a, b = [3.1, 2.9, 3.4, 3.0, 3.3], [3.6, 3.5, 4.1]
    ours = compare(summarise(a, [[]] * 5, "raw"), summarise(b, [[]] * 3, "raw"))
    theirs = scipy_stats.ttest_ind(a, b, equal_var=False)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-10)


def test_a_deterministic_model_has_the_interval_of_its_rows():
    blocks = list(np.random.RandomState(0).normal(5, 1, 20))
    centre = summarise([5.0, 5.0, 5.0], [blocks] * 3, "raw")
    assert centre.seed_variance == 0
    assert centre.se == pytest.approx(np.std(blocks, ddof=1) / math.sqrt(20))
    low, high = centre.interval()
    half = scipy_stats.t.ppf(0.975, 19) * centre.se
    assert (low, high) == pytest.approx((5 - half, 5 + half))


def test_pairing_over_rows_removes_what_the_rows_have_in_common():
    rng = np.random.RandomState(1)
    common = rng.normal(0, 10, 20)
    a = summarise([1.0, 1.0], [list(common + rng.normal(0, 0.1, 20))] * 2, "raw")
    b = summarise([2.0, 2.0], [list(common + 1 + rng.normal(0, 0.1, 20))] * 2, "raw")
    assert a.se > 1.0
    assert compare(a, b).se < 0.1
    assert compare(a, b).p < 1e-6


def test_one_seed_without_rows_has_no_interval():
    centre = summarise([1.0], [[]], "raw")
    assert centre.se is None and centre.interval() is None
    assert compare(centre, centre).p is None


def test_holm_is_the_textbooks():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.9]) == [1.0, 1.0]


def test_satterthwaite_of_equal_parts():
    assert satterthwaite([(2.0, 4), (2.0, 4)]) == pytest.approx(8)
    assert satterthwaite([(2.0, 4), (0.0, 19)]) == pytest.approx(4)


@pytest.mark.parametrize("law", ["normal", "lognormal"])
def test_the_interval_covers_the_centre_of_its_scale(law):
    """5 seeds and 20 blocks of rows, 4,000 repetitions: coverage of the nominal 95 % at least 93.5 %.

    The binomial standard error of the coverage is 0.35 %.
    """
    rng = np.random.RandomState(0)
    scale = "log" if law == "lognormal" else "raw"
    covered, repetitions = 0, 4000
    for _ in range(repetitions):
        shift = rng.normal(0, 0.05)  # of the held-out rows, shared by the seeds
        seeds = rng.normal(1.0, 0.1, 5) + shift
        blocks = rng.normal(0, 0.05 * math.sqrt(20), 20)
        values = [from_scale(s, scale) for s in seeds]
        centre = from_scale(float(np.mean(seeds)), scale)
        raw_blocks = [centre + b / slope(centre, scale) for b in blocks]
        low, high = summarise(values, [raw_blocks] * 5, scale).interval()
        covered += low <= from_scale(1.0, scale) <= high
    assert covered / repetitions >= 0.935


def test_a_share_of_all_rows_has_a_finite_interval():
    """20 of 20 right with two seeds, 19 of 20 with the third: no overflow, and the interval stays inside [0, 1]."""
    blocks = [[1.0] * 19 + [0.0], [1.0] * 20, [1.0] * 20]
    centre = summarise([0.95, 1.0, 1.0], blocks, "logit", n=20)
    low, high = centre.interval()
    assert 0 <= low < 0.95 < high <= 1
    assert summarise([1.0] * 3, [[1.0] * 20] * 3, "logit", n=20).centre == 1.0


def test_a_wild_spread_on_a_log_scale_is_still_a_number():
    low, high = summarise([1e-6, 1e6], [[], []], "log").interval()
    assert 0 <= low < 1 < high < float("inf")


def centres(blocks, seeds=5, count=9, seed=0):
    from bench.leaderboard.centre import summarise

    random = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        values = random.normal(1 + i / 4, 0.2, seeds).clip(0.01).tolist()
        rows.append(summarise(values, [random.normal(v, 0.3, blocks).tolist() for v in values], "log"))
    return rows


@pytest.mark.parametrize(("blocks", "seeds"), [(20, 5), (0, 5), (20, 1), (1, 3), (0, 1)])
def test_all_pairs_at_once_are_the_pairs_one_by_one(blocks, seeds):
    from itertools import combinations

    from bench.leaderboard.welch import compare, compare_pairs

    those = centres(blocks, seeds)
    tests = [compare(a, b) for a, b in combinations(those, 2)]
    values, p = compare_pairs(those)
    assert values == pytest.approx([t.value for t in tests], abs=0)
    # sums of three terms in another order: a few units in the last place of the statistic
    assert p == pytest.approx([1.0 if t.p is None else t.p for t in tests], rel=1e-9)


def test_a_portion_of_pairs_at_a_time_gives_the_same(monkeypatch):
    from bench.leaderboard import welch

    whole = welch.compare_pairs(centres(20, count=7))
    monkeypatch.setattr(welch, "PAIRS_AT_ONCE", 4)  # 21 pairs: the last portion holds one
    assert all((a == b).all() for a, b in zip(whole, welch.compare_pairs(centres(20, count=7))))


def test_pairs_of_unlike_blocks_and_equal_models_are_compared_too():
    from bench.leaderboard.welch import compare, compare_pairs

    mixed = centres(20, count=2) + centres(0, count=1)
    assert compare_pairs(mixed)[1][1] == compare(mixed[0], mixed[2]).p
    same = centres(0, count=1) * 2
    assert compare_pairs(same)[1].tolist() == [1.0]
    assert compare_pairs(same[:1])[0].size == 0 and compare_pairs([])[0].size == 0
