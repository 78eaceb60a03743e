"""What a notebook shows of a run: one line, or its boards as a table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench.records.record import BOARDS
from bench.records.store import open_results
from bench.registry import unknown
from bench.render.text import clean
from bench.run.sweep import Outcome

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "dataset",
    "rank",
    "model",
    "family",
    "metric",
    "better",
    "centre",
    "ci_low",
    "ci_high",
    "n_seeds",
    "steps",
    "flat",
)  # of a board that is shown


@dataclass(repr=False)
class Ran(Outcome):
    """What a run did, and where: `board()` is what came of it."""

    out: Path = Path("results")

    @classmethod
    def of(cls, outcome: Outcome, out: Path) -> Self:
        """Return the outcome of a run in a folder."""
        return cls(**{one.name: getattr(outcome, one.name) for one in fields(outcome)}, out=out)

    def __repr__(self) -> str:
        counts = [f"{self.trained} trained", f"{self.rescored} scored anew", f"{self.kept} done before"]
        said = [counts[0], *(text for text in counts[1:] if not text.startswith("0 ")), f"{len(self.failed)} failed"]
        said += [f"{len(self.diverged)} diverged"] if self.diverged else []
        said += [f"{len(self.plan.skips)} skipped"] if self.plan.skips else []
        return f"{', '.join(said)} in {self.seconds:.0f} s: {self.out}"

    def board(self, dataset: str | None = None, board: str = "public") -> pd.DataFrame:
        """Return the primary metric of every row of the datasets that ran, with 95 % intervals, by rank."""
        ran = {cell.dataset["id"]: cell.dataset["primary"] for cell in self.plan.cells}
        if dataset is not None and dataset not in ran:
            raise unknown("dataset of this run", dataset, ran)
        if board not in BOARDS:
            raise unknown("board", board, BOARDS)
        shown = frame(self.out, dataset, board)
        suites = {cell.suite for cell in self.plan.cells}
        shown = shown[(shown.board == board) & (shown.metric == shown.dataset.map(ran)) & shown.suite.isin(suites)]
        shown = shown.sort_values(["dataset", "rank", "model"], na_position="last")
        return shown[list(COLUMNS)].reset_index(drop=True)

    def _repr_html_(self) -> str:
        """Show the line and the board in a notebook; the line alone where nothing came of the run."""
        line = f"<p>{escape(clean(repr(self)))}</p>"
        try:
            return line + self.board().to_html(index=False, escape=True, na_rep="", float_format="{:.4g}".format)
        except ValueError:  # no results were written
            return line


def frame(out: Path, dataset: str | None, board: str | None) -> pd.DataFrame:
    """Return the rows of leaderboard.csv of a dataset (None: all) and a board (None: both)."""
    from bench.leaderboard.table import tidy
    from bench.render.files import submitted

    store, records = open_results(out, option="out")
    known = sorted({record["dataset"]["id"] for record in records})
    if dataset is not None and dataset not in known:
        raise unknown("dataset on the boards", dataset, known)
    rows = tidy(records + submitted(store, records))
    wanted = rows.board.isin([board, ""]) if board is not None else rows.board.notna()
    if dataset is not None:
        wanted &= rows.dataset == dataset
    return rows[wanted].reset_index(drop=True)
