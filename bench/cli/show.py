"""bench show: a plugin, a suite, own data or a stored cell in words. Plugins are read as syntax trees; torch comes late."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import Out, app
from bench.errors import UsageError
from bench.registry import entries, find, relative, unknown
from bench.render.text import clean

if TYPE_CHECKING:
    from bench.datasets import Dataset
    from bench.records.record import Record


@app.command(short_help="Describe a model, dataset, metric, suite or cell.")
def show(
    name: Annotated[str, typer.Argument(help="A name; dataset/model/seed-0; or a path, also of your own data.")],
    out: Out = Path("results"),
) -> None:
    """Describe a model, dataset, metric or suite, or a stored cell (dataset/model/seed-0, or a path)."""
    print_one(name, out)


def print_one(name: str, out: Path) -> None:
    """Print what a name or a path stands for: own data, a stored cell, a plugin or a suite, in this order."""
    from bench.plan.suite import FOLDER as SUITES
    from bench.plan.suite import suite_names

    if not name:
        raise UsageError("say what to show: a name of bench list, dataset/model/seed-0, or a path; got an empty name")
    if Path(name).is_dir() or Path(name).suffix.lower() in (".npz", ".csv"):
        _show_own(Path(name))
        return
    record = _cell_record(name, out)
    if record is not None:
        print(json.dumps(record, indent=1, sort_keys=True))
        return
    for kind, describe in (("model", _show_model), ("dataset", _show_dataset), ("metric", _show_metric)):
        if name in entries(kind) or (kind == "model" and name.endswith(".py")):
            describe(name, out)
            return
    if name in suite_names():
        print((SUITES / f"{name}.toml").read_text())
        return
    names = {n for kind in ("model", "dataset", "metric") for n in entries(kind)} | set(suite_names())
    raise unknown("name", name, names)


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


def _show_model(name: str, out: Path) -> None:
    import ast

    from bench.models import CAPABILITIES
    from bench.records.store import Store

    entry = find("model", name)
    text = entry.path.read_text(encoding="utf-8")
    print(ast.get_docstring(ast.parse(text)) or "(no docstring)")
    hidden = {"family", "paper", "uses_labels", "measure", "reference"}
    print(
        f"\nfile: {relative(entry.path)}\nfamily: {entry.constants.get('family')}\npaper: {entry.constants.get('paper', '')}"
    )
    print(f"can: {', '.join(CAPABILITIES[m].words for m in entry.methods if m in CAPABILITIES)}")
    print("fields: " + ", ".join(f"{k}={v!r}" for k, v in entry.constants.items() if k not in hidden))
    records = [r for r in Store(out).records() if r["model"]["id"] == entry.name] if (out / "cells").is_dir() else []
    for record in records:
        primary = record["dataset"].get("primary", "")
        value = record["metrics"]["public"].get(primary, {}).get("value")
        score = f"{primary} {value:.4g}" if value is not None else record["status"]
        print(clean(f"  {record['dataset']['id']:15} {record['model']['row']:20} seed {record['seed']}: {score}"))


def _show_dataset(name: str, out: Path) -> None:
    from bench.files import without_downloads
    from bench.registry import load

    entry = find("dataset", name)
    with without_downloads():
        data = load("dataset", name)()
    print(f"{entry.title}\n\nfile: {relative(entry.path)}")
    _describe(data)


def _show_own(path: Path) -> None:
    from bench.datasets.own import own_dataset

    data = own_dataset(path)
    print(f"{data.name}: your own data\n\nfile: {path}")
    _describe(data)


def _describe(data: Dataset) -> None:
    from bench.submissions.values import form_of

    print(f"kind: {data.kind}; one example has shape {data.shape}")
    print(
        f"train / valid / test: {len(data.train)} / {len(data.valid)} / {len(data.test)} rows (public: valid, private: test)"
    )
    values = f"{data.levels} levels, code / {data.levels - 1} in [0, 1]" if data.levels else "real numbers"
    print(f"values: {values}\nclasses: {data.n_classes or 'no labels'} {' '.join(data.class_names[:20])}")
    print(f"ranked by: {data.primary}; feature spaces: {', '.join(data.spaces)}\nsha256: {data.sha256}")
    for key, value in data.notes.items():
        print(f"{key}: {value}")
    print(f"a submission: {form_of(data).describe()}")


def _show_metric(name: str, out: Path) -> None:
    entry = find("metric", name)
    constants = entry.constants
    print(f"{entry.title}\n\nfile: {relative(entry.path)}")
    for key in ("better", "unit", "scale", "needs", "version", "slow"):
        print(f"{key}: {constants.get(key, '')}")
