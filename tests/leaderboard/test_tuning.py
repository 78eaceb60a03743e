"""What a board says of tuning: trials and their cost beside each row, and whether all models had as many."""

from bench.leaderboard.boards import Boards
from bench.leaderboard.tuning import Tuned, tuning_line
from bench.records.store import Store
from bench.records.tuning import write_search
from bench.render import files
from bench.render.board import make_boards
from bench.render.markdown import board_markdown
from tests.leaderboard.test_table import records_of
from tests.records.test_schema import a_record
from tests.records.test_store import a_cell
from tests.records.test_tuning import a_search

KEY = ("core", "cpu", "digits")


def board_of(records, *searches):
    (board,) = make_boards(Boards.of(records, searches))
    return board


def column(board):
    at = board.headings.index("tuned")
    return {row[1].split(" ")[0]: row[at] for row in board.rows}


def tuned(model, trials=3, **settings):
    """A search of so many trials on digits whose best, the second one, has these settings."""
    search = a_search([float(9 - i) for i in range(trials - 1)] + [0.5], model=model, dataset="digits")
    search["trials"][search["best"]]["settings"] = settings or {"h": 2.0}
    return search


def test_a_row_tells_the_trials_of_its_model_and_their_cost():
    records = records_of("a", [1.0, 1.1]) + records_of("b", [2.0, 2.1]) + records_of("c", [3.0, 3.1])
    board = board_of(records, tuned("a", 16), tuned("b", 1, h=1.0))
    assert column(board) == {"a": "16 trials, 160 core-s", "b": "1 trial, 10 core-s, settings of the best", "c": "–"}
    assert "Not tuned equally: 16 trials: a; 1 trial: b; no trial: c." in board.lines


def test_a_row_has_the_best_settings_only_where_every_field_is_the_best_trials():
    """The records' field h is 1.0."""
    records = records_of("a", [1.0, 1.1])
    boards = lambda **settings: Boards.of(records, [tuned("a", **settings)]).tuned[*KEY, "a"]
    assert boards(h=1.0).best and not boards(h=2.0).best and not boards(h=1.0, other=3).best


def test_trials_of_other_code_or_data_say_so():
    for changed in ("source_sha256", "dataset_sha256"):
        search = tuned("a", h=1.0) | {changed: "another"}
        words = column(board_of(records_of("a", [1.0]), search))["a"]
        assert words == "3 trials of other code or data, 30 core-s, settings of the best"


def test_a_search_of_another_dataset_or_of_a_reference_row_tunes_nothing():
    records = records_of("a", [1.0]) + records_of("oracle", [0.5], reference=True)
    board = board_of(records, tuned("a") | {"dataset": "iris"}, tuned("oracle"))
    assert set(column(board).values()) == {"–"}
    assert not any("tuned" in line for line in board.lines)
    assert "tuned" not in board_markdown(board), "a board without tuning is as it was"


def test_the_line_counts_models_where_there_are_many():
    some = Tuned(8, 1.0, best=False, older=False)
    assert tuning_line({"a": None, "b": None}) == "" == tuning_line({})
    assert tuning_line({"a": some, "b": some}) == "Tuned equally: 8 trials of every model."
    models = {"a": some} | dict.fromkeys("bcdef")
    assert tuning_line(models) == "Not tuned equally: 8 trials: a; no trial: 5 models."


def test_reference_rows_need_no_trials():
    records = records_of("a", [1.0]) + records_of("oracle", [0.5], reference=True)
    assert "Tuned equally: 3 trials of every model." in board_of(records, tuned("a")).lines


def test_every_rendering_of_a_folder_tells_it(tmp_path):
    store = Store(tmp_path)
    for seed in range(2):
        store.put(a_cell(seed=seed), a_record(seed=seed))
    files.write_boards(store)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("leaderboard.*")}
    assert not any(b"core-s" in raw for raw in before.values())
    search = a_search((0.5, 0.2))
    search["trials"][1]["settings"] = {"h": 1.0}
    write_search(tmp_path, search)
    files.write_boards(store)
    assert "2 trials, 20 core-s, settings of the best" in (tmp_path / "leaderboard.md").read_text()
    page = (tmp_path / "leaderboard.html").read_text()
    assert "tuned: 2 trials, 20 core-s, settings of the best" in page and "Tuned equally: 2 trials" in page
    assert '"core_seconds": 20.0' in (tmp_path / "leaderboard.json").read_text()
    assert (tmp_path / "leaderboard.csv").read_bytes() == before["leaderboard.csv"]


def test_a_damaged_search_is_a_line_and_no_lost_board(tmp_path):
    store = Store(tmp_path)
    path = write_search(tmp_path, a_search())
    path.write_text("{")
    assert files.searches_of(store) == [] and len(store.problems) == 1
    files.searches_of(store)
    assert len(store.problems) == 1, "it is told once"
