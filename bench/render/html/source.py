"""What every section of the page is made from: records and the tidy frame, indexed once."""

from __future__ import annotations

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.leaderboard.boards import Boards
from bench.leaderboard.kinds import kind_of_board
from bench.leaderboard.row import Row, rows_of
from bench.leaderboard.table import by_board
from bench.records.record import Record
from bench.registry import FAMILIES
from bench.render.answer import claims, suite_order
from bench.render.board import by_value
from bench.render.marks import Mark, marks
from bench.render.words import KINDS

Key = tuple[str, str, str]  # suite, device, dataset


@dataclass(frozen=True)
class Source:
    """Records, their boards, and the folder of results."""

    records: Sequence[Record]
    boards: Boards
    out: Path

    @cached_property
    def all_rows(self) -> list[Row]:
        """The table's rows in their order."""
        return rows_of(self.boards.frame)

    @cached_property
    def rows(self) -> dict[Key, dict[tuple[str, str], dict[str, Row]]]:
        """The table's rows: (suite, device, dataset) -> (board, metric) -> model -> row."""
        index: dict[Key, dict[tuple[str, str], dict[str, Row]]] = defaultdict(lambda: defaultdict(dict))
        for row in self.all_rows:
            index[row.suite, row.device, row.dataset][row.board, row.metric][row.model] = row
        return index

    @cached_property
    def keys(self) -> list[Key]:
        """Boards in the order of the page."""
        return sorted(self.rows, key=lambda key: (suite_order(key[0]), key[1], self.place_of_kind(key), key[2]))

    @cached_property
    def claims(self) -> list[Key]:
        """Of each dataset the board of its most thorough suite, kind by kind."""
        return sorted(claims(self.rows), key=lambda key: (self.place_of_kind(key), key[2], key[1]))

    @cached_property
    def suites(self) -> list[tuple[str, str]]:
        """(suite, device), the main one first."""
        return list(dict.fromkeys((suite, device) for suite, device, _ in self.keys))

    @cached_property
    def cells(self) -> dict[Key, dict[str, list[Record]]]:
        """(suite, device, dataset) -> model -> its records, seed by seed."""
        return by_board(self.records)

    def kind(self, key: Key) -> str:
        """Name the kind of a board."""
        return kind_of_board(*self.boards.primaries[key[2]])

    def place_of_kind(self, key: Key) -> int:
        """Rank a board by its kind."""
        kind = self.kind(key)
        return list(KINDS).index(kind) if kind in KINDS else len(KINDS)

    def findings(self, key: Key, model: str) -> list[str]:
        """Return the findings about a row."""
        return self.boards.flags.get((*key, model), [])

    def marks(self, key: Key, model: str) -> list[Mark]:
        """List the marks beside a row's name."""
        return marks(self.heads(key)[model], self.findings(key, model))

    def primary(self, key: Key, board: str = "public") -> dict[str, Row]:
        """Find the rows of a board's primary metric by model."""
        return self.rows[key].get((board, self.boards.primaries[key[2]][0]), {})

    def order(self, key: Key) -> list[str]:
        """Order a board's models: by rank, by value, those without the metric; reference rows last, by score."""
        main, facts = self.primary(key), self.heads(key)
        ranks = {model: row.rank for model, row in main.items() if row.rank is not None}
        values = {model: by_value(row) for model, row in main.items()}
        inf = math.inf
        return sorted(facts, key=lambda m: (facts[m].reference, ranks.get(m, inf), values.get(m, inf), m))

    def heads(self, key: Key) -> dict[str, Row]:
        """Find any row of each model on a board, for its family and marks."""
        if key not in self._heads:
            heads: dict[str, Row] = {}
            for column in self.rows[key].values():
                heads = column | heads
            self._heads[key] = heads
        return self._heads[key]

    @cached_property
    def _heads(self) -> dict[Key, dict[str, Row]]:
        return {}


def family_class(family: str) -> str:
    """Name the style sheet's class of a family."""
    return f"f-{family}" if family in FAMILIES else "f-other"


def slug(*parts: str) -> str:
    """Make an id that is safe in HTML and unlike any other.

    It is made of the parts' letters and digits, with a hash unless the parts were plain.
    """
    joined = "-".join(parts)
    plain = re.sub(r"[^a-zA-Z0-9]+", "-", joined).strip("-").lower()
    exact = re.fullmatch(r"[a-z0-9_-]+", joined)
    return joined if exact else f"{plain[:60]}-{hashlib.sha256(joined.encode('utf-8', 'replace')).hexdigest()[:8]}"
