"""The boards of a folder, rebuilt and printed.

What `bench leaderboard`, `bench run` and `bench submit` share.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.render.text import clean

if TYPE_CHECKING:
    from bench.records.record import Record
    from bench.records.tuning import Search
    from bench.render.board import Board


def renew_boards(out: Path) -> list[Path]:
    """Rebuild the derived files and return them; say so where a folder can be read but not written to."""
    files, problem = rebuild(out)
    if problem:
        print(clean(f"bench: {problem}"), file=sys.stderr)
    return files


def rebuild(out: Path) -> tuple[list[Path], str]:
    """Write the boards of the cells in a folder, if it has any.

    Return (files, why they could not be written).
    """
    from bench.records.store import Store
    from bench.render.files import write_boards

    if not (out / "cells").is_dir():
        return [], ""
    try:
        return write_boards(Store(out)), ""
    except OSError as error:
        return [], f"the files of boards were not renewed: {error.filename or out}: {error.strerror or error}"


def print_tables(out: Path, datasets: set[str], *, suite: str) -> None:
    """Print the public boards that a run of a suite has just filled, dataset by dataset."""
    from bench.records.store import Store
    from bench.render import files
    from bench.render.terminal import print_board

    store = Store(out)
    records = store.records()
    records += files.submitted(store, records)
    chosen = [r for r in records if r["suite"] == suite]
    boards = boards_of(chosen, files.searches_of(store), board="public", dataset=None)
    for one in sorted(boards, key=lambda board: board.dataset):
        if one.dataset in datasets:
            print_board(one)


def boards_of(records: list[Record], searches: list[Search], *, board: str, dataset: str | None) -> list[Board]:
    """Return one board of every dataset in the records, or of one dataset."""
    from bench.leaderboard.boards import Boards
    from bench.render.board import make_boards

    return make_boards(Boards.of(records, searches), board=board, dataset=dataset)
