"""bench compare: two rows of a dataset's board, metric by metric, with p-values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.app import RESULTS, Out, app, command
from bench.errors import UsageError
from bench.registry import unknown
from bench.render.text import clean, interval, number

if TYPE_CHECKING:
    from bench.records.record import Record

FIRST = ("core", "standard", "full")  # the suites that are compared before others, where both rows ran in several


@app.command(short_help="Compare two rows of a board, with p-values.")
def compare(
    a: Annotated[str, typer.Argument(help="A model as the board names it.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="The dataset of the board.")],
    out: Out = RESULTS,
    against: Annotated[Path | None, typer.Option(help="The folder of the other one; --out if left out.")] = None,
    suite: Annotated[str | None, typer.Option(help="The suite, where both ran in several.")] = None,
) -> None:
    """Compare two rows of a board: difference, standard error and p-value of every metric both have."""
    print_comparison(out, a, b, dataset=dataset, against=against, suite=suite)


def print_comparison(
    out: Path, a: str, b: str, *, dataset: str, against: Path | None = None, suite: str | None = None
) -> None:
    """Print every metric that two rows share; the second row may be of another folder."""
    from bench.leaderboard import compare
    from bench.leaderboard.newest import newest

    left = _row(out, a, dataset, hint=_elsewhere(out, a, b, dataset, missing=a))
    right = _row(against or out, b, dataset, hint=_elsewhere(out, a, b, dataset, missing=b) if against is None else "")
    if against is not None:
        b = f"{b} in {against}"
        right = [record | {"model": record["model"] | {"row": b}} for record in right]
    records, where = _of_one_suite(left, right, suite)
    chosen = newest(records)
    compared = compare.compare_models(chosen.records, a, b, dataset=dataset)
    noise = "; one seed a side: training noise is not in p" if compared.without_training_noise else ""
    print(clean(f"{a} against {b} on {dataset}, {where}"))
    print(
        f"difference on the metric's scale, first - second, with its 95 % interval; Welch's test, Holm over the table{noise}"
    )
    for one in chosen.left_out:
        print(clean(f"{one.key[-1]}: {one.words}"))
    for row in compared.frame.itertuples(index=False):
        board, metric, first, second, scale, difference, _, low, high, _, p_holm, winner, needed = row
        ends = "[unknown]" if low is None or low != low else interval(low, high)
        print(
            f"{board:8} {metric:26} {number(first):>10} {number(second):>10}  {scale:5} {number(difference):>10} "
            f"{ends}, p {p_holm:.3g}: {_finding(p_holm, winner, needed, min(compared.seeds))}"
        )


def _row(folder: Path, name: str, dataset: str, *, hint: str) -> list[Record]:
    """Return the records of a row that ended; UsageError says what is in the folder instead."""
    from bench.records.record import FAILED
    from bench.records.store import Store

    records = [r for r in Store(folder).records() if r["dataset"]["id"] == dataset and r["status"] not in FAILED]
    rows = [record for record in records if record["model"]["row"] == name]
    if not rows and hint:
        raise UsageError(f"{name!r} is not in {folder}; {hint}")
    if not records:
        make = command("run", "-m", name.partition("+")[0], "-d", dataset, out=folder)
        raise UsageError(f"no results on {dataset!r} in {folder}; make some with: {make}")
    if not rows:
        raise unknown("row", name, {record["model"]["row"] for record in records})
    return rows


def _elsewhere(out: Path, a: str, b: str, dataset: str, *, missing: str) -> str:
    """Return the command that finds a row in the default folder; empty where it is not there either."""
    from bench.records.store import Store

    if out == RESULTS or any((out / "cells").glob(f"*/{dataset}/{missing}/seed-*.json")):
        return ""
    known = {r["model"]["row"] for r in Store(RESULTS).records() if r["dataset"]["id"] == dataset}
    if missing not in known:
        return ""
    here, there = (a, b) if missing == b else (b, a)
    return f"it is in {RESULTS}: {command('compare', here, there, '-d', dataset, '--against', str(RESULTS), out=out)}"


def _of_one_suite(left: list[Record], right: list[Record], suite: str | None) -> tuple[list[Record], str]:
    """Keep the records of one suite and device, and name it and the others that could be compared."""
    sides = [{(r["suite"], r["device"]) for r in side} for side in (left, right)]
    common = sorted(sides[0] & sides[1], key=lambda at: (FIRST.index(at[0]) if at[0] in FIRST else len(FIRST), at))
    chosen = [at for at in common if suite in (None, at[0])]
    if not chosen:
        told = " and ".join(", ".join(sorted(f"{s}-{d}" for s, d in side)) for side in sides)
        wanted = f"suite {suite!r}" if suite else "one suite and device"
        raise UsageError(f"the rows have no results of {wanted} in common: they have {told}")
    others = sorted({name for name, _ in common} - {chosen[0][0]})
    also = f" (also in: --suite {', --suite '.join(others)})" if others else ""
    records = [r for r in left + right if (r["suite"], r["device"]) == chosen[0]]
    return list({id(r): r for r in records}.values()), f"suite {chosen[0][0]}, {chosen[0][1]}{also}"


def _finding(p: float, winner: str, needed: Any, seeds: int) -> str:
    """Say which side is better, or why no difference is shown."""
    import pandas as pd

    if p < 0.05:
        return f"{winner} is better" if winner else "differ"
    if pd.isna(needed):
        return "no difference shown"
    return f"no difference shown: {seeds} seeds cannot show one of this size here; {needed} would"
