"""Show a run as it goes: one line a cell, or a live table in a terminal."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.plan.cell import Cell
from bench.records.record import Record
from bench.render.budget import ending_of
from bench.render.look import first_lines, skip_lines
from bench.render.text import clean, seconds_text
from bench.run.pictured import draws_pictures

if TYPE_CHECKING:
    from rich.progress import TaskID

    from bench.plan.request import Plan
    from bench.run.todo import Todo

STATUS_WORDS = {"ok": "ok", "diverged": "DIVERGED", "oom": "OUT OF MEMORY", "timeout": "TIME-OUT", "crashed": "CRASHED"}


class Lines:
    """Progress where there is no terminal: one line a finished cell, on standard error."""

    def __init__(self, out: Path | None = None) -> None:
        self.out = out  # the folder of results, where it is to be said where pictures go
        self.total = self.count = 0

    def planned(self, plan: Plan, todo: list[Todo], done: int) -> None:
        """Say what will be done."""
        self.total = len(todo)
        for line in plan.broken:
            self._say(f"broken plugin: {line}")
        for look in plan.looks:
            for line in first_lines(look):
                self._say(line)
        for line in skip_lines(plan.skips, plan.looks):
            self._say(line)
        drawn = sorted({one.cell.dataset["id"] for one in todo if draws_pictures(one.cell)})
        if drawn and self.out:
            self._say("pictures of samples: " + ", ".join(f"{self.out / 'grids' / name}/" for name in drawn))
        elsewhere = sum(one.without_samples for one in todo)
        if elsewhere:
            self._say(
                f"{len(plan.cells)} cells: {elsewhere} stored by another machine, without their samples; computed anew "
                "(--keep-stored counts them as done)"
            )
        self._say(f"{len(plan.cells)} cells: {done} done before, {len(todo)} to do")

    def progress(self, cell: Cell, phase: str, step: int) -> None:
        """Print nothing: a line for each step would drown the rest."""

    def finished(self, cell: Cell, record: Record, seconds_left: float, node: str = "") -> None:
        """Print one line with what the cell gave, and where if that was another machine."""
        self.count += 1
        left = f", {seconds_text(seconds_left)} left" if self.count < self.total else ""
        where = f" on {node}" if node not in ("", platform.node()) else ""
        self._say(f"[{self.count}/{self.total}{left}] {describe(cell, record)}{where}")

    def clocked(self, cell: Cell, done: int, of: int) -> None:
        """Print one line at the end of the exclusive pass."""
        if done == of:
            self._say(f"throughput measured alone for {of} rows")

    def note(self, text: str) -> None:
        """Print a line about the machines of a run."""
        self._say(text)

    def _say(self, text: str) -> None:
        sys.stderr.write(clean(text) + "\n")
        sys.stderr.flush()


def describe(cell: Cell, record: Record) -> str:
    """Say in one line what a finished cell gave."""
    primary = cell.dataset["primary"]
    value = record["metrics"]["public"].get(primary, {}).get("value")
    score = f"{primary} {value:.4g}" if value is not None else ""
    seconds = record["timing"]["total_s"] or 0.0
    status = "" if record["status"] == "ok" else STATUS_WORDS[record["status"]]
    if record["error"]:
        status += f" in {record['error']['phase']}: {(record['error']['message'].splitlines() or ['no message'])[0]}"
    flags = "; ".join(f.removeprefix("metric: ") for f in record["flags"])
    parts = [p for p in (score, status, ending_of(record), f"[{flags}]" if flags else "") if p]
    return f"{cell.row} on {cell.dataset['id']}, seed {cell.seed}: {', '.join(parts) or 'done'} ({seconds:.1f} s)"


class Live(Lines):
    """Progress on a terminal: a bar over all cells with the time left, and a bar for each cell that runs."""

    def __init__(self, out: Path | None = None) -> None:
        super().__init__(out)
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
        self.running: dict[str, TaskID] = {}

    def planned(self, plan: Plan, todo: list[Todo], done: int) -> None:
        """Say what will be done, and start the bar over all cells."""
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

    def finished(self, cell: Cell, record: Record, seconds_left: float, node: str = "") -> None:
        """Remove the cell's bar, move the one over all cells, and print the cell's line above them."""
        if cell.slot in self.running:
            self.bars.remove_task(self.running.pop(cell.slot))
        self.bars.update(self.all, advance=1, left=f"{seconds_text(seconds_left)} left")
        super().finished(cell, record, seconds_left, node)

    def clocked(self, cell: Cell, done: int, of: int) -> None:
        """Move the exclusive pass' own bar."""
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
