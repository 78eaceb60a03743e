"""One core for every Welch test: scipy's numbers, and what is said where nothing scatters or nothing is known."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from bench.leaderboard.welch import Difference, difference


def test_a_difference_of_means_is_scipys_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 5), rng.normal(0, 2, 7)
    tested = difference(a.mean() - b.mean(), [(v.var(ddof=1) / len(v), len(v) - 1) for v in (a, b)])
    theirs = ttest_ind(a, b, equal_var=False)
    assert tested.p == pytest.approx(theirs.pvalue, rel=1e-12)
    assert tested.interval() == pytest.approx(tuple(theirs.confidence_interval(0.95)), rel=1e-9)
    assert tested.interval(0.05) == pytest.approx(tuple(theirs.confidence_interval(0.9)), rel=1e-9)
    assert tested.p_above == pytest.approx(ttest_ind(a, b, equal_var=False, alternative="greater").pvalue, rel=1e-12)


def test_a_part_without_degrees_of_freedom_is_a_known_variance():
    """One such part alone gives the normal law: 1.96 standard errors have p 0.05."""
    assert difference(1.959963984540054 * 2, [(4.0, 0)]).p == pytest.approx(0.05, rel=1e-12)


@pytest.mark.parametrize(("value", "two_sided", "above"), [(0.0, 1.0, 1.0), (0.1, 0.0, 0.0), (-0.1, 0.0, 1.0)])
def test_where_nothing_scatters_any_difference_is_certain(value, two_sided, above):
    tested = difference(value, [(0.0, 4), (0.0, 4)])
    assert (tested.p, tested.p_above, tested.interval()) == (two_sided, above, (value, value))


def test_without_a_standard_error_nothing_is_known():
    tested = Difference(1.0, None)
    assert tested.p is None and tested.p_above is None and tested.interval() is None
