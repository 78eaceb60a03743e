"""Name what a cell reads from the driver's disk: a person's model file, their data, downloaded files."""

from __future__ import annotations

from bench.plan.cell import Cell

MODEL, DATA, FILES = "model", "data", "files"  # the names of a cell's bundles


def bundles_of(cell: Cell) -> dict[str, tuple[str, ...]]:
    """Return paths by the name of their bundle; empty for a model and a dataset that come with a package."""
    bundles = {}
    if cell.model.get("files"):
        bundles[MODEL] = tuple(cell.model["files"])
    if "path" in cell.dataset:
        bundles[DATA] = (cell.dataset["path"],)
    if cell.dataset.get("files"):
        bundles[FILES] = tuple(cell.dataset["files"])
    return bundles
