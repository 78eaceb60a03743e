"""What a cluster costs: cells that do nothing, over Ray and on this machine, in one run; and the driver's memory over many.

python -m tests.speed.ray_cells --cells 1000          # both executors, two at once, twice each, by turns
python -m tests.speed.ray_cells --memory 20000        # over Ray alone: the driver's resident memory on the way
python -m tests.speed.ray_cells --plan 100000         # a plan of so many cells, as the driver reads it
"""

import argparse
import json
import time
from dataclasses import asdict

from bench.executors._process import resident_bytes
from bench.executors.local import LocalExecutor
from bench.plan.cell import Cell
from bench.plan.lines import from_lines, to_lines
from bench.plan.request import Plan
from bench.run.task import Task
from tests.executors.clusters import machines

ARGUMENT = {"value": "x" * 1400}  # about as large as a cell


def tasks(count):
    """Make tasks as they are asked for."""
    for _ in range(count):
        yield Task(function="tests.executors.tasks:answer", arguments=ARGUMENT)


def ms_per_cell(executor, count):
    """Run so many tasks, two at once where there are two slots."""
    list(executor.run(tasks(20)))
    start = time.monotonic()
    assert sum(ended.status == "ok" for _, ended in executor.run(tasks(count))) == count
    return 1000 * (time.monotonic() - start) / count


def memory(executor, count):
    """Return the driver's resident MiB after each tenth."""
    seen = []
    for done, (_, ended) in enumerate(executor.run(tasks(count)), start=1):
        assert ended.status == "ok"
        if done % max(1, count // 10) == 0:
            seen.append(round(resident_bytes() / 2**20, 1))
    return seen


def plan_mib(count):
    """Return the MiB that a plan of so many cells takes once it is read, its dicts shared."""
    dicts = {name: {"text": "x" * 300} for name in ("dataset", "model", "metrics", "features", "versions")}
    profile = {
        **dicts,
        "suite": "core",
        "device": "cpu",
        "precision": "fp32",
        "steps": 1,
        "draws": 5,
        "elbo_samples": 64,
    }
    cells = tuple(Cell(**profile, seed=seed) for seed in range(count))
    lines = list(to_lines(Plan(cells, (), ())))
    cell_bytes = len(json.dumps(asdict(cells[0])))
    del cells
    before = resident_bytes()
    plan = from_lines(iter(lines))
    return {
        "cells": len(plan.cells),
        "bytes_of_a_cell": cell_bytes,
        "mib": round((resident_bytes() - before) / 2**20, 1),
    }


def main():
    """Print what was asked for as JSON."""
    parser = argparse.ArgumentParser()
    for name in ("cells", "memory", "plan"):
        parser.add_argument(f"--{name}", type=int, default=0)
    asked = parser.parse_args()
    if asked.plan:
        print(json.dumps({"plan": plan_mib(asked.plan)}))
    if not (asked.cells or asked.memory):
        return
    with machines() as cluster:
        from bench.executors._ray_cluster import connect
        from bench.executors.ray import RayExecutor

        with RayExecutor(connect(cluster.address)) as over_ray, LocalExecutor(2) as local:
            for _ in range(2 if asked.cells else 0):
                both = {"local": ms_per_cell(local, asked.cells), "ray": ms_per_cell(over_ray, asked.cells)}
                print(json.dumps({"ms_per_cell": {name: round(ms, 2) for name, ms in both.items()}}), flush=True)
            if asked.memory:
                print(json.dumps({"driver_mib": memory(over_ray, asked.memory)}), flush=True)


if __name__ == "__main__":
    main()
