"""The terminal: boards that fit the width, lists, and the progress of a run."""

from __future__ import annotations

import sys
from typing import Any

from bench.plan.cell import Cell
from bench.records.record import Record
from bench.render.bars import Bar
from bench.render.board import DASH, Board

BAR_LETTERS = 24
BAR_FROM = 100  # letters of width: below it the numbers need the room
FAMILY_STYLES = {  # hues that most colour-blind readers tell apart; the family's own column says the same in words
    "statistical": "blue",
    "tractable": "cyan",
    "approximate": "magenta",
    "implicit": "yellow",
    "extension": "bright_blue",
}
STATUS_WORDS = {"ok": "ok", "diverged": "DIVERGED", "oom": "OUT OF MEMORY", "timeout": "TIME-OUT", "crashed": "CRASHED"}


def clean(text: str) -> str:
    """Text without control characters, so that nothing in a name or message can drive the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


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
        numeric = i == 0 or i >= 3 and board.headings[i] != "findings"
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


def seconds_text(seconds: float) -> str:
    """ "41 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Lines:
    """Progress where there is no terminal: one line a finished cell, on standard error."""

    def __init__(self) -> None:
        self.total = self.count = 0

    def planned(self, plan: Any, todo: list[Any], done: int) -> None:
        """Say what will be done."""
        self.total = len(todo)
        for line in plan.broken:
            self._say(f"broken plugin: {line}")
        self._say(
            f"{len(plan.cells)} cells: {done} done before, {len(todo)} to do; {len(plan.skips)} skipped with a reason"
        )

    def progress(self, cell: Cell, phase: str, step: int) -> None:
        """Nothing: a line for each step would drown the rest."""

    def finished(self, cell: Cell, record: Record, seconds_left: float) -> None:
        """One line."""
        self.count += 1
        left = f", {seconds_text(seconds_left)} left" if self.count < self.total else ""
        self._say(f"[{self.count}/{self.total}{left}] {describe(cell, record)}")

    def clocked(self, cell: Cell, done: int, of: int) -> None:
        """One line at the end of the exclusive pass."""
        if done == of:
            self._say(f"throughput measured alone for {of} rows")

    def _say(self, text: str) -> None:
        print(clean(text), file=sys.stderr, flush=True)


def describe(cell: Cell, record: Record) -> str:
    """What a finished cell gave, in one line."""
    primary = cell.dataset["primary"]
    value = record["metrics"]["public"].get(primary, {}).get("value")
    score = f"{primary} {value:.4g}" if value is not None else ""
    seconds = record["timing"]["total_s"] or 0.0
    status = "" if record["status"] == "ok" else STATUS_WORDS[record["status"]]
    if record["error"]:
        status += f" in {record['error']['phase']}: {(record['error']['message'].splitlines() or ['no message'])[0]}"
    flags = "; ".join(f.removeprefix("metric: ") for f in record["flags"])
    parts = [p for p in (score, status, f"[{flags}]" if flags else "") if p]
    return f"{cell.row} on {cell.dataset['id']}, seed {cell.seed}: {', '.join(parts) or 'done'} ({seconds:.1f} s)"


class Live(Lines):
    """Progress on a terminal: a bar over all cells with the time left, and a bar for each cell that runs."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
        )
        self.running: dict[str, Any] = {}

    def planned(self, plan: Any, todo: list[Any], done: int) -> None:
        super().planned(plan, todo, done)
        if todo:
            self.bars.start()
            self.all = self.bars.add_task("all cells", total=len(todo), left="")

    def progress(self, cell: Cell, phase: str, step: int) -> None:
        """Move the running cell's bar."""
        if cell.slot not in self.running:
            self.running[cell.slot] = self.bars.add_task("", total=cell.steps or 1, left="")
        name = f"  {cell.row} on {cell.dataset['id']}, seed {cell.seed}: {phase}"
        self.bars.update(self.running[cell.slot], description=clean(name), completed=step or None)

    def finished(self, cell: Cell, record: Record, seconds_left: float) -> None:
        if cell.slot in self.running:
            self.bars.remove_task(self.running.pop(cell.slot))
        self.bars.update(self.all, advance=1, left=f"{seconds_text(seconds_left)} left")
        super().finished(cell, record, seconds_left)

    def clocked(self, cell: Cell, done: int, of: int) -> None:
        """A bar of its own for the exclusive pass."""
        if "clock" not in self.running:
            self.bars.start()
            self.running["clock"] = self.bars.add_task("throughput, one cell at a time", total=of, left="")
        self.bars.update(self.running["clock"], completed=done)
        if done == of:
            self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self.bars.stop()

    def _say(self, text: str) -> None:
        self.bars.console.print(clean(text), markup=False, highlight=False)
