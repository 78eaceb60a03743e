"""bench reproduce: list or run the published results and questions, and print ours beside theirs."""

from __future__ import annotations

import json
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import AsJson, Jobs, Out, app, interrupt_on_sigterm
from bench.render.text import clean

if TYPE_CHECKING:
    from bench.render.progress import Lines, Live
    from bench.reproductions.protocol import Experiment
    from bench.reproductions.run import Done

GPU_JOBS = 8  # networks this small leave a GPU idle; nothing here is timed


class BudgetName(StrEnum):
    """How long experiments train."""

    cpu = "cpu"
    gpu = "gpu"
    full = "full"


@app.command(short_help="Run published results and the ten questions again.")
def reproduce(
    name: Annotated[list[str] | None, typer.Argument(help="Names; none lists them all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every published result and question.")] = False,
    budget: Annotated[
        BudgetName, typer.Option(help="cpu: shortened. gpu: longer. full: the published protocol.")
    ] = BudgetName.cpu,
    jobs: Jobs = None,
    out: Out = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Run published results again, ours beside theirs, and answer the ten questions: bench reproduce question-1."""
    from bench.plan.request import split_names
    from bench.reproductions.protocol import choose

    asked = split_names(name)
    if not (asked or everything):
        print_list(out, as_json=as_json)
        return
    interrupt_on_sigterm()
    experiments = choose(asked, everything=everything, budget=budget.value)
    raise typer.Exit(run_and_report(experiments, budget=budget.value, jobs=jobs, out=out, as_json=as_json, named=asked))


def print_list(out: Path, *, as_json: bool) -> None:
    """Print a line an experiment: its name, the core-minutes of its stored result, and its title."""
    from bench.reproductions.protocol import load_experiment, names
    from bench.reproductions.run import core_minutes

    experiments, minutes = [load_experiment(name) for name in names()], core_minutes(out)
    cost = {e.name: minutes.get((e.name, "cpu")) for e in experiments}
    if as_json:
        rows = [{"name": e.name, "kind": e.kind, "title": e.title, "core_minutes": cost[e.name]} for e in experiments]
        print(json.dumps(rows, indent=1))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    for e in experiments:
        spent = "" if cost[e.name] is None else f"{cost[e.name]:.0f} min"
        line = f"{e.name:16} {spent:>8}  {e.title}"
        print(line if len(line) <= width else line[: width - 1] + "…")
    print(
        "\nMinutes of one core, as measured with --budget cpu; divide by your cores. Run one: bench reproduce NAME. All, "
        "shortened: bench reproduce --all --budget cpu. What one asks: bench show NAME",
        file=sys.stderr,
    )


def run_and_report(
    experiments: list[Experiment], *, budget: str, jobs: int | None, out: Path, as_json: bool, named: tuple[str, ...]
) -> int:
    """Run experiments, write their results and pages, print them, and return the exit code.

    3 where a run failed; 7 where data is missing for an experiment that was asked for by name (one of named), not with --all or a group.
    """
    from bench.executors.device import cores, resolve_device
    from bench.render.progress import Lines, Live
    from bench.reproductions.pages import write_pages
    from bench.reproductions.run import reproduce

    device = "cpu" if budget == "cpu" else resolve_device("auto")
    if budget != "cpu" and device == "cpu":
        print("no GPU here: at this length most protocols take hours or days on a CPU", file=sys.stderr)
    workers = jobs or (min(cores(), GPU_JOBS) if device == "cuda" else cores())
    seen: list[Lines | Live] = []

    def observer() -> Lines | Live:
        seen.append(Live() if sys.stderr.isatty() else Lines())
        return seen[-1]

    def tell(experiment: Experiment, done: Done) -> None:
        if seen and isinstance(seen[-1], Live):
            seen[-1].close()
        if not as_json:
            print_done(done)

    try:
        ended = reproduce(
            experiments, budget=budget, device=device, jobs=workers, out=out, observer=observer, report=tell
        )
    finally:
        for one in seen:
            if isinstance(one, Live):
                one.close()
        pages = write_pages(out) if (out / "reproductions").is_dir() else []
    if as_json:
        rows = [{"name": d.name, "status": d.status, "reason": d.reason, "result": d.result} for d in ended]
        print(json.dumps(rows, indent=1, sort_keys=True))
    else:
        print("Pages: " + ", ".join(str(page) for page in pages))
    if any(d.status == "some runs failed" for d in ended):
        return 3
    return 7 if any(d.status == "data unavailable" and d.name in named for d in ended) else 0


def print_done(done: Done) -> None:
    """Print our values beside the published ones, or arms and effects; one line where it could not be run."""
    if done.result is None:
        print(clean(f"{done.name}: {done.status}: {done.reason}") + "\n")
        return
    from bench.reproductions import published_page, questions_page, text

    result = done.result
    words = text.length_text(result) if result["kind"] == "published" else text.seeds_text(result["seeds"])
    print(clean(f"{done.name} ({result['budget']}; {words}): {result['title']}"))
    if result["targets"]:
        _print_table(*published_page.target_rows(result))
    if result["kind"] == "question":
        _print_table(*questions_page.arm_rows(result, result["arms"]))
    if result["compare"]:
        _print_table(*questions_page.effect_rows(result))
    for correlation in result["correlate"]:
        print(clean(questions_page.correlation_text(correlation)))
    print(f"{result['core_minutes']:.1f} core-minutes\n", flush=True)


def _print_table(headings: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> None:
    """Print a table as wide as the terminal, or 200 wide in a pipe.

    Columns that do not fit follow in a table below.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from bench.reproductions.text import DASH

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    for columns in blocks_of_columns(headings, rows, console.width):
        view = Table(box=box.SIMPLE, pad_edge=False)
        for i in columns:
            view.add_column(clean(headings[i]), overflow="fold")
        for row in rows:
            if any(row[i] != DASH for i in columns[1:]):
                view.add_row(*(Text(clean(row[i])) for i in columns))
        console.print(view)


def blocks_of_columns(headings: tuple[str, ...], rows: tuple[tuple[str, ...], ...], width: int) -> list[list[int]]:
    """Return groups of column numbers that fit the width, the first column in each of them."""
    widths = [max(len(row[i]) for row in (headings, *rows)) + 3 for i in range(len(headings))]
    blocks, used = [[0]], widths[0]
    for i in range(1, len(headings)):
        if used + widths[i] > width and len(blocks[-1]) > 1:
            blocks.append([0])
            used = widths[0]
        blocks[-1].append(i)
        used += widths[i]
    return blocks
