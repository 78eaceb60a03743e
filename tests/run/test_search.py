"""A search from its plan to its file: the private board is never touched, and nothing finished is run again."""

import json
import sys
from dataclasses import replace

import pytest
import torch

from bench.plan.request import Request
from bench.plan.trials import make_trials
from bench.records.store import Store
from bench.records.tuning import read_search_file, trials_folder
from bench.render.progress import Lines
from bench.run.cell import run_cell
from bench.run.prepare import load_dataset
from bench.run.search import run_search
from bench.run.sweep import Planned
from bench.run.task import Context
from tests.models.toys import toy
from tests.run.test_sweep import Here


@pytest.fixture
def tune(tmp_path):
    """Give a function that tunes the toy in a folder, and returns (its executor, what was done)."""

    def run(count=4, *, settings=(), search=None, seed=0, out=tmp_path / "out", **more):
        request = Request(models=(toy(tmp_path, search=search),), datasets=("iris",), seeds=1, settings=settings)
        planner = lambda _: Planned(make_trials(request, count=count, seed=seed), {"processor": "the planner's"})
        executor = Here()
        return executor, run_search(executor, planner, out=out, observer=Lines(), **more)

    return run


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_best_trial_is_the_one_whose_width_is_the_datas_own(tune):
    """Standardised rows have a deviation of 1: of the widths tried, the one nearest to 1 in ratio must win."""
    _, done = tune(8)
    trials = done.search["trials"]
    widths = [trial["settings"]["width"] for trial in trials]
    assert done.search["best"] == 0 and widths[0] == 1.0
    values = sorted((trial["value"], trial["settings"]["width"]) for trial in trials if trial["value"] is not None)
    assert values[0][1] == 1.0 and values[-1][1] == max(w for _, w in values), "the widest of all is the worst"


def test_the_file_is_strict_json_that_says_what_was_done(tune, tmp_path):
    _, done = tune(3, seed=5)
    assert done.path == tmp_path / "out/tuning/iris/toy.json"
    stored, problem = read_search_file(done.path)
    assert problem == "" and stored == json.loads(json.dumps(done.search))
    assert (stored["suite"], stored["seed"], stored["steps"], stored["fixed"]) == ("core", 5, None, {})
    assert stored["metric"]["name"] == "energy_distance" and stored["search"]["copies"] == {
        "low": 1,
        "high": 8,
        "whole": True,
    }
    assert all(trial["core_seconds"] > 0 and len(trial["key"]) == 64 for trial in stored["trials"])


def test_a_setting_that_fails_is_a_trial_without_a_value_that_tells_why(tune):
    _, done = tune(4, search='{"width": (51.0, 100.0)}')
    assert [trial["status"] for trial in done.search["trials"]] == ["ok", "crashed", "crashed", "crashed"]
    failed = done.search["trials"][1]
    assert failed["value"] is None and failed["error"] == "ValueError in fit: too wide" and failed["core_seconds"] > 0
    assert done.search["best"] == 0


def test_the_private_board_is_neither_computed_nor_stored(tune, tmp_path):
    _, done = tune(2)
    store = Store(trials_folder(tmp_path / "out"))
    records = store.records()
    assert len(records) == 2
    for record in records:
        assert record["metrics"]["private"] == {} and record["metrics"]["public"].keys() == {"energy_distance"}
        assert record["artifacts"] == []
    assert not [name for name in files(tmp_path / "out") if "artifacts" in name or "grids" in name]
    assert "private" not in json.dumps(done.search)


def test_a_trial_never_sees_the_private_rows(tmp_path):
    request = Request(models=(toy(tmp_path),), datasets=("iris",), seeds=1)
    trial = make_trials(request, count=1, seed=0).cells[0]
    test_rows = load_dataset(trial).test.x[:]
    asked = []
    for cell in (trial, replace(trial, trial=False)):
        seen = sys.modules[trial.model["module"]].SEEN
        seen.clear()
        kept: dict[str, bytes] = {}
        record = run_cell(cell, Context(outputs=("outputs",), keep=kept.__setitem__))
        assert record["status"] == "ok"
        asked.append(any(x.shape == test_rows.shape and torch.equal(x, test_rows) for x in seen))
        assert bool(record["metrics"]["private"]) == bool(kept) == asked[-1]
    assert asked == [False, True], "an ordinary cell is asked for them"


def test_a_trial_and_a_cell_of_the_same_settings_have_the_same_public_value(tmp_path):
    request = Request(models=(toy(tmp_path),), datasets=("iris",), seeds=1)
    trial = make_trials(request, count=1, seed=0).cells[0]
    values = [run_cell(c)["metrics"]["public"]["energy_distance"] for c in (trial, replace(trial, trial=False))]
    assert values[0] == values[1] and trial.key != replace(trial, trial=False).key


class Dies(Here):
    """It ends the driver after some tasks, as a kill does."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def run(self, tasks, **more):
        for count, ended in enumerate(super().run(tasks, **more)):
            if count == self.after:
                raise KeyboardInterrupt
            yield ended


def test_a_killed_search_goes_on_where_it_was(tune, tmp_path, monkeypatch):
    _, whole = tune(5, out=tmp_path / "other")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("tests.run.test_search.Here", lambda: Dies(2))
        tune(5)
    assert not (tmp_path / "out/tuning/iris").exists(), "an unfinished search counts nowhere"
    executor, done = tune(5)
    assert len(executor.tasks) == 3 and done.new == 3
    clean = lambda search: [{**t, "core_seconds": 0} for t in search["trials"]]
    assert clean(done.search) == clean(whole.search)
    executor, done = tune(5)
    assert executor.tasks == [] and done.new == 0 and clean(done.search) == clean(whole.search)


def test_the_file_alone_is_enough_to_go_on_from(tune, tmp_path):
    """A clone holds the files of searches and no cells of trials."""
    _, first = tune(3)
    for path in (tmp_path / "out/tuning/trials/cells").rglob("*.json"):
        path.unlink()
    executor, done = tune(5)
    assert len(executor.tasks) == 2 and done.replaced is None
    assert done.search["trials"][:3] == first.search["trials"]


def test_failed_trials_run_again_only_if_asked_for(tune):
    search = '{"width": (51.0, 100.0)}'
    tune(3, search=search)
    assert len(tune(3, search=search)[0].tasks) == 0
    assert len(tune(3, search=search, rerun="failed")[0].tasks) == 2
    assert len(tune(3, search=search, rerun="all")[0].tasks) == 3


def test_a_shorter_search_hides_no_trial(tune):
    _, long = tune(4)
    executor, done = tune(2)
    assert executor.tasks == [] and done.search["trials"] == long.search["trials"]


def test_another_search_takes_the_place_of_the_first_and_says_so(tune):
    _, first = tune(4)
    _, done = tune(2, settings=("centre=1.0",))
    assert done.replaced == first.search and len(done.search["trials"]) == 2
    assert done.search["fixed"] == {"centre": 1.0}


def test_a_damaged_file_is_set_aside(tune, tmp_path):
    _, first = tune(2)
    first.path.write_text('{"schema": "bench.tuning/1"}')
    executor, done = tune(2)
    assert executor.tasks == [], "the cells are here"
    assert [t["key"] for t in done.search["trials"]] == [t["key"] for t in first.search["trials"]]
    assert (tmp_path / "out/quarantine/tuning/iris/toy.json").read_text() == '{"schema": "bench.tuning/1"}'
