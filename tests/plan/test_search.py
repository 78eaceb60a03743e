"""Settings of a search: the defaults, then a Sobol sequence that is the same for ever, spread evenly on the log scale."""

import math
from collections import Counter

import pytest

from bench.errors import UsageError
from bench.models.search import Choices, Range
from bench.plan.search import at, trial_settings

SPACE = {"lr": Range(1e-4, 1e-2, False), "width": Range(16, 256, True), "loss": Choices(("a", "b"))}
DEFAULTS = {"lr": 1e-3, "width": 64, "loss": "a", "other": 5}


def test_the_first_trial_is_the_defaults_of_the_searched_fields():
    assert trial_settings(SPACE, DEFAULTS, 1) == [{"lr": 1e-3, "width": 64, "loss": "a"}]


def test_the_settings_are_these_whatever_the_order_of_the_declaration():
    """Frozen: seed 0 of the scrambled sequence begins (0.40995, 0.96412), (0.72191, 0.10752) in two dimensions."""
    space = {"a": Range(1.0, 100.0, False), "b": Range(1, 1000, True)}
    # 100^0.40995 = 6.606, 1000^0.96412 = 780.4; 100^0.72191 = 27.79, 1000^0.10752 = 2.10
    expected = [{"a": 1.0, "b": 1}, {"a": 6.61, "b": 780}, {"a": 27.8, "b": 2}]
    assert trial_settings(space, {"a": 1.0, "b": 1}, 3) == expected
    assert trial_settings(dict(reversed(space.items())), {"a": 1.0, "b": 1}, 3) == expected


def test_a_longer_search_begins_with_a_shorter_one():
    long = trial_settings(SPACE, DEFAULTS, 70)
    assert trial_settings(SPACE, DEFAULTS, 5) == long[:5] and trial_settings(SPACE, DEFAULTS, 64) == long[:64]


def test_a_range_is_searched_on_the_log_scale_and_choices_alike():
    """Of 512 points of a scrambled sequence in base 2 each half of an axis gets 256; those equal by rounding are drawn on."""
    settings = trial_settings({k: SPACE[k] for k in ("lr", "loss")}, DEFAULTS, 257)[1:]
    below = sum(one["lr"] < 1e-3 for one in settings)
    assert abs(below - 128) <= 4, "rounding to three digits moves few of 256 over the middle"
    assert abs(Counter(one["loss"] for one in settings)["a"] - 128) <= 4
    assert all(1e-4 <= one["lr"] <= 1e-2 and one["lr"] == float(f"{one['lr']:.3g}") for one in settings)


def test_no_two_trials_are_alike():
    settings = trial_settings({"width": Range(1, 8, True), "loss": Choices(("a", "b"))}, {"width": 3, "loss": "a"}, 16)
    assert len({(one["width"], one["loss"]) for one in settings}) == 16
    assert {one["width"] for one in settings} == set(range(1, 9)) and all(type(one["width"]) is int for one in settings)


def test_more_trials_than_settings_are_refused():
    space, defaults = {"width": Range(1, 3, True)}, {"width": 2}
    with pytest.raises(UsageError, match="--trials 4: width have 3 different settings.*ask for at most 3 trials"):
        trial_settings(space, defaults, 4)


@pytest.mark.parametrize("u", [0.0, 0.25, 0.5, 0.999999])
def test_a_point_of_a_range_follows_the_equation_and_stays_inside(u):
    assert at(Range(0.1, 10.0, False), u) == pytest.approx(10 ** (-1 + 2 * u), rel=5e-3)
    assert at(Range(2, 32, True), u) == math.floor(2 ** (1 + 4 * u) + 0.5)
    assert at(Range(0.12345, 0.12349, False), u) in (0.12345, 0.12349), "three digits would lie outside"
    assert at(Choices((7, 8, 9, 10)), u) == {0.0: 7, 0.25: 8, 0.5: 9, 0.999999: 10}[u]
