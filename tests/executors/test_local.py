"""What one cell does costs that cell only: exceptions, segfaults, exits, memory, hangs, orphans, prints."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from bench.executors.local import LocalExecutor
from bench.executors.start import run
from bench.plan.request import Request
from bench.records.store import Store
from bench.render.progress import Lines
from bench.run.task import Task

HEAD = '''
"""A plugin that misbehaves."""
import ctypes, os, subprocess, sys, time
from dataclasses import dataclass
from typing import ClassVar
import torch

@dataclass(kw_only=True, eq=False)
class Plugin:
    family: ClassVar[str] = "extension"
    def fit(self, x, y=None, *, seed):
        self.shape_ = x.shape[1:]
        {fit}
        return self
    def sample(self, n, *, seed):
        {sample}
        return torch.zeros(n, *self.shape_)
'''

BEHAVIOURS = {
    "raises": ("raise RuntimeError('no luck')", "pass", "crashed", "fit"),
    "exits": ("os._exit(3)", "pass", "crashed", "fit"),
    "segfaults": ("ctypes.string_at(0)", "pass", "crashed", "fit"),
    "system_exit": ("sys.exit(0)", "pass", "crashed", "fit"),
    "memory": ("self.rows = [b'x' * (1 << 24) for _ in range(300)]", "pass", "oom", "fit"),
    "torch_memory": ("torch.empty(1 << 50)", "pass", "oom", "fit"),
    "numpy_memory": ("import numpy; numpy.ones(1 << 45)", "pass", "oom", "fit"),
    "cuda_memory": (
        "raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20 MiB')",
        "pass",
        "oom",
        "fit",
    ),
    "cublas_memory": (
        "raise RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`')",
        "pass",
        "oom",
        "fit",
    ),
    "lost_gpu": (
        "raise torch.AcceleratorError('CUDA error: unspecified launch failure', 719)",
        "pass",
        "crashed",
        "fit",
    ),
    "lost_gpu_late": ("pass", "raise RuntimeError('CUDA error: device is lost')", "crashed", "sample"),
    "aborts": ("os.abort()", "pass", "crashed", "fit"),
    "hangs": ("time.sleep(60)", "pass", "timeout", "fit"),
    "late": ("pass", "raise ValueError('late')", "crashed", "sample"),
    "shape": ("pass", "n += 1", "crashed", "sample"),
    "nan": ("pass", "return torch.full((n, *self.shape_), float('nan'))", "diverged", "sample"),
    "fine": ("print('a model that prints')", "pass", "ok", None),
}


def write_plugin(folder: Path, name: str) -> str:
    fit, sample, *_ = BEHAVIOURS[name]
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(HEAD).format(fit=fit, sample=sample))
    return str(path)


@pytest.fixture(scope="module")
def misbehaved(tmp_path_factory):
    """One run over every behaviour, two at a time."""
    folder = tmp_path_factory.mktemp("plugins")
    suite = folder / "tiny.toml"
    suite.write_text('datasets = ["iris"]\nseeds = 1\ntimeout_s = 10.0\nmemory_gib = 0.5\nthroughput = false\n')
    models = tuple(write_plugin(folder, name) for name in BEHAVIOURS)
    out = folder / "results"
    request = Request(suite=str(suite), models=models, datasets=("iris",))
    outcome = run(request, out=out, jobs=2, observer=Lines(), throughput=False)
    return outcome, {r["model"]["id"]: r for r in Store(out).records()}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_each_misbehaviour_is_recorded_with_its_phase(misbehaved, name):
    _, records = misbehaved
    *_, status, phase = BEHAVIOURS[name]
    record = records[name]
    assert record["status"] == status
    assert (record["error"] or {}).get("phase") == phase
    assert record["timing"]["total_s"] >= 0
    if status != "ok":
        assert record["metrics"] == {"public": {}, "private": {}}, "no metric is invented for a failed run"


def test_the_exit_code_counts_failures_but_not_divergence(misbehaved):
    outcome, _ = misbehaved
    failed = {slot.split("/")[2] for slot in outcome.failed}
    assert failed == {n for n, (*_, status, _) in BEHAVIOURS.items() if status in ("crashed", "oom", "timeout")}
    assert [slot.split("/")[2] for slot in outcome.diverged] == ["nan"]


def test_a_hang_is_stopped_near_its_limit_and_memory_before_it_is_all_taken(misbehaved):
    _, records = misbehaved
    assert 10.0 <= records["hangs"]["timing"]["total_s"] < 20.0
    assert "512 MiB" in records["memory"]["error"]["message"]
    assert records["memory"]["resources"]["peak_rss_bytes"] < 3 * 2**30  # 300 x 16 MiB were asked for


def test_the_reason_of_an_exception_is_kept_with_its_traceback(misbehaved):
    _, records = misbehaved
    assert records["raises"]["error"]["message"].startswith("no luck")
    assert "raises.py" in records["raises"]["error"]["message"]


def test_a_killed_run_leaves_no_process_behind(tmp_path):
    """kill -9 of the main process ends the server and a cell that hangs; no file of its own is left either."""
    path, spools = write_plugin(tmp_path, "hangs"), tmp_path / "spools"
    spools.mkdir()
    code = f"""
from pathlib import Path
from bench.executors.start import run
from bench.plan.request import Request
from bench.render.progress import Lines
run(Request(models=({path!r},), datasets=("iris",)), out=Path({str(tmp_path / "out")!r}), jobs=1, observer=Lines())
"""
    main = subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], env=os.environ | {"TMPDIR": str(spools)}
    )
    deadline, family = time.monotonic() + 60, []
    while len(family) < 2 and time.monotonic() < deadline:
        family = _descendants(main.pid)
        hanging = [p for p in family if _ticks(p) is not None]
        if len(hanging) < 2 or not (tmp_path / "out" / "env").exists():
            family = []
        time.sleep(0.1)
    assert len(family) >= 2, "the server and a cell were expected to run"
    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    deadline = time.monotonic() + 10
    while any(_ticks(pid) is not None for pid in family) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in family if _ticks(pid) is not None] == []
    assert [path for path in spools.rglob("*") if path.is_file()] == [], "torch makes an empty folder there"


def _descendants(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == pid:
            child = int(path.parent.name)
            found += [child, *_descendants(child)]
    return found


def _ticks(pid: int) -> str | None:
    """The state letter of a living process, None if it is gone or a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return None
    return None if state == "Z" else state


def test_an_error_of_a_task_is_told(executor: LocalExecutor):
    ended = executor.call(Task(function="bench.run.work:plan", arguments={"request": {"suite": "no_such"}}))
    assert ended.status == "crashed"
    assert "no_such" in ended.message
