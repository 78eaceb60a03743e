"""Stored searches: whole ones come back, damaged ones are named and left out."""

import json
from pathlib import Path

import pytest

from bench.records.tuning import best_of, cost_of, path_of, read_search_file, read_searches, write_search


def a_search(values=(0.3, 0.1, None), *, model="kde", dataset="iris", **changes):
    """A search of as many trials as there are values, each of 10 core-seconds."""
    trials = [
        {
            "settings": {"h": 0.5 + i, "kernel": "round"},
            "value": value,
            "status": "ok" if value is not None else "crashed",
            "core_seconds": 10.0,
            "key": f"k{i}",
            "commit": "c",
        }
        for i, value in enumerate(values)
    ]
    search = {
        "schema": "bench.tuning/1",
        "model": model,
        "dataset": dataset,
        "suite": "core",
        "device": "cpu",
        "metric": {"name": "energy_distance", "version": 2, "better": "lower"},
        "seed": 0,
        "steps": None,
        "fixed": {},
        "search": {"h": {"low": 0.1, "high": 9.0, "whole": False}, "kernel": {"values": ["round", "flat"]}},
        "source_sha256": "s",
        "dataset_sha256": "d",
        "versions": {"torch": "2"},
        "trials": trials,
        "best": best_of(trials, "lower"),
    }
    return search | changes


def test_a_search_comes_back_as_it_was_written(tmp_path):
    search = a_search()
    path = write_search(tmp_path, search)
    assert path == tmp_path / "tuning/iris/kde.json" == path_of(tmp_path, "iris", "kde")
    assert read_search_file(path) == (search, "") and read_searches(tmp_path) == ([search], [])


def test_the_best_is_the_first_of_equal_ones_in_the_metrics_direction():
    trials = [{"value": value} for value in (None, 2.0, 1.0, 3.0, 1.0, 3.0)]
    assert best_of(trials, "lower") == 2 and best_of(trials, "higher") == 3
    assert best_of([{"value": None}], "lower") is None


def test_the_cost_is_that_of_all_trials():
    search = a_search()
    search["trials"][1]["core_seconds"] = None
    assert cost_of(search) == 20.0


WRONG = {
    "no trials": lambda s: s.pop("trials"),
    "best is 3; expected the number of one of 3 trials": lambda s: s.update(best=3),
    "it says that it is iris/vae.json": lambda s: s.update(model="vae"),
    "schema 'bench.tuning/9'": lambda s: s.update(schema="bench.tuning/9"),
    "trials.0.value is 'x'": lambda s: s["trials"][0].update(value="x"),
    "trials.0.status is 'fine'": lambda s: s["trials"][0].update(status="fine"),
}


@pytest.mark.parametrize("problem", WRONG)
def test_what_is_no_search_is_named_and_left_out(problem, tmp_path):
    write_search(tmp_path, a_search(dataset="wine"))
    path, search = path_of(tmp_path, "iris", "kde"), a_search()
    WRONG[problem](search)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(search))
    searches, problems = read_searches(tmp_path)
    assert [one["dataset"] for one in searches] == ["wine"]
    assert len(problems) == 1 and problem in problems[0] and problems[0].startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["", "{", '{"value": NaN}', "[]", "1"])
def test_what_is_no_json_object_is_named(text, tmp_path):
    path = Path(tmp_path) / "tuning/iris/kde.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert read_search_file(path)[0] is None and len(read_searches(tmp_path)[1]) == 1


def test_the_cells_of_trials_are_no_searches(tmp_path):
    for name in ("trials/env/a.json", "trials/cells/core-cpu/iris/kde+trial-0/seed-0.json"):
        path = tmp_path / "tuning" / name
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    assert read_searches(tmp_path) == ([], [])
