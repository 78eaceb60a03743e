"""Draw samples of each arm, from the stored outputs of its first run, in one task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.files import write_atomic
from bench.plan.cell import Cell
from bench.records.store import Store
from bench.reproductions.plan import slug
from bench.run.task import Context, Executor, Task

FOLDER = "pictures"  # in results/reproductions/


def picture_name(experiment: str, budget: str, arm: str) -> str:
    """Name the file of an arm's picture."""
    return f"{experiment}.{budget}.{slug(arm)}.png"


def draw(executor: Executor, store: Store, cells: Iterable[Cell]) -> None:
    """Draw the first cell of every arm whose outputs are there, into the store's folder of pictures."""
    firsts: dict[str, Cell] = {}
    for cell in cells:
        name = f"{cell.suite}.{cell.model['variant']}.png"  # picture_name, of a cell
        if name not in firsts and store.artifact_path(cell).is_file():
            firsts[name] = cell
    task = Task(
        function="bench.reproductions.pictures:draw_task",
        arguments={"cells": {name: cell.to_json() for name, cell in firsts.items()}},
        inputs={name: store.artifact_path(cell).read_bytes() for name, cell in firsts.items()},
        outputs=tuple(firsts),
    )
    for name, raw in executor.call(task).files.items() if firsts else ():
        write_atomic(store.out / FOLDER / name, raw)


def draw_task(*, cells: dict[str, dict[str, Any]], context: Context) -> None:
    """Draw the samples in each input, under its name.

    Outputs without samples, as a classifier's, have no picture.
    """
    from bench.run.outputs import unpack
    from bench.run.pictures import draw_samples
    from bench.run.prepare import load_dataset

    for name, cell in cells.items():
        dataset = load_dataset(Cell(**cell))
        outputs = unpack(context.inputs[name], dataset)
        if "samples" in outputs:
            context.keep(name, draw_samples(dataset, outputs["samples"]))
