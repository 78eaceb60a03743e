"""bench check: every promise of the model protocol, tried on one model file."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.app import app
from bench.render.text import clean


@app.command(short_help="Try every promise of a model file.")
def check(file: Annotated[str, typer.Argument(help="A model: a Python file or a name.")]) -> None:
    """Try every promise of the model protocol on small data: shapes, seeds, NaN, determinism, save and load."""
    raise typer.Exit(0 if print_check(file) else 3)


def print_check(file: str) -> bool:
    """Print a line for each promise of a model on each small dataset; return whether all of them are kept."""
    from bench.models.check import check_model

    results = check_model(file)
    for result in results:
        verdict = "ok" if result.kept else "FAILED"
        print(clean(f"{verdict:7} {result.dataset:14} {result.promise} {result.detail}".rstrip()))
    broken = sum(not result.kept for result in results)
    print(f"{len(results)} promises tried, {broken} broken")
    return not broken
