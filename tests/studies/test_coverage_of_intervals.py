"""The intervals hold what they are of: 95 % nominal, at least 92 % at five seeds; 600 trials have an error of 0.9 points."""

import pytest

from studies.coverage_of_intervals import LAWS, coverage, false_alarms


@pytest.mark.parametrize("law", LAWS)
def test_intervals_cover(law):
    assert coverage(law, 5, trials=600, seed=3) >= 0.92


def test_comparisons_keep_their_level():
    assert false_alarms(5, trials=600, seed=4) <= 0.05 + 3 * 0.009
