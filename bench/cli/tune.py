"""bench tune: equally many trials of any model's settings, on the public board alone, recorded."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli._boards import renew_boards
from bench.cli._place import Device, Place, executor_for
from bench.cli.app import AsJson, Jobs, Out, app, interrupt_on_sigterm
from bench.cli.run import Rerun, Settings, SuiteName
from bench.errors import UsageError
from bench.registry import find
from bench.render.text import clean

if TYPE_CHECKING:
    from bench.run.search import Searched


@app.command(short_help="Search a model's settings on the public board.")
def tune(
    model: Annotated[str, typer.Argument(help="A model: a name or a Python file.")],
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset whose public board decides.")],
    trials: Annotated[int, typer.Option(help="How many, the model's defaults first; the same for every model.")],
    suite: SuiteName = "core",
    seed: Annotated[int, typer.Option(min=0, help="Training seed of every trial.")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of every trial; the suite's if left out.")] = None,
    settings: Settings = None,
    device: Annotated[Device, typer.Option(metavar="<str>", help="auto, cpu or cuda.")] = Device.auto,
    jobs: Jobs = None,
    out: Out = Path("results"),
    rerun: Annotated[Rerun, typer.Option(help="Which trials to run again.")] = Rerun.missing,
    as_json: AsJson = False,
) -> None:
    """Search the fields that a model declares in `search` by equally many trials, scored on the public board alone."""
    from bench.executors import start
    from bench.plan.check import check_request
    from bench.plan.request import Request
    from bench.records.record import FAILED
    from bench.render.progress import Lines, Live

    if trials < 1:
        raise UsageError(f"--trials {trials}: expected at least 1, the model's defaults")
    interrupt_on_sigterm()
    fixed = (*(settings or ()), *([f"steps={steps}"] if steps else []))
    request = Request(suite=suite, models=(model,), datasets=(dataset,), seeds=1, device=device.value, settings=fixed)
    check_request(request)
    if find("model", model).reference:
        raise UsageError(f"{model} is a reference row, which takes no rank: there is nothing to tune")
    observer = Live() if sys.stderr.isatty() else Lines()
    request, runner = executor_for(request, Place.local, None, None, jobs, observer.note)
    try:
        done = start.search(
            request, trials=trials, seed=seed, out=out, executor=runner, rerun=rerun.value, observer=observer
        )
    finally:
        if isinstance(observer, Live):
            observer.close()
    renew_boards(out)
    print(json.dumps(done.search, indent=1, sort_keys=True) if as_json else "\n".join(report_lines(done, out)))
    failed = sum(trial["status"] in FAILED for trial in done.search["trials"])
    raise typer.Exit(3 if failed else 0)


def report_lines(done: Searched, out: Path) -> list[str]:
    """Tell what a search gave: its trials, the lines to paste, and what other models' searches had."""
    from bench.records.tuning import read_searches
    from bench.render.tuning import head_line, toml_lines, trial_lines

    search = done.search
    lines = [head_line(search), "", *trial_lines(search), ""]
    if done.replaced is not None:
        lines.append(f"It takes the place of another search: {head_line(done.replaced)}.")
    kept = len(search["trials"]) - done.new
    if kept:
        lines.append(f"{done.new} trials run now, {kept} done before; nothing finished was run again.")
    others = {
        len(one["trials"])
        for one in read_searches(out)[0]
        if one["dataset"] == search["dataset"] and one["model"] != search["model"]
    }
    if others - {len(search["trials"])}:
        counts = " and ".join(map(str, sorted(others)))
        lines.append(f"Not equal: other models of {search['dataset']} had {counts} trials; its board says so.")
    pasted = toml_lines(search)
    if not pasted:
        lines.append("No trial has a value: there is nothing to take over.")
    else:
        best = "the defaults" if search["best"] == 0 else f"trial {search['best']}"
        lines += [f"The best is {best}; as lines of a suite:", "", *pasted, ""]
    lines.append(f"Stored: {done.path}")
    return [clean(line) for line in lines]
