"""`python -m tests.speed.one_process SUITE OUT`: the cells of a suite in one process, one after the other, with two threads.

The other way to use two cores. Nothing is forked and no board is written; prints how many cells ended well.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.files import write_atomic
from bench.run.task import Context


def main(suite: str, out: str) -> None:
    """Plan, then run every cell here."""
    import torch

    from bench.plan.make import make_plan
    from bench.plan.request import Request
    from bench.run.cell import run_cell

    torch.set_num_threads(2)
    cells = make_plan(Request(suite=suite)).cells
    records = [run_cell(cell, _context(Path(out) / f"{i}.safetensors")) for i, cell in enumerate(cells)]
    print(len(cells), sum(record["status"] == "ok" for record in records))


def _context(path: Path) -> Context:
    """Write what a cell hands over, as a driver does."""
    return Context(outputs=("outputs",), keep=lambda name, raw: write_atomic(path, raw))


if __name__ == "__main__":
    main(*sys.argv[1:])
