"""Rows that were still improving: pooled over seeds, said beside the name, without a rank where the suite ranks what is flat."""

import csv
import io
import json

import pytest
from scipy import stats

from bench.leaderboard import table
from bench.leaderboard.boards import Boards
from bench.leaderboard.plateau import curve_of, p_above
from bench.leaderboard.row import rows_of
from bench.render import files, markdown
from bench.render.answer import answers
from bench.render.board import make_boards
from bench.render.html.boards import board_view
from bench.render.html.overview import places
from bench.render.html.source import Source
from tests.leaderboard.test_table import DATASET, records_of

WORDS = "still improving: 12 % over the last fifth"


def trained(model, values, gains, *, ranks="all", steps=700, **options):
    """Records of seeds with these gains; None: no plateau is known."""
    records = records_of(model, values, **options)
    for record, gain in zip(records, gains):
        flat = gain is not None and gain <= 0.02
        record["protocol"] |= {"steps": steps, "ranks": ranks}
        record["timing"]["train_core_s"] = 10.0 + record["seed"]
        if gain is not None:
            record["training"]["plateau"] = {"flat": flat, "gain": gain, "flat_at": 420 if flat else None}
    return records


IMPROVING = (0.10, 0.13, 0.13)


def a_board(ranks="all"):
    """`long` is flat, `short` improves and is best, `kde` has no steps, of `old` nothing is known."""
    records = trained("long", [2.0, 2.1, 2.2], [0.01, -0.01, 0.0], steps=4000, ranks=ranks)
    records += trained("short", [1.0, 1.1, 1.2], IMPROVING, ranks=ranks) + records_of("kde", [3.0, 3.1, 3.2])
    return records + trained("old", [4.0, 4.1, 4.2], [None] * 3, ranks=ranks)


def test_the_p_value_is_that_of_scipys_one_sided_t_test():
    values = [0.03, 0.05, -0.01, 0.04]
    expected = stats.ttest_1samp(values, 0.0, alternative="greater").pvalue
    assert p_above(values) == pytest.approx(expected, rel=1e-9)
    assert (p_above([0.1, 0.1]), p_above([0.0, 0.0]), p_above([-0.1, -0.1])) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    "gains, flat",
    [
        (IMPROVING, False),
        ((0.30, -0.10, 0.16), True),  # the same mean, lost in the scatter: t = 1.0 of 2 degrees
        ((0.012, 0.013, 0.014), True),  # sure and small
        ((0.03,), False),  # one seed has judged itself
        ((None, None, None), None),
        ((None, 0.12, 0.13), False),  # of the seeds that say so
    ],
)
def test_a_row_improves_if_its_seeds_gain_more_than_they_scatter(gains, flat):
    found = curve_of(trained("a", [1.0] * len(gains), gains))
    assert found.flat is flat
    assert bool(found.words) is (flat is False)


def test_a_failed_seed_says_nothing_and_a_flat_row_says_from_where():
    records = trained("a", [1.0, 1.0, None], [0.0, 0.01, 0.9])
    assert curve_of(records) == (True, pytest.approx(0.005), 420)


def test_a_suite_that_ranks_what_is_flat_gives_the_others_their_value_and_no_rank():
    rows = {row.model: row for row in rows_of(table.tidy(a_board("flat"))) if row.board == "public"}
    assert {model: row.rank for model, row in rows.items()} == {"long": 1, "kde": 2, "short": None, "old": None}
    assert rows["short"].centre == pytest.approx(1.097, abs=1e-3) and rows["short"].rank_low is None
    rows = {row.model: row for row in rows_of(table.tidy(a_board())) if row.board == "public"}
    assert {model: row.rank for model, row in rows.items()} == {"short": 1, "long": 2, "kde": 3, "old": 4}


def test_what_failed_is_last_in_such_a_suite_too():
    records = a_board("flat") + trained("dead", [9.0, None, None], [0.5, None, None], ranks="flat")
    rows = {row.model: row for row in rows_of(table.tidy(records)) if row.board == "public"}
    assert rows["dead"].rank == 3


def test_improving_rows_move_no_range_where_only_flat_ones_are_ranked():
    five = [1.0, 1.1, 0.95, 1.02, 1.05]
    records = trained("a", five, [0.0] * 5, ranks="flat") + trained("b", [9 * v for v in five], [0.0] * 5, ranks="flat")
    records += trained("short", [0.1 * v for v in five], [0.2, 0.21, 0.19, 0.2, 0.2], ranks="flat")
    rows = {row.model: row for row in rows_of(table.tidy(records)) if row.board == "public"}
    assert [tuple(rows[m].place) for m in "ab"] == [(1, 1, 1), (2, 2, 2)] and rows["short"].place is None


def test_every_rendering_says_it_beside_the_name(tmp_path):
    boards = Boards.of(a_board())
    (board,) = make_boards(boards)
    names = [row[1] for row in board.rows]
    assert names == [f"short ({WORDS})", "long", "kde", "old"]
    ends = [row[board.headings.index("curve at the end")] for row in board.rows]
    assert ends == [WORDS, "flat at 420", "–", "not known"]
    assert [row[board.headings.index("steps")] for row in board.rows] == ["700", "4,000", "–", "700"]
    assert [row[board.headings.index("train core-s")] for row in board.rows] == ["11.0", "11.0", "–", "11.0"]
    text = markdown.results_readme([board], boards, tmp_path, [])
    assert f"| short ({WORDS}) |" in text and "| 4,000 |" in text
    flags = {key[-1]: words for key, words in boards.flags.items()}
    assert flags == {"short": [WORDS]}
    view = board_view(Source(boards.records, boards, tmp_path), ("core", "cpu", "digits"))
    marks = {row["model"]: [(mark.text, mark.short) for mark in row["marks"]] for row in view["rows"]}
    assert marks == {"short": [(WORDS, "still improving")], "long": [], "kde": [], "old": []}
    assert view["groups"]["names"][-1] == ("Training", 3)


def test_the_table_of_places_keeps_a_row_that_takes_no_rank(tmp_path):
    boards = Boards.of(a_board("flat"))
    source = Source(boards.records, boards, tmp_path)
    cells = {row["model"]: row["cells"][0] for row in places(source, source.keys)["rows"]}
    told = {model: (cell["text"], [mark.short for mark in cell["marks"]]) for model, cell in cells.items()}
    assert told == {"kde": ("2", []), "long": ("1", []), "short": ("–", ["still improving"])}


def test_the_answer_names_what_improves_and_measured_better():
    records = trained("short", [1.0, 1.1, 1.2], IMPROVING, ranks="flat") + trained(
        "a", [2.0, 2.1, 2.2], [0.0] * 3, ranks="flat"
    )
    boards = Boards.of(records)
    (answer,) = answers(rows_of(boards.frame), boards.primaries, boards.flags)
    assert answer.names == ("a",)
    assert answer.sure == "the only model with a rank; still improving and measured better: short"


def test_csv_and_json_have_the_budget_and_how_the_curve_ended():
    boards = Boards.of(a_board())
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(files.to_csv(boards.frame))) if row["rank"]}
    assert [rows[m]["flat"] for m in ("short", "long", "kde", "old")] == ["False", "True", "", ""]
    assert (rows["long"]["steps"], rows["long"]["train_core_s"], rows["long"]["flat_at"]) == ("4000", "11", "420")
    rows = {row["model"]: row for row in json.loads(files.to_json(boards))["rows"] if row["rank"]}
    assert [rows[m]["flat"] for m in ("short", "long", "kde", "old")] == [False, True, None, None]
    assert rows["short"]["gain"] == pytest.approx(0.12) and rows["kde"]["steps"] is None


@pytest.mark.parametrize("ranks", ["all", "flat"])
def test_the_foot_of_a_board_counts_what_still_improved(ranks):
    (board,) = make_boards(Boards.of(a_board(ranks)))
    line = next(line for line in board.lines if line.startswith("Budgets"))
    head = "Budgets of 700 to 4,000 steps; 1 of 3 trained models still improving at the end (not known of 1)."
    assert line == head + (" In this suite only flat ones take a rank." if ranks == "flat" else "")
    assert [row[1].split(" ")[0] for row in board.rows] == (
        ["short", "long", "kde", "old"] if ranks == "all" else ["long", "kde", "short", "old"]
    )


def test_a_board_of_models_without_steps_has_no_such_line():
    (board,) = make_boards(Boards.of(records_of("kde", [3.0, 3.1])))
    assert not any(line.startswith("Budgets") for line in board.lines)


def test_a_finished_cell_says_so_on_its_line():
    from bench.render.progress import describe
    from tests.records.test_store import a_cell

    short, flat = (trained("a", [1.0], [gain])[0] for gain in (0.12, 0.0))
    cell = a_cell(dataset=DATASET)
    assert f"1, {WORDS} (0.0 s)" in describe(cell, short) and WORDS not in describe(cell, flat)
