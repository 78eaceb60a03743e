"""What every rendering says of a board: marks beside the name, cautions, who is not ranked, and the answer from the records."""

import re
from pathlib import Path

import pytest

from bench.leaderboard.boards import Boards
from bench.leaderboard.row import Place, rows_of
from bench.records.store import Store
from bench.render import files, markdown
from bench.render.answer import answers, costs, headline
from bench.render.board import make_boards
from bench.render.terminal import print_board
from bench.render.words import cautions, metric_title, space_words
from tests.leaderboard.test_table import DATASET, records_of
from tests.render.pages import other_board

COPIES = ["exact copies: 31% of the samples are training rows"]
NEAR, FAR = [1.0, 1.1, 1.0, 1.1, 1.0], [9.0, 9.1, 9.0, 9.1, 9.0]


def copier():
    return records_of("thief", NEAR, flags=COPIES) + records_of("honest", FAR) + records_of("dead", [None] * 5)


def page_of(records):
    return files.page(Store(Path("/nonexistent")), records)


def test_copies_and_failures_stand_beside_the_name_in_every_rendering(capsys):
    boards = Boards.of(copier())
    (board,) = tables = make_boards(boards)
    print_board(board, width=100)
    readme = markdown.results_readme(tables, boards, Path("/nonexistent"), [])
    for text in (capsys.readouterr().out, readme, markdown.leaderboard_markdown(tables, boards)):
        assert "thief (copies)" in text and "dead (5 failed)" in text and "honest (copies)" not in text
    page = re.sub(r"<[^>]*>", "", page_of(copier()))
    winner = page[page.index("Best") : page.index("How to read it")]
    assert "thief (copies)" in winner, "said where the winner is crowned"
    assert page.count("thief (copies)") >= 4 and "dead (5 failed)" in page and "honest (copies)" not in page


def test_what_was_still_improving_is_said_beside_the_name_and_warns_of_nothing():
    words = "still improving: 12 % over the last fifth"
    records = records_of("short", NEAR, flags=[words]) + records_of("long", FAR)
    (board,) = make_boards(Boards.of(records))
    assert [row[1] for row in board.rows] == [f"short ({words})", "long"]
    page = page_of(records)
    assert f'<span class="mk" title="{words}">(still improving)</span>' in page


def test_whose_fid_it_is_is_said_once_and_not_on_inceptions():
    line = "Frechet distance in the features of lenet, a small classifier per dataset; not comparable with the papers' FID (Inception)."
    (board,) = make_boards(Boards.of(copier()))
    assert line in board.lines and page_of(copier()).count(line.replace("'", "&#39;")) == 1
    assert space_words("fid_random") == "random, a convolutional network with fixed random weights"
    assert space_words("kid_identity") == "identity" and metric_title("kid_identity").endswith(
        "in the features of identity, averaged over the draws."
    )
    assert not any("papers" in text for text in cautions("fid_inception", []))


def test_a_distance_below_zero_is_explained_where_there_is_one():
    table = DATASET | {"id": "iris", "kind": "table", "primary": "energy_distance"}
    line = "An unbiased estimate: 0 is perfect, and a little below 0 is noise."
    below = records_of("a", [-0.01, 0.02, 0.0, -0.02, 0.01], metric="energy_distance", dataset=table)
    assert line in make_boards(Boards.of(below))[0].lines and line in page_of(below)
    above = records_of("a", FAR, metric="energy_distance", dataset=table)
    assert line not in make_boards(Boards.of(above))[0].lines


def test_no_rendering_has_a_lonely_plus_minus_or_an_exponent_of_programmers():
    tiny = records_of("a", [v * 1e-5 for v in NEAR]) + records_of("b", [v * 1e4 for v in FAR])
    boards = Boards.of(tiny)
    tables = make_boards(boards)
    page = re.sub(r"<script.*?</script>|data-v=\"[^\"]*\"", "", page_of(tiny), flags=re.S)
    for text in (page, markdown.leaderboard_markdown(tables, boards)):
        assert "±" not in text and not re.search(r"\de[+-]\d", text)


def test_a_metric_that_never_sees_the_rows_has_one_board():
    same = records_of("a", NEAR) + records_of("b", FAR) + records_of("c", [3.0] * 5)
    (board,) = make_boards(Boards.of(same))
    assert "One board: fid_lenet does not use the held-out rows." in board.lines
    assert "private (move)" not in [board.headings[i] for i in board.filled()] and 'class="n c-priv"' not in page_of(
        same
    )
    two = other_board(same, 1.2)
    (board,) = make_boards(Boards.of(two))
    assert "private (move)" in [board.headings[i] for i in board.filled()] and 'class="n c-priv"' in page_of(two)


def test_models_without_the_ranking_metric_are_one_line_with_the_reason():
    binary = DATASET | {"id": "digits_binary", "primary": "nll"}
    records = records_of("exact", NEAR, metric="nll", dataset=binary) + records_of("gan", FAR, dataset=binary)
    (board,) = make_boards(Boards.of(records))
    assert [row[1] for row in board.rows] == ["exact"]
    assert "Not ranked here, no exact probability: gan." in board.lines
    assert "Not ranked here, no exact probability: <bdi>gan</bdi>." in page_of(records)


def test_a_wide_range_stands_for_the_rank():
    assert Place(5, 1, 11).words(12) == "1–11" and Place(4, 2, 6).words(18) == "4 (2–6)"
    assert Place(1, 1, 1).words(12) == "1" and Place(3, None, None).words(12) == "3"
    assert Place(2, 2, 4).parts(7) == ("2", "(2–4)"), "three of seven are no more than half"


# ---- the answer ----------------------------------------------------------------------------------------------------


def answer_of(records):
    boards = Boards.of(records)
    return answers(rows_of(boards.frame), boards.primaries, boards.flags)


def test_one_winner_is_surely_better_and_its_copies_are_told():
    (answer,) = answer_of(copier() + records_of("oracle", [0.5] * 5, reference=True))
    assert answer.settled and answer.names == ("thief (copies)",)
    assert answer.sure == "surely better than the 2 others"
    assert answer.score.startswith("fid_lenet 1.04 [") and answer.score.endswith(", real data 0.500")
    assert headline([answer]) == "On 1 of 1 boards one model is surely best: thief (copies) on digits."


@pytest.mark.parametrize(
    "rivals, sure",
    [
        (1, "measured best; not surely worse: m1"),
        (3, "measured best, but 4 of 6 models may be first"),
    ],
)
def test_rivals_that_may_be_first_are_named_or_counted(rivals, sure):
    turned = [NEAR[i:] + NEAR[:i] for i in range(rivals + 1)]
    records = [r for i, values in enumerate(turned) for r in records_of(f"m{i}", values, spread=0.1)]
    records += [r for name in ("x", "y") for r in records_of(name, FAR)]
    (answer,) = answer_of(records)
    assert answer.sure == sure and not answer.settled
    assert headline([answer]) == "On none of 1 boards is one model surely best."


def test_few_seeds_establish_nothing_and_nothing_is_said_of_nobody():
    (answer,) = answer_of(records_of("a", [1.0, 1.1]) + records_of("b", [9.0, 9.1]))
    assert answer.sure == "measured best, but fewer than five seeds establish no order" and not answer.settled
    assert headline([answer]) == "Fewer than five seeds establish no order yet. Measured best: a on digits."
    (answer,) = answer_of(records_of("a", [1.0, 1.1]))
    assert answer.sure == "the only model with a rank"
    assert headline([]) == "No results yet."
    other = DATASET | {"id": "wine", "sha256": "e"}
    two = answer_of(copier() + records_of("a", [1.0, 1.1], dataset=other) + records_of("b", [9.0, 9.1], dataset=other))
    told = "On 1 of 2 boards one model is surely best: thief (copies) on digits."
    assert headline(two) == f"{told} On 1 fewer than five seeds establish no order."


def test_of_a_dataset_in_two_suites_the_more_thorough_one_speaks():
    core, standard = records_of("quick", NEAR), records_of("slow", FAR)
    for record in standard:
        record["suite"] = "standard"
    assert [a.key[0] for a in answer_of(core + standard)] == ["standard"]


def test_costs_name_who_has_the_best_on_most_boards():
    records = []
    for name, seconds, size in (("fast", 0.5, 900), ("small", 4.0, 10)):
        for dataset in (DATASET, DATASET | {"id": "wine", "sha256": "e"}):
            for record in records_of(name, NEAR, dataset=dataset):
                record["timing"]["train_s"], record["model"]["n_params"] = seconds, size
                records.append(record)
    rows = rows_of(Boards.of(records).frame)
    keys = [("core", "cpu", "digits"), ("core", "cpu", "wine")]
    told = {c.title: (c.model, c.boards, c.of, c.values) for c in costs(rows, keys)}
    assert told == {
        "Quickest to train": ("fast", 2, 2, "0.500 s"),
        "Smallest": ("small", 2, 2, "10 trained numbers"),
    }


def test_places_count_their_dark_cells_and_every_best_place_says_of_how_many():
    other = DATASET | {"id": "wine", "sha256": "e"}
    records = records_of("a", NEAR) + records_of("b", FAR) + records_of("c", [5.0, 5.1, 5.0, 5.1, 5.0])
    records += records_of("a", FAR, dataset=other) + records_of("b", NEAR, dataset=other)
    page = page_of(records)
    rows = re.findall(r'<tr data-f="[^"]*" data-m="(\w)"><th.*?</tr>', page[page.index('class="places') :], re.S)
    assert rows[:3] == ["a", "b", "c"]
    for block in re.findall(
        r'<tr data-f="[^"]*" data-m="\w"><th.*?</tr>', page.split('class="places', 1)[1].split("</table>")[0], re.S
    ):
        count = re.search(r'class="n mean"[^>]*>(\d+) of (\d+)', block)
        dark = len(re.findall(r'<td class="n q0', block))
        placed = len(re.findall(r'<td class="n q\d', block))
        assert (int(count[1]), int(count[2])) == (dark, placed)
    best = re.findall(r'<li><a href="#m-\w+"><bdi>\w+</bdi></a> <small><a[^>]*>([^<]*)</a>', page)
    assert len(best) == 3 and all(re.fullmatch(r"\d+\w\w( \(\d+–\d+\))? of \d+ on \w+", text) for text in best), best


def test_a_best_place_is_a_share_of_the_field_and_a_wide_range_comes_last():
    small, big = DATASET | {"id": "small", "sha256": "e"}, DATASET | {"id": "big", "sha256": "f"}
    records = records_of("x", FAR, dataset=small) + records_of("best", NEAR, dataset=small)
    ahead = [
        ("best", 1.0),
        *((f"m{i}", 3.0 * (i + 1)) for i in range(3)),
        ("x", 20.0),
        *((f"n{i}", 40.0 + 30 * i) for i in range(4)),
    ]
    records += [
        r for name, v in ahead for r in records_of(name, [v * k for k in (1.0, 1.01, 1.0, 1.01, 1.0)], dataset=big)
    ]
    best = re.search(r"<bdi>x</bdi></a> <small><a[^>]*>([^<]*)</a>", page_of(records))
    assert best[1] == "5th of 9 on big", "not 2nd and last of 2"
