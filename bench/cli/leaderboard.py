"""bench leaderboard and bench compare: boards printed from the stored cells."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UsageError
from bench.records.record import FAILED, Record
from bench.records.store import Store
from bench.registry import unknown
from bench.render.terminal import print_board
from bench.render.text import clean

if TYPE_CHECKING:
    from bench.render.board import Board


def print_leaderboard(out: Path, *, dataset: str | None, board: str, style: str, browse: bool = False) -> None:
    """Bench leaderboard: rebuild the files, print what was asked for; browse: show the page in a browser instead."""
    from bench.render import files

    store = Store(out)
    records = store.records()
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; expected a folder of results, such as results")
    if not records:
        why = f"; {clean(store.problems[0])}" if store.problems else ""
        raise UsageError(f"no results in {out}{why}; make some with: bench run --all --out {out}")
    known = sorted({record["dataset"]["id"] for record in records})
    if dataset is not None and dataset not in known:
        raise unknown("dataset on the boards", dataset, known)
    renew_boards(out)
    for line in store.problems:
        print(clean(f"bench: {line}"), file=sys.stderr)
    records += files.submitted(store, records)
    page = out / "leaderboard.html"
    if browse:
        open_page(page)
    elif style == "html":
        print(files.page(Store(out), [r for r in records if dataset in (None, r["dataset"]["id"])]), end="")
    elif style == "table":
        for one in _boards(records, board=board, dataset=dataset):
            print_board(one)
        print(f"With pictures and curves: {page} (bench leaderboard --open)")
    elif style == "md":
        from bench.render.markdown import board_markdown

        print("\n".join(map(board_markdown, _boards(records, board=board, dataset=dataset))))
    else:
        print(_tidy_text(records, board=board, dataset=dataset, style=style), end="")


def renew_boards(out: Path) -> list[Path]:
    """Rebuild the derived files; a folder that cannot be written to can still be read, and that is said."""
    if not (out / "cells").is_dir():
        return []
    from bench.render.files import write_boards

    try:
        return write_boards(Store(out))
    except OSError as error:
        words = f"bench: the files of boards were not renewed: {error.filename or out}: {error.strerror or error}"
        print(clean(words), file=sys.stderr)
        return []


def print_tables(out: Path, datasets: set[str], *, suite: str) -> None:
    """The public boards that a run of a suite has just filled, dataset by dataset."""
    from bench.render import files

    store = Store(out)
    records = store.records()
    records += files.submitted(store, records)
    boards = _boards([r for r in records if r["suite"] == suite], board="public", dataset=None)
    for one in sorted(boards, key=lambda board: board.dataset):
        if one.dataset in datasets:
            print_board(one)


def _boards(records: list[Record], *, board: str, dataset: str | None) -> list[Board]:
    from bench.leaderboard.boards import Boards
    from bench.render.board import make_boards

    return make_boards(Boards.of(records), board=board, dataset=dataset)


def _tidy_text(records: list[Record], *, board: str, dataset: str | None, style: str) -> str:
    """Rows of one board, or of one dataset's board, as "csv" or "json"."""
    from bench.leaderboard.boards import Boards
    from bench.render import files

    boards = Boards.of(records).only(board=board, dataset=dataset)
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


def print_comparison(out: Path, a: str, b: str, *, dataset: str) -> None:
    """Bench compare."""
    from bench.leaderboard import compare
    from bench.render.text import number

    records = [r for r in Store(out).records() if r["dataset"]["id"] == dataset and r["status"] not in FAILED]
    names = {r["model"]["row"] for r in records}
    if not names:
        raise UsageError(f"no results on {dataset!r} in {out}; make some with: bench run -m {a},{b} -d {dataset}")
    for name in (a, b):
        if name not in names:
            raise unknown("row", name, names)
    found = compare.compare_models(records, a, b, dataset=dataset)
    noise = "; one seed a side: training noise is not in p" if found.without_training_noise else ""
    print(
        f"{a} against {b} on {dataset}; difference {a} - {b} on the metric's scale, Welch's test, Holm over the table{noise}"
    )
    for row in found.frame.itertuples(index=False):
        board, metric, left, right, scale, difference, se, _, p_holm, winner, needed = row
        error = "unknown" if se is None or se != se else number(se)
        print(
            f"{board:8} {metric:26} {number(left):>10} {number(right):>10}  {scale:5} {number(difference):>10} "
            f"± {error}, p {p_holm:.3g}: {_finding(p_holm, winner, needed, min(found.seeds))}"
        )


def _finding(p: float, winner: str, needed: object, seeds: int) -> str:
    """Say which side is better, or why no difference is shown."""
    import pandas

    if p < 0.05:
        return f"{winner} is better" if winner else "differ"
    if needed is None or needed is pandas.NA:
        return "no difference shown"
    return f"no difference shown: {seeds} seeds cannot show one of this size here; {needed} would"
