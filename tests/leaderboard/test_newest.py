"""A row holds records of one making, the newest; what is older is left out of every number and named."""

import pytest

from bench.gate.reference import summarise
from bench.leaderboard.boards import Boards
from bench.leaderboard.newest import newest
from bench.leaderboard.table import tidy
from bench.render.board import make_boards
from tests.leaderboard.test_table import records_of

OLD, NEW = "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.500+00:00"
WORDS = "2 seeds of older code left out; --seeds 3 runs them anew"


def edited(part, key, old, new, **more):
    """Three seeds of a model; seed 0 was run again half a second later, after an edit."""
    records = records_of("kde", [9.0, 1.0, 2.0]) + records_of("vae", [5.0, 6.0, 7.0])
    for record in records[:3]:
        is_new = record["seed"] == 0
        target = record if part is None else record[part]
        target[key] = new if is_new else old
        record["started_utc"] = NEW if is_new else OLD
    return records


def test_older_code_is_out_of_table_and_summary_and_named_on_the_board():
    boards = Boards.of(edited("model", "source_sha256", "a", "b"))
    rows = boards.frame[(boards.frame.board == "public") & (boards.frame.metric == "fid_lenet")].set_index("model")
    assert (rows.centre["kde"], rows.n_seeds["kde"], rows.n_seeds["vae"]) == (9.0, 1, 3)
    assert list(rows.sort_values("rank").index) == ["vae", "kde"]
    assert boards.flags["core", "cpu", "digits", "kde"] == [WORDS]
    (board,) = make_boards(boards)
    assert f"kde: {WORDS}." in board.lines
    assert len(boards.records) == 4


@pytest.mark.parametrize(
    "part, key, old, new, why",
    [
        ("model", "source_sha256", "a", "b", "of older code"),
        ("model", "hparams", {"components": 3}, {"components": 30}, "of other hyper-parameters"),
        ("protocol", "steps", 100, 200, "of another number of steps"),
        ("protocol", "draws", 5, 1, "of another number of draws"),
        ("dataset", "sha256", "a", "b", "on an older version of the data"),
        (None, "versions", {"scikit-learn": "1.8.0"}, {"scikit-learn": "1.9.1"}, "of scikit-learn 1.8.0"),
        ("protocol", "metric_versions", {"kid": 1}, {"kid": 2}, "scored by another version of kid"),
    ],
)
def test_whatever_decides_a_result_parts_a_row(part, key, old, new, why):
    records = edited(part, key, old, new)
    if part == "dataset":
        for record in records:
            record["dataset"] = dict(record["dataset"])
        records[0]["dataset"][key], records[1]["dataset"][key], records[2]["dataset"][key] = new, old, old
    chosen = newest(records)
    assert [(one.key[-1], one.seeds, one.why) for one in chosen.left_out] == [("kde", (1, 2), why)]
    assert tidy(records).query("model == 'kde' and metric == 'fid_lenet'").n_seeds.tolist() == [1, 1]
    assert sum(summarise(records)["rows"]["core-cpu/digits/kde"]["statuses"].values()) == 1


def test_a_metric_or_library_that_only_some_records_know_parts_nothing():
    records = edited("protocol", "metric_versions", {"kid": 1}, {"kid": 1, "new_metric": 1})
    records[0]["versions"] = {"torch": "2.13.0", "numpy": "2.4.6"}
    del records[1]["versions"]
    assert newest(records).left_out == ()


def test_the_board_without_older_seeds_is_the_board_of_the_newest_alone():
    records = edited("model", "source_sha256", "a", "b")
    alone = [r for r in records if r["model"]["row"] != "kde" or r["seed"] == 0]
    assert tidy(records).equals(tidy(alone))
