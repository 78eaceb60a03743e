"""What a cell does on a GPU before its clock starts, told of a CPU that poses as one."""

import dataclasses

import pytest
import torch

from bench.plan.make import make_plan
from bench.plan.request import Request
from bench.run import cell as cells
from bench.run import gpu
from bench.run.cell import run_cell
from bench.run.task import GPU_SHARE

COLD = '''
"""Its very first step takes half a second, as a GPU's does."""
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
import time
import torch

STARTED = Path(__file__).with_suffix(".started")


@dataclass(kw_only=True, eq=False)
class Cold:
    family: ClassVar[str] = "implicit"
    steps: int = 4

    def fit(self, x, y=None, *, seed):
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x, y=None, *, seed):
        torch.rand(3)
        self.shape_ = x.shape[1:]
        for _ in range(self.steps):
            if not STARTED.exists():
                STARTED.touch()
                time.sleep(0.5)
            yield {"examples": 1, "loss": torch.zeros(())}

    def sample(self, n, *, seed):
        return torch.zeros(n, *self.shape_)
'''


@pytest.fixture
def cold_cell(tmp_path):
    path = tmp_path / "cold.py"
    path.write_text(COLD)
    (cell,) = make_plan(Request(suite="smoke", models=(str(path),), datasets=("iris",))).cells
    return dataclasses.replace(cell, probes=0)


def test_on_a_gpu_what_a_first_step_waits_for_is_no_training(cold_cell, monkeypatch):
    monkeypatch.setattr(cells, "is_gpu", lambda device: True)
    record = run_cell(cold_cell)
    assert record["status"] == "ok", record["error"]
    assert record["timing"]["warm_s"] >= 0.5 > record["timing"]["train_s"]


def test_on_a_cpu_nothing_is_warmed(cold_cell):
    record = run_cell(cold_cell)
    assert "warm_s" not in record["timing"] and record["timing"]["train_s"] >= 0.5


def test_warming_leaves_the_random_state(cold_cell):
    rows = cells.training_split(cold_cell, cells.load_dataset(cold_cell))
    before = torch.get_rng_state()
    gpu.warm_up(cold_cell, rows)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_cell_keeps_to_its_share_of_a_card(monkeypatch):
    shares = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", shares.append)
    gpu.keep_to_share("cuda")
    monkeypatch.setenv(GPU_SHARE, "0.1125")
    gpu.keep_to_share("cpu")
    gpu.keep_to_share("cuda")
    assert shares == [0.1125]


@pytest.mark.parametrize("slots, share", [(1, None), (8, "0.1125")])
def test_tasks_side_by_side_are_told_their_share(slots, share):
    from bench.executors.local import LocalExecutor
    from bench.run.task import Task

    with LocalExecutor(slots) as executor:
        told = executor.call(Task(function="tests.executors.tasks:variable", arguments={"name": GPU_SHARE}))
    assert (told.status, told.value) == ("ok", share)
