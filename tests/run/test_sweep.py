"""The sweep knows tasks, not who runs them: with an executor of a few lines, which calls the functions here, all of it works."""

import json
import shutil
from dataclasses import replace
from importlib import import_module

import pytest

from bench.files import write_atomic
from bench.plan.request import Plan, Request
from bench.records.environment import fingerprint_id
from bench.records.store import Store
from bench.render.progress import Lines
from bench.run import sweep
from bench.run.sweep import Planned
from bench.run.task import Context, Ended
from bench.run.todo import todo_list

ELSEWHERE = {"processor": "another", "cores": 4, "memory_gib": 8.0}
TINY = 'datasets = ["iris"]\nmodels = ["kde", "copycat"]\nseeds = 2\n'


class Here:
    """An executor that runs each task in this process, one after another, as a machine elsewhere would be seen."""

    slots = 1

    def __init__(self):
        self.tasks = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def call(self, task):
        return next(ended for _, ended in self.run([task]))

    def run(self, tasks, *, at_once=None, on_progress=None):
        for index, task in enumerate(tasks):
            self.tasks.append(task)
            arguments = json.loads(json.dumps(task.arguments))
            yield index, self._end(task, arguments)

    def _end(self, task, arguments):
        files, (module, name) = {}, task.function.split(":")

        def keep(name, raw):
            if name in task.outputs:
                files[name] = raw

        context = Context(inputs=task.inputs, outputs=task.outputs, keep=keep)
        told = {"phase": "score", "seconds": 1.0, "peak_rss_bytes": 1, "node": "elsewhere", "environment": ELSEWHERE}
        try:
            value = getattr(import_module(module), name)(**arguments, context=context)
        except Exception as error:  # noqa: BLE001 - as the processes of an executor do
            return Ended("crashed", None, f"{type(error).__name__}: {error}", files=files, **told)
        return Ended("ok", json.loads(json.dumps(value)), "", files=files, **told)


@pytest.fixture
def tiny(tmp_path):
    """Run a suite of four cells, and give a function that runs it again."""
    suite = tmp_path / "tiny.toml"
    suite.write_text(TINY)

    def run(**more):
        executor = Here()
        from bench.plan.make import make_plan

        planner = lambda _: Planned(make_plan(Request(suite=str(suite))), {"processor": "the planner's"})
        return executor, sweep.run(executor, planner, out=tmp_path / "out", observer=Lines(), **more)

    return Store(tmp_path / "out"), run


def names(executor):
    return [task.function.split(":")[1] for task in executor.tasks]


def test_a_sweep_trains_times_and_then_has_nothing_to_do(tiny):
    store, run = tiny
    executor, outcome = run()
    assert names(executor) == ["train"] * 4 + ["clock"], "seed 0 of the one contestant is timed, a reference row is not"
    assert [task.alone for task in executor.tasks] == [False] * 4 + [True]
    assert (outcome.trained, outcome.clocked, outcome.failed) == (4, 1, [])
    for cell in outcome.plan.cells:
        record = store.get(cell)
        assert record["status"] == "ok" and record["env_ref"] == fingerprint_id(ELSEWHERE) and record["code"]["version"]
        assert store.artifact_path(cell).stat().st_size == record["artifacts"][0]["bytes"]
        assert (store.out / "grids" / "iris" / f"{cell.row}.png").exists()
    assert names(run()[0]) == []


def test_a_folder_without_artifacts_is_computed_anew_and_says_so_or_is_kept(tiny, capsys):
    """As a fresh clone is: records are tracked by git, samples are not."""
    store, run = tiny
    run(throughput=False)
    cells = {path: path.read_bytes() for path in store.out.glob("cells/**/*.json")}
    shutil.rmtree(store.out / "artifacts")
    capsys.readouterr()
    executor, outcome = run(keep_stored=True)
    assert names(executor) == [] and outcome.kept == 4 and outcome.clocked == 0
    assert {path: path.read_bytes() for path in store.out.glob("cells/**/*.json")} == cells
    assert "4 cells: 4 done before, 0 to do" in capsys.readouterr().err
    executor, outcome = run(throughput=False)
    assert names(executor) == ["train"] * 4
    told = capsys.readouterr().err
    assert "4 cells: 4 stored by another machine, without their samples; computed anew (--keep-stored" in told


def test_a_stored_cell_whose_metrics_are_not_all_there_is_computed_although_kept(tiny):
    store, run = tiny
    _, first = run(throughput=False)
    shutil.rmtree(store.out / "artifacts")
    cell = first.plan.cells[0]
    record = store.get(cell)
    store.put(cell, record | {"protocol": record["protocol"] | {"metric_versions": {}}})
    executor, _ = run(keep_stored=True)
    assert names(executor) == ["train", "clock"] or names(executor) == ["train"]


def test_another_version_of_a_library_that_the_model_imports_trains_anew(tiny):
    """A record that predates the field `versions` tells them by its machine's fingerprint; without that nobody knows."""
    store, run = tiny
    _, first = run(throughput=False)
    cell, other = first.plan.cells[:2]
    plan = Plan((replace(cell, model=cell.model | {"libraries": {"scikit-learn": "1.9.1"}}), other), (), ())
    record = store.get(cell)
    for versions, ref, todo in (
        ({"scikit-learn": "1.8.0"}, "new", [plan.cells[0]]),
        ({"scikit-learn": "1.9.1"}, "old", []),
        (None, "new", []),
        (None, "old", [plan.cells[0]]),
        (None, "gone", []),
    ):
        changed = {k: v for k, v in record.items() if k != "versions"} | {"env_ref": ref}
        store.put(cell, changed | ({"versions": versions} if versions else {}))
        for name, number in (("new", "1.9.1"), ("old", "1.8.0")):
            environment = {"processor": "p", "cores": 1, "memory_gib": 1.0, "libraries": {"scikit-learn": number}}
            write_atomic(store.out / "env" / f"{name}.json", json.dumps(environment).encode())
        assert [one.cell for one in todo_list(plan, store)] == todo, (versions, ref)


def test_a_changed_metric_is_scored_anew_from_the_stored_outputs(tiny):
    store, run = tiny
    _, first = run(throughput=False)
    cell = first.plan.cells[0]
    before = store.get(cell)
    protocol = before["protocol"] | {"metric_versions": {}}
    store.put(cell, before | {"protocol": protocol, "metrics": {"public": {}, "private": {}}})
    executor, outcome = run(throughput=False)
    assert names(executor) == ["rescore"] and outcome.rescored == 1
    assert list(executor.tasks[0].inputs) == ["outputs"] and executor.tasks[0].outputs == ()
    assert store.get(cell)["metrics"] == before["metrics"]
    assert store.get(cell)["attempt"] == before["attempt"]


def test_outputs_that_cannot_be_read_fail_their_own_cell_only(tiny):
    store, run = tiny
    _, first = run(throughput=False)
    cell, other = first.plan.cells[:2]
    for one in (cell, other):
        record = store.get(one)
        store.put(one, record | {"protocol": record["protocol"] | {"metric_versions": {}}})
    path = store.artifact_path(cell)
    path.unlink()
    path.mkdir()  # what is there cannot be read as a file, though its size may be anything
    record = store.get(cell)
    record["artifacts"][0]["bytes"] = path.stat().st_size
    store.put(cell, record)
    _, outcome = run(throughput=False)
    assert outcome.failed == [cell.slot] and outcome.rescored == 2
    assert "Is a directory" in store.get(cell)["error"]["message"]


def test_what_a_killed_run_was_writing_is_removed_by_the_next(tiny):
    store, run = tiny
    run(throughput=False)
    kept = {path for path in store.out.rglob("*") if path.is_file()}
    for folder in ("cells/tiny-cpu/iris/kde", "artifacts/tiny-cpu/iris/kde", "grids/iris", "env"):
        (store.out / folder / ".seed-0.json.abc_0123").write_text("{")
    (store.out / "cells" / ".mine").write_text("")
    run(throughput=False)
    assert {path for path in store.out.rglob("*") if path.is_file()} == kept | {store.out / "cells" / ".mine"}
