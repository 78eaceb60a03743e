"""The harness of tests/speed on calls whose seconds are known, and its table; nothing is timed here."""

from types import SimpleNamespace

import pytest

from tests.speed import pairs, table


class Clock:
    """A clock that only moves when told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def pedantic(target, *, setup, teardown, rounds, iterations):
    """pytest-benchmark's order of a round."""
    for _ in range(rounds):
        setup()
        target()
        teardown()


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(pairs, "clock", made)
    return made


def call(clock, seconds, value, log):
    """A call that takes the next of `seconds`, on the clock that only moves when told."""
    turns = iter(seconds)

    def run():
        clock.now += next(turns)
        log.append(value)
        return value

    return run


def race(clock, ours=(1, 2, 1), theirs=(10, 60, 20), *, whole=1.0, log=None, value="theirs"):
    log = [] if log is None else log
    agrees = lambda a, b: log.append("compared") if (a, b) == ("ours", "theirs") else pytest.fail("differ")
    peer = pairs.Peer("slow", call(clock, theirs, value, log), goal=15, agrees=agrees, whole=2.0)
    fixture = SimpleNamespace(pedantic=pedantic)
    return pairs.run_pairs(fixture, call(clock, ours, "ours", log), peer, pairs=len(ours), whole=whole)


def test_the_ratio_is_the_median_of_the_pairs_and_parts_are_scaled(clock):
    """Peer 20, 120, 40 of a whole; ours 1, 2, 1: ratios 20, 60, 40."""
    (found,) = race(clock).summary()
    assert (found["ratio"], found["lowest"], found["highest"]) == (40, 20, 60)
    assert (found["seconds"], found["peer_seconds"], found["pairs"], found["extrapolated"]) == (1, 40, 3, True)


def test_ours_is_scaled_as_well(clock):
    assert race(clock, whole=4.0).summary()[0]["ratio"] == 10


def test_pairs_are_interleaved_and_compared_before_the_next(clock):
    log = []
    race(clock, log=log)
    assert log == ["theirs", "ours", "compared"] * 3


def test_sides_that_differ_fail_after_the_first_pair(clock):
    log = []
    with pytest.raises(pytest.fail.Exception, match="differ"):
        race(clock, log=log, value="something else")
    assert log == ["something else", "ours"]


def run_json(ratio=40.0, goal=15):
    peer = {"peer": "slow", "goal": goal, "ratio": ratio, "lowest": 20, "highest": 60, "pairs": 3}
    peer |= {"peer_seconds": 1234.5, "seconds": 1.0, "extrapolated": True}
    rows = [
        {"extra_info": {"row": "a sum", "threads": 1, "whole": 1.0, "peers": [peer]}},
        {"extra_info": {"row": "help", "threads": 1, "peers": [], "seconds": 0.2, "limit_seconds": 0.3}},
    ]
    machine = {"libraries": {"torch": "2", "absent": None}, "processor_name": "P", "cores": 2, "python_version": "3"}
    machine |= {"blas": ["openblas 1 (Zen)"], "torch_cpu": "AVX512"}
    return {"datetime": "2026-11-24T10:00:00", "machine_info": machine, "benchmarks": rows}


def test_the_table_says_what_was_missed():
    reached, missed = table.rows_of(run_json())[0], table.rows_of(run_json(ratio=14.9))[0]
    assert reached == ("a sum", "slow", "1", "1 s", "1,234 s *", "40 (20 to 60)", "15", "")
    assert missed[-1] == "missed"
    assert table.rows_of(run_json())[1][-2:] == ("< 0.3 s", "")


def test_a_peer_shown_for_comparison_has_no_goal_to_miss():
    run = run_json(ratio=0.5, goal=None)
    assert table.rows_of(run)[0][-2:] == ("", "")
    assert "    ratio 0.5 (20 to 60)\n" in table.text(run)


def test_the_table_takes_the_place_between_the_markers_and_only_that():
    page = "before\n<!-- ratios -->\nold\n<!-- end of ratios -->\nafter\n"
    once = table.with_table(page, run_json())
    assert "old" not in once and once.startswith("before\n") and once.endswith("after\n")
    assert table.with_table(once, run_json()) == once
    assert "| a sum | slow |" in once and "2026-11-24: P, 2 cores" in once


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="markers"):
        table.with_table("no markers", run_json())


def test_the_terminal_form_fits_80_columns():
    assert max(map(len, table.text(run_json()).splitlines())) <= 80
