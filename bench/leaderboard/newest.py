"""Let a row hold records of one making only, the newest: one source, hyper-parameters and versions.

An edited model that is run with fewer seeds leaves its older seeds where they were; their mean would be of no model at all.
What is left out is named, by why it differs from the newest record of its row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.leaderboard.row import SUBMISSION
from bench.records.record import Record

Key = tuple[str, str, str, str]  # suite, device, dataset, row
DECIDE: tuple[tuple[str, Callable[[Record], Any]], ...] = (  # what must be equal; None, where a record does not say, is
    ("of older code", lambda r: r["model"].get("source_sha256")),
    ("on an older version of the data", lambda r: r["dataset"]["sha256"]),
    ("of other hyper-parameters", lambda r: r["model"].get("hparams")),
    ("of another number of steps", lambda r: r["protocol"].get("steps")),
    ("of another precision", lambda r: r["precision"]),
    ("of another number of draws", lambda r: (r["protocol"].get("draws"), r["protocol"].get("elbo_samples"))),
)


@dataclass(frozen=True)
class LeftOut:
    """Seeds of a row that its newest record has outdated. why: "of older code"."""

    key: Key
    seeds: tuple[int, ...]
    why: str

    @property
    def row(self) -> str:
        """Return the row as the gate names it."""
        suite, device, dataset, model = self.key
        return f"{suite}-{device}/{dataset}/{model}"

    @property
    def words(self) -> str:
        """Say what is missing from the row, and what brings it back."""
        count = f"{len(self.seeds)} seed{'s' if len(self.seeds) > 1 else ''}"
        them = "them" if len(self.seeds) > 1 else "it"
        return f"{count} {self.why} left out; --seeds {max(self.seeds) + 1} runs {them} anew"


@dataclass(frozen=True)
class Newest:
    """Records that may stand in one row each, in their order, and what was left out of their rows."""

    records: list[Record]
    left_out: tuple[LeftOut, ...]


def newest(records: Iterable[Record]) -> Newest:
    """Keep the records that were made as the newest of their row was."""
    records = list(records)
    rows: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        rows[key_of(record)].append(record)
    outdated: dict[tuple[Key, str], list[int]] = defaultdict(list)
    gone: set[int] = set()
    for key, those in rows.items():
        last = max(those, key=lambda record: record.get("started_utc") or "")
        for record in those if len(those) > 1 else ():
            why = difference(last, record)
            if why and record["model"]["family"] != SUBMISSION:
                outdated[key, why].append(record["seed"])
                gone.add(id(record))
    left_out = tuple(LeftOut(key, tuple(sorted(seeds)), why) for (key, why), seeds in sorted(outdated.items()))
    return Newest([record for record in records if id(record) not in gone], left_out)


def key_of(record: Record) -> Key:
    """Return the row that a record belongs to."""
    return record["suite"], record["device"], record["dataset"]["id"], record["model"]["row"]


def difference(last: Record, record: Record) -> str:
    """Say in what a record differs from the newest of its row, as "of older code"; empty if in nothing."""
    for why, part in DECIDE:
        if None not in (part(last), part(record)) and part(last) != part(record):
            return why
    other = _unequal(last.get("versions"), record.get("versions"))
    if other:
        return f"of {other} {record['versions'][other]}"
    metric = _unequal(last["protocol"].get("metric_versions"), record["protocol"].get("metric_versions"))
    return f"scored by another version of {metric}" if metric else ""


def _unequal(last: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    """Return the first name under which both say something and not the same."""
    last, other = last or {}, other or {}
    return next((name for name in sorted(last.keys() & other.keys()) if last[name] != other[name]), "")
