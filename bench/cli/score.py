"""bench score: samples against real data of your own, or on both boards of a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.app import AsJson, app
from bench.errors import UsageError
from bench.render.text import DASH, clean, number

if TYPE_CHECKING:
    from bench.submissions.enter import Scores


Samples = Annotated[Path, typer.Argument(metavar="SAMPLES", help="A folder of images, an .npz, .npy or .csv.")]


@app.command(short_help="Score samples against real data or a dataset.")
def score(
    samples: Samples,
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset that the samples imitate.")] = "",
    data: Annotated[Path | None, typer.Option("--data", metavar="REAL", help="Real data: of the same kinds.")] = None,
    space: Annotated[str, typer.Option(help="Feature space: random, pca, lenet or inception.")] = "",
    as_json: AsJson = False,
) -> None:
    """Score samples with every sample metric, an interval and yardsticks.

    Against real data of your own, or on a dataset's boards.
    """
    if bool(dataset) == (data is not None):
        raise UsageError("say what to score against, one of two: bench score SAMPLES --data REAL, or -d DATASET")
    if data is not None:
        from bench.submissions.compare import compare

        scores = compare(samples, data, space=space or None)
        lines = comparison_lines(str(samples), str(data), scores)
    else:
        from bench.submissions import enter

        scores = enter.score(samples, dataset, space=space or None)
        lines = board_lines(samples.name, scores)
    print(json.dumps(scores, indent=1, sort_keys=True) if as_json else "\n".join(map(clean, lines)))


def comparison_lines(samples: str, real: str, scores: Scores) -> list[str]:
    """Return the lines of a comparison with own data.

    Each metric, its interval and yardsticks, then what to know.
    """
    rows, yardsticks = scores["rows"], scores["yardsticks"]
    lines = [
        f"{samples} ({rows['samples']:,} rows) against {real} ({rows['real']:,} rows), space {scores['space']}",
        "",
        f"{'':18} {'all rows':>10} {'':20} {rows['yardsticks']:>10,} rows of each, against REAL's held-out part",
        f"{'metric':18} {'samples':>10} {'95 % interval':>20} {'samples':>10} {'real':>10}    copycat  better",
    ]
    for metric, entry in sorted(scores["metrics"]["real"].items()):
        cells = [_cell(yardsticks[who].get(metric)) for who in ("samples", "real", "training")]
        lines.append(f"{metric:18} {_cell(entry['value'])} {_interval(entry):>20} {' '.join(cells)}  {entry['better']}")
    lines += ["", *_verdict(scores)]
    return lines + [f"{what}: {words}" for what, words in scores["notes"].items()] + _flags(scores)


def _verdict(scores: Scores) -> list[str]:
    """Say how many times real against real the distance is: good or bad?"""
    yardsticks = scores["yardsticks"]
    name = next((name for name in yardsticks["samples"] if name.startswith(("fid_", "energy"))), None)
    values = [None if name is None else yardsticks[who][name] for who in ("samples", "real")]
    if values[0] is None or values[1] is None or values[1] <= 0:
        return []
    ratio = f"{name} of the samples is {number(values[0] / values[1])} times that of real against real, at the same number of rows"
    return [ratio]


def board_lines(name: str, scores: Scores) -> list[str]:
    """Return the lines of a file's scores on a dataset.

    A table a board, with intervals and yardsticks, then the flags.
    """
    lines = [f"{name} on {scores['dataset']}"]
    for board, entries in scores["metrics"].items():
        lines.append(f"{board + ' board':22} {'samples':>10} {'95 % interval':>20} {'real':>10}    copycat  better")
        for metric, entry in sorted(entries.items()):
            cells = [_cell(scores["yardsticks"][who][board].get(metric)) for who in ("real", "training")]
            lines.append(
                f"{metric:22} {_cell(entry['value'])} {_interval(entry):>20} {' '.join(cells)}  {entry['better']}"
            )
    return lines + _flags(scores)


def score_lines(name: str, scores: Scores) -> list[str]:
    """Return the lines of a table: each metric of a file's scores on both boards, then the flags."""
    lines = [clean(f"{name} on {scores['dataset']}"), f"{'metric':24} {'public':>12} {'private':>12}  better"]
    for metric in sorted(scores["metrics"]["public"]):
        public, private = (scores["metrics"][board][metric] for board in ("public", "private"))
        lines.append(f"{metric:24} {_number(public['value'])} {_number(private['value'])}  {public['better']}")
    return lines + [clean(flag) for flag in _flags(scores)]


def _flags(scores: Scores) -> list[str]:
    return [f"flag: {flag}" for flag in scores["flags"]]


def _cell(value: float | None) -> str:
    return f"{DASH if value is None else number(value):>10}"


def _interval(entry: dict[str, Any]) -> str:
    ends = entry.get("interval")
    return DASH if ends is None else f"[{number(ends[0])}, {number(ends[1])}]"


def _number(value: float | None) -> str:
    return f"{DASH:>12}" if value is None else f"{value:>12.4g}"
