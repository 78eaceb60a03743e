"""bench submit: enter a file of samples on the boards, or write an example of one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli._boards import rebuild
from bench.cli.app import AsJson, Results, app, command
from bench.cli.score import score_lines
from bench.errors import UsageError
from bench.render.text import clean

if TYPE_CHECKING:
    from bench.submissions.enter import Entry, Place


@app.command(short_help="Enter a file of samples on the boards.")
def submit(
    samples: Annotated[Path | None, typer.Argument(metavar="SAMPLES.npz", help="An .npz, one member, samples.")] = None,
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset that the samples imitate.")] = "",
    name: Annotated[str, typer.Option(help="Of the row: lower-case letters, digits, '.', '_', '-'.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, score and rank; store nothing.")] = False,
    template: Annotated[str, typer.Option(metavar="DATASET", help="Write a valid example of DATASET to --out.")] = "",
    out: Annotated[Path | None, typer.Option(help="With --template: the file to write.")] = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Enter a file of samples on a dataset's boards; bench show DATASET says what it must look like."""
    from bench.submissions import enter

    if template:
        if samples or dataset or name or not out:
            raise UsageError("a template takes two options: bench submit --template DATASET --out FILE.npz")
        form = enter.write_template(template, out)
        print(
            f"wrote {out}: training rows of {template}, which the copy screen will name; put your samples in their place"
        )
        print(f"the form: {form.describe()}")
        return
    if not (samples and dataset and name) or out:
        raise UsageError(
            "say what to submit: bench submit SAMPLES.npz -d DATASET --name NAME; or --template DATASET --out FILE"
        )
    entry = enter.submit(samples, dataset, name, results=results, dry_run=dry_run)
    messages = [*_news(entry, name), *_storage(entry, results, dry_run=dry_run)]
    print(_json(entry, messages) if as_json else "\n".join(_lines(samples.name, entry, results, messages)))


def _news(entry: Entry, name: str) -> list[str]:
    """Return what is told of these bytes if they were submitted before, under this name or under another."""
    if entry.repeated:
        when = entry.submission["submitted_utc"]
        return [f"the same bytes were submitted as {name} on {when}: nothing is computed again"]
    return [f"the same bytes stand on the boards as {other}" for other in entry.other_names]


def _storage(entry: Entry, results: Path, *, dry_run: bool) -> list[str]:
    """Renew the boards after something was stored; return where it lies, or that nothing is stored."""
    if entry.path is None:
        return ["dry run: nothing is stored"] if dry_run else []
    _, problem = rebuild(results)
    dataset = entry.submission["dataset"]["id"]
    stored = f"stored as {entry.path}; public and private rank are on the boards: {command('leaderboard', '-d', dataset, out=results)}"
    return [problem, stored] if problem else [stored]


def _json(entry: Entry, messages: list[str]) -> str:
    places = [asdict(place) for place in entry.places]
    return json.dumps(entry.submission | {"places": places, "messages": messages}, indent=1, sort_keys=True)


def _lines(file: str, entry: Entry, results: Path, messages: list[str]) -> list[str]:
    from bench.submissions.store import UNKNOWN

    submission = entry.submission
    dataset = submission["dataset"]["id"]
    scores = {"dataset": dataset, "metrics": submission["metrics"], "flags": submission["flags"]}
    placed = _place_lines(entry.places, dataset, results)
    return [*score_lines(file, scores), *placed, clean(UNKNOWN), *map(clean, messages)]


def _place_lines(places: list[Place], dataset: str, results: Path) -> list[str]:
    if not places:
        return [
            f"no rank: {results} holds no results on this version of {dataset}; {command('run', '--all', '-d', dataset, out=results)}"
        ]
    return [
        f"rank among {p.models} models of {p.suite}-{p.device}, {p.board} board: {p.rank} (range {p.low} to {p.high})"
        for p in sorted(places, key=lambda p: (p.suite, p.device, p.board != "public"))
    ]
