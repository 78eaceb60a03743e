"""bench run: run what is missing, or print the plan of it, and print what came of it."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli._boards import print_tables, renew_boards
from bench.cli._place import Address, Device, Place, Retries, Where, executor_for
from bench.cli.app import AsJson, Jobs, Label, Missing, Out, Strict, Text, app, command, interrupt_on_sigterm
from bench.errors import UsageError
from bench.render.text import clean, seconds_text

if TYPE_CHECKING:
    from bench.plan.request import Request
    from bench.render.progress import Lines
    from bench.run.sweep import Outcome
    from bench.run.task import Executor


SAY_WHAT = (
    "say what to run: bench run --all, or bench run -m MODEL -d DATASET (see bench list models), or --suite FILE.toml with "
    "datasets or models in it"
)


class Precision(StrEnum):
    """The arithmetic of models that have the choice."""

    fp32 = "fp32"
    bf16 = "bf16"


class Rerun(StrEnum):
    """Which cells are run again."""

    missing = "missing"
    failed = "failed"
    all = "all"


Settings = Annotated[list[str] | None, typer.Option("--set", help="field=value or model.field=value; repeatable.")]
SuiteName = Annotated[
    str,
    typer.Option(
        metavar="<str>", help="smoke, core, standard, full, or a TOML file (docs/suites.md): what is run, how long."
    ),
]
Names = Annotated[
    list[str] | None, typer.Option("-m", "--model", help="Model: a name or a file; repeat it, or use commas.")
]
Datasets = Annotated[list[str] | None, typer.Option("-d", "--dataset", help="Dataset; repeat it, or use commas.")]
OwnData = Annotated[
    Path | None, typer.Option("--data", help="Your own data: a folder of images, an .npz, .npy or .csv.")
]
KeepStored = Annotated[
    bool, typer.Option("--keep-stored", help="Count stored cells as done without their samples, as in a clone.")
]


@app.command(short_help="Train and score what is missing, print the boards.")
def run(
    everything: Annotated[bool, typer.Option("--all", help="Every model on every dataset of the suite.")] = False,
    model: Names = None,
    dataset: Datasets = None,
    suite: SuiteName = "core",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Training seeds; the suite's own number if left out.")
    ] = None,
    device: Annotated[Device, typer.Option(metavar="<str>", help="auto, cpu or cuda.")] = Device.auto,
    precision: Annotated[
        Precision, typer.Option(metavar="<str>", help="fp32 or bf16, for models that have the choice.")
    ] = Precision.fp32,
    jobs: Jobs = None,
    out: Out = Path("results"),
    data: OwnData = None,
    label: Label = None,
    missing: Missing = "",
    text: Text = None,
    strict: Strict = False,
    settings: Settings = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, run nothing.")] = False,
    rerun: Annotated[Rerun, typer.Option(help="Which cells to run again.")] = Rerun.missing,
    keep_stored: KeepStored = False,
    allow_failures: Annotated[int, typer.Option(min=0, help="Exit 0 with up to so many failed cells.")] = 0,
    executor: Where = Place.local,
    address: Address = None,
    retries: Retries = None,
    as_json: AsJson = False,
) -> None:
    """Train and score what is missing, then print the boards and name their files."""
    if not (everything or model or dataset or data or _names_something(suite)):
        raise UsageError(SAY_WHAT)
    from bench.plan.check import check_request
    from bench.plan.request import Request, split_names
    from bench.render.progress import Lines, Live

    interrupt_on_sigterm()
    request = Request(
        suite=suite,
        models=split_names(model),
        datasets=split_names(dataset),
        seeds=seeds,
        device=device.value,
        precision=precision.value,
        settings=tuple(settings or ()),
        data=str(data.resolve()) if data else None,
        label=label,
        missing=missing,
        text=tuple(text or ()),
        strict=strict,
        fetch=not dry_run,
    )
    check_request(request)
    observer = Live(out) if sys.stderr.isatty() else Lines(out)
    request, runner = executor_for(request, executor, address, retries, jobs, observer.note)
    if dry_run:
        print_plan(request, out, rerun, keep_stored=keep_stored, as_json=as_json)
        return
    outcome = run_and_report(request, runner, observer, out=out, rerun=rerun, keep_stored=keep_stored, as_json=as_json)
    raise typer.Exit(3 if len(outcome.failed) > allow_failures else 0)


def _names_something(suite: str) -> bool:
    """Say whether a suite is a file of the user's that names datasets or models: then those are asked for."""
    from bench.plan.suite import load_suite

    if not suite.endswith(".toml"):
        return False
    named = load_suite(suite)
    return bool(named.datasets or named.models)


def run_and_report(
    request: Request,
    executor: Executor,
    observer: Lines,
    *,
    out: Path,
    rerun: Rerun,
    keep_stored: bool = False,
    as_json: bool,
) -> Outcome:
    """Run what is missing, rebuild the boards, print them and name their files."""
    from bench.executors import start
    from bench.plan.suite import load_suite
    from bench.render.progress import Live

    throughput = load_suite(request.suite).throughput
    refused = False
    try:
        outcome = start.run(
            request,
            out=out,
            executor=executor,
            rerun=rerun.value,
            keep_stored=keep_stored,
            observer=observer,
            throughput=throughput,
        )
    except UsageError:
        refused = True  # nothing ran, perhaps because another run has the folder
        raise
    finally:
        if isinstance(observer, Live):
            observer.close()
        files = [] if refused else renew_boards(out)
    if as_json:
        print(json.dumps(_outcome_json(outcome, files), indent=1))
        return outcome
    print_tables(out, {cell.dataset["id"] for cell in outcome.plan.cells}, suite=request.suite)
    _say_outcome(outcome, out)
    if files:
        print("Boards: " + ", ".join(str(path) for path in files))
    return outcome


def _outcome_json(outcome: Outcome, files: list[Path]) -> dict[str, Any]:
    return {
        "cells": len(outcome.plan.cells),
        "trained": outcome.trained,
        "rescored": outcome.rescored,
        "kept": outcome.kept,
        "failed": outcome.failed,
        "diverged": outcome.diverged,
        "skipped": [skip.__dict__ for skip in outcome.plan.skips],
        "broken": list(outcome.plan.broken),
        "data": [look.__dict__ for look in outcome.plan.looks],
        "problems": outcome.problems,
        "seconds": round(outcome.seconds, 2),
        "files": [str(path) for path in files],
    }


def _say_outcome(outcome: Outcome, out: Path) -> None:
    if not outcome.trained and not outcome.rescored:
        print(f"Nothing to do: all {outcome.kept} cells were done before; nothing was computed again.")
    else:
        parts = [f"{outcome.trained} cells trained"]
        parts += [f"{outcome.rescored} scored anew"] if outcome.rescored else []
        parts += [f"{outcome.kept} done before"] if outcome.kept else []
        print(f"{', '.join(parts)} in {seconds_text(outcome.seconds)}.")
    for line in outcome.plan.broken:
        print(clean(f"broken plugin: {line}"))
    for line in outcome.problems:
        print(clean(f"problem: {line}"))
    for slot in outcome.diverged:
        print(clean(f"diverged (a finding, not a failure): {slot}"))
    for slot in outcome.failed:
        print(clean(f"failed: {slot} ({command('show', slot, out=out)}; run it again with --rerun failed)"))


def print_plan(request: Request, out: Path, rerun: Rerun, *, keep_stored: bool = False, as_json: bool) -> None:
    """Print every cell of a request and what would be done with it, every skip and why; run nothing."""
    from bench.executors import start
    from bench.records.cost import COMMITTED, read_ledger
    from bench.records.store import Store
    from bench.render.look import first_lines
    from bench.run.progress import expected_seconds
    from bench.run.todo import todo_list

    plan = start.plan(request)
    listed = todo_list(plan, Store(out), rerun=rerun.value, keep_stored=keep_stored) if out.exists() else None
    todo = None if listed is None else {one.cell.slot: one.action for one in listed}
    actions = [(cell, "train" if todo is None else todo.get(cell.slot, "done")) for cell in plan.cells]
    if as_json:
        cells = [cell.to_json() | {"action": action} for cell, action in actions]
        skips, looks = [skip.__dict__ for skip in plan.skips], [look.__dict__ for look in plan.looks]
        print(json.dumps({"cells": cells, "skips": skips, "broken": plan.broken, "data": looks}, indent=1))
        return
    for line in (line for look in plan.looks for line in first_lines(look)):
        print(clean(line))
    ledger = read_ledger(out, COMMITTED)
    for cell, action in actions:
        steps = f"{cell.steps} steps" if cell.steps else "no steps"
        about = seconds_text(expected_seconds(cell, ledger))
        print(f"{action:8} {cell.slot}  {steps}, {len(cell.metrics)} metrics, about {about}")
    for skip in plan.skips:
        print(f"skip     {skip.model} on {skip.dataset}: {skip.reason}")
    for line in plan.broken:
        print(clean(f"broken   {line}"))
    work = sum(expected_seconds(cell, ledger) for cell, action in actions if action == "train")
    count = sum(action != "done" for _, action in actions)
    print(f"{count} of {len(actions)} cells to do, about {seconds_text(work)} of one core; {len(plan.skips)} skipped.")
