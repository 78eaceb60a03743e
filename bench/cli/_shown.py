"""What `bench show` says of a name: lines of words, and the same as JSON."""

from __future__ import annotations

import ast
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UsageError
from bench.registry import Entry, entries, find, relative
from bench.render.budget import ending_of
from bench.render.look import all_lines
from bench.render.text import number

if TYPE_CHECKING:
    from bench.datasets import Dataset
    from bench.plan.request import Reading

HIDDEN = {"family", "paper", "uses_labels", "measure", "reference"}
BETTER = {"lower": "lower is better", "higher": "higher is better", "none": "no direction is better: it describes"}
UNITS = {
    "fraction": "a share between 0 and 1",
    "nats": "nats, units of natural logarithm",
    "bits": "bits, units of base-2 logarithm",
    "count": "a count",
    "": "in units of the data or of the feature space, so comparable within one board only",
}
SCALES = {
    "log": "ratios count: half is as much better than one as one is than two",
    "logit": "odds count: from 0.98 to 0.99 is as far as from 0.5 to 0.67",
    "raw": "differences count, and are worth the same everywhere",
}


@dataclass(frozen=True)
class Shown:
    """Lines for people, and a JSON object for programs."""

    lines: list[str]
    value: dict[str, Any]


def own_data(path: Path, reading: Reading, *, strict: bool) -> Shown:
    """Describe what a run would make of the user's own data."""
    from bench.datasets.own import own_dataset

    return _look(own_dataset(path, strict=strict, **reading), "your own data", str(path))


def dataset(name: str) -> Shown:
    """Describe a dataset of the suite, loaded without a download."""
    from bench.files import without_downloads
    from bench.registry import load_entry

    entry = find("dataset", name)
    with without_downloads():
        data = load_entry(entry)()
    return _look(data, entry.title, relative(entry.path))


def _look(data: Dataset, title: str, path: str) -> Shown:
    from bench.plan.look import look_at
    from bench.submissions.values import form_of

    look, form = look_at(data), form_of(data).describe()
    lines = [title, "", f"file: {path}", *all_lines(look), f"a submission: {form}"]
    return Shown(lines, asdict(look) | {"title": title, "file": path, "submission": form})


def model(name: str, out: Path) -> Shown:
    """Describe a model: its docstring, what it can do, its fields, and its stored scores."""
    from bench.models import CAPABILITIES
    from bench.records.store import Store

    entry = find("model", name)
    if entry.error:
        raise UsageError(f"model {name!r} ({entry.path}): {entry.error}")
    words = ast.get_docstring(ast.parse(entry.path.read_text(encoding="utf-8"))) or "(no docstring)"
    can = [CAPABILITIES[m].words for m in entry.methods if m in CAPABILITIES]
    fields = {key: value for key, value in entry.constants.items() if key not in HIDDEN}
    lines = [words, "", f"file: {relative(entry.path)}", f"family: {entry.constants.get('family')}"]
    lines += [f"paper: {entry.constants.get('paper', '')}", f"can: {', '.join(can)}"]
    lines.append("fields: " + ", ".join(f"{key}={value!r}" for key, value in fields.items()))
    stored = []
    for record in Store(out).records() if (out / "cells").is_dir() else []:
        if record["model"]["id"] == entry.name:
            primary = record["dataset"].get("primary", "")
            value = record["metrics"]["public"].get(primary, {}).get("value")
            score = f"{primary} {value:.4g}" if value is not None else record["status"]
            score += f", {ending}" if (ending := ending_of(record)) else ""
            stored.append(f"  {record['dataset']['id']:15} {record['model']['row']:20} seed {record['seed']}: {score}")
    return Shown([*lines, *stored], _json(entry) | {"docstring": words, "can": can, "fields": fields})


def families() -> dict[str, list[Entry]]:
    """Return the metrics of several feature spaces by what their columns' names share: fid, kid, ..."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries("metric").values():
        if entry.constants.get("spaces"):
            groups.setdefault(entry.constants.get("name", entry.attribute), []).append(entry)
    return groups


def metric(name: str) -> Shown:
    """Describe a metric, or a family by the name that its columns share, and how its value is read."""
    columns = families().get(name, [])
    entry = columns[0] if columns else find("metric", name)
    constants = entry.constants
    lines = [entry.title, "", f"file: {relative(entry.path)}"]
    if columns:
        spaces = ", ".join(constants["spaces"])
        lines.append(f"columns: {', '.join(one.name for one in columns)}: one for each feature space ({spaces})")
    reading = how_to_read(constants)
    lines.append(f"how to read it: {reading}")
    lines.append(f"needs: {', '.join(constants.get('needs', ()))}")
    lines.append(f"version: {constants.get('version', 1)}")
    if constants.get("slow"):
        lines.append("slow: computed by suites with slow_metrics = true only")
    lines.append("what fools it: docs/metrics.md")
    return Shown(lines, _json(entry) | {"name": name, "columns": [one.name for one in columns], "how_to_read": reading})


def how_to_read(constants: dict[str, Any]) -> str:
    """Return one sentence on a metric's value: direction, unit and scale."""
    better, unit = BETTER[constants.get("better", "none")], UNITS.get(constants.get("unit", ""), constants.get("unit"))
    return f"{better}; {unit}; {SCALES[constants.get('scale') or 'raw']}."


def suite(name: str) -> Shown:
    """Describe a suite by its name or its file, which is checked: what it runs, its keys, and its text."""
    from bench.plan.suite import FOLDER, load_suite

    one = load_suite(name)
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    models = ", ".join(one.models) or "all"
    datasets = ", ".join(one.datasets) or "those of the suite core"
    lines = [f"{one.name}: {one.description or 'a suite'}", "", f"file: {relative(path)}", f"datasets: {datasets}"]
    lines += [
        f"models: {models}",
        f"seeds: {one.seeds}",
        "its keys: docs/suites.md",
        f"run it: bench run --suite {name}",
    ]
    if not name.endswith(".toml") or not (one.models or one.datasets):
        lines[-1] += " --all"
    return Shown([*lines, "", path.read_text(encoding="utf-8").rstrip()], asdict(one))


def experiment(name: str, out: Path) -> Shown:
    """Describe a published result or a question: what it asks, its arms, and what it costs."""
    from bench.reproductions.protocol import load_experiment
    from bench.reproductions.run import core_minutes

    one, minutes = load_experiment(name), core_minutes(out)
    lines = [f"{one.name}: {one.title}", "", *[text for text in (one.setup, one.protocol) if text]]
    lines += [f"{key}: {text}" for key, text in (("paper", one.paper), ("source", one.source)) if text]
    lines += [f"differs from the paper: {text}" for text in one.differs]
    lines.append("arms:")
    for arm in one.arm:
        fields = ", ".join(f"{key}={value}" for key, value in arm.fields.items())
        lines.append(f"  {arm.name}: {arm.model} on {arm.dataset}" + (f" ({fields})" if fields else ""))
    for budget, plan in one.budget.items():
        cost = minutes.get((name, budget))
        told = "not measured here" if cost is None else f"{number(cost)} core-minutes in the stored result"
        lines.append(f"budget {budget}: {plan.seeds} seeds, {told}" + (f"; {plan.note}" if plan.note else ""))
    lines.append(f"run it: bench reproduce {name}")
    costs = {budget: minutes.get((name, budget)) for budget in one.budget}
    return Shown(lines, asdict(one) | {"core_minutes": costs})


def _json(entry: Entry) -> dict[str, Any]:
    return {"name": entry.name, "kind": entry.kind, "title": entry.title, "path": str(entry.path), **entry.constants}
