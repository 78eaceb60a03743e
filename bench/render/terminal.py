"""Print a board as a table that fits the terminal's width, with its intervals drawn in letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.render.bars import Bar
from bench.render.board import TUNED, Board
from bench.render.text import clean

if TYPE_CHECKING:
    from rich.table import Table

PRIMARY = 3  # the column of the primary metric, after rank, model and family
FEWEST = 4  # columns that are always shown
WIDEST = 34  # letters that a column is planned with at most: longer cells are folded
BAR_LETTERS = 24
BAR_FROM = 100  # letters of width from which on bars are drawn; in a narrower terminal the numbers need the room
FAMILY_STYLES = {  # hues that most colour-blind readers tell apart; the family's own column says the same in words
    "statistical": "blue",
    "tractable": "cyan",
    "approximate": "magenta",
    "implicit": "yellow",
    "extension": "bright_blue",
}


def print_board(board: Board, *, width: int | None = None) -> None:
    """Print a board as wide as the terminal; name the columns on the right that do not fit."""
    from rich.console import Console
    from rich.text import Text

    console = Console(width=width, soft_wrap=False, highlight=False)
    shown, drawn = _that_fit(board, console.width)
    console.print(_table(board, shown, drawn=drawn, encoding=console.encoding))
    for line in board.lines:
        console.print(Text(clean(line)))
    dropped = [board.headings[i] for i in board.filled() if i not in shown]
    if dropped:
        console.print(Text(f"{len(dropped)} more columns in a wider terminal or --format md: {', '.join(dropped)}"))
    console.print()


def _that_fit(board: Board, width: int) -> tuple[list[int], bool]:
    """Choose the columns that fit, at least four, and tell whether there is room to draw the intervals."""
    needed = {
        i: min(WIDEST, max(len(board.headings[i]), *(len(row[i]) for row in board.rows)) + 3) for i in board.filled()
    }
    shown: list[int] = []
    for i in needed:
        if 1 + sum(needed[j] for j in (*shown, i)) > width and len(shown) >= FEWEST:
            break
        shown.append(i)
    drawn = width >= BAR_FROM and any(board.bars)
    while drawn and 1 + sum(needed[i] for i in shown) + BAR_LETTERS + 3 > width and len(shown) > FEWEST:
        shown.pop()
    return shown, drawn


def _table(board: Board, shown: list[int], *, drawn: bool, encoding: str) -> Table:
    """Lay out the shown columns, the intervals drawn beside the primary metric."""
    from rich.table import Table
    from rich.text import Text

    view = Table(title=clean(board.title), title_justify="left", pad_edge=False)
    for i in shown:
        numeric = i == 0 or (i >= PRIMARY and board.headings[i] not in (TUNED, "findings"))
        heading = clean(board.headings[i].replace("**", ""))
        view.add_column(heading, justify="right" if numeric else "left", overflow="fold")
        if drawn and i == PRIMARY:
            view.add_column("95 % interval", no_wrap=True, width=BAR_LETTERS)
    for n, row in enumerate(board.rows):
        colour = FAMILY_STYLES.get(board.families[n], "") if board.families else ""
        cells = []
        for i in shown:
            cells.append(Text(clean(row[i]), style=colour if i in (1, 2) else ""))
            if drawn and i == PRIMARY:
                cells.append(Text(text_bar(board.bars[n], encoding=encoding), style=colour))
        view.add_row(*cells, style="dim" if row[0] == "ref" else "bold" if n == 0 else "")
    return view


def text_bar(bar: Bar | None, *, letters: int = BAR_LETTERS, encoding: str = "utf-8") -> str:
    """Draw an interval in letters, its centre marked; plain ASCII where the terminal has no other."""
    if bar is None:
        return ""
    line, dot = ("─", "●") if "utf" in encoding.lower() else ("-", "o")
    place = lambda percent: min(letters - 1, max(0, round(percent / 100 * (letters - 1))))
    left, right = place(bar.left), place(bar.left + bar.width)
    row = [line if left <= i <= right else " " for i in range(letters)]
    row[place(bar.centre)] = dot
    return "".join(row).rstrip()
