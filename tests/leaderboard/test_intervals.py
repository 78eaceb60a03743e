"""Every printed interval holds its centre, has width, and stays within the ends of its metric; on made-up and on stored results."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from bench.leaderboard.centre import summarise
from bench.leaderboard.table import centre_of, metric_ends, metric_scale, tidy
from bench.records.cost import COMMITTED
from bench.records.store import Store
from bench.registry import entries

METRICS = sorted(entries("metric"))


def blocks_of(value, kind, rng):
    if kind == "none":
        return []
    if kind == "alike":
        return [value] * 20
    return list(value + abs(value or 1.0) * {"noisy": 0.5, "tiny": 1e-12}[kind] * rng.standard_normal(20))


def values_of(metric):
    """Values that a metric can have: its ends, near its ends, and between."""
    low, high = metric_ends(metric)
    some = {-1e9, -3.0, -1e-9, 0.0, 1e-12, 1e-6, 0.02, 0.5, 1 - 1e-9, 1.0, 1.7, 40.0, 1e9, low, high} - {None}
    return sorted(v for v in some if (low is None or v >= low) and (high is None or v <= high))


def check(centre, interval, low, high):
    a, b = interval
    assert math.isfinite(a) and math.isfinite(b)
    assert a <= centre <= b and a < b, (a, centre, b)
    assert (low is None or a >= low) and (high is None or b <= high), (a, b)


@pytest.mark.parametrize("metric", METRICS)
def test_no_interval_excludes_its_centre_has_no_width_or_leaves_the_range(metric):
    rng, values = np.random.default_rng(0), values_of(metric)
    low, high = metric_ends(metric)
    cases = [[v] * k for v in values for k in (1, 3)] + [list(pair) for pair in zip(values, values[1:])]
    for seeds in cases:
        for kind in ("none", "alike", "noisy", "tiny"):
            for n in (0, 1, 30, 10_000):
                cells = [{"value": v, "blocks": blocks_of(v, kind, rng), "n": n, "test_se": None} for v in seeds]
                found = centre_of(metric, cells)
                interval = found.interval()
                if interval is not None:
                    check(found.centre, interval, low, high)
                else:
                    assert found.raw_se is None, "no error is no interval"


@pytest.mark.parametrize("n", [1, 5, 30, 398])
def test_a_share_of_none_or_all_has_clopper_and_pearsons_interval(n):
    for hits in (0, n):
        theirs = binomtest(hits, n).proportion_ci(method="exact")
        for seeds in (1, 3):
            ours = summarise([hits / n] * seeds, [[hits / n] * 20] * seeds, "logit", n).interval()
            assert ours == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_blocks_that_are_all_alike_are_no_standard_error():
    centre = summarise([0.4], [[0.4] * 20], "raw")
    assert centre.se is None and centre.blocks == () and centre.interval() is None


def test_no_stored_interval_excludes_its_centre_has_no_width_or_leaves_the_range():
    """Of results/ as it is committed: 18 rows of accuracy and 104 of precision, recall and coverage did."""
    frame = tidy(Store(COMMITTED).records())
    rows = frame[frame.ci_low.notna() & (frame.board != "")]
    assert len(rows) > 1000
    for row in rows.itertuples():
        check(row.centre, (row.ci_low, row.ci_high), *metric_ends(row.metric))
    bounded = frame[(frame.board != "") & frame.metric.map(metric_scale).eq("logit") & frame.centre.notna()]
    assert bounded.centre.between(0, 1).all()
