"""bench show: own data, a plugin, a suite, an experiment or a stored cell in words, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import AsJson, Label, Missing, Out, Strict, Text, app
from bench.errors import UsageError
from bench.registry import entries, unknown
from bench.render.text import clean

if TYPE_CHECKING:
    from bench.cli._shown import Shown
    from bench.plan.request import Reading
    from bench.records.record import Record

OWN_ENDINGS = (".npz", ".npy", ".csv")


@app.command(short_help="Describe own data, a plugin, suite, experiment or cell.")
def show(
    name: Annotated[str, typer.Argument(help="A name; dataset/model/seed-0; or a path, also of your own data.")],
    out: Out = Path("results"),
    label: Label = None,
    missing: Missing = "",
    text: Text = None,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Describe what a name or a path stands for; own data as `bench run --data` would read them."""
    print_one(name, out, reading=reading_of(label, missing, text), strict=strict, as_json=as_json)


def reading_of(label: str | None, missing: str, text: list[str] | None) -> Reading:
    """Return what own_dataset is told beside the path."""
    return {"label": label, "missing": missing, "text": tuple(text or ())}


def print_one(
    name: str, out: Path, *, as_json: bool = False, reading: Reading | None = None, strict: bool = False
) -> None:
    """Print what a name or a path stands for: own data, a suite's file, a stored cell, or a name."""
    if not name:
        raise UsageError("say what to show: a name of bench list, dataset/model/seed-0, or a path; got an empty name")
    if Path(name).is_dir() or Path(name).suffix.lower() in OWN_ENDINGS:
        from bench.cli._shown import own_data

        _print(own_data(Path(name), reading or reading_of(None, "", None), strict=strict), as_json=as_json)
        return
    if strict or any((reading or {}).values()):
        raise UsageError(f"--label, --missing, --text and --strict go with a path of own data; {name!r} is none")
    if not name.endswith(".toml") and (record := _cell_record(name, out)) is not None:
        print(json.dumps(record, indent=1, sort_keys=True))
        _print_traceback(record)
        return
    _print(_named(name, out), as_json=as_json)


def _print(shown: Shown, *, as_json: bool) -> None:
    lines: Iterable[str] = (
        [json.dumps(shown.value, indent=1, default=list)] if as_json else map(_printable, shown.lines)
    )
    print("\n".join(lines))


def _printable(text: str) -> str:
    return "\n".join(map(clean, text.split("\n")))


def _named(name: str, out: Path) -> Shown:
    """Describe a plugin, a suite or an experiment by its name, or a suite by its file."""
    from bench.cli import _shown
    from bench.plan.suite import suite_names
    from bench.reproductions.protocol import names as experiments

    if name in entries("model") or name.endswith(".py"):
        return _shown.model(name, out)
    if name in entries("dataset"):
        return _shown.dataset(name)
    if name in entries("metric") or name in _shown.families():
        return _shown.metric(name)
    if name in suite_names() or name.endswith(".toml"):
        return _shown.suite(name)
    if name in experiments():
        return _shown.experiment(name, out)
    plugins = {n for kind in ("model", "dataset", "metric") for n in entries(kind)}
    raise unknown("name", name, plugins | set(suite_names()) | set(experiments()) | set(_shown.families()))


def _cell_record(name: str, out: Path) -> Record | None:
    """Return a stored record by its path, by its slot, or by the tail of its slot (dataset/model/seed-k)."""
    from bench.records.store import read_record

    path = Path(name)
    if "/" not in name or name.endswith(".py"):
        return None
    tail = name.removesuffix(".json")
    paths = [path] if path.is_file() else sorted((out / "cells").glob(f"**/{tail}.json"))
    if not paths:
        raise UsageError(
            f"{name!r} is no file or folder, and no cell in {out}; a cell is dataset/model/seed-0, see {out}/cells"
        )
    record, problem = read_record(paths[0])
    if record is None:
        raise UsageError(f"{paths[0]} is not a stored cell: {problem}")
    return record


def _print_traceback(record: Record) -> None:
    """Print a failed cell's traceback line by line, on standard error: in JSON it is one string."""
    error = record["error"]
    if error:
        print(f"\n{error['type']} in phase {error['phase']}:", file=sys.stderr)
        for line in error["message"].splitlines():
            print(f"  {clean(line)}", file=sys.stderr)
