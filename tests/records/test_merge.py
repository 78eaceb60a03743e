"""Merging folders: what is missing is copied, what does not agree is named, nothing is overwritten, and twice is once."""

import json

import pytest

from bench.errors import UsageError
from bench.files import write_atomic
from bench.records.merge import merge
from bench.records.record import encode
from bench.records.store import PICTURES, Store
from bench.records.tuning import write_search
from tests.records.test_schema import a_record
from tests.records.test_store import a_cell
from tests.records.test_tuning import a_search


def a_folder(path, *seeds, source="s", scores=0.5, artifacts=True):
    """A folder of results with one row and these seeds."""
    store = Store(path)
    for seed in seeds:
        record = a_record(seed=seed)
        record["model"]["source_sha256"] = source
        for entries in record["metrics"].values():
            entries["nll"]["value"] = scores
        cell = a_cell(seed=seed)
        write_atomic(store.record_path(cell), encode(record))
        if artifacts:
            write_atomic(store.artifact_path(cell), b"samples of seed %d" % seed)
    write_atomic(path / "env" / "e.json", b'{"processor": "p"}')
    return path


def contents(path):
    return {
        file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file() and file.name != "lock"
    }


def test_cells_samples_machines_and_submissions_come_together_and_twice_is_once(tmp_path):
    a, b = a_folder(tmp_path / "a", 0, 1), a_folder(tmp_path / "b", 2, artifacts=False)
    write_atomic(b / "submissions" / "mine" / "x.json", b"{}")
    merged = merge([a, b], tmp_path / "out")
    assert (merged.added, merged.same, merged.conflicts, merged.damaged) == (3, 0, [], [])
    whole = contents(tmp_path / "out")
    assert whole == contents(a) | contents(b)
    again = merge([a, b], tmp_path / "out")
    assert (again.added, again.same, again.conflicts) == (0, 3, [])
    assert contents(tmp_path / "out") == whole


def test_samples_that_only_the_second_copy_has_are_added(tmp_path):
    a, b = a_folder(tmp_path / "a", 0, artifacts=False), a_folder(tmp_path / "b", 0)
    merge([a, b], tmp_path / "out")
    assert Store(tmp_path / "out").artifact_path(a_cell()).read_bytes() == b"samples of seed 0"


def test_every_picture_of_seed_zero_comes_along(tmp_path):
    source = a_folder(tmp_path / "a", 0, 1)
    names = {f"kde{ending}" for ending in PICTURES.values()}
    for name in names:
        write_atomic(source / "grids" / "iris" / name, b"png")
    merge([source], tmp_path / "out")
    assert {path.name for path in (tmp_path / "out" / "grids" / "iris").iterdir()} == names
    assert {"kde.png", "kde.nearest.png", "kde.film.png", "kde.walk.png", "kde.classes.png"} == names


def test_a_slot_with_other_scores_is_named_and_kept(tmp_path):
    a, b = a_folder(tmp_path / "a", 0), a_folder(tmp_path / "b", 0, 1, scores=0.7)
    merged = merge([a, b], tmp_path / "out")
    assert merged.added == 2
    assert len(merged.conflicts) == 1
    assert "b/cells/" in merged.conflicts[0] and merged.conflicts[0].endswith("has the same key and other scores")
    assert Store(tmp_path / "out").get(a_cell())["metrics"]["public"]["nll"]["value"] == 0.5


def test_another_key_and_another_machine_of_one_name_are_named(tmp_path):
    a, b = a_folder(tmp_path / "a", 0), a_folder(tmp_path / "b", 0)
    path = Store(b).record_path(a_cell())
    path.write_bytes(encode(json.loads(path.read_bytes()) | {"key": "other"}))
    (b / "env" / "e.json").write_text("{}")
    first, second = merge([a, b], tmp_path / "out").conflicts
    assert "has another key" in first and "other" in first
    assert "env/e.json stands there with another content" in second


def test_two_sources_under_one_name_are_refused_and_nothing_is_copied(tmp_path):
    a, b = a_folder(tmp_path / "a", 0), a_folder(tmp_path / "b", 1, source="t")
    with pytest.raises(
        UsageError, match=r"1 rows are of different code under one name.*kde: s in .*a and t in .*b.*nothing was"
    ):
        merge([a, b], tmp_path / "out")
    assert not (tmp_path / "out" / "cells").exists()
    merge([a], tmp_path / "out")
    with pytest.raises(UsageError, match="out and t in"):
        merge([b], tmp_path / "out")


def test_searches_come_along_and_the_cells_of_their_trials_stay(tmp_path):
    a, b, out = a_folder(tmp_path / "a", 0), a_folder(tmp_path / "b", 1), tmp_path / "out"
    path = write_search(a, a_search())
    write_search(b, a_search((0.2,)))
    (a / "tuning/trials/env").mkdir(parents=True)
    (a / "tuning/trials/env/e.json").write_text("{}")
    (conflict,) = merge([a, b], out).conflicts
    assert (out / "tuning/iris/kde.json").read_bytes() == path.read_bytes()
    assert "tuning/iris/kde.json is left out" in conflict and not (out / "tuning/trials").exists()


def test_damaged_files_are_named_and_left_out(tmp_path):
    a = a_folder(tmp_path / "a", 0, 1)
    path = Store(a).record_path(a_cell(seed=1))
    path.write_bytes(path.read_bytes()[:100])
    (a / "env" / "half.json").write_text('{"proc')
    merged = merge([a], tmp_path / "out")
    assert merged.added == 1
    assert ["seed-1.json" in merged.damaged[0], "half.json" in merged.damaged[1]] == [True, True]
    assert not (tmp_path / "out" / "env" / "half.json").exists()


def test_a_folder_that_holds_nothing_and_the_target_itself_are_refused(tmp_path):
    a = a_folder(tmp_path / "a", 0)
    with pytest.raises(UsageError, match="nothing holds no results: expected a folder with cells/ in it"):
        merge([tmp_path / "nothing"], tmp_path / "out")
    with pytest.raises(UsageError, match="a is --out itself"):
        merge([a], a)
