"""From a suite and the user's choices to the tuple of cells.

Every skip is decided here, with its reason.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bench.errors import DataUnavailable, UsageError, place_of
from bench.files import without_downloads
from bench.models import Selective
from bench.plan.cell import Cell
from bench.plan.facts import applicable_metrics, facts_of, model_facts, versions
from bench.plan.look import look_at
from bench.plan.memory import available_bytes, limit_of_own_data
from bench.plan.request import Plan, Request, Skip
from bench.plan.settings import default_of, parse_settings, spell
from bench.plan.suite import Suite, load_suite
from bench.registry import Broken, Entry, entries, find, load_entry

OWN_TIMEOUT_S = 900.0  # own data may be larger than what a suite is made for: its limit ends what hangs, and no more
CUDA_HOST_GIB = 4.0  # of host memory for CUDA's own libraries, beside what a suite allows a cell


def make_plan(request: Request) -> Plan:
    """Load every dataset and model asked for, in a process of its own, and decide what runs on what."""
    suite, memory = load_suite(request.suite), ""
    if request.data:
        limit, memory = limit_of_own_data(suite.memory_gib, available=available_bytes(), jobs=request.jobs)
        suite = dataclasses.replace(suite, memory_gib=limit, timeout_s=max(suite.timeout_s, OWN_TIMEOUT_S))
    chosen = _models(suite, request)
    settings = parse_settings(request.settings, {e.name: cls for e, cls in chosen.classes})
    cells, skips, looks = [], [], []
    asked = bool(request.datasets or request.data)
    for dataset_name in (
        (request.data,) if request.data else request.datasets or suite.datasets or load_suite("core").datasets
    ):
        try:
            with nullcontext() if request.fetch else without_downloads():
                dataset = load_dataset(dataset_name, request)
        except DataUnavailable as error:
            if asked:
                raise
            skips.append(Skip("every model", dataset_name, str(error)))
            continue
        except Broken as error:
            chosen.lose(error, asked=asked)
            continue
        facts = facts_of(dataset, request.reading, () if request.data else files_of(dataset))
        if "left out" in dataset.notes:
            what = "images" if len(dataset.shape) == 3 else "columns or rows"
            skips.append(Skip(what, dataset.name, dataset.notes["left out"]))
        if request.data:
            looks.append(look_at(dataset, {"memory": memory}))
        if facts["missing"] and asked:  # asked for by name: then its metrics are too
            raise DataUnavailable("; ".join(facts["missing"]))
        skips += [Skip("its feature metrics", dataset.name, reason) for reason in facts["missing"]]
        for entry, cls in chosen.classes:
            given = settings.get(entry.name, {})
            try:
                with naming_the_line(entry):
                    hparams, steps = hyper_parameters(suite, entry, cls, dataset, given, request)
                    reason = unfit(cls, hparams, dataset)
            except Broken as error:
                chosen.lose(error, asked=bool(request.models or given))
                continue
            if reason:
                skips.append(Skip(entry.name, dataset.name, reason))
                continue
            cells += cells_of(suite, entry, cls, dataset, facts, hparams, steps, given, request)
    cells.sort(key=lambda cell: cell.seed)  # stable: seed 0 of everything first
    return Plan(tuple(cells), tuple(skips), tuple(chosen.broken), tuple(looks))


@dataclass
class _Chosen:
    classes: list[tuple[Entry, type]]
    broken: list[str]

    def lose(self, error: Broken, *, asked: bool) -> None:
        """List a model that misbehaves, once, and go on without it; UsageError where it was asked for by name."""
        if asked:
            raise UsageError(str(error)) from error
        if str(error) not in self.broken:
            self.broken.append(str(error))


def _models(suite: Suite, request: Request) -> _Chosen:
    asked = request.models or suite.models
    listed = [find("model", name) for name in asked] if asked else list(entries("model").values())
    chosen = _Chosen([], [])
    for entry in listed:
        try:
            chosen.classes.append((entry, load_entry(entry)))
        except Broken as error:
            chosen.lose(error, asked=bool(request.models))
    return chosen


def load_dataset(name: str, request: Request) -> Any:
    """Load a dataset by name, or the request's own data; Broken names the line of what raised."""
    if request.data:
        from bench.datasets.own import own_dataset

        return own_dataset(request.data, strict=request.strict, **request.reading)
    entry = find("dataset", name)
    with naming_the_line(entry):
        return load_entry(entry)()


def files_of(dataset: Any) -> list[str]:
    """List the downloaded files that a public dataset, or the one it is made of, was read from."""
    from bench.datasets._download import find as find_file

    names = [name for name in (dataset.name, dataset.classifier_of) if name in entries("dataset")]
    entry = next((entry for entry in (find("dataset", name) for name in names) if entry.downloads), None)
    remote = import_module(entry.module).FILES.values() if entry else ()
    return [str(path.absolute()) for path in (find_file(entry.name, file) for file in remote) if path] if entry else []


def hyper_parameters(
    suite: Suite, entry: Entry, cls: type, dataset: Any, settings: dict[str, Any], request: Request
) -> tuple[dict[str, Any], int | None]:
    """Return (field values, steps): the defaults, then the suite's, then the user's.

    Levels from the dataset.
    """
    names = {f.name: f for f in dataclasses.fields(cls)}
    values = {name: default_of(f) for name, f in names.items()}
    if "levels" in names:
        values["levels"] = dataset.levels
    if "steps" in names:
        steps = suite.lookup("steps", entry.name, dataset.name, dataset.kind)
        values["steps"] = values["steps"] if steps is None else steps
        if suite.max_steps:
            values["steps"] = min(values["steps"], suite.max_steps)
    values |= suite.lookup("set", entry.name, dataset.name, dataset.kind) or {}
    if "precision" in names and request.precision != "fp32":
        values["precision"] = request.precision
    values |= settings
    return values, values.get("steps")


def unfit(cls: type, hparams: dict[str, Any], dataset: Any) -> str:
    """Say why this model cannot run on this dataset; empty if it can."""
    for name, value in hparams.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            expected = "expected a number, a string, a list or None, which a record can hold"
            raise TypeError(f"field {name!r} is {value!r}; {expected}") from error
    model = cls(**hparams)
    reason = model.supports(dataset) if isinstance(model, Selective) else ""
    if not isinstance(reason, str):
        raise TypeError(f"supports() returned {reason!r}; expected the reason for a skip, or an empty string")
    return reason


@contextmanager
def naming_the_line(entry: Entry) -> Iterator[None]:
    """Turn whatever a plugin raises into Broken, which names its file and line."""
    try:
        yield
    except (Broken, DataUnavailable, UsageError):
        raise
    except Exception as error:
        place = place_of(error, entry.path)
        raise Broken(f"{entry.kind} {entry.name!r} ({place}): {type(error).__name__}: {error}") from error


def cells_of(
    suite: Suite,
    entry: Entry,
    cls: type,
    dataset: Any,
    facts: dict[str, Any],
    hparams: dict[str, Any],
    steps: int | None,
    settings: dict[str, Any],
    request: Request,
) -> list[Cell]:
    """Make the cells of one model on one dataset, a seed each; settings: what sets their row apart."""
    variant = [f"{name}={spell(value)}" for name, value in sorted(settings.items())]
    if request.precision != "fp32" and "precision" in hparams:
        variant.append(f"precision={request.precision}")
    model = model_facts(entry, hparams, variant=",".join(variant))
    model["uses_labels"] = model["uses_labels"] and dataset.n_classes > 0
    metrics = applicable_metrics(facts["features"], slow=suite.slow_metrics)
    made_with = versions()
    return [
        Cell(
            suite=suite.name,
            device=request.device,
            precision=request.precision if "precision" in hparams else "fp32",
            dataset=facts["dataset"],
            model=model,
            steps=steps,
            seed=seed,
            draws=suite.draws_of(max(len(dataset.valid), len(dataset.test))),
            elbo_samples=suite.elbo_samples,
            metrics=metrics,
            features=facts["features"],
            versions=made_with,
            probes=suite.probes if steps else 0,
            target=suite.targets.get(dataset.name),
            ranks=suite.ranks,
            sample_limit=suite.sample_limit,
            timeout_s=suite.timeout_s,
            memory_bytes=int((suite.memory_gib + CUDA_HOST_GIB * (request.device == "cuda")) * 2**30),
        )
        for seed in range(request.seeds or suite.seeds)
    ]
