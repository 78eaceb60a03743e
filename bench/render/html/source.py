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
from bench.leaderboard.row import Row, rows_of
from bench.leaderboard.table import by_board
from bench.records.record import Record
from bench.registry import FAMILIES
from bench.render.board import by_value

Key = tuple[str, str, str]  # suite, device, dataset
SUITES = ("core", "standard", "full", "smoke")  # the order of the page; others follow by name


@dataclass(frozen=True)
class Source:
    """Records, their boards, and the folder of results."""

    records: Sequence[Record]
    boards: Boards
    out: Path

    @cached_property
    def rows(self) -> dict[Key, dict[tuple[str, str], dict[str, Row]]]:
        """The table's rows: (suite, device, dataset) -> (board, metric) -> model -> row."""
        index: dict[Key, dict[tuple[str, str], dict[str, Row]]] = defaultdict(lambda: defaultdict(dict))
        for row in rows_of(self.boards.frame):
            index[row.suite, row.device, row.dataset][row.board, row.metric][row.model] = row
        return index

    @cached_property
    def keys(self) -> list[Key]:
        """Boards in the order of the page."""
        return sorted(self.rows, key=lambda key: (suite_order(key[0]), key[1], self.kind(key[2]), key[2]))

    @cached_property
    def suites(self) -> list[tuple[str, str]]:
        """(suite, device), the main one first."""
        return list(dict.fromkeys((suite, device) for suite, device, _ in self.keys))

    @cached_property
    def cells(self) -> dict[Key, dict[str, list[Record]]]:
        """(suite, device, dataset) -> model -> its records, seed by seed."""
        return by_board(self.records)

    def kind(self, dataset: str) -> int:
        """Rank a dataset by its kind of data."""
        kind = self.boards.primaries[dataset][1]
        return list(KINDS).index(kind) if kind in KINDS else len(KINDS)

    def primary(self, key: Key, board: str = "public") -> dict[str, Row]:
        """Find the rows of a board's primary metric by model."""
        return self.rows[key].get((board, self.boards.primaries[key[2]][0]), {})

    def order(self, key: Key) -> list[str]:
        """Order the models of a board: by rank, then by value those that take none; reference rows last."""
        main, facts = self.primary(key), self.heads(key)
        ranks = {model: row.rank for model, row in main.items() if row.rank is not None}
        value = {model: by_value(row) for model, row in main.items()}
        inf = math.inf
        return sorted(facts, key=lambda m: (facts[m].reference, ranks.get(m, inf), value.get(m, inf), m))

    def heads(self, key: Key) -> dict[str, Row]:
        """Find any row of each model on a board, for its family and marks."""
        heads: dict[str, Row] = {}
        for column in self.rows[key].values():
            heads = column | heads
        return heads


KINDS = {"2d": "2-D", "table": "Tables", "image": "Small images", "large_image": "Images"}
FAMILY_WORDS = {
    "statistical": ("Statistical", "closed forms and EM: exact p(x)"),
    "tractable": ("Tractable", "chain rule, one value after the other: exact p(x)"),
    "approximate": ("Approximate", "compress and restore: a bound on p(x)"),
    "implicit": ("Adversarial", "samples only: a generator against a discriminator"),
    "extension": ("Beyond", "repairs of GANs, and today's yardstick"),
    "submission": ("Submission", "a file of samples: training unknown"),
    "reference": ("Reference", "ceiling, cheat, floor, control: no rank"),
}


def family_class(family: str) -> str:
    """Name the style sheet's class of a family."""
    return f"f-{family}" if family in FAMILIES else "f-other"


def range_text(row: Row | None) -> str:
    """Write a row's rank range, "1–3"; nothing for a row without a rank, or whose rank is certain."""
    place = None if row is None else row.place
    return "" if place is None else place.span


def suite_order(suite: str) -> tuple[int, str]:
    """Return the sort key of a suite on the page."""
    return (SUITES.index(suite) if suite in SUITES else len(SUITES), suite)


def slug(*parts: str) -> str:
    """Make an id that is safe in HTML and unlike any other.

    It is made of the parts' letters and digits, with a hash unless the parts were plain.
    """
    joined = "-".join(parts)
    plain = re.sub(r"[^a-zA-Z0-9]+", "-", joined).strip("-").lower()
    exact = re.fullmatch(r"[a-z0-9_-]+", joined)
    return joined if exact else f"{plain[:60]}-{hashlib.sha256(joined.encode('utf-8', 'replace')).hexdigest()[:8]}"
