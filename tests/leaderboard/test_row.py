"""Typed rows of the boards' table: absent numbers are None, and a rank comes with its range."""

from bench.leaderboard.boards import Boards
from bench.leaderboard.row import Place, Row, rows_of
from bench.leaderboard.table import tidy
from tests.leaderboard.test_table import records_of


def rows(records):
    return {row.model: row for row in rows_of(tidy(records)) if row.board == "public"}


def test_rows_hold_the_table_in_its_order_with_none_for_what_is_absent():
    records = records_of("a", [1.0, 1.1]) + records_of("dead", [None, None])
    frame = tidy(records)
    assert list(frame) == list(Row._fields)
    assert [row.model for row in rows_of(frame)] == frame.model.tolist()
    dead = rows(records)["dead"]
    assert (dead.centre, dead.ci_low, dead.n_samples, dead.n_failed) == (None, None, None, 2)
    assert rows_of(tidy([])) == []


def test_a_rank_comes_with_its_range_and_a_reference_row_has_none():
    records = records_of("oracle", [0.1, 0.1], reference=True)
    records += records_of("a", [1.0, 1.1, 1.0, 1.1, 1.0]) + records_of("b", [9.0, 9, 9, 9, 9.1])
    assert rows(records)["a"].place == Place(1, 1, 1)
    assert rows(records)["b"].place == Place(2, 2, 2)
    assert rows(records_of("a", [1.0, 1.1]))["a"].place == Place(1, None, None)
    assert rows(records)["oracle"].place is None and type(rows(records)["oracle"].reference) is bool


def test_a_finding_that_several_seeds_have_is_said_once():
    first, second = records_of("a", [1.0, 1.1], flags=["metric: copies: 3 of 398", "still improving: 12 %"])
    second["flags"] = ["copies: 4 of 398", "collapsed"]
    assert Boards.of([first, second]).flags == {
        ("core", "cpu", "digits", "a"): ["collapsed", "copies: 3 of 398", "still improving: 12 %"]
    }
