"""`python -m tests.speed.evaluations [--suite core] [-m MODEL] [DATASET ...]`: processor seconds of each metric.

A model's outputs are scored twice on both boards, as at the end of a cell. The second time counts: what depends on the real rows
alone is then on disk, as for every cell of a sweep but the first. What several metrics share is charged to the first of them.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

from bench.run.task import Context


def seconds_by_metric(suite: str, model: str, dataset: str) -> dict[str, float]:
    """Return metric -> processor seconds on both boards; all zero where a board has no use for it."""
    from bench.plan.make import make_plan
    from bench.plan.request import Request
    from bench.run.cell import run_cell
    from bench.run.outputs import unpack
    from bench.run.prepare import load_dataset

    cell = make_plan(Request(suite=suite, models=(model,), datasets=(dataset,), seeds=1)).cells[0]
    kept: dict[str, bytes] = {}
    record = run_cell(cell, Context(outputs=("outputs",), keep=lambda name, raw: kept.update({name: raw})))
    if record["status"] != "ok":
        raise RuntimeError(f"{model} on {dataset}: {record['status']}, {record['error']}")
    data = load_dataset(cell)
    outputs = unpack(kept["outputs"], data)
    for _ in range(2):
        seconds = _scored(cell, data, outputs)
    return seconds


def _scored(cell: Any, data: Any, outputs: Any) -> dict[str, float]:
    import bench.features
    from bench.metrics._evaluation import Evaluation
    from bench.metrics._score import score

    bench.features._loaded.clear()  # a cell is a process of its own
    shared: dict[Any, Any] = {}
    seconds = dict.fromkeys(cell.metrics, 0.0)
    for board in ("public", "private"):
        measure = cell.model.get("measure", "")
        ev = Evaluation(data, outputs, board=board, measure=measure, draws=cell.draws, shared=shared)
        for name in cell.metrics:
            start = time.process_time()
            score(ev, (name,))
            seconds[name] += time.process_time() - start
    return seconds


def main() -> None:
    """Measure and print a table, the dearest metric first."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from bench.plan.suite import load_suite

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(
        prog="python -m tests.speed.evaluations", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("datasets", nargs="*", help="the suite's unless given")
    parser.add_argument("--suite", default="core")
    parser.add_argument("-m", dest="model", default="one_gaussian", help="whose outputs are scored")
    parser.add_argument("--least", type=float, default=0.02, help="seconds from which a metric is printed")
    options = parser.parse_args()
    for dataset in options.datasets or load_suite(options.suite).datasets:
        seconds = seconds_by_metric(options.suite, options.model, dataset)
        print(f"{dataset}: {sum(seconds.values()):.2f} s", flush=True)
        for name, each in sorted(seconds.items(), key=lambda item: -item[1]):
            if each >= options.least:
                print(f"    {each:6.2f}  {name}")


if __name__ == "__main__":
    main()
