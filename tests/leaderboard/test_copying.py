"""Copies beside the name: exact ones from the records, near ones against the board's copycat."""

from bench.leaderboard.boards import Boards
from bench.leaderboard.copying import is_close, is_near, tells_copies
from bench.render.board import make_boards
from bench.render.markdown import board_markdown
from tests.leaderboard.test_table import records_of

GAP = {"metric": "fld_gap_random", "better": "none"}


def rows_of_board(records):
    (board,) = make_boards(Boards.of(records))
    return {row[1].split(" ")[0]: row for row in board.rows}, board


def board_with(gap, copycat=180.0):
    records = records_of("fresh", [gap], **GAP) + records_of("copycat", [copycat], reference=True, **GAP)
    return rows_of_board(records)


def test_a_gap_is_judged_by_the_copycats():
    rows, board = board_with(60.0)
    assert rows["fresh"][1] == "fresh (copies)"
    assert "near copies: its train-test gap in likelihood is 33% of the copycat's" in rows["fresh"][-1]
    assert "fresh (copies)" in board_markdown(board), "every rendering prints the name"
    assert board_with(30.0)[0]["fresh"][1] == "fresh"
    assert rows["copycat"][1] == "copycat", "the scale is not accused of being itself"


def test_without_a_copycat_or_with_one_that_shows_no_gap_nobody_is_accused():
    assert rows_of_board(records_of("fresh", [60.0], **GAP))[0]["fresh"][1] == "fresh"
    assert not is_near(5.0, 0.0) and not is_near(-1.0, -3.0) and is_near(45.0, 180.0)


def test_exact_copies_of_a_record_are_told_beside_the_name():
    rows, _ = rows_of_board(
        records_of("made", [1.0, 2.0], flags=["exact copies: 31% of the samples are training rows"])
    )
    assert rows["made"][1] == "made (copies)"
    assert not tells_copies(
        ["close to training rows: +12% of the samples against held-out rows, as smooth samples are too"]
    )


def test_a_share_near_to_the_copycat_s_tells_copies_and_a_network_s_does_not():
    share = {"metric": "dcr_share", "better": "none"}
    copycat = records_of("copycat", [0.70], reference=True, **share)
    rows, _ = rows_of_board(records_of("kde", [0.69], **share) + records_of("dcgan", [0.60], **share) + copycat)
    assert rows["kde"][1] == "kde (copies)" and rows["dcgan"][1] == "dcgan"
    assert (
        "69% of its samples lie nearer to training rows" in rows["kde"][-1] and "the copycat's 70%" in rows["kde"][-1]
    )
    assert is_close(0.65, 0.7) and not is_close(0.649, 0.7)
    assert not is_close(0.59, 0.59), "a copycat that lies no nearer is no scale"
    assert not is_close(0.63, 0.636, se=0.042) and is_close(0.63, 0.636, se=0.03), "half the excess beyond two errors"
    assert not is_close(0.64, 0.64, scale_se=0.036) and is_close(0.64, 0.64, scale_se=0.034), (
        "a scale is sure of itself"
    )
