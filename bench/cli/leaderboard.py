"""bench leaderboard: rebuild the boards from the stored cells, print them, or open their page."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli._boards import boards_of, renew_boards
from bench.cli.app import Out, app, command
from bench.registry import unknown
from bench.render.text import clean

if TYPE_CHECKING:
    from bench.leaderboard.boards import Boards


class BoardName(StrEnum):
    """The held-out split of a board: valid is public, test is private."""

    public = "public"
    private = "private"


class Format(StrEnum):
    """How boards are printed."""

    table = "table"
    md = "md"
    csv = "csv"
    json = "json"
    html = "html"


@app.command(short_help="Rebuild and print the boards, or open the page.")
def leaderboard(
    dataset: Annotated[str | None, typer.Option("-d", "--dataset", help="One dataset's board.")] = None,
    board: Annotated[BoardName, typer.Option(help="The split it is scored on.")] = BoardName.public,
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
    out: Out = Path("results"),
    browse: Annotated[bool, typer.Option("--open", help="Show the page, leaderboard.html, in a browser.")] = False,
) -> None:
    """Rebuild the boards from the stored cells and print them, or show the page."""
    print_leaderboard(out, dataset=dataset, board=board.value, style=format_.value, browse=browse)


def print_leaderboard(out: Path, *, dataset: str | None, board: str, style: str, browse: bool = False) -> None:
    """Rebuild a folder's boards and print them in a style of Format, or show the page in a browser."""
    from bench.records.store import open_results
    from bench.render import files
    from bench.render.terminal import print_board

    store, records = open_results(out, option="--out")
    known = sorted({record["dataset"]["id"] for record in records})
    if dataset is not None and dataset not in known:
        raise unknown("dataset on the boards", dataset, known)
    renew_boards(out)
    for line in store.problems:
        print(clean(f"bench: {line}"), file=sys.stderr)
    records += files.submitted(store, records)
    searches = files.searches_of(store)
    page = out / "leaderboard.html"
    if browse:
        open_page(page)
    elif style == "html":
        print(files.page(store, [r for r in records if dataset in (None, r["dataset"]["id"])]), end="")
    elif style == "table":
        for one in boards_of(records, searches, board=board, dataset=dataset):
            print_board(one)
        print(f"With pictures and curves: {page} ({command('leaderboard', '--open', out=out)})")
    elif style == "md":
        from bench.render.markdown import board_markdown

        print("\n".join(map(board_markdown, boards_of(records, searches, board=board, dataset=dataset))))
    else:
        from bench.leaderboard.boards import Boards

        print(_tidy_text(Boards.of(records, searches).only(board=board, dataset=dataset), style=style), end="")


def _tidy_text(boards: Boards, *, style: str) -> str:
    """Return the rows of boards as "csv" or "json"."""
    from bench.render import files

    return files.to_csv(boards.frame) if style == "csv" else files.to_json(boards)


def open_page(path: Path) -> None:
    """Show a page in the reader's browser, or say where it is."""
    import webbrowser

    address = path.resolve().as_uri()
    try:
        shown = webbrowser.open(address)
    except webbrowser.Error:
        shown = False
    print(f"Opened {path}" if shown else f"No browser could be started; the page is {path}")
