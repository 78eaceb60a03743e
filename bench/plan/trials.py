"""Plan a search: cells of one model on one dataset, scored by the public board's primary metric alone."""

from __future__ import annotations

import dataclasses
from typing import Any

from bench.errors import DataUnavailable, UsageError
from bench.models.search import Space, read_search
from bench.plan.cell import Cell
from bench.plan.facts import applicable_metrics, facts_of
from bench.plan.make import cells_of, files_of, hyper_parameters, load_dataset, naming_the_line, unfit
from bench.plan.request import Plan, Request
from bench.plan.search import trial_settings
from bench.plan.settings import default_of, parse_settings
from bench.plan.suite import Suite, load_suite
from bench.registry import Entry, entries, find, load_entry

METHODS = {"samples": "sample", "log_prob": "log_prob", "elbo": "elbo"}  # need of a metric -> what meets it


def make_trials(request: Request, *, count: int, seed: int) -> Plan:
    """Plan a search of the request's one model on its one dataset.

    UsageError where there is nothing to search, or nothing to compare trials by.
    """
    suite = load_suite(request.suite)
    entry = find("model", request.models[0])
    cls = load_entry(entry)
    fixed = parse_settings(request.settings, {entry.name: cls})[entry.name]
    space = _free(entry, read_search(entry, cls), fixed)
    defaults = {field.name: default_of(field) for field in dataclasses.fields(cls)}
    chosen = trial_settings(space, defaults, count)
    dataset = load_dataset(request.datasets[0], request)
    facts = facts_of(dataset, request.reading, files_of(dataset))
    _check_scorable(suite, entry, cls, facts)
    with naming_the_line(entry):
        reason = unfit(cls, hyper_parameters(suite, entry, cls, dataset, fixed | chosen[0], request)[0], dataset)
    if reason:
        raise UsageError(f"{entry.name} does not run on {dataset.name}: {reason}")
    cells = []
    for number, settings in enumerate(chosen):
        hparams, steps = hyper_parameters(suite, entry, cls, dataset, fixed | settings, request)
        cell = cells_of(suite, entry, cls, dataset, facts, hparams, steps, fixed, request)[0]
        cells.append(_trial(cell, number, seed=seed, space=space, fixed=fixed))
    return Plan(tuple(cells), (), ())


def _free(entry: Entry, space: Space, fixed: dict[str, Any]) -> Space:
    """Return what is left to search beside --set; UsageError where nothing is."""
    if not space:
        example = 'search: ClassVar[dict[str, Any]] = {"learning_rate": (1e-4, 1e-2), "width": [64, 128]}'
        raise UsageError(f"{entry.name} declares nothing to tune; give its class ranges of its fields, as in {example}")
    free = {name: axis for name, axis in space.items() if name not in fixed}
    if not free:
        raise UsageError(
            f"--set fixes all that {entry.name} declares to tune: {', '.join(sorted(space))}; leave one out"
        )
    return free


def _check_scorable(suite: Suite, entry: Entry, cls: type, facts: dict[str, Any]) -> None:
    """Refuse a board whose primary metric cannot be had here, or not by this model."""
    dataset, primary = facts["dataset"]["id"], facts["dataset"]["primary"]
    if primary not in applicable_metrics(facts["features"], slow=suite.slow_metrics):
        raise DataUnavailable("; ".join(facts["missing"]) or f"{dataset} is ranked by {primary}, which is not here")
    for need in entries("metric")[primary].constants["needs"]:
        if need in METHODS and not hasattr(cls, METHODS[need]):
            raise UsageError(
                f"{entry.name} cannot be tuned on {dataset}: that board is ranked by {primary}, and the model has no "
                f"{METHODS[need]}()"
            )


def _trial(cell: Cell, number: int, *, seed: int, space: Space, fixed: dict[str, Any]) -> Cell:
    """Return a cell as a trial: named by its number, scored by the primary metric of the public board."""
    primary = cell.dataset["primary"]
    searched = {name: dataclasses.asdict(axis) for name, axis in space.items()}
    return dataclasses.replace(
        cell,
        seed=seed,
        model=cell.model | {"variant": f"trial-{number}", "search": searched, "fixed": fixed},
        metrics={primary: cell.metrics[primary]},
        trial=True,
    )
