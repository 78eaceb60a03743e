"""Cells on a Ray cluster: the same numbers as on this machine, whatever dies on the way; and every refusal in one sentence."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from bench.errors import DataUnavailable, UsageError
from bench.executors import start
from bench.executors.local import LocalExecutor
from bench.executors.planning import make_plan
from bench.plan.request import Request
from bench.records.store import Store
from bench.render.progress import Lines
from bench.run.sweep import run_plan
from tests.executors.clusters import ROOT, bench, processes
from tests.executors.test_contract import task

SAME = ("key", "status", "metrics", "artifacts", "seed")  # of a record, wherever it was made
SMOKE = Request(suite="smoke", datasets=("iris", "digits_binary"))


class Watching(Lines):
    """Tell a function of each cell that has ended."""

    def __init__(self, tell):
        super().__init__()
        self.tell = tell

    def finished(self, cell, record, seconds_left, node=""):
        super().finished(cell, record, seconds_left, node)
        self.tell(cell, record, node)


def run_cells(executor, request, out, tell=lambda *_: None):
    store = Store(out)
    run_plan(executor, store, make_plan(executor, request), observer=Watching(tell))
    return records_of(out)


def records_of(out):
    return {(r["dataset"]["id"], r["model"]["row"]): r for r in Store(out).records()}


def what_decides(record):
    """Return a record without what the clock says."""
    curve = [{name: value for name, value in point.items() if name != "seconds"} for point in record["curve"]]
    return {name: record[name] for name in SAME} | {"curve": curve}


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return value


def text_of(path):
    return path.read_text() if path.exists() else ""


@pytest.mark.slow
def test_scores_are_those_of_one_machine_though_a_node_dies(cluster, ray_executor, executor, tmp_path):
    third, ended = cluster.add(), []

    def count(cell, record, node):
        ended.append((cell.slot, node))
        if len(ended) == 8:
            cluster.remove(third)

    there, here = (
        run_cells(ray_executor, SMOKE, tmp_path / "there", count),
        run_cells(executor, SMOKE, tmp_path / "here"),
    )
    assert len(ended) == len({slot for slot, _ in ended}) == len(there) == 40, "none is lost and none is computed twice"
    assert len({node for _, node in ended}) >= 2
    for key, record in here.items():
        assert what_decides(there[key]) == what_decides(record), key
    assert not list((tmp_path / "there").rglob(".*.????????"))


def test_a_cell_on_a_node_that_dies_is_started_on_another(cluster, ray_executor, tmp_path):
    cluster.add()
    tasks = [
        task(
            "wait_on_a_node", name=f"cell {n}", arguments={"mark": str(tmp_path / str(n)), "seconds": 4 + 26 * (n == 0)}
        )
        for n in range(3)
    ]
    ends, killed = {}, []
    for index, ended in ray_executor.run(tasks):
        ends[index] = ended
        if not killed:  # the others have ended or are about to: the long one runs alone
            killed.append(int(wait_for(lambda: text_of(tmp_path / "0"))))
            cluster.remove(killed[0])
    assert {index: ended.status for index, ended in ends.items()} == {0: "ok", 1: "ok", 2: "ok"}
    assert (ends[0].value, ends[0].attempts) == ("again", 2)
    assert any("cell 0 was lost to" in line and "started again" in line for line in ray_executor.said)
    cluster.add()


def test_a_cell_that_kills_its_worker_each_time_is_crashed_after_three_starts(ray_executor, tmp_path):
    arguments = {"generations": 2, "name": "SIGKILL", "mark": str(tmp_path / "mark")}
    ((_, ended),) = ray_executor.run([task("signal_an_ancestor", arguments=arguments)])
    assert (ended.status, ended.attempts) == ("crashed", 3)
    assert ended.message.startswith("lost 3 times, the last time to WorkerCrashedError on node ")
    assert ended.environment["libraries"]["torch"]


def test_a_fork_server_that_is_killed_costs_a_new_start(ray_executor, tmp_path):
    arguments = {"generations": 1, "name": "SIGKILL", "mark": str(tmp_path / "mark")}
    ((_, ended),) = ray_executor.run([task("signal_an_ancestor", arguments=arguments)])
    assert (ended.status, ended.attempts) == ("crashed", 3)
    assert "the process that runs the cells ended unexpectedly" in ended.message


def test_a_fork_server_that_hangs_is_ended_by_the_driver(ray_executor, tmp_path, monkeypatch):
    from bench.executors import _ray_flight

    monkeypatch.setattr(_ray_flight, "GRACE_S", 1.0)
    arguments = {"generations": 1, "name": "SIGSTOP", "mark": str(tmp_path / "mark")}
    ((_, ended),) = ray_executor.run([task("signal_an_ancestor", arguments=arguments, timeout_s=1.0)])
    assert ended.status == "timeout" and "its node said nothing" in ended.message


def test_ray_ending_a_cell_for_want_of_memory_is_oom(cluster, ray_executor):
    """On a node whose monitor thinks that 1 % of the machine is too much; the only one with two processors."""
    full = cluster.add(
        num_cpus=2, variables={"RAY_memory_usage_threshold": "0.01", "RAY_memory_monitor_refresh_ms": "100"}
    )
    try:
        time.sleep(1.1)  # the list of nodes may be a second old
        ((_, ended),) = ray_executor.run([task("hang", arguments={"seconds": 30}, cpus=2)])
    finally:
        cluster.remove(full)
    assert ended.status == "oom" and "OutOfMemoryError" in ended.message


MODEL = '''
"""A model of somebody's own, with a file beside it."""
from dataclasses import dataclass
from typing import ClassVar
import torch
from own_layers import SCALE

@dataclass(kw_only=True, eq=False)
class Own:
    family: ClassVar[str] = "extension"
    def fit(self, x, y=None, *, seed):
        self.mean_ = x.mean(dim=0) * SCALE
        return self
    def sample(self, n, *, seed):
        generator = torch.Generator().manual_seed(seed)
        return self.mean_ + torch.randn(n, *self.mean_.shape, generator=generator)
'''


def test_a_model_file_and_data_of_ones_own_are_shipped(ray_executor, tmp_path):
    here = tmp_path / "elsewhere"
    here.mkdir()
    (here / "own.py").write_text(MODEL)
    (here / "own_layers.py").write_text("SCALE = 1.0\n")
    rows = "\n".join(f"{i % 7},{i % 5},{i % 3}" for i in range(120))
    (here / "numbers.csv").write_text(f"a,b,c\n{rows}\n")
    request = Request(
        suite="smoke", models=(str(here / "own.py"), "kde"), data=str(here / "numbers.csv"), jobs=start.ELSEWHERE
    )
    with LocalExecutor(variables={"PYTHONPATH": os.pathsep.join([str(ROOT), str(here)])}) as planner:
        planned = make_plan(planner, request)
    run_plan(ray_executor, Store(tmp_path / "out"), planned, observer=Lines())
    records = records_of(tmp_path / "out")
    assert {row: r["status"] for (_, row), r in records.items()} == {"own": "ok", "kde": "ok"}, records
    assert "files" not in next(iter(records.values()))["dataset"]


def test_bundles_beyond_the_limit_are_refused(tmp_path):
    pytest.importorskip("ray")
    from bench.executors._ray_ship import pack

    (tmp_path / "large.npz").write_bytes(b"x" * 1000)
    with pytest.raises(DataUnavailable, match=r"large.npz: 1,000 bytes would have to be sent .* and 999 of"):
        pack([str(tmp_path / "large.npz")], 999)


def test_speeds_are_taken_on_one_kind_of_hardware_and_say_which(ray_executor, tmp_path):
    suite = tmp_path / "speeds.toml"
    suite.write_text('datasets = ["iris"]\nseeds = 1\nmodels = ["kde", "lda"]\n')
    from bench.run.sweep import Outcome, _run_clock

    request = Request(suite=str(suite))
    store, planned = Store(tmp_path / "out"), make_plan(ray_executor, request)
    run_plan(ray_executor, store, planned, observer=Lines())
    _run_clock(ray_executor, store, planned.plan, Lines(), Outcome(planned.plan))
    speeds = [record["throughput"] for record in store.records()]
    assert [speed["contended"] for speed in speeds] == [False, False]
    (kind,) = {speed["node_kind"] for speed in speeds}
    assert json.loads((tmp_path / "out" / "env" / f"{kind}.json").read_text())["cores"] >= 1


DRIVER = ("run", "-m", "kde,qda,lda,gmm,vae", "-d", "iris", "--suite", "smoke", "--seeds", "3", "--executor", "ray")


@pytest.mark.slow
def test_a_killed_driver_goes_on_where_it_was_and_leaves_no_process(cluster, tmp_path):
    out = tmp_path / "out"
    words = (*DRIVER, "--address", cluster.address, "--out", str(out))
    others = servers()
    driver = subprocess.Popen([sys.executable, "-m", "bench.cli", *words], cwd="/", stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(out.glob("cells/*/*/*/*.json"))) >= 4, 120)
    assert servers() - others, "the driver has a fork server, and each node"
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("cells/*/*/*/*.json")}
    again = bench(*words, "--json")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert (told["kept"], told["trained"]) == (len(kept), 15 - len(kept)) and 4 <= len(kept) < 15
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert re.search(r"^ray: (\d) nodes, \1 CPUs, 0 GPUs \(1 kind of hardware\)$", again.stderr, re.MULTILINE)
    wait_for(lambda: not (servers() - others), 30)


def servers():
    return processes(b"bench.executors._fork_server")


def test_a_node_that_differs_is_left_out_and_none_left_is_refused(cluster, ray_executor):
    from bench.executors._ray_cluster import Cluster
    from bench.executors._ray_fleet import Fleet
    from bench.executors._ray_node import traits

    said = []
    for change, words in (
        ({"libraries": {"torch": "1.0"}}, "and the driver has 1.0; install the same there"),
        ({"sources": "0" * 64}, "its source of genbench differs from the driver's"),
        ({"plugins": ["own = own_package"]}, "it lacks the plugin own = own_package"),
    ):
        with pytest.raises(UsageError, match="no node of the cluster at .* can run cells") as refused:
            Fleet(Cluster(cluster.address), "cpu", said.append).greet(traits() | change)
        assert words in str(refused.value) and "\n" not in str(refused.value)
    assert sum("is left out" in line for line in said) >= 6


def test_a_task_that_no_node_can_hold_is_refused_before_it_waits_for_ever(ray_executor):
    with pytest.raises(
        UsageError, match=r"no node can hold giant: it needs 1 CPUs, 0 GPUs and 1024.3 GiB .* largest node, "
    ):
        list(ray_executor.run([task("answer", name="giant", memory_bytes=2**40)]))


def test_a_cluster_without_processors_is_refused(cluster):
    ended = cluster.without_nodes
    assert ended.returncode == 2 and "has 0 CPUs, so no cell can run; add a node: ray start" in ended.stderr


@pytest.mark.parametrize(
    ("asked", "gpus", "expected"),
    [
        ("auto", (0, 0), "cpu"),
        ("auto", (1, 2), "cuda"),
        ("cpu", (1, 2), "cpu"),
        ("cuda", (0, 1), "cuda"),
        ("cuda", (0, 0), "no node of the cluster at here has a GPU"),
        ("auto", (0, 1), "1 of 2 nodes at here have a GPU; say --device cpu or cuda"),
        ("tpu", (0, 0), "auto, cpu or cuda, got 'tpu'"),
    ],
)
def test_the_nodes_decide_the_device(asked, gpus, expected):
    pytest.importorskip("ray")
    from bench.executors._ray_cluster import Node, device_of

    nodes = [Node(str(i), str(i), 1, n, 2**30) for i, n in enumerate(gpus)]
    if " " not in expected:
        assert device_of(asked, nodes, "here") == expected
        return
    with pytest.raises(UsageError, match=expected):
        device_of(asked, nodes, "here")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--address", "1.2.3.4:1"), "--address goes with --executor ray"),
        (("--retries", "1"), "--retries goes with --executor ray"),
        (("--executor", "ray"), "name the cluster with --address HOST:PORT, or auto"),
        (("--executor", "ray", "--address", "ray://h:1"), "ray job submit"),
        (("--executor", "ray", "--address", "here"), "expected HOST:PORT"),
        (
            ("--executor", "ray", "--address", "127.0.0.9:9"),
            "no Ray cluster answers at 127.0.0.9:9 (Connection refused)",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence(words, told, tmp_path):
    if "127.0.0.9:9" in words:
        pytest.importorskip("ray")
    ended = bench(
        "run", "-m", "kde", "-d", "iris", *words, "--out", str(tmp_path), env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert ended.returncode == 2, ended.stderr
    assert told in ended.stderr and len(ended.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "cells").exists()


def test_other_systems_are_refused(monkeypatch):
    monkeypatch.setattr(start.platform, "system", lambda: "Darwin")
    with pytest.raises(UsageError, match="runs on Linux, and this is Darwin"):
        start.check_address("auto")


WITHOUT_RAY = """
import sys
sys.modules["ray"] = None  # as if it were not installed
from bench.cli import main
sys.argv = ["bench", *sys.argv[1:]]
main()
"""


def test_without_ray_the_remedy_is_told_and_the_default_needs_none(tmp_path):
    def run(*words):
        words = ("run", "-m", "kde", "-d", "iris", "--suite", "smoke", "--out", str(tmp_path), *words)
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_RAY, *words], cwd=ROOT, capture_output=True, text=True, check=False
        )

    refused = run("--executor", "ray", "--address", "auto")
    assert refused.returncode == 2 and "pip install 'genbench[ray]'" in refused.stderr
    assert run().returncode == 0, "the local executor imports no ray"
