"""Which cells draw pictures of their samples. Needs no torch: the driver asks."""

from __future__ import annotations

from pathlib import Path

from bench.plan.cell import Cell


def draws_pictures(cell: Cell) -> bool:
    """Say whether a cell draws: seed 0, no trial, and in the suite smoke a first look at own data only."""
    return cell.seed == 0 and not cell.trial and (cell.suite != "smoke" or "path" in cell.dataset)


def hides_a_better_one(cell: Cell, out: Path) -> bool:
    """Say whether this cell's picture would replace the one that a longer suite has drawn."""
    if cell.suite != "smoke" or not (out / "cells").is_dir():
        return False
    place = f"{cell.dataset['id']}/{cell.row}/seed-0.json"
    others = (folder for folder in (out / "cells").iterdir() if not folder.name.startswith("smoke-"))
    return any((folder / place).is_file() for folder in others)
