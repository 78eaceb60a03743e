"""Axes and ticks against known answers."""

import math

import pytest

from bench.render.axis import Axis, axis_of, decade_ticks, log_ticks, round_ticks, short


def test_axes_map_ends_and_middle():
    assert [Axis(1, 100, 0, 50, log=True).at(v) for v in (1, 10, 100)] == [0, 25, 50]
    assert [Axis(0, 4, 100, 0).at(v) for v in (0, 1, 4)] == [100, 75, 0]
    assert not axis_of([0.0, 1.0], 0, 1, log=True).log, "zero has no place on a log axis"


def test_what_is_outside_is_held_beyond_the_edge_or_at_it():
    assert [Axis(0, 1, 0, 100).at(v) for v in (-9, 9)] == [-2, 102]
    assert [Axis(0, 1, 0, 100, over=0).at(v) for v in (-9, 9)] == [0, 100]


def test_ticks_are_round():
    assert round_ticks(0, 1, 2) == [0, 0.5, 1]
    assert round_ticks(-0.3, 0.3, 3) == [-0.2, 0, 0.2]
    assert round_ticks(0, 1, 6) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert log_ticks(0.5, 200, 3) == [1, 10, 100]
    assert [short(v) for v in (0, 0.25, 300, 20_000, 3e6)] == ["0", "0.25", "300", "20k", "3M"]


@pytest.mark.parametrize(
    "low, high, ticks",
    [
        (0.8, 120, [1, 10, 100]),
        (0.26, 7, [0.5, 1, 2, 5]),  # one power of ten inside: finer steps
        (2, 7, [2, 3, 4, 5, 6, 7]),  # less than a decade: as on a linear axis
        (1e-6, 1e6, [1e-6, 1e-3, 1, 1e3, 1e6]),  # thirteen powers: every third
    ],
)
def test_decades_are_few_and_evenly_spaced(low, high, ticks):
    assert decade_ticks(low, high, 6) == pytest.approx(ticks)


@pytest.mark.parametrize("log", [False, True])
def test_one_value_has_an_axis_with_room(log):
    axis = axis_of([3.0, 3.0], 0, 100, log=log)
    assert axis.low < 3 < axis.high and 45 <= axis.at(3.0) <= 55
    assert all(math.isfinite(value) for value, _ in axis.ticks())
