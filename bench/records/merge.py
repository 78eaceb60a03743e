"""Put records of several machines or people into one folder.

Nothing is overwritten: what does not agree is named.
A cell is copied with its outputs and its pictures, outputs first, so that no record tells of what is not there yet. Fingerprints of
machines, submissions and searches come along. What lies there already with the same bytes is left as it is: merging twice changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import UsageError
from bench.files import read_json, write_atomic
from bench.records.record import Record
from bench.records.store import PICTURES, Store

OTHERS = ("env/*.json", "submissions/*/*.json", "tuning/*/*.json")  # what comes along, beside cells


@dataclass
class Merged:
    """What a merge did. conflicts and damaged: a line each; the files they name were left where they are."""

    added: int = 0
    same: int = 0
    conflicts: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def merge(sources: Sequence[Path], out: Path) -> Merged:
    """Copy what `out` lacks; UsageError, and nothing copied, where one row is of two sources of code."""
    for source in sources:
        if not (source / "cells").is_dir():
            raise UsageError(
                f"{source} holds no results: expected a folder with cells/ in it, as bench run --out makes"
            )
        if source.resolve() == out.resolve():
            raise UsageError(f"{source} is --out itself; name the folders that are merged into it")
    merged, target = Merged(), Store(out)
    with target.locked():
        stores = [target, *map(Store, sources)]
        found = [(store, store.records()) for store in stores]
        merged.damaged += [problem for store in stores for problem in store.problems]
        _refuse_two_sources(found)
        for store, records in found[1:]:
            for record in records:
                _copy_cell(store, record, out, merged)
            _copy_others(store.out, out, merged)
    return merged


def _refuse_two_sources(found: Sequence[tuple[Store, Sequence[Record]]]) -> None:
    """Raise UsageError where rows of one name were made by models of different code in different folders."""
    where: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for store, records in found:
        for record in records:
            row = "/".join(_slot(record).split("/")[:-1])
            where[row][record["model"].get("source_sha256") or "unknown"].add(str(store.out))
    wrong = []
    for row, by_source in sorted(where.items()):
        folders = set().union(*by_source.values())
        if len(by_source) > 1 and len(folders) > 1:
            told = " and ".join(
                f"{sha[:12]} in {', '.join(sorted(places))}" for sha, places in sorted(by_source.items())
            )
            wrong.append(f"{row}: {told}")
    if wrong:
        raise UsageError(
            f"{len(wrong)} rows are of different code under one name, and a row holds one: {'; '.join(wrong[:5])}"
            f"{'; ...' if len(wrong) > 5 else ''}. Rename one model's file and run it again, or leave its cells out; nothing was merged"
        )


def _slot(record: Record) -> str:
    place = f"{record['suite']}-{record['device']}", record["dataset"]["id"], record["model"]["row"]
    return "/".join((*place, f"seed-{record['seed']}"))


def _copy_cell(store: Store, record: Record, out: Path, merged: Merged) -> None:
    """Copy a record with its outputs and pictures, or say what stands in its place."""
    slot = _slot(record)
    source, target = store.out / "cells" / f"{slot}.json", out / "cells" / f"{slot}.json"
    raw = source.read_bytes()
    if not target.exists():
        for path, place in _files_of(store.out, record, slot, out):
            write_atomic(place, path.read_bytes())
        write_atomic(target, raw)
        merged.added += 1
    elif target.read_bytes() == raw:
        merged.same += 1
        for path, place in _files_of(store.out, record, slot, out):
            write_atomic(place, path.read_bytes())
    else:
        merged.conflicts.append(f"{source} is left out: {_unlike(target, record)}")


def _files_of(source: Path, record: Record, slot: str, out: Path) -> Iterator[tuple[Path, Path]]:
    """Yield (file, its place in out) of a record's outputs and pictures that are here and not there."""
    names = [f"artifacts/{slot}.safetensors"]
    if record["seed"] == 0:
        folder, row = f"grids/{record['dataset']['id']}", record["model"]["row"]
        names += [f"{folder}/{row}{ending}" for ending in PICTURES.values()]
    for name in names:
        if (source / name).is_file() and not (out / name).exists():
            yield source / name, out / name


def _unlike(target: Path, record: Record) -> str:
    """Say how a record differs from the one that stands in its place."""
    try:
        other = read_json(target.read_bytes())
    except (OSError, ValueError):
        return f"{target} stands there and cannot be read; take it away, and merge again"
    if other.get("key") != record["key"]:
        return f"{target} has another key ({other.get('key', 'none')[:12]}, this one {record['key'][:12]})"
    if other.get("metrics") == record["metrics"]:
        return f"{target} has the same key and the same scores, from another run"
    return f"{target} has the same key and other scores"


def _copy_others(source: Path, out: Path, merged: Merged) -> None:
    """Copy what else is not there; name files that differ or are damaged."""
    for path in sorted(path for pattern in OTHERS for path in source.glob(pattern)):
        target, raw = out / path.relative_to(source), path.read_bytes()
        try:
            read_json(raw)
        except ValueError as error:
            merged.damaged.append(f"{path}: not readable as JSON ({error}); left out")
            continue
        if not target.exists():
            write_atomic(target, raw)
        elif target.read_bytes() != raw:
            merged.conflicts.append(f"{path} is left out: {target} stands there with another content")
