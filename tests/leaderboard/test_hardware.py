"""Speeds of hand-made records from several machines: one board shows those of one kind of hardware only."""

import pytest

from bench.leaderboard.boards import Boards
from bench.leaderboard.hardware import OTHER_HARDWARE, SPEEDS, common_hardware
from bench.leaderboard.table import by_board
from bench.render.board import make_boards
from tests.leaderboard.test_table import DATASET, records_of

KEY = ("core", "cpu", "digits")


def timed(model, speeds, *, machines, started="2026-01-01", dataset=None):
    """One record a seed: its speed and the machine that it was measured on; every other resource is alike."""
    records = records_of(model, [1.0 + i / 10 for i in range(len(speeds))], dataset=dataset)
    for record, speed, machine in zip(records, speeds, machines, strict=True):
        record["throughput"] = {"contended": False} | dict.fromkeys(SPEEDS, speed)
        record["resources"] = record["resources"] | {"peak_rss_bytes": 2**20}
        record |= {"env_ref": machine, "started_utc": started}
    return records


def speeds_of(records, metric="train_examples_per_s"):
    frame = Boards.of(records).frame
    return dict(frame[frame.metric == metric][["model", "centre"]].itertuples(index=False))


@pytest.mark.parametrize("metric", SPEEDS)
def test_rows_of_other_hardware_have_no_speed_and_a_finding(metric):
    records = timed("a", [10.0], machines=["old"]) + timed("b", [20.0], machines=["old"])
    records += timed("c", [900.0], machines=["new"], started="2026-02-02")
    assert speeds_of(records, metric) == {"a": 10.0, "b": 20.0}
    assert Boards.of(records).flags == {(*KEY, "c"): [OTHER_HARDWARE]}
    assert set(speeds_of(records, "peak_rss_bytes")) == {"a", "b", "c"}, "memory is comparable"


def test_the_rendered_board_says_so_beside_the_name():
    records = timed("a", [10.0], machines=["old"]) + timed("b", [20.0], machines=["old"])
    records += timed("c", [900.0], machines=["new"])
    (board,) = make_boards(Boards.of(records))
    row = next(row for row in board.rows if row[1] == "c")
    assert row[-1] == OTHER_HARDWARE
    assert "900" not in row and row[board.headings.index("train/s")] == "–"


def test_of_equally_many_rows_the_newest_kind_is_shown_and_then_the_last_name():
    old, new = timed("a", [10.0], machines=["old"]), timed("b", [20.0], machines=["new"], started="2026-02-02")
    assert speeds_of(old + new) == speeds_of(new + old) == {"b": 20.0}
    same = timed("a", [10.0], machines=["m"]) + timed("b", [20.0], machines=["n"])
    assert speeds_of(same) == speeds_of(same[::-1]) == {"b": 20.0}


def test_seeds_on_other_hardware_are_left_out_of_a_row_of_both():
    records = timed("a", [10.0, 900.0, 12.0, 901.0], machines=["old", "new", "old", "new"])
    records += timed("b", [20.0], machines=["old"])
    boards = Boards.of(records)
    row = boards.frame[(boards.frame.metric == "train_examples_per_s") & (boards.frame.model == "a")].iloc[0]
    assert (row.centre, row.n_seeds) == (12.0, 2), "the upper median of 10 and 12"
    assert boards.flags == {}


def test_a_kind_of_node_joins_machines_and_each_board_has_its_own_kind():
    records = timed("a", [10.0], machines=["node-1"]) + timed("b", [20.0], machines=["node-2"])
    for record in records:
        record["throughput"]["node_kind"] = "16 cores"
    assert speeds_of(records) == {"a": 10.0, "b": 20.0}
    elsewhere = DATASET | {"id": "digits_binary", "sha256": "e"}
    records += timed("a", [70.0], machines=["node-3"], dataset=elsewhere)
    boards = Boards.of(records)
    there = boards.frame[(boards.frame.metric == "train_examples_per_s") & (boards.frame.dataset == "digits_binary")]
    assert there.centre.tolist() == [70.0]
    assert boards.flags == {}


def test_what_was_not_timed_alone_chooses_no_hardware_and_gets_no_finding():
    records = timed("a", [10.0], machines=["old"])
    records += [r for m in ("b", "c") for r in timed(m, [900.0], machines=["new"], started="2026-02-02")]
    for record in records[1:]:
        record["throughput"]["contended"] = True
    assert common_hardware(by_board(records)[KEY]) == "old"
    assert speeds_of(records) == {"a": 10.0} and Boards.of(records).flags == {}
    untimed = records_of("a", [1.0])
    assert common_hardware(by_board(untimed)[KEY]) == "" and Boards.of(untimed).flags == {}


def test_records_that_name_no_hardware_are_compared_with_each_other():
    records = timed("a", [10.0], machines=[None]) + timed("b", [20.0], machines=[None])
    assert speeds_of(records) == {"a": 10.0, "b": 20.0}
