"""A plan on its way to the driver: whole, shared, a line a cell, and small."""

import subprocess
import sys
from dataclasses import asdict

from bench.plan.cell import Cell
from bench.plan.lines import decode, encode, to_lines
from bench.plan.request import Plan, Skip
from bench.registry import ROOT

DATASETS, MODELS, SEEDS = 20, 25, 100


def large_plan() -> Plan:
    """Make 50,000 cells, each like those of a suite."""
    versions = {"torch": "2.13.0", "driver": "1"}
    metrics = {f"metric_{i}": 1 for i in range(20)}
    features = {"lenet": "f" * 64, "pca": "p" * 64}
    cells = []
    for d in range(DATASETS):
        dataset = {"id": f"data_{d}", "sha256": f"{d:064}", "kind": "image", "primary": "nll", "n_train": 1000}
        for m in range(MODELS):
            hparams = {f"field_{i}": i / 7 for i in range(15)}
            model = {
                "id": f"model_{m}",
                "source_sha256": "s" * 64,
                "variant": "",
                "hparams": hparams,
                "path": f"/somewhere/model_{m}.py",
            }
            shared = {
                "dataset": dataset,
                "model": model,
                "metrics": metrics,
                "features": features,
                "versions": versions,
            }
            fixed = {
                "suite": "s",
                "device": "cpu",
                "precision": "fp32",
                "steps": m or None,
                "draws": 5,
                "elbo_samples": 64,
            }
            cells += [Cell(**shared, **fixed, seed=seed, timeout_s=300.0) for seed in range(SEEDS)]
    cells.sort(key=lambda cell: cell.seed)
    return Plan(tuple(cells), (Skip("lda", "ring8", "no labels"),), ("broken.py: no",))


def test_a_plan_comes_back_whole_and_its_cells_share_their_dicts():
    plan = large_plan()
    read = decode(encode(plan))
    assert (read.skips, read.broken) == (plan.skips, plan.broken)
    assert read.cells == plan.cells and [cell.key for cell in read.cells[:30]] == [cell.key for cell in plan.cells[:30]]
    assert len({id(cell.dataset) for cell in read.cells}) == DATASETS
    assert len({id(cell.model) for cell in read.cells}) == MODELS
    assert asdict(read.cells[7]) == asdict(plan.cells[7])


def test_equal_numbers_of_unlike_types_are_told_apart():
    cell = large_plan().cells[0]
    values = [{"timeout_s": 300, "seed": 1}, {"timeout_s": 300.0, "seed": 1}, {"seed": True}]
    cells = tuple(Cell(**asdict(cell) | value) for value in values)
    read = decode(encode(Plan(cells, (), ()))).cells
    assert [(type(c.timeout_s), type(c.seed)) for c in read] == [(type(c.timeout_s), type(c.seed)) for c in cells]


def test_a_plan_is_many_short_lines_that_repeat_no_dict():
    lines = list(to_lines(large_plan()))
    assert len(lines) > DATASETS * MODELS * SEEDS and max(map(len, lines)) < 2_000
    assert sum(map(len, lines)) < 50 * len(lines)
    assert sum(b"/somewhere/" in line for line in lines) == MODELS


READ = """
import os, sys
from pathlib import Path
from bench.executors._process import peak_resident_bytes, resident_bytes
from bench.plan.lines import decode
from bench.records.store import Store
from bench.run.todo import todo_list
before = resident_bytes()
plan = decode(Path(sys.argv[1]).read_bytes())
todo = todo_list(plan, Store(Path(sys.argv[2])))
print(len(plan.cells), len(todo), peak_resident_bytes(os.getpid()) - before)
"""


def test_fifty_thousand_cells_and_what_is_to_do_with_them_fit_in_60_mib(tmp_path):
    """As the driver holds them, whose own memory is what the interpreter and the imports take."""
    (tmp_path / "plan").write_bytes(encode(large_plan()))
    command = [sys.executable, "-c", READ, str(tmp_path / "plan"), str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    cells, todo, above = map(int, done.stdout.split())
    assert cells == todo == 50_000
    assert above < 60 * 2**20, f"{above / 2**20:.0f} MiB"
