"""What every section of the page is made from: records and the tidy frame, indexed once."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.leaderboard.boards import Boards
from bench.records.record import Record
from bench.registry import FAMILIES

Key = tuple[str, str, str]  # suite, device, dataset
Row = dict[str, Any]
SUITES = ("core", "standard", "full", "smoke")  # the order of the page; others follow by name


@dataclass(frozen=True)
class Source:
    """Records, their boards, and the folder of results."""

    records: Sequence[Record]
    boards: Boards
    out: Path

    @cached_property
    def rows(self) -> dict[Key, dict[tuple[str, str], dict[str, Row]]]:
        """(suite, device, dataset) -> (board, metric) -> model -> row; None where a number is absent."""
        frame = self.boards.frame
        plain = frame.astype(object).where(frame.notna(), None)
        found: dict[Key, dict[tuple[str, str], dict[str, Row]]] = defaultdict(lambda: defaultdict(dict))
        names, columns = list(plain), [plain[name].tolist() for name in plain]
        for row in (dict(zip(names, values)) for values in zip(*columns)):
            found[row["suite"], row["device"], row["dataset"]][row["board"], row["metric"]][row["model"]] = row
        return found

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
        found: dict[Key, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for r in self.records:
            found[r["suite"], r["device"], r["dataset"]["id"]][r["model"]["row"]].append(r)
        return found

    def kind(self, dataset: str) -> int:
        """Rank of a dataset's kind of data."""
        kind = self.boards.primaries[dataset][1]
        return list(KINDS).index(kind) if kind in KINDS else len(KINDS)

    def primary(self, key: Key, board: str = "public") -> dict[str, Row]:
        """Model -> row of a board's primary metric."""
        return self.rows[key].get((board, self.boards.primaries[key[2]][0]), {})

    def order(self, key: Key) -> list[str]:
        """Models of a board: ranked ones by rank, then those without the primary metric; reference rows last."""
        main, facts = self.primary(key), self.heads(key)
        place = lambda m: main[m]["rank"] if m in main and main[m]["rank"] is not None else 1e9
        return sorted(facts, key=lambda m: (bool(facts[m]["reference"]), place(m), m))

    def heads(self, key: Key) -> dict[str, Row]:
        """Model -> any of its rows on a board, for family and marks."""
        found: dict[str, Row] = {}
        for column in self.rows[key].values():
            for model, row in column.items():
                found.setdefault(model, row)
        return found


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
    """The style sheet's class of a family."""
    return f"f-{family}" if family in FAMILIES else "f-other"


def suite_order(suite: str) -> tuple[int, str]:
    """Where a suite stands on the page."""
    return (SUITES.index(suite) if suite in SUITES else len(SUITES), suite)


def slug(*parts: str) -> str:
    """An id that is safe in HTML and unlike any other: letters and digits of the parts, a hash where they were not plain."""
    joined = "-".join(parts)
    plain = re.sub(r"[^a-zA-Z0-9]+", "-", joined).strip("-").lower()
    exact = re.fullmatch(r"[a-z0-9_-]+", joined)
    return joined if exact else f"{plain[:60]}-{hashlib.sha256(joined.encode('utf-8', 'replace')).hexdigest()[:8]}"
