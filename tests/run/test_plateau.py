"""Flat or still improving: curves whose gain over the last fifth is known in advance."""

import pytest

from bench.records.record import FLAT_BELOW
from bench.run.plateau import is_compared_by_ratios, plateau_of
from bench.run.training import train
from tests.run.test_training import Walker, X


def looks(*values):
    """Evenly spread looks at 10, 20, ... steps."""
    return [(10 * (i + 1), value) for i, value in enumerate(values)]


def test_the_gain_is_the_share_between_the_means_of_the_last_two_fifths():
    curve = looks(50, 30, 20, 15, 12, 11, 10.5, 9.5, 9.2, 8.8)  # means 10 and 9
    found = plateau_of(curve, 100, better="lower", ratios=True)
    assert found == {"flat": False, "gain": 0.1, "flat_at": None}
    assert plateau_of(curve, 100, better="lower")["gain"] == pytest.approx(1 / (50 - 8.8), rel=1e-3), "of the distance"


def test_where_higher_is_better_the_sign_is_turned():
    rising = looks(*(v / 100 for v in (10, 40, 60, 70, 75, 80, 84, 86, 89, 91)))  # means .85 and .90, travelled .81
    assert plateau_of(rising, 100, better="higher")["gain"] == pytest.approx(0.05 / 0.81, rel=1e-3)
    assert plateau_of(rising, 100, better="lower") == {
        "flat": True,
        "gain": pytest.approx(-0.05 / 0.81, rel=1e-3),
        "flat_at": 10,
    }


def test_a_flat_curve_says_from_where():
    curve = looks(50, 20, 10, 5.05, 5.0, 5.1, 5.0, 5.05, 5.0, 5.02)
    assert plateau_of(curve, 100, better="lower", ratios=True) == {
        "flat": True,
        "gain": pytest.approx((5.025 - 5.01) / 5.025, rel=1e-3),
        "flat_at": 40,
    }


def test_a_curve_that_gets_worse_does_not_improve():
    found = plateau_of(looks(9, 7, 5, 4, 3, 3, 3, 4, 4, 5), 100, better="lower", ratios=True)
    assert found["flat"] and found["gain"] < 0


def test_noise_of_two_standard_errors_is_no_improvement():
    """Means 10 and 9: a standard error of .6 explains a difference of 1, one of .4 does not."""
    curve = looks(50, 30, 20, 15, 12, 11, 10.5, 9.5, 9.2, 8.8)
    assert plateau_of(curve, 100, better="lower", ratios=True, se=0.6)["flat"]
    assert not plateau_of(curve, 100, better="lower", ratios=True, se=0.4)["flat"]
    assert not plateau_of(curve, 100, better="lower", ratios=True, se=float("nan"))["flat"], "unknown excuses nothing"


def test_about_zero_the_standard_error_is_the_least_scale():
    """An energy distance that is down to its noise of .01: steps of .001 are a tenth of it and not all of it."""
    curve = looks(0.001, 0.0, 0.001, 0.0, 0.001, 0.0, 0.001, 0.001, 0.0, 0.0)
    found = plateau_of(curve, 100, better="lower", se=0.01)
    assert found["flat"] and found["gain"] == pytest.approx(0.1)
    assert plateau_of(looks(*[0.0] * 10), 100, better="lower") == {"flat": True, "gain": 0.0, "flat_at": 10}


@pytest.mark.parametrize("count", [5, 6, 10])
def test_from_five_looks_on_both_fifths_have_one(count):
    curve = [(round(100 * (i + 1) / count), 1.0) for i in range(count)]
    assert plateau_of(curve, 100, better="lower")["flat"]


def test_without_a_look_in_each_of_the_last_two_fifths_it_is_not_known():
    assert plateau_of([], 100, better="lower") is None
    assert plateau_of([(100, 1.0)], 100, better="lower") is None
    assert plateau_of([(25, 4.0), (50, 3.0), (100, 1.0)], 100, better="lower") is None


def test_a_power_law_at_the_limit_gains_five_per_cent_of_twice_the_steps():
    """FLAT_BELOW in words: docs/metrics.md. The fifths' middles are at .7 and .9 of the steps."""
    import math

    exponent = math.log(1 / (1 - FLAT_BELOW)) / math.log(0.9 / 0.7)
    assert 1 - 2**-exponent == pytest.approx(0.054, abs=5e-4)


def test_metrics_of_a_log_scale_are_compared_by_ratios():
    assert is_compared_by_ratios("fid_random") and is_compared_by_ratios("w1")
    assert not any(map(is_compared_by_ratios, ("energy_distance", "nll", "accuracy", "gone")))


def test_core_seconds_and_the_looks_own_seconds_are_kept_apart(monkeypatch):
    from bench.run import training

    clocks = {"wall": 0.0, "cores": 0.0}
    monkeypatch.setattr(training.time, "monotonic", lambda: clocks["wall"])
    monkeypatch.setattr(training.time, "process_time", lambda: clocks["cores"])

    class Slow(Walker):
        def fit_steps(self, x, y=None, *, seed):
            for values in super().fit_steps(x, y, seed=seed):
                clocks["wall"] += 1.0
                clocks["cores"] += 2.0
                yield values

    def probe(model):
        clocks["wall"] += 100.0
        clocks["cores"] += 100.0
        return 1.0

    done = train(Slow(steps=20), X, None, seed=0, steps=20, probe=probe, n_probes=10)
    assert (done.seconds, done.core_seconds, done.look_seconds) == (20.0, 40.0, 900.0)
