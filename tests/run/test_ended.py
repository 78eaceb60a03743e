"""From how a task ended to the store: files before the record, the worker's fingerprint, one record for every kind of end."""

from dataclasses import replace

import pytest

from bench.plan.cell import Cell
from bench.records.environment import fingerprint_id
from bench.records.record import new_record
from bench.records.store import Store
from bench.run.ended import keep, keep_environment, record_of
from bench.run.task import Ended
from bench.run.todo import Todo, todo_list

CELL = Cell(
    suite="tiny",
    device="cpu",
    precision="fp32",
    dataset={"id": "iris", "version": 1, "sha256": "d" * 64, "kind": "table", "primary": "nll"}
    | {"n_train": 90, "n_valid": 30, "n_test": 30},
    model={"id": "kde", "family": "statistical", "uses_labels": False, "source_sha256": "m" * 64, "hparams": {}}
    | {"reference": False, "path": "baselines/kde.py", "module": "baselines.kde", "measure": "", "variant": ""},
    steps=None,
    seed=0,
    draws=1,
    elbo_samples=1,
    metrics={"nll": 1},
    features={},
)
THERE = {"processor": "another", "cores": 4, "memory_gib": 8.0}


def ended(**more):
    record = new_record(CELL) | {"status": "ok", "artifacts": [{"role": "outputs", "sha256": "a" * 64, "bytes": 3}]}
    files = {"outputs": b"abc", "grid": b"png", "nearest": b"png2", "film": b"png3"}
    facts = {"status": "ok", "value": record, "message": "", "phase": "score", "seconds": 2.0, "peak_rss_bytes": 7}
    return Ended(**facts | {"files": files, "node": "there", "environment": THERE} | more)


def test_files_and_record_lie_where_readers_look(tmp_path):
    store = Store(tmp_path)
    record = keep(store, Todo(CELL, "train", attempt=3), ended())
    assert store.get(CELL) == record
    assert (record["attempt"], record["resources"]["peak_rss_bytes"]) == (3, 7)
    assert store.artifact_path(CELL).read_bytes() == b"abc"
    assert (tmp_path / "grids" / "iris" / "kde.png").read_bytes() == b"png"
    assert (tmp_path / "grids" / "iris" / "kde.nearest.png").read_bytes() == b"png2"
    assert (tmp_path / "grids" / "iris" / "kde.film.png").read_bytes() == b"png3"


def test_pictures_that_a_new_model_of_this_name_does_not_draw_go_with_the_old_one(tmp_path):
    store, folder = Store(tmp_path), tmp_path / "grids" / "iris"
    keep(store, Todo(CELL, "train"), ended())
    (folder / "kde+h=1.film.png").write_bytes(b"another row's")
    keep(store, Todo(CELL, "train"), ended(files={"outputs": b"abc"}))
    assert (folder / "kde.film.png").exists(), "a run that draws nothing, as another seed's, takes nothing away"
    keep(store, Todo(CELL, "train"), ended(files={"outputs": b"abc", "grid": b"png", "walk": b"png4"}))
    assert sorted(path.name for path in folder.iterdir()) == ["kde+h=1.film.png", "kde.png", "kde.walk.png"]


def test_a_record_names_the_machine_of_its_worker_not_of_its_planner(tmp_path):
    here = keep_environment(tmp_path, {"processor": "the planner's"})
    record = keep(Store(tmp_path), Todo(CELL, "train"), ended())
    assert record["env_ref"] == fingerprint_id(THERE) != here
    assert {path.stem for path in (tmp_path / "env").iterdir()} == {here, fingerprint_id(THERE)}


@pytest.mark.parametrize(("blocked", "left"), [("cells", True), ("artifacts", False)])
def test_the_artifact_is_written_before_the_record(tmp_path, blocked, left):
    """A folder that cannot be made stops the driver there: no record may tell of an artifact that is not on disk."""
    (tmp_path / blocked).write_text("in the way")
    store = Store(tmp_path)
    with pytest.raises(OSError):
        keep(store, Todo(CELL, "train"), ended())
    assert store.artifact_path(CELL).exists() is left
    assert not store.record_path(CELL).exists()


@pytest.mark.parametrize("status", ["crashed", "timeout", "oom"])
def test_a_process_that_died_is_a_record_of_its_cell(status):
    record = record_of(Todo(CELL, "train"), ended(status=status, value=None, message="it ended", phase="fit"))
    assert (record["status"], record["error"]["phase"], record["error"]["type"]) == (status, "fit", status)
    assert record["error"]["message"] == "it ended; after 2.0 s in phase 'fit'"
    assert record["key"] == CELL.key and record["timing"]["total_s"] == 2.0 and record["code"]["version"]


def test_a_rescore_that_died_keeps_what_training_told():
    before = new_record(CELL) | {"status": "ok", "curve": [{"step": 1}], "attempt": 2}
    record = record_of(Todo(CELL, "rescore"), ended(status="oom", value=None), before)
    assert (record["status"], record["curve"], record["attempt"]) == ("oom", [{"step": 1}], 2)


def test_what_is_to_do_counts_attempts_and_holds_no_record(tmp_path):
    store = Store(tmp_path)
    plan = type("Plan", (), {"cells": (CELL, replace(CELL, seed=1))})
    keep(store, Todo(CELL, "train", attempt=2), ended(status="crashed", value=None))
    assert todo_list(plan, store, rerun="failed") == [Todo(CELL, "train", 3), Todo(plan.cells[1], "train", 1)]
    changed = type("Plan", (), {"cells": (replace(CELL, draws=2),)})
    assert todo_list(changed, store) == [Todo(changed.cells[0], "train", 1)], "another key begins anew"
