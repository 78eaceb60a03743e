"""What a rendering needs of some records: their table, primary metrics, findings and summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from bench.leaderboard import flags, summary, table
from bench.leaderboard.flags import Flags
from bench.leaderboard.newest import Key, LeftOut, newest
from bench.leaderboard.table import Primaries
from bench.leaderboard.tuning import Tuned, tuned_rows
from bench.records.record import Record
from bench.records.tuning import Search


@dataclass(frozen=True)
class Boards:
    """The boards of some records, each of one suite, device and dataset.

    frame: the tidy table, columns `table.COLUMNS`. primaries: each dataset's primary metric and kind of data.
    flags: findings in words, row by row. records: those that count. left_out: seeds that a newer making of their row outdated.
    tuned: rows whose model was tuned on their dataset. board: the held-out side whose ranks the summary counts.
    """

    frame: pd.DataFrame
    primaries: Primaries
    flags: Flags
    records: tuple[Record, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    tuned: Mapping[Key, Tuned] = field(default_factory=dict)
    board: str = "public"

    @classmethod
    def of(cls, records: Iterable[Record], searches: Iterable[Search] = ()) -> Boards:
        """Compute the table, the primary metrics and the findings of some records, and which rows were tuned."""
        chosen = newest(records)
        records = chosen.records
        frame = table.tidy(records)
        found = flags.flags(frame, records)
        for one in chosen.left_out:
            found[one.key] = [*found.get(one.key, []), one.words]
        tuned = tuned_rows(records, searches)
        return cls(frame, table.primary_metrics(records), found, tuple(records), chosen.left_out, tuned)

    def only(self, *, board: str, dataset: str | None = None) -> Boards:
        """Keep the table's rows of one board (and of the resources), of one dataset where one is named."""
        frame = self.frame
        kept = frame.board.isin([board, ""]) & ((frame.dataset == dataset) | (dataset is None))
        return replace(self, frame=frame[kept], board=board)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """On how many boards each model may be first, kind of board by kind of board."""
        return summary.summary(self.frame, self.primaries, board=self.board)
