"""Numbers as every rendering writes them: three digits, a true minus, one notation in an interval, exact counts."""

import pytest

from bench.render.axis import short
from bench.render.text import interval, power, quantity


@pytest.mark.parametrize(
    "low, high, text",
    [
        (5.9e-4, 0.00271, "[0.00059, 0.00271]"),  # one notation, as many decimals on both sides
        (-0.0456, 0.0401, "[−0.0456, 0.0401]"),
        (9.62, 10.9, "[9.6, 10.9]"),
        (1e-5, 3.2, "[1.0×10⁻⁵, 3.20]"),  # an end that would round to 0
        (1100.4, 12345.6, "[1,100, 12,346]"),
        (-2e-4, 3e-4, "[−2.0×10⁻⁴, 3.0×10⁻⁴]"),
    ],
)
def test_both_ends_of_an_interval_have_the_same_digits(low, high, text):
    assert interval(low, high) == text


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (10.0, "count", "10"),
        (65064, "count", "65,064"),
        (9.5, "count", "9.50"),
        (3 * 2**20, "bytes", "3.00"),
        (998285312, "bytes", "952"),
        (7943.17, "1/s", "7,940"),
        (0.5, "fraction", "0.500"),
    ],
)
def test_a_count_is_exact_and_bytes_are_mebibytes(value, unit, text):
    assert quantity(value, unit) == text


def test_ticks_have_no_exponent_of_programmers():
    ticks = [short(v) for v in (1000, 1200, 6000, 9999, 20_000, 0.0005, -0.5, 3e6)]
    assert ticks == ["1k", "1.2k", "6k", "10k", "20k", "5×10⁻⁴", "−0.5", "3M"]
    assert power(-1.5e-7, 1) == "−1.5×10⁻⁷"
