"""Boards from hand-made records: ranks, rank ranges, failures, flags, summary, and inert text."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from bench.leaderboard import compare, table
from bench.leaderboard.boards import Boards
from bench.records.record import new_record
from bench.records.store import Store
from bench.render import files, markdown
from bench.render.board import make_boards
from bench.render.text import number
from tests.records.test_store import a_cell

DATASET = {"id": "digits", "sha256": "d", "primary": "fid_lenet", "kind": "image"}


def records_of(
    model, values, *, metric="fid_lenet", reference=False, spread=0.0, better="lower", dataset=None, flags=()
):
    """One record for each seed; the blocks of rows spread around the value."""
    records = []
    for seed, value in enumerate(values):
        facts = a_cell().model | {"id": model, "reference": reference}
        cell = a_cell(seed=seed, dataset=dataset or DATASET, model=facts)
        record = new_record(cell) | {"flags": list(flags)}
        if value is None:
            record["error"] = {"type": "RuntimeError", "phase": "fit", "message": "no"}
        else:
            blocks = list(value + spread * np.linspace(-1, 1, 20))
            entry = {"value": value, "test_se": 0.0, "better": better, "unit": "", "n": 398, "blocks": blocks}
            record |= {"status": "ok", "metrics": {"public": {metric: entry}, "private": {metric: entry}}}
        records.append(record)
    return records


def column(records, board="public", metric="fid_lenet"):
    frame = table.tidy(records)
    part = frame[(frame.board == board) & (frame.metric == metric)]
    return {row.model: row for row in part.itertuples()}


def test_ranks_and_ranges_of_two_that_cannot_be_told_apart_and_one_that_can():
    records = records_of("a", [1.00, 1.10, 0.95, 1.02, 1.05]) + records_of("b", [1.01, 1.08, 0.97, 1.06, 1.02])
    records += records_of("c", [9.0, 9.5, 9.2, 8.8, 9.1])
    rows = column(records)
    assert (rows["a"].rank, rows["a"].rank_low, rows["a"].rank_high) == (1, 1, 2)
    assert (rows["b"].rank, rows["b"].rank_low, rows["b"].rank_high) == (2, 1, 2)
    assert (rows["c"].rank, rows["c"].rank_low, rows["c"].rank_high) == (3, 3, 3)


def test_the_centre_is_the_mean_on_the_metrics_scale():
    assert column(records_of("a", [1.0, 4.0]))["a"].centre == pytest.approx(2.0), "fid is averaged on the log scale"


def test_higher_is_better_where_the_metric_says_so():
    records = records_of("low", [0.2, 0.21], metric="accuracy", better="higher")
    records += records_of("high", [0.9, 0.91], metric="accuracy", better="higher")
    assert column(records, metric="accuracy")["high"].rank == 1


def test_reference_rows_take_no_rank_and_move_nobody():
    records = records_of("oracle", [0.1, 0.1], reference=True) + records_of("a", [1.0, 1.1])
    rows = column(records)
    assert pd.isna(rows["oracle"].rank)
    assert rows["a"].rank == 1


def test_what_failed_ranks_last_even_if_its_survivors_are_best():
    records = (
        records_of("lucky", [0.5, None, None]) + records_of("steady", [2.0, 2.1, 2.2]) + records_of("dead", [None] * 3)
    )
    rows = column(records)
    assert rows["steady"].rank == 1
    assert rows["lucky"].rank == 3 and rows["lucky"].n_failed == 2
    assert rows["dead"].rank == 3 and np.isnan(rows["dead"].centre)


def test_better_than_the_oracle_is_said():
    records = records_of("oracle", [3.0, 3.1, 2.9], reference=True, spread=0.1) + records_of(
        "cheat", [1.0, 1.1, 0.9], spread=0.1
    )
    findings = Boards.of(records).flags
    assert any("better than the oracle" in words for words in findings["core", "cpu", "digits", "cheat"])
    honest = records_of("oracle", [3.0, 3.1, 2.9], reference=True) + records_of("a", [3.05, 2.9, 3.1])
    assert Boards.of(honest).flags == {}


def test_contended_throughput_is_never_shown():
    records = records_of("a", [1.0])
    records[0]["throughput"] = {"train_examples_per_s": 5.0, "sample_examples_per_s": 5.0, "contended": True}
    assert "train_examples_per_s" not in set(table.tidy(records).metric)
    records[0]["throughput"]["contended"] = False
    assert "train_examples_per_s" in set(table.tidy(records).metric)


def test_the_summary_counts_the_boards_on_which_nobody_is_surely_better():
    other, likelihoods = (
        DATASET | {"id": "wine", "sha256": "e"},
        DATASET | {"id": "binary", "sha256": "f", "primary": "nll"},
    )
    near, far = [1.0, 1.1, 1.0, 1.1, 1.0], [9.0, 9.1, 9.0, 9.1, 9.0]
    records = records_of("a", near) + records_of("b", far) + records_of("c", [0.1, 0.1])
    records += records_of("a", near, dataset=other) + records_of("b", [1.1, 1.0, 1.0, 1.1, 1.0], dataset=other)
    records += records_of("b", near, metric="nll", dataset=likelihoods)
    rows = {(row.model, row.kind): row for row in Boards.of(records).summary.itertuples()}
    counts = {key: (row.may_be_first, row.boards_judged, row.boards_entered, row.boards) for key, row in rows.items()}
    assert counts["a", "image"] == (2, 2, 2, 2) and counts["b", "image"] == (1, 2, 2, 2)
    assert counts["b", "likelihood"] == (1, 1, 1, 1), "likelihoods are a group of their own"
    assert pd.isna(counts["c", "image"][0]) and counts["c", "image"][1:] == (0, 1, 2), "two seeds tell no order"


def test_boards_are_the_same_bytes_when_rebuilt(tmp_path):
    store = Store(tmp_path)
    for record in records_of("a", [1.0, 1.2]) + records_of("oracle", [0.5, 0.6], reference=True):
        cell = a_cell(seed=record["seed"], dataset=DATASET, model=a_cell().model | {"id": record["model"]["id"]})
        store.put(cell, record)
    first = {p.name: p.read_bytes() for p in files.write_boards(store)}
    for path in files.write_boards(store):
        path.unlink()
    assert {p.name: p.read_bytes() for p in files.write_boards(Store(tmp_path))} == first
    rows = json.loads(first["leaderboard.json"])["rows"]
    assert list(first["leaderboard.csv"].decode().splitlines()[0].split(",")) == table.COLUMNS
    assert {row["model"] for row in rows} == {"a", "oracle"}


def test_hostile_names_are_inert():
    name = "=cmd|x <script>alert(1)</script> [a](javascript:b) `c` \x1b[31m"
    records = records_of(name, [1.0, 1.1], flags=["a | b\n# heading"])
    boards = Boards.of(records)
    text = markdown.board_markdown(make_boards(boards)[0])
    assert "<script>" not in text and "\x1b" not in text and "[a](" not in text and "\n# heading" not in text
    line = next(row for row in text.splitlines() if "cmd" in row)
    assert line.count(" | ") == text.splitlines()[-2].count(" | "), "no new cell is opened"
    assert ",'=cmd" in files.to_csv(boards.frame) or ",\"'=cmd" in files.to_csv(boards.frame)


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (3.14159, "3.14"),
        (0.00123, "0.00123"),
        (1234.5, "1,234"),
        (1e-5, "1.0×10⁻⁵"),
        (398, "398"),
        (-0.294, "−0.294"),
        (999.7, "1,000"),
        (-2.5e7, "−2.5×10⁷"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert number(value) == text


def test_comparison_of_a_row_with_itself_shows_no_difference():
    records = records_of("a", [1.0, 1.1, 1.2])
    frame = compare.compare_models(records, "a", "a", dataset="digits").frame
    assert (frame.difference == 0).all() and (frame.p_holm == 1).all()


def test_the_side_that_is_surely_better_is_named_in_either_direction():
    low = records_of("low", [1.0, 1.02, 0.98, 1.01, 0.99]) + records_of("high", [5.0, 5.1, 4.9, 5.2, 5.0])
    found = compare.compare_models(low, "low", "high", dataset="digits")
    assert set(found.frame.winner) == {"low"} and not found.without_training_noise
    turned = [
        row
        for name, values in (("low", [0.2, 0.21, 0.19]), ("high", [0.8, 0.81, 0.79]))
        for row in records_of(name, values, metric="accuracy", better="higher")
    ]
    assert set(compare.compare_models(turned, "low", "high", dataset="digits").frame.winner) == {"high"}


def test_one_seed_is_said_and_shows_only_the_noise_of_rows():
    records = records_of("a", [1.0], spread=0.1) + records_of("b", [3.0, 3.1], spread=0.1)
    assert compare.compare_models(records, "a", "b", dataset="digits").without_training_noise


def test_where_two_seeds_cannot_show_a_difference_it_is_said_how_many_would():
    """0.5 on the log scale against a scatter of 0.1: two seeds a side have two degrees of freedom."""
    records = records_of("a", [1.0, 1.15]) + records_of("b", [1.65, 1.9])
    frame = compare.compare_models(records, "a", "b", dataset="digits").frame
    assert (frame.winner == "").all() and frame.seeds_needed.between(3, 6).all()
    needed = int(frame.seeds_needed.iloc[0])
    spread = [math.exp(0.1 * v / np.std(np.linspace(-1, 1, needed), ddof=1)) for v in np.linspace(-1, 1, needed)]
    more = records_of("a", [1.07 * v for v in spread]) + records_of("b", [1.77 * v for v in spread])
    assert (compare.compare_models(more, "a", "b", dataset="digits").frame.winner == "a").all()


def test_below_five_seeds_a_row_has_a_rank_and_no_range():
    """Three seeds: family-wise 13 % of boards of equal models would show a difference."""
    far = records_of("c", [9.0, 9.5, 9.2, 8.8, 9.1])
    rows = column(records_of("a", [1.0, 1.1, 0.9]) + records_of("b", [1.02, 1.1, 1.05, 0.98, 1.0]) + far)
    assert rows["a"].rank == 1 and pd.isna(rows["a"].rank_low) and pd.isna(rows["a"].rank_high)
    assert (rows["b"].rank_low, rows["b"].rank_high) == (1, 2), "surely better than c; not compared with a"
    (board,) = make_boards(Boards.of(records_of("a", [1.0, 1.1, 0.9]) + far))
    assert board.rows[0][0] == "1" and any("fewer than five seeds" in line for line in board.lines)


def test_a_board_that_separates_nobody_says_so_in_a_sentence():
    values = [1.00, 1.10, 0.95, 1.02, 1.05]
    same = records_of("a", values) + records_of("b", values[::-1]) + records_of("d", values[2:] + values[:2])
    (board,) = make_boards(Boards.of(same))
    told = (
        "398 held-out rows cannot separate these 3 models: no two are surely different, and their order may be chance."
    )
    assert told in board.lines
    assert [row[0] for row in board.rows] == ["1–3"] * 3, "a rank among equals is not printed"
    (board,) = make_boards(Boards.of(same + records_of("c", [9.0, 9.5, 9.2, 8.8, 9.1])))
    counts = "3 of 4 models may be first, 3 of 6 pairs are surely different."
    assert f"398 held-out rows hardly separate these models: {counts}" in board.lines
    assert [row[0] for row in board.rows] == ["1–3"] * 3 + ["4"]
