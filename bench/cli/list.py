"""bench list: the models, datasets, metrics or suites, a line each; none of them is imported."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from bench.cli.app import AsJson, app
from bench.registry import entries
from bench.render.text import clean


class Kind(StrEnum):
    """What can be listed."""

    models = "models"
    datasets = "datasets"
    metrics = "metrics"
    suites = "suites"


@app.command("list", short_help="List models, datasets, metrics or suites.")
def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")] = Kind.models, as_json: AsJson = False) -> None:
    """List models, datasets, metrics or suites; imports none of them."""
    if kind is Kind.suites:
        print_suites(as_json=as_json)
    else:
        print_plugins(kind, as_json=as_json)


def print_plugins(kind: Kind, *, as_json: bool) -> None:
    """Print a line a plugin of one kind: its name and its title, or why it cannot be used."""
    plugins = entries(kind.removesuffix("s")).values()
    if as_json:
        rows = [
            {
                "name": e.name,
                "title": e.title,
                "path": str(e.path),
                "methods": e.methods,
                "error": e.error,
                **e.constants,
            }
            for e in plugins
        ]
        print(json.dumps(rows, indent=1, default=list))
        return
    for entry in plugins:
        label = ""
        if kind is Kind.models:
            label = f"{entry.constants.get('family', ''):12} "
        elif kind is Kind.metrics:
            label = f"{entry.constants.get('better', ''):7} "
        words = f"BROKEN: {entry.error}" if entry.error else f"{label}{entry.title}"
        print(clean(f"{entry.name:18} {words}"))


def print_suites(*, as_json: bool) -> None:
    """Print each suite: what it runs, and what the committed results say that it costs."""
    from bench.plan.suite import load_suite, suite_names
    from bench.records.cost import COMMITTED, read_ledger, shares

    suites = [load_suite(name) for name in suite_names()]
    if as_json:
        print(json.dumps([s.__dict__ for s in suites], indent=1))
        return
    for suite in suites:
        print(f"{suite.name}: {suite.description}")
        print(f"  datasets: {', '.join(suite.datasets)}; {suite.seeds} seed(s)")
        ledger = shares(read_ledger(COMMITTED), suite.name)
        total = sum(seconds for _, seconds, _ in ledger)
        for model, seconds, cells in ledger:
            share = seconds / total if total else 0.0
            print(f"  {model:18} {seconds:7.1f} core-seconds a seed over {cells} datasets, {share:5.1%}")
        if ledger:
            print(f"  {'all':18} {total:7.1f} core-seconds a seed, {total * suite.seeds:.0f} with {suite.seeds} seeds")
