"""Copy boards from results/ into README.md, so that its numbers are measured ones.

python -m bench.render.readme
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.leaderboard.boards import Boards
from bench.records.store import Store
from bench.records.tuning import read_searches
from bench.render.board import make_boards
from bench.render.markdown import short, table, without_empty

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"(<!-- board: (\w+) -->\n).*?(<!-- end of board -->)", re.DOTALL)


def board_block(dataset: str, out: Path) -> str:
    """Write the first columns of a dataset's public board as Markdown."""
    records = [r for r in Store(out).records() if r["dataset"]["id"] == dataset and r["suite"] == "core"]
    board = make_boards(Boards.of(records, read_searches(out)[0]), dataset=dataset)[0]
    lines = " ".join(board.lines)
    return f"\n{table(*without_empty(short(board)))}\n\n{lines}\n\n"


def with_boards(text: str, out: Path) -> str:
    """Make the marked blocks of the README's text anew."""
    return BLOCK.sub(lambda m: m[1] + board_block(m[2], out) + m[3], text)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(with_boards(path.read_text(encoding="utf-8"), ROOT / "results"), encoding="utf-8")
