"""Boards of hand-made records: made once from any iterable, and cut down to one board of one dataset."""

from bench.leaderboard.boards import Boards
from tests.leaderboard.test_table import DATASET, records_of

OTHER = DATASET | {"id": "digits_binary", "sha256": "e"}


def two_datasets():
    for dataset in (DATASET, OTHER):
        yield from records_of("a", [1.0, 1.1, 1.0, 1.1, 1.0], dataset=dataset, flags=["still improving"])
        yield from records_of("b", [2.0, 2.1, 2.0, 2.1, 2.0], dataset=dataset)


def test_records_that_can_be_read_once_only_give_every_part():
    boards = Boards.of(two_datasets())
    assert set(boards.frame.dataset) == {"digits", "digits_binary"}
    assert boards.primaries == dict.fromkeys(("digits", "digits_binary"), ("fid_lenet", "image"))
    assert set(boards.flags) == {("core", "cpu", name, "a") for name in ("digits", "digits_binary")}
    assert dict(zip(boards.summary.model, boards.summary.boards_entered)) == {"a": 2, "b": 2}


def test_one_board_of_one_dataset_has_a_summary_of_its_own_and_keeps_all_findings():
    records = list(two_datasets())
    for record in records:  # on the private board of digits_binary the order is the other way round
        if record["dataset"]["id"] == "digits_binary":
            entry = record["metrics"]["private"]["fid_lenet"]
            value = 3.0 - entry["value"]
            record["metrics"]["private"] = {"fid_lenet": entry | {"value": value, "blocks": [value] * 20}}
    whole = Boards.of(records)
    part = whole.only(board="private", dataset="digits_binary")
    assert set(part.frame.board) <= {"private", ""} and set(part.frame.dataset) == {"digits_binary"}
    assert dict(zip(part.summary.model, part.summary.may_be_first)) == {"b": 1, "a": 0}
    assert dict(zip(whole.summary.model, whole.summary.may_be_first)) == {"a": 2, "b": 0}
    assert part.flags == whole.flags
    assert len(whole.only(board="private").frame) > len(part.frame)
