"""bench data list | fetch | path | verify: the files of downloadable datasets."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from bench.cli.app import app
from bench.errors import DataUnavailable
from bench.registry import downloadable, find, unknown

if TYPE_CHECKING:
    from bench.datasets._download import RemoteFile


class DataVerb(StrEnum):
    """What to do with the files."""

    list = "list"
    fetch = "fetch"
    path = "path"
    verify = "verify"


@app.command(short_help="Find, download or check files of datasets.")
def data(
    verb: Annotated[DataVerb, typer.Argument(help="list, fetch, path or verify.")],
    name: Annotated[list[str] | None, typer.Argument(help="Dataset; all that can be downloaded if left out.")] = None,
) -> None:
    """Files of downloadable datasets: where they are, download them, check them."""
    act = {
        DataVerb.list: list_files,
        DataVerb.fetch: fetch_files,
        DataVerb.path: paths,
        DataVerb.verify: verify,
    }[verb]
    print(act(tuple(name or ())))


class Row(NamedTuple):
    """One file: where it is, or where it would go."""

    dataset: str
    file: RemoteFile
    path: Path | None


def rows(names: tuple[str, ...]) -> list[Row]:
    """Return the files of the named datasets, of all without a name; NotFound for a name that has none."""
    from bench.datasets import _download

    for name in names:
        if name not in downloadable():
            raise unknown("downloadable dataset", name, downloadable())
    return [
        Row(name, file, _download.find(name, file))
        for name in names or downloadable()
        for file in import_module(find("dataset", name).module).FILES.values()
    ]


def list_files(names: tuple[str, ...]) -> str:
    """Return a line a file: dataset, name, megabytes, and its path or that it is missing."""
    lines = []
    for row in rows(names):
        where = str(row.path) if row.path else f"missing; bench data fetch {row.dataset}"
        lines.append(f"{row.dataset:14} {row.file.name:28} {row.file.size / 1e6:7.1f} MB  {where}")
    return "\n".join(lines)


def fetch_files(names: tuple[str, ...]) -> str:
    """Download what is missing; DataUnavailable says what could not be had and what to do."""
    from bench.datasets import _download

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
    """Return the paths of files that are here; DataUnavailable names the first one that is not."""
    here = []
    for row in rows(names):
        if row.path is None:
            raise DataUnavailable(f"{row.file.name} of {row.dataset} is not here; run: bench data fetch {row.dataset}")
        here.append(str(row.path))
    return "\n".join(here)


def verify(names: tuple[str, ...]) -> str:
    """Read every file that is here and check its content; DataUnavailable lists the bad ones."""
    from bench.datasets import _download

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
