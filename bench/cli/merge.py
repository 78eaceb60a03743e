"""bench merge: records of several machines or people in one folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli._boards import renew_boards
from bench.cli.app import app, command
from bench.render.text import clean


@app.command(short_help="Put several folders of results into one.")
def merge(
    folders: Annotated[list[Path], typer.Argument(help="Folders of results.", metavar="DIR...")],
    out: Annotated[Path, typer.Option("--out", help="The folder they are put into.")],
) -> None:
    """Copy the cells that --out lacks, with samples, pictures and submissions; exit 3 if one was left out."""
    raise typer.Exit(3 if merge_folders(folders, out) else 0)


def merge_folders(folders: list[Path], out: Path) -> int:
    """Merge folders, renew the boards and print what was done; return how many files were left out."""
    from bench.records.merge import merge as merge_into

    merged = merge_into(folders, out)
    for line in (*merged.conflicts, *merged.damaged):
        print(clean(f"bench: {line}"), file=sys.stderr)
    renew_boards(out)
    left = len(merged.conflicts) + len(merged.damaged)
    print(f"{merged.added} cells added, {merged.same} were there, {left} files left out")
    print(f"Boards: {command('leaderboard', out=out)}")
    return left
