"""bench data list | fetch | path | verify: the files of downloadable datasets."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from bench.datasets import _download
from bench.errors import DataUnavailable
from bench.registry import downloadable, find, unknown


class Row(NamedTuple):
    """One file: where it is, or where it would go."""

    dataset: str
    file: _download.RemoteFile
    path: Path | None


def rows(names: tuple[str, ...]) -> list[Row]:
    """The files of the named datasets, of all without a name; NotFound for a name that has none."""
    for name in names:
        if name not in downloadable():
            raise unknown("downloadable dataset", name, downloadable())
    return [
        Row(name, file, _download.find(name, file))
        for name in names or downloadable()
        for file in import_module(find("dataset", name).module).FILES.values()
    ]


def list_files(names: tuple[str, ...]) -> str:
    """A line a file: dataset, name, bytes, and its path or that it is missing."""
    lines = []
    for row in rows(names):
        where = str(row.path) if row.path else f"missing; bench data fetch {row.dataset}"
        lines.append(f"{row.dataset:14} {row.file.name:28} {row.file.size / 1e6:7.1f} MB  {where}")
    return "\n".join(lines)


def fetch_files(names: tuple[str, ...]) -> str:
    """Download what is missing; DataUnavailable says what could not be had and what to do."""
    lines, failed = [], []
    for row in rows(names):
        try:
            path = row.path or _download.fetch(row.dataset, row.file)
        except DataUnavailable as error:
            failed.append(str(error))
        else:
            lines.append(f"{row.dataset:14} {path}" + ("" if row.path is None else " (was here)"))
    if failed:
        raise DataUnavailable("\n".join([*lines, *failed]))
    return "\n".join(lines)


def paths(names: tuple[str, ...]) -> str:
    """The paths of files that are here; DataUnavailable names the first one that is not."""
    found = rows(names)
    for row in found:
        if row.path is None:
            raise DataUnavailable(f"{row.file.name} of {row.dataset} is not here; run: bench data fetch {row.dataset}")
    return "\n".join(str(row.path) for row in found)


def verify(names: tuple[str, ...]) -> str:
    """Read every file that is here and check its content; DataUnavailable lists the bad ones."""
    lines, bad = [], []
    for row in rows(names):
        if row.path is None:
            if names:
                bad.append(f"{row.file.name} of {row.dataset} is not here; run: bench data fetch {row.dataset}")
            continue
        try:
            _download.content(row.path, row.file)
        except ValueError as error:
            bad.append(str(error))
        else:
            lines.append(f"ok  {row.path}")
    if bad:
        raise DataUnavailable("\n".join([*lines, *bad]))
    return "\n".join(lines) or "nothing is here; run: bench data fetch"
