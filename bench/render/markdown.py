"""Markdown: the boards in full, and the page a repository host shows for results/."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.render.board import FIRST_COLUMNS, Board
from bench.render.text import DASH, clean
from bench.render.words import KINDS, REAL

if TYPE_CHECKING:
    from bench.leaderboard.boards import Boards

PAGE = "With pictures, intervals drawn and training curves: open [leaderboard.html](leaderboard.html) in a browser."
NOTE = (
    "† uses labels. *ref*: a reference row, which takes no rank: the oracle is real data, the copycat the training set. "
    "(copies): returns training rows, see findings. A dash in a column: the model cannot do this."
)


def escape(text: str) -> str:
    """Make text inert inside a Markdown table: no markup, no new cell, no unprintable character."""
    text = clean(text)
    return re.sub(r"([\\`*_{}\[\]<>|#!~&])", lambda m: f"&#{ord(m[1])};" if m[1] in "<>&|" else "\\" + m[1], text)


def table(headings: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    """Write a Markdown table; every cell is escaped, a heading's ** marks stay."""
    lines = ["| " + " | ".join(_heading(h) for h in headings) + " |", "|" + " --- |" * len(headings)]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _heading(text: str) -> str:
    bold = re.fullmatch(r"\*\*(.*)\*\*(.*)", text)
    return f"**{escape(bold[1])}**{escape(bold[2])}" if bold else escape(text)


def board_markdown(board: Board) -> str:
    """Write one board with its heading and lines of explanation, without its empty columns."""
    headings, rows = without_empty(board)
    lines = "\n".join(escape(line) + "  " for line in board.lines)
    return f"## {escape(board.title)}\n\n{lines}\n\n{table(headings, rows)}\n"


def without_empty(board: Board) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Leave out of headings and rows the columns in which every cell is a dash or empty."""
    keep = board.filled()
    return tuple(board.headings[i] for i in keep), tuple(tuple(row[i] for i in keep) for row in board.rows)


def short(board: Board) -> Board:
    """Keep the first columns of a board."""
    rows = tuple(row[:FIRST_COLUMNS] for row in board.rows)
    return replace(board, headings=board.headings[:FIRST_COLUMNS], rows=rows)


def leaderboard_markdown(tables: list[Board], boards: Boards) -> str:
    """Write results/leaderboard.md."""
    parts = ["# Leaderboard\n", PAGE + "\n", NOTE + "\n", summary_markdown(boards), *map(board_markdown, tables)]
    return "\n".join(parts)


def summary_markdown(boards: Boards) -> str:
    """Write who is best at what and how sure that is, then on how many boards each model may be first."""
    from bench.leaderboard.row import rows_of
    from bench.render.answer import answers, headline

    if boards.summary.empty:
        return "No results yet.\n"
    listed = answers(rows_of(boards.frame), boards.primaries, boards.flags, board=boards.board)
    lines = [
        f"- **{escape(a.key[2])}** (suite {escape(a.key[0])}, {escape(a.key[1])}): {escape(a.words)}." for a in listed
    ]
    parts = ["## Best at what, how sure, at what cost\n", escape(headline(listed)) + "\n", "\n".join(lines) + "\n"]
    parts.append(f"## May be first ({boards.board} boards)\n")
    parts.append(
        "On how many of the boards that it entered no model is surely better. Without five seeds nobody knows: a dash.\n"
    )
    for (suite, device), part in boards.summary.groupby(["suite", "device"], sort=True):
        present = set(part.kind)
        kinds = [kind for kind in KINDS if kind in present] + sorted(present - set(KINDS))
        cells = {(str(row.model), row.kind): row for row in part.itertuples()}
        rows = [(m, *(_first_of(cells.get((m, kind))) for kind in kinds)) for m in sorted(set(map(str, part.model)))]
        headings = ("model", *(KINDS.get(str(kind), str(kind)) for kind in kinds))
        parts.append(f"Suite {escape(suite)} on {escape(device)}.\n\n{table(headings, tuple(rows))}\n")
    return "\n".join(parts)


def _first_of(cell: Any) -> str:
    """Write "2 of 3" of a row of the summary; a dash where it has no range anywhere."""
    return DASH if cell is None or not cell.boards_judged else f"{cell.may_be_first} of {cell.boards_judged}"


def results_readme(tables: list[Board], boards: Boards, out: Path, environments: list[str]) -> str:
    """Write results/README.md: the boards in short, with the pictures."""
    parts = [
        "# Results\n",
        "Made by `bench run`; rebuilt from `cells/` by `bench leaderboard`. All columns: [leaderboard.md](leaderboard.md), "
        "[leaderboard.csv](leaderboard.csv), [leaderboard.json](leaderboard.json).\n",
        PAGE + "\n",
        *(f"Measured on: {escape(line)}  " for line in environments),
        "",
        NOTE + "\n",
        summary_markdown(boards),
    ]
    for board in tables:
        parts.append(board_markdown(short(board)))
        parts.append(pictures(board, out))
    return "\n".join(parts)


def pictures(board: Board, out: Path) -> str:
    """Show the sample grids of a board's models side by side, real data first; empty where there are none."""
    folder = out / "grids" / board.dataset
    names = {"oracle": ""} | {row[1].split(" ")[0]: html.escape(clean(row[1])) for row in board.rows}
    cells = [
        f'<td align="center"><img src="grids/{board.dataset}/{name}.png" width="200" alt="{_alt(name, board.dataset)}"><br>'
        f"{f'{REAL} (oracle)' if name == 'oracle' else names[name]}</td>"
        for name in names
        if re.fullmatch(r"[A-Za-z0-9._+=,-]+", name) and (folder / f"{name}.png").exists()
    ]
    rows = ["<tr>" + "".join(cells[i : i + 4]) + "</tr>" for i in range(0, len(cells), 4)]
    return "<table>\n" + "\n".join(rows) + "\n</table>\n" if rows else ""


def _alt(name: str, dataset: str) -> str:
    return f"{REAL if name == 'oracle' else f'samples of {name}'} on {dataset}"
