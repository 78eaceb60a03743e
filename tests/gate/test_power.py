"""What seeds resolve: the noncentral t's inverse against the law it inverts."""

import pytest
from scipy.special import nctdtr

from bench.gate.power import noncentrality
from bench.leaderboard.student import t_quantile


def bisected(df, alpha, power):
    """The noncentrality at which scipy's noncentral t passes the test's threshold with this probability."""
    threshold, low, high = t_quantile(1 - alpha, df), 0.0, 100.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - nctdtr(df, middle, threshold) < power else (low, middle)
    return high


@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.05, 0.95), (0.001, 0.8)])
def test_the_noncentrality_gives_the_power_that_was_asked_for(alpha, power):
    """From 2 seeds a side to 1,000; relative, since the effect is a multiple of it."""
    for df in (2, 3, 4, 6, 8, 18, 38, 98, 198, 998, 1998):
        assert noncentrality(df, alpha, power) == pytest.approx(bisected(df, alpha, power), rel=1e-6)


def test_a_power_below_the_level_needs_no_effect():
    assert noncentrality(8, 0.05, 0.04) == 0.0
