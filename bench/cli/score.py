"""bench score: every sample metric of a file of samples, on both boards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import AsJson, app
from bench.render.text import DASH, clean

if TYPE_CHECKING:
    from bench.submissions.enter import Scores


Samples = Annotated[Path, typer.Argument(metavar="SAMPLES.npz", help="An .npz with one member, samples.")]


@app.command(short_help="Score a file of samples.")
def score(
    samples: Samples,
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset that the samples imitate.")],
    as_json: AsJson = False,
) -> None:
    """Score a file of samples with every sample metric on both boards; bench show DATASET says what it must look like."""
    from bench.submissions import enter

    scores = enter.score(samples, dataset)
    print(json.dumps(scores, indent=1, sort_keys=True) if as_json else "\n".join(score_lines(samples.name, scores)))


def score_lines(name: str, scores: Scores) -> list[str]:
    """Return the lines of a table: each metric of a file's scores on both boards, then the flags."""
    lines = [clean(f"{name} on {scores['dataset']}"), f"{'metric':24} {'public':>12} {'private':>12}  better"]
    for metric in sorted(scores["metrics"]["public"]):
        public, private = (scores["metrics"][board][metric] for board in ("public", "private"))
        lines.append(f"{metric:24} {_number(public['value'])} {_number(private['value'])}  {public['better']}")
    return lines + [clean(f"flag: {flag}") for flag in scores["flags"]]


def _number(value: float | None) -> str:
    return f"{DASH:>12}" if value is None else f"{value:>12.4g}"
