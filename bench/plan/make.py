"""From a suite and the user's choices to the tuple of cells; every skip is decided here, with its reason."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bench.errors import DataUnavailable, UsageError
from bench.files import without_downloads
from bench.plan.cell import Cell
from bench.plan.facts import applicable_metrics, facts_of, model_facts, versions
from bench.plan.request import Plan, Request, Skip
from bench.plan.settings import default_of, parse_settings, spell
from bench.plan.suite import Suite, load_suite
from bench.registry import Broken, Entry, entries, find, load_entry

CUDA_HOST_GIB = 4.0  # of host memory for CUDA's own libraries, beside what a suite allows a cell


def make_plan(request: Request) -> Plan:
    """Load every dataset and model asked for, in a process of its own, and decide what runs on what."""
    suite = load_suite(request.suite)
    chosen = _models(suite, request)
    settings = parse_settings(request.settings, {e.name: cls for e, cls in chosen.classes})
    cells, skips = [], []
    asked = bool(request.datasets or request.data)
    for dataset_name in (request.data,) if request.data else request.datasets or suite.datasets:
        try:
            with nullcontext() if request.fetch else without_downloads():
                dataset = _dataset(dataset_name, request)
        except DataUnavailable as error:
            if asked:
                raise
            skips.append(Skip("every model", dataset_name, str(error)))
            continue
        facts = facts_of(dataset, request.label, () if request.data else _files(dataset))
        if "left out" in dataset.notes:
            skips.append(Skip("images", dataset.name, dataset.notes["left out"]))
        if facts["missing"] and asked:  # asked for by name: then its metrics are too
            raise DataUnavailable("; ".join(facts["missing"]))
        skips += [Skip("its feature metrics", dataset.name, reason) for reason in facts["missing"]]
        for entry, cls in chosen.classes:
            hparams, steps = hyper_parameters(suite, entry, cls, dataset, settings.get(entry.name, {}), request)
            reason = unfit(cls, hparams, dataset)
            if reason:
                skips.append(Skip(entry.name, dataset.name, reason))
                continue
            cells += _cells(suite, entry, cls, dataset, facts, hparams, steps, settings.get(entry.name, {}), request)
    cells.sort(key=lambda cell: cell.seed)  # stable: seed 0 of everything first
    return Plan(tuple(cells), tuple(skips), tuple(chosen.broken))


@dataclass
class _Chosen:
    classes: list[tuple[Entry, type]]
    broken: list[str]


def _models(suite: Suite, request: Request) -> _Chosen:
    asked = request.models or suite.models
    listed = [find("model", name) for name in asked] if asked else list(entries("model").values())
    chosen = _Chosen([], [])
    for entry in listed:
        try:
            chosen.classes.append((entry, load_entry(entry)))
        except Broken as error:
            if request.models:
                raise UsageError(str(error)) from error
            chosen.broken.append(str(error))
    return chosen


def _dataset(name: str, request: Request) -> Any:
    if request.data:
        from bench.datasets.own import own_dataset

        return own_dataset(request.data, label=request.label, strict=request.strict)
    entry = find("dataset", name)
    return load_entry(entry)()


def _files(dataset: Any) -> list[str]:
    """List the downloaded files that a public dataset, or the one it is made of, was read from."""
    from bench.datasets._download import find as find_file

    names = [name for name in (dataset.name, dataset.classifier_of) if name in entries("dataset")]
    entry = next((entry for entry in (find("dataset", name) for name in names) if entry.downloads), None)
    remote = import_module(entry.module).FILES.values() if entry else ()
    return [str(path.absolute()) for path in (find_file(entry.name, file) for file in remote) if path] if entry else []


def hyper_parameters(
    suite: Suite, entry: Entry, cls: type, dataset: Any, settings: dict[str, Any], request: Request
) -> tuple[dict[str, Any], int | None]:
    """Return (field values, steps): the defaults, then the suite's, then the user's; levels from the dataset."""
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
    try:
        model = cls(**hparams)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{cls.__name__}: {error}") from error
    supports = getattr(model, "supports", None)
    return supports(dataset) if supports else ""


def _cells(
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
            draws=suite.draws,
            elbo_samples=suite.elbo_samples,
            metrics=metrics,
            features=facts["features"],
            versions=made_with,
            probes=suite.probes if steps else 0,
            target=suite.targets.get(dataset.name),
            sample_limit=suite.sample_limit,
            timeout_s=suite.timeout_s,
            memory_bytes=int((suite.memory_gib + CUDA_HOST_GIB * (request.device == "cuda")) * 2**30),
        )
        for seed in range(request.seeds or suite.seeds)
    ]
