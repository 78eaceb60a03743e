"""From an experiment and a budget to its cells.

Run in a process of its own, since it loads data and models.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from bench.datasets import Dataset
from bench.datasets._variants import binarized, with_every_row
from bench.errors import DataUnavailable, UsageError
from bench.plan.cell import Cell
from bench.plan.facts import applicable_metrics, facts_of, model_facts, versions
from bench.plan.lines import PLAN_FILE, encode
from bench.plan.make import hyper_parameters, naming_the_line, unfit
from bench.plan.request import Plan
from bench.plan.request import Request as SuiteRequest
from bench.plan.suite import Suite, load_suite
from bench.registry import Entry, entries, find, load, load_entry, unknown
from bench.reproductions.measure import measure_sha256, needs_of
from bench.reproductions.protocol import FOLDER, Arm, Budget, Experiment, load_experiment
from bench.run.task import Context

TIMEOUT_S = {"cpu": 1200.0, "gpu": 6 * 3600.0, "full": 24 * 3600.0}
MEMORY_BYTES = {"cpu": 3 * 2**30, "gpu": 16 * 2**30, "full": 8 * 2**30}
DRAWS = 5


def plan_experiment(name: str, *, budget: str, device: str) -> Plan:
    """Plan all cells of an experiment.

    DataUnavailable where its data or weights cannot be had, in one line.
    """
    experiment = load_experiment(name)
    return plan_of(experiment, budget=budget, device=device)


def plan_task(*, name: str, budget: str, device: str, context: Context) -> None:
    """Plan an experiment as a task does: the plan is a file for the driver."""
    context.keep(PLAN_FILE, encode(plan_experiment(name, budget=budget, device=device)))


def plan_of(experiment: Experiment, *, budget: str, device: str) -> Plan:
    """Plan an experiment that was read from anywhere."""
    chosen = experiment.budget[budget]
    suite, datasets = load_suite(chosen.suite), {}
    cells: list[Cell] = []
    for arm in experiment.arm:
        key = (chosen.data.get(arm.dataset, arm.dataset), arm.binarized, arm.every_row)
        if key not in datasets:
            datasets[key] = _dataset(*key)
        facts = _facts(key[0], datasets[key], arm, experiment, budget)
        entry, cls = load_model(arm.model)
        hparams = _fields(arm, chosen, budget, suite, entry, cls, datasets[key])
        cells += [
            _cell(experiment, arm, budget, device, facts, entry, _seeded(hparams, seed), seed)
            for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds)
        ]
        with naming_the_line(entry):
            reason = unfit(cls, cells[-1].model["hparams"], datasets[key])
        if reason:
            raise UsageError(f"{experiment.name}, arm {arm.name!r}: {reason}")
    cells.sort(key=lambda cell: cell.seed)  # stable: seed 0 of every arm first, so that an early stop still compares
    return Plan(tuple(cells), (), ())


def load_model(name: str) -> tuple[Entry, type]:
    """Load a model of the suite, or one of reproductions/models/ as "models/NAME.py"."""
    entry = find("model", str(FOLDER / name) if name.endswith(".py") else name)
    return entry, load_entry(entry)


def _dataset(name: str, is_binarized: bool, every_row: bool) -> Dataset:
    dataset = load("dataset", name)()
    dataset = with_every_row(dataset) if every_row else dataset
    return binarized(dataset) if is_binarized and dataset.levels != 2 else dataset


def _facts(name: str, dataset: Dataset, arm: Arm, experiment: Experiment, budget: str) -> dict[str, Any]:
    facts = facts_of(dataset)
    facts["dataset"]["id"] = name
    facts["dataset"] |= {
        key: True for key, made in (("every_row", arm.every_row), ("binarized", dataset.name != name)) if made
    }
    replaced = experiment.budget[budget].metric
    needed_metrics = {replaced.get(t.metric, t.metric) for t in experiment.target}
    needed_metrics |= {column for compare in experiment.compare for column in compare.columns}
    needed_metrics |= {column for interact in experiment.interact for column in interact.columns}
    wanted = needed_metrics | {replaced.get(column, column) for column in experiment.columns}
    wanted |= {best.column for best in experiment.best}
    if "collapse" in experiment.measures_of(arm, budget):
        wanted.add("mode_kl_uniform")
    if experiment.budget[budget].probes:
        wanted.add(facts["dataset"]["primary"])
    applicable = applicable_metrics(facts["features"], slow=True)
    lacking = [m for m in needed_metrics if m in entries("metric") and m not in applicable and _is_of(m, dataset)]
    needed = {space for name in experiment.measures_of(arm, budget) for space in needs_of(name)}
    if facts["missing"] and (lacking or needed & set(dataset.spaces)):
        raise DataUnavailable("; ".join(facts["missing"]))
    for space in sorted(needed - set(dataset.spaces)):
        from bench.features import load_space

        load_space(space, dataset)  # raises Unavailable with the remedy
    facts["metrics"] = {metric: version for metric, version in applicable.items() if metric in wanted}
    return facts


def _is_of(metric: str, dataset: Dataset) -> bool:
    """Whether a feature metric is of one of the dataset's own spaces."""
    return any(metric.endswith(f"_{space}") for space in dataset.spaces)


def _fields(
    arm: Arm, chosen: Budget, budget: str, suite: Suite, entry: Entry, cls: type, dataset: Dataset
) -> dict[str, Any]:
    known = {f.name for f in fields(cls)}
    own = arm.fields | getattr(arm, budget)
    for name in own:
        if name not in known:
            raise UsageError(f"arm {arm.name!r}: {unknown('field', name, known)}")
    settings = {name: value for name, value in chosen.fields.items() if name in known} | own
    return hyper_parameters(suite, entry, cls, dataset, settings, SuiteRequest())[0]


def _seeded(hparams: dict[str, Any], seed: int) -> dict[str, Any]:
    """Put the cell's seed where a field's value is "$seed"."""
    return {name: seed if value == "$seed" else value for name, value in hparams.items()}


def _cell(
    experiment: Experiment,
    arm: Arm,
    budget: str,
    device: str,
    facts: dict[str, Any],
    entry: Entry,
    hparams: dict[str, Any],
    seed: int,
) -> Cell:
    return Cell(
        suite=f"{experiment.name}.{budget}",
        device=device,
        precision="fp32",
        dataset=facts["dataset"],
        model=model_facts(entry, hparams, variant=slug(arm.name)),
        steps=hparams.get("steps"),
        seed=seed,
        draws=DRAWS,
        elbo_samples=64,
        metrics=facts["metrics"],
        features=facts["features"],
        versions=versions(),
        timeout_s=TIMEOUT_S[budget],
        memory_bytes=MEMORY_BYTES[budget],
        probes=experiment.budget[budget].probes if hparams.get("steps") else 0,
        target=experiment.budget[budget].target,
        measures={name: measure_sha256(name) for name in experiment.measures_of(arm, budget)},
        train_rows=arm.train_rows,
    )


def slug(name: str) -> str:
    """Spell an arm's name as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.=]+", "_", name).strip("_")
