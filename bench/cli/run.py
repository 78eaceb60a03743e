"""bench run: its checks before anything heavy is started, the plan of --dry-run, and what is printed at the end."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.cli.leaderboard import print_tables, renew_boards
from bench.errors import UsageError
from bench.executors.start import run
from bench.plan.request import Plan, Request
from bench.plan.suite import load_suite
from bench.records.cost import COMMITTED, read_ledger
from bench.records.store import Store
from bench.registry import find
from bench.render.progress import Lines, Live
from bench.render.text import clean, seconds_text
from bench.run.progress import expected_seconds
from bench.run.sweep import Outcome
from bench.run.todo import todo_list

PRECISIONS = ("fp32", "bf16")


def check_precision(precision: str) -> str:
    """The precision, or a UsageError."""
    if precision not in PRECISIONS:
        raise UsageError(f"--precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    return precision


def check_names(request: Request) -> None:
    """Refuse unknown names before anything heavy is started."""
    load_suite(request.suite)
    if request.data:
        if request.datasets:
            raise UsageError(f"--data is the dataset; leave out -d {','.join(request.datasets)}")
        from bench.datasets.own.read import read_arrays

        # says what is wrong, keeps what is decoded
        read_arrays(Path(request.data), label=request.label, strict=request.strict)
    elif request.label or request.strict:
        raise UsageError("--label and --strict go with --data")
    for name in request.models:
        entry = find("model", name)
        if entry.error:
            raise UsageError(f"model {name!r} ({entry.path}): {entry.error}")
    for name in request.datasets:
        find("dataset", name)


def run_and_report(request: Request, *, out: Path, jobs: int, rerun: str, as_json: bool) -> Outcome:
    """Run, rebuild the boards, print them and their files."""
    observer = Live() if sys.stderr.isatty() else Lines()
    throughput = load_suite(request.suite).throughput
    refused = False
    try:
        outcome = run(request, out=out, jobs=jobs, rerun=rerun, observer=observer, throughput=throughput)
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
    _say_outcome(outcome)
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
        "problems": outcome.problems,
        "seconds": round(outcome.seconds, 2),
        "files": [str(path) for path in files],
    }


def _say_outcome(outcome: Outcome) -> None:
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
        print(clean(f"failed: {slot} (bench show {slot}; run it again with --rerun failed)"))


def print_plan(plan: Plan, out: Path, rerun: str, *, as_json: bool) -> None:
    """--dry-run: every cell and what would be done with it, every skip and why."""
    store = Store(out)
    todo = {one.cell.slot: one.action for one in todo_list(plan, store, rerun=rerun)} if out.exists() else None
    actions = [(cell, "train" if todo is None else todo.get(cell.slot, "done")) for cell in plan.cells]
    if as_json:
        cells = [cell.to_json() | {"action": action} for cell, action in actions]
        skips = [skip.__dict__ for skip in plan.skips]
        print(json.dumps({"cells": cells, "skips": skips, "broken": plan.broken}, indent=1))
        return
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
