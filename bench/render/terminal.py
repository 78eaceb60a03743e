"""The terminal: boards that fit the width, lists, and the progress of a run."""

from __future__ import annotations

from bench.render.bars import Bar
from bench.render.board import Board
from bench.render.text import DASH, clean

BAR_LETTERS = 24
BAR_FROM = 100  # letters of width: below it the numbers need the room
FAMILY_STYLES = {  # hues that most colour-blind readers tell apart; the family's own column says the same in words
    "statistical": "blue",
    "tractable": "cyan",
    "approximate": "magenta",
    "implicit": "yellow",
    "extension": "bright_blue",
}


def print_board(board: Board, *, width: int | None = None) -> None:
    """A board as wide as the terminal: columns that do not fit are dropped from the right, and that is said."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=width, soft_wrap=False, highlight=False)
    keep = [i for i in range(len(board.headings)) if any(row[i] not in (DASH, "") for row in board.rows)]
    widths = [max(len(board.headings[i]), *(len(row[i]) for row in board.rows)) + 3 for i in keep]
    shown, used = [], 1
    for i, needed in zip(keep, widths):
        if used + min(needed, 34) > console.width and len(shown) >= 4:
            break
        shown.append(i)
        used += min(needed, 34)
    drawn = console.width >= BAR_FROM and any(board.bars)
    while drawn and used + BAR_LETTERS + 3 > console.width and len(shown) > 4:
        used -= min(widths[keep.index(shown[-1])], 34)
        shown.pop()
    view = Table(title=clean(board.title), title_justify="left", pad_edge=False)
    for i in shown:
        numeric = i == 0 or (i >= 3 and board.headings[i] != "findings")
        view.add_column(
            clean(board.headings[i].replace("**", "")), justify="right" if numeric else "left", overflow="fold"
        )
        if drawn and i == 3:
            view.add_column("95 % interval", no_wrap=True, width=BAR_LETTERS)
    for n, row in enumerate(board.rows):
        style = "dim" if row[0] == "ref" else "bold" if n == 0 else ""
        colour = FAMILY_STYLES.get(board.families[n], "") if board.families else ""
        cells = []
        for i in shown:
            cells.append(Text(clean(row[i]), style=colour if i in (1, 2) else ""))
            if drawn and i == 3:
                cells.append(Text(text_bar(board.bars[n], encoding=console.encoding), style=colour))
        view.add_row(*cells, style=style)
    console.print(view)
    for line in board.lines:
        console.print(Text(clean(line)))
    dropped = [board.headings[i] for i in keep if i not in shown]
    if dropped:
        console.print(Text(f"{len(dropped)} more columns in a wider terminal or --format md: {', '.join(dropped)}"))
    console.print()


def text_bar(bar: Bar | None, *, letters: int = BAR_LETTERS, encoding: str = "utf-8") -> str:
    """An interval in letters, its centre marked; plain ASCII where the terminal has no other."""
    if bar is None:
        return ""
    line, dot = ("─", "●") if "utf" in encoding.lower() else ("-", "o")
    place = lambda percent: min(letters - 1, max(0, round(percent / 100 * (letters - 1))))
    left, right = place(bar.left), place(bar.left + bar.width)
    row = [line if left <= i <= right else " " for i in range(letters)]
    row[place(bar.centre)] = dot
    return "".join(row).rstrip()
