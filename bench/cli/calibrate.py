"""bench calibrate: what effects the stored seeds can resolve, and how many seeds an effect needs."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.app import AsJson, Results, app
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.gate.power import Key
    from bench.records.record import Record


@app.command(short_help="Say what effects the stored seeds can resolve.")
def calibrate(
    seeds: Annotated[int, typer.Option(min=2, help="Training seeds a side.")] = 5,
    effect: Annotated[float, typer.Option(help="A wanted effect: 0.3 is 30 % worse.")] = 0.3,
    alpha: Annotated[float, typer.Option(help="Of one test.")] = 0.05,
    power: Annotated[float, typer.Option(help="Chance to find it.")] = 0.8,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Say what the stored seeds can resolve: the effect that N seeds find, and the seeds that an effect needs."""
    print(calibration(results, seeds=seeds, effect=effect, alpha=alpha, power=power, as_json=as_json))


def calibration(results: Path, *, seeds: int, effect: float, alpha: float, power: float, as_json: bool) -> str:
    """Return a table of what the stored seeds say.

    Its columns: the deviation over seeds, the effect that `seeds` seeds find, the seeds that `effect` needs.
    """
    from bench.leaderboard.newest import newest
    from bench.records.store import open_results

    if not 0 < effect < math.inf:
        raise UsageError(
            f"--effect is a share worse, for example 0.3 for 30 %, and must be a finite number above 0; got {effect:g}"
        )
    for option, value in (("--alpha", alpha), ("--power", power)):
        if not 0 < value < 1:
            raise UsageError(f"{option} must lie between 0 and 1, got {value:g}")
    _, records = open_results(results, option="--results")
    rows = _rows(newest(records).records, seeds=seeds, effect=effect, alpha=alpha, power=power)
    if as_json:
        finite = [{k: None if v == math.inf else v for k, v in row.items()} for row in rows]
        return json.dumps(finite, indent=1, sort_keys=True)
    return "\n".join(_calibration_lines(rows, seeds=seeds, effect=effect, alpha=alpha, power=power))


def _rows(records: list[Record], *, seeds: int, effect: float, alpha: float, power: float) -> list[dict[str, Any]]:
    """Return a row for each gated column: its deviation, and what one test and the whole gate can resolve."""
    from bench.gate import power as resolution

    resolvable = partial(resolution.resolvable, alpha=alpha, power=power)
    seeds_needed = partial(resolution.seeds_needed, alpha=alpha, power=power)
    found_by_gate = partial(resolution.found_by_gate, alpha=alpha, power=power)
    typical, columns = _typical(records), resolution.columns(records, seeds=seeds)
    tests: Counter[str] = Counter()  # that a whole run of a suite makes if every value differs
    for (place, _, _), column in columns.items():
        tests[place] += column.rows
    rows = []
    for key, column in columns.items():
        (place, dataset, metric), deviation = key, column.deviation
        wanted = resolution.effect_on_scale(effect, column, typical[key])
        among = tests[place]
        facts = {
            "board": f"{place}/{dataset}",
            "metric": metric,
            "resolvable": resolvable(deviation, seeds),
            "seeds_needed": seeds_needed(deviation, wanted),
            "tests": among,
            "gate_finds": found_by_gate(deviation, seeds, tests=among, floor=column.floor),
            "gate_seeds_needed": seeds_needed(deviation, wanted, tests=among, floor=column.floor),
        }
        rows.append(asdict(column) | facts)
    return rows


def _typical(records: list[Record]) -> dict[Key, float]:
    """Return the median value of each gated column of the public board."""
    from statistics import median

    values: dict[Key, list[float]] = {}
    for record in records:
        place = f"{record['suite']}-{record['device']}", record["dataset"]["id"]
        for metric, entry in record["metrics"]["public"].items():
            if entry["value"] is not None:
                values.setdefault((*place, metric), []).append(entry["value"])
    return {key: median(column) for key, column in values.items()}


def _calibration_lines(
    rows: list[dict[str, Any]], *, seeds: int, effect: float, alpha: float, power: float
) -> list[str]:
    from bench.gate.power import MOST_SEEDS

    head = f"one-sided Welch test, alpha {alpha:g}, power {power:.0%}, {seeds} seeds a side; on each metric's scale"
    titles = f"{'sd':>8} {'found':>8} {'delta':>8} {'need':>6} {'gate':>8} need"
    lines = [head, f"{'board':26} {'metric':16} {'scale':5} {'seeds':>5} {titles}"]
    many = lambda count: f">{MOST_SEEDS}" if count is None else str(count)
    for row in rows:
        numbers = " ".join(f"{row[k]:8.3g}" for k in ("deviation", "resolvable", "delta"))
        numbers += f" {many(row['seeds_needed']):>6} {row['gate_finds']:8.3g} {many(row['gate_seeds_needed'])}"
        lines.append(f"{row['board']:26} {row['metric']:16} {row['scale']:5} {row['seeds']:5} {numbers}")
    return [
        *lines,
        "sd: of a typical row over the stored seeds. found: the effect that one test finds. delta: below it the gate",
        f"is never red. need: seeds a side to find a typical row {effect:.0%} worse, in one test. gate, need: the same",
        "of the gate where every value of the suite differs (Holm over them all, and beyond delta); few lie between.",
    ]
