"""bench controls: what every metric answers to real rows that were damaged in known ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import AsJson, app
from bench.errors import UsageError
from bench.registry import entries, find, load, unknown

if TYPE_CHECKING:
    from bench.datasets import Dataset


@app.command(short_help="Show what each metric answers to damaged real rows.")
def controls(
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="Dataset.")] = "digits",
    metric: Annotated[list[str] | None, typer.Option("--metric", help="Column, as fid_random; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a metric's answers to damaged real rows, and which orders of the ladder it breaks.

    Each answer is in the metric's unit and, on a log scale, in units of real against real.
    """
    from bench.metrics._controls import answers_of

    for name in metric or ():
        if name not in entries("metric"):
            raise unknown("metric", name, entries("metric"))
    find("dataset", dataset)
    data = load("dataset", dataset)()
    names = tuple(metric or columns_of(data))
    answers = answers_of(data, names)
    if not answers:
        raise UsageError(
            f"no metric among {', '.join(names)} applies to samples of {dataset}; bench list metrics names all"
        )
    if as_json:
        print(json.dumps({"dataset": dataset, "primary": data.primary, "answers": answers, "broken": _broken(answers)}))
        return
    for name, values in answers.items():
        _print_column(name, values)


def columns_of(data: Dataset) -> list[str]:
    """Return the columns that the feature spaces which can be had allow, the slow ones left out."""
    from bench.plan.facts import applicable_metrics, spaces_of

    return list(applicable_metrics(spaces_of(data)[0]))


def _broken(answers: dict[str, dict[str, float]]) -> dict[str, list[str]]:
    from bench.metrics._controls import violated
    from bench.metrics._score import better_of

    ranked = {name: better_of(name) for name in answers if better_of(name) != "none"}
    return {name: violated(answers[name], better=better) for name, better in ranked.items()}


def _print_column(name: str, values: dict[str, float]) -> None:
    from bench.leaderboard.table import metric_scale
    from bench.render.text import number

    print(f"{name}  ({entries('metric')[name].constants.get('unit') or 'no unit'})")
    for rung, value in values.items():
        ratio = f"{value / values['real']:10.2f} x real" if metric_scale(name) == "log" and values["real"] > 0 else ""
        print(f"  {rung:16} {number(value):>12} {ratio}")
    for words in _broken({name: values}).get(name, []):
        print(f"  BROKEN: {words}")
    print()
