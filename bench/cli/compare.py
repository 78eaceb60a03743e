"""bench compare: two rows of a dataset's board, metric by metric, with p-values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import Out, app
from bench.errors import UsageError
from bench.registry import unknown
from bench.render.text import number


@app.command(short_help="Compare two rows of a board, with p-values.")
def compare(
    a: Annotated[str, typer.Argument(help="A model as the board names it.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset of the board.")],
    out: Out = Path("results"),
) -> None:
    """Compare two rows of a dataset's board: difference, standard error and p-value of every metric both have."""
    print_comparison(out, a, b, dataset=dataset)


def print_comparison(out: Path, a: str, b: str, *, dataset: str) -> None:
    """Print every metric that two rows of a dataset's board share, with the difference and its p-value."""
    from bench.leaderboard import compare
    from bench.records.record import FAILED
    from bench.records.store import Store

    records = [r for r in Store(out).records() if r["dataset"]["id"] == dataset and r["status"] not in FAILED]
    names = {r["model"]["row"] for r in records}
    if not names:
        raise UsageError(f"no results on {dataset!r} in {out}; make some with: bench run -m {a},{b} -d {dataset}")
    for name in (a, b):
        if name not in names:
            raise unknown("row", name, names)
    frame = compare.compare_models(records, a, b, dataset=dataset)
    print(
        f"{a} against {b} on {dataset}; difference {a} - {b} on the metric's scale, Welch's test, Holm over the table"
    )
    for row in frame.itertuples(index=False):
        board, metric, left, right, scale, difference, se, _, p_holm = row
        error = "unknown" if se is None or se != se else number(se)
        words = "no difference shown" if p_holm >= 0.05 else "differ"
        print(
            f"{board:8} {metric:26} {number(left):>10} {number(right):>10}  {scale:5} {number(difference):>10} "
            f"± {error}, p {p_holm:.3g}: {words}"
        )
