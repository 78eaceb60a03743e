"""Tell which versions of libraries a record was made with: its own word, or its machine's fingerprint."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bench.plan.source import libraries
from bench.records.environment import stored
from bench.records.record import Record
from bench.registry import entries


def versions_of(record: Record, out: Path) -> dict[str, str]:
    """Return the versions that a record was made with, by name; {} where nobody knows them."""
    own = record.get("versions")
    if isinstance(own, dict):
        return own
    known = stored(out, record.get("env_ref")).get("libraries", {})
    return {name: str(version).split("+")[0] for name, version in known.items() if version}


def fill_versions(records: list[Record], out: Path) -> None:
    """Add the field `versions` to records that predate it, where a folder holds those of several machines."""
    without = [record for record in records if not isinstance(record.get("versions"), dict)]
    if len({record.get("env_ref") for record in records}) < 2:
        return
    known: dict[tuple[str | None, str], dict[str, str]] = {}
    for record in without:
        made = record.get("env_ref"), record["model"]["id"]
        if made not in known:
            count = ("torch", *_imported(record["model"]["id"]))
            known[made] = {name: version for name, version in versions_of(record, out).items() if name in count}
        record["versions"] = known[made]


@cache
def _imported(model: str) -> tuple[str, ...]:
    """Return the libraries that a model of the registry imports; none for a file that was given as a path."""
    entry = entries("model").get(model)
    return () if entry is None or entry.error else tuple(libraries(entry))
