"""Markdown: the boards in full, and the page a repository host shows for results/."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.render.board import FIRST_COLUMNS, Board
from bench.render.text import DASH, clean, number

if TYPE_CHECKING:
    import pandas as pd

PAGE = "With pictures, intervals drawn and training curves: open [leaderboard.html](leaderboard.html) in a browser."
NOTE = (
    "† uses labels. *ref*: a reference row, which takes no rank. (copies): of training rows, see findings. "
    "A dash: the model cannot do this."
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


def leaderboard_markdown(boards: list[Board], summary: pd.DataFrame) -> str:
    """Write results/leaderboard.md."""
    parts = ["# Leaderboard\n", PAGE + "\n", NOTE + "\n", summary_markdown(summary), *map(board_markdown, boards)]
    return "\n".join(parts)


def summary_markdown(summary: pd.DataFrame) -> str:
    """Write the mean ranks per kind of data over the boards that the ranked models share."""
    if summary.empty:
        return "No results yet.\n"
    parts = ["## Summary: mean rank per kind of data (public boards)\n"]
    for (suite, device), part in summary.groupby(["suite", "device"], sort=True):
        kinds = sorted(set(part.kind))
        models = sorted(set(part.model))
        cells = {(row.model, row.kind): row for row in part.itertuples()}
        rows = []
        for model in models:
            row = [model]
            for kind in kinds:
                cell = cells.get((model, kind))
                if cell is None:
                    row.append(DASH)
                else:
                    mean = DASH if cell.mean_rank is None or math.isnan(cell.mean_rank) else number(cell.mean_rank)
                    row.append(f"{mean} ({cell.boards_entered} of {cell.boards})")
            rows.append(tuple(row))
        headings = ("model", *(f"{kind} (boards entered)" for kind in kinds))
        parts.append(f"Suite {escape(suite)} on {escape(device)}.\n\n{table(headings, tuple(rows))}\n")
    return "\n".join(parts)


def results_readme(boards: list[Board], summary: pd.DataFrame, out: Path, environments: list[str]) -> str:
    """Write results/README.md: the boards in short, with the pictures."""
    parts = [
        "# Results\n",
        "Made by `bench run`; rebuilt from `cells/` by `bench leaderboard`. All columns: [leaderboard.md](leaderboard.md), "
        "[leaderboard.csv](leaderboard.csv), [leaderboard.json](leaderboard.json).\n",
        PAGE + "\n",
        *(f"Measured on: {escape(line)}  " for line in environments),
        "",
        NOTE + "\n",
        summary_markdown(summary),
    ]
    for board in boards:
        short = Board(
            board.title,
            board.dataset,
            board.lines,
            board.headings[:FIRST_COLUMNS],
            tuple(r[:FIRST_COLUMNS] for r in board.rows),
            board.n_ranked,
        )
        parts.append(board_markdown(short))
        parts.append(pictures(board, out))
    return "\n".join(parts)


def pictures(board: Board, out: Path) -> str:
    """Show the sample grids of a board's models side by side, real data first; empty where there are none."""
    folder = out / "grids" / board.dataset
    names = [row[1].split(" ")[0] for row in board.rows]
    names = [name for name in dict.fromkeys(["oracle", *names]) if (folder / f"{name}.png").exists()]
    cells = [
        f'<td align="center"><img src="grids/{board.dataset}/{name}.png" width="200" alt="samples of {name}"><br>'
        f"{'real data (oracle)' if name == 'oracle' else name}</td>"
        for name in names
        if re.fullmatch(r"[A-Za-z0-9._+=,-]+", name)
    ]
    rows = ["<tr>" + "".join(cells[i : i + 4]) + "</tr>" for i in range(0, len(cells), 4)]
    return "<table>\n" + "\n".join(rows) + "\n</table>\n" if rows else ""
