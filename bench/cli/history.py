"""bench history: what the committed boards said of rows over time."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import AsJson, app
from bench.errors import UsageError
from bench.registry import unknown
from bench.render.text import clean, number


@app.command(short_help="Ranks and values of rows over the commits of results/.")
def history(
    dataset: Annotated[str | None, typer.Option("-d", "--dataset", help="One dataset's board.")] = None,
    model: Annotated[str | None, typer.Option("-m", "--model", help="One row of it.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Of the private board.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of results, in a git repository.")] = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Print a line for each commit in which a row's metric, value or rank changed, read from git."""
    from bench.records.history import changes
    from bench.records.history import history as read

    past = read(out, board="private" if private else "public")
    for name, wanted, known in (
        ("dataset", dataset, sorted({one.dataset for one in past})),
        ("model", model, sorted({one.model for one in past})),
    ):
        if wanted is not None and wanted not in known:
            raise unknown(f"{name} in the history", wanted, known)
    found = [one for one in changes(past) if dataset in (None, one.dataset) and model in (None, one.model)]
    if not found:
        raise UsageError(f"{model} never had a rank on {dataset}; bench history -m {model} shows where it had one")
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=1))
        return
    title = ""
    for one in sorted(found, key=lambda each: (each.suite, each.dataset, each.model)):  # stable: by time in a row
        if title != (title := clean(f"{one.model} on {one.dataset}, suite {one.suite}")):
            print(title)
        span = "" if one.low is None or one.high is None else f" [{number(one.low)}, {number(one.high)}]"
        print(clean(f"  {one.date}  {one.commit}  {one.metric} {number(one.value)}{span}, rank {one.rank} of {one.of}"))
