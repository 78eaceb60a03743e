"""The public API as a notebook uses it: functions of `bench`, results and exceptions, never an exit."""

import re

import numpy as np
import pytest

import bench
from bench.errors import InvalidSubmission, UsageError
from bench.registry import ROOT, NotFound

TINY = 'datasets = ["iris", "ring8"]\nseeds = 1\nprobes = 0\nthroughput = false\n'
SETTING = "kde.bandwidth=0.5"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder of results and what its first run returned; names are given as one string."""
    folder = tmp_path_factory.mktemp("api")
    suite = folder / "tiny.toml"
    suite.write_text(TINY)
    outcome = bench.run(models="kde,qda", datasets="iris", suite=str(suite), out=folder / "out", settings=SETTING)
    return suite, folder / "out", outcome


def test_a_run_and_its_board(ran):
    _, out, outcome = ran
    assert (outcome.trained, outcome.kept, outcome.failed) == (2, 0, [])
    assert {record["model"]["id"] for record in bench.load_results(out)} == {"kde", "qda"}
    frame = bench.leaderboard(out)
    assert set(frame.model) == {"kde+bandwidth=0.5", "qda"} and set(frame.board) <= {"public", ""}
    assert set(bench.leaderboard(out, "iris", "private").board) <= {"private", ""}
    assert len(bench.leaderboard_frame(out)) == len(bench.leaderboard(out, board=None)) > len(frame)


def test_functions_keep_their_names_beside_the_packages(ran):
    suite, out, _ = ran
    again = bench.run(models=("kde",), datasets=["iris"], suite=str(suite), out=str(out), settings=SETTING)
    from bench.leaderboard.table import tidy
    from bench.run.sweep import Outcome

    assert isinstance(again, Outcome) and (again.trained, again.kept) == (0, 1)
    assert len(tidy(bench.load_results(out))) == len(bench.leaderboard(out, board=None))


@pytest.mark.parametrize(
    "choices, kind, words",
    [
        ({"models": "vanila_gan"}, NotFound, "did you mean 'vanilla_gan'"),
        ({"models": "kde", "datasets": "irs"}, NotFound, "did you mean 'iris'"),
        ({"suite": "smok"}, NotFound, "did you mean 'smoke'"),
        ({"precision": "fp64"}, UsageError, "precision must be one of fp32, bf16, got 'fp64'"),
        ({"rerun": "some"}, UsageError, "rerun must be one of missing, failed, all"),
        ({"device": "tpu"}, UsageError, "auto, cpu or cuda"),
        ({"data": "nowhere", "datasets": "iris"}, UsageError, "leave out -d iris"),
        ({"label": "y"}, UsageError, "go with --data"),
        ({"jobs": 0}, UsageError, "jobs must be a whole number of at least 1, or None, got 0"),
        ({"seeds": "3"}, UsageError, "seeds must be a whole number of at least 1, or None, got '3'"),
        ({"models": "kde", "datasets": "iris", "settings": "bandwith=1"}, UsageError, "unknown field 'bandwith'"),
    ],
)
def test_what_cannot_be_understood_is_refused(choices, kind, words, tmp_path):
    with pytest.raises(kind, match=words):
        bench.run(**{"device": "cpu", "out": tmp_path / "out"} | choices)
    assert not list(tmp_path.glob("out/cells"))


def test_a_misspelt_keyword_is_told_by_python():
    with pytest.raises(TypeError, match="model"):
        bench.run(model="kde")


def test_boards_that_are_not_there_are_told(ran, tmp_path):
    _, out, _ = ran
    with pytest.raises(UsageError, match=r"no folder out .*nowhere"):
        bench.leaderboard(tmp_path / "nowhere")
    with pytest.raises(NotFound, match="did you mean 'iris'"):
        bench.leaderboard(out, "irs")
    with pytest.raises(UsageError, match="public, private or None, got 'both'"):
        bench.leaderboard(out, board="both")


def test_a_file_and_an_array_of_samples_have_the_same_scores(tmp_path):
    data = bench.load("dataset", "iris")()
    x = data.oracle(200, board="public", seed=0).numpy()
    np.savez(tmp_path / "x.npz", samples=x)
    scores = bench.score(x, "iris")
    assert scores == bench.score(str(tmp_path / "x.npz"), "iris")
    assert scores["dataset"] == "iris" and scores["metrics"]["public"]["energy_distance"]["value"] < 0.1
    with pytest.raises(InvalidSubmission, match="one sample has shape"):
        bench.score(x[:, :2], "iris")
    with pytest.raises(NotFound, match="did you mean 'iris'"):
        bench.score(x, "irs")


def test_the_examples_of_the_page_run_as_a_notebook_would_run_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE):
        exec(re.sub(r"^    ", "", block, flags=re.MULTILINE), names)
    assert repr(names["ran"]).startswith("2 trained, 0 failed")
    assert set(names["board"].model) == {"kde", "qda"} == {names["best"]} | set(names["board"].model[1:])
    assert names["board"].metric.tolist() == ["energy_distance"] * 2
    assert names["samples"].shape == (100, 4) and names["log_prob"].shape == (30,)
    assert set(names["private"].board) <= {"private", ""} and len(names["records"]) == 2
    assert names["wide"].board().model.tolist().count("kde+bandwidth=0.5") == 1


def test_an_outcome_is_a_line_in_a_console_and_a_board_in_a_notebook(ran):
    _, _, outcome = ran
    assert len(repr(outcome)) < 120 and repr(outcome).startswith("2 trained, 0 failed in ")
    assert "<table" in outcome._repr_html_() and "kde+bandwidth=0.5" in outcome._repr_html_()
    with pytest.raises(NotFound, match="unknown dataset of this run 'irs'; did you mean 'iris'"):
        outcome.board("irs")
