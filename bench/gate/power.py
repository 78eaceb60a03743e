"""What a number of seeds can resolve: pilot variance, effects found, seeds that an effect needs.

    effect e of n seeds against n:  P(T' > t) = power,  t = t_{1-alpha, 2n-2},  T' noncentral t with e / (s sqrt(2 / n))        (1)
    of the gate: the larger of (1) at alpha / (2 tests), its two p-values and Holm's first step, and delta + z_power s sqrt(2 / n) (2)

One-sided, on the metric's declared scale, s the standard deviation over training seeds. Pure functions of records; no torch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, variance
from typing import Any

from bench.leaderboard.scales import metric_scale, to_scale
from bench.leaderboard.student import t_quantile
from bench.records.record import Record

GATED = ("nll", "nll_dequantized", "nll_bound", "accuracy")  # gated on every board, besides its primary metric
ALPHA, POWER = 0.05, 0.8
MOST_SEEDS = 1000
# The least delta: what another processor's rounding may do.
RELATIVE_FLOOR = 0.01  # 1 % of the value, on the raw scale at least 0.01
COUNTED_ROWS = 2  # so many of the n rows that a share was counted from may fall on the other side
Key = tuple[str, str, str]  # suite-device, dataset, metric
Entry = dict[str, Any]  # of one metric in a record


@dataclass(frozen=True)
class Column:
    """One metric on one board.

    deviation: a typical row's over seeds, on the scale (median of rows that have one).

    delta: the effect, on the scale, below which the gate is never red: what `seeds` seeds resolve in a typical row.
    """

    scale: str
    better: str
    n: int
    version: int
    rows: int
    seeds: int
    deviation: float
    delta: float
    floor: float = 0.0  # the least delta, whatever the seeds


def gated_metrics(primary: str) -> tuple[str, ...]:
    """Return the metrics that the gate judges on a board, its primary metric first."""
    return (primary, *(name for name in GATED if name != primary))


def columns(records: Iterable[Record], *, seeds: int | None = None) -> dict[Key, Column]:
    """Return every gated column of the public board.

    seeds: of the run that delta is for; those stored if left out.
    """
    entries_of: dict[Key, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    versions: dict[Key, int] = {}
    for record in records:
        place = f"{record['suite']}-{record['device']}", record["dataset"]["id"]
        for metric in gated_metrics(record["dataset"].get("primary", "")):
            entry = record["metrics"]["public"].get(metric)
            if entry and entry["value"] is not None:
                entries_of[*place, metric][record["model"]["row"]].append(entry)
                versions[*place, metric] = record.get("protocol", {}).get("metric_versions", {}).get(metric, 1)
    return {key: _column(key[2], rows, versions[key], seeds) for key, rows in sorted(entries_of.items())}


def _column(metric: str, rows: dict[str, list[Entry]], version: int, seeds: int | None) -> Column:
    scale = metric_scale(metric)
    first = next(iter(rows.values()))[0]
    scaled = [[to_scale(e["value"], scale) for e in cells] for cells in rows.values()]
    spreads = [math.sqrt(variance(values)) for values in scaled if len(set(values)) > 1]
    deviation = median(spreads) if spreads else 0.0
    stored = round(median(len(values) for values in scaled))
    values = [e["value"] for cells in rows.values() for e in cells]
    floor = floor_of(values, scale, first["n"])
    delta = max(resolvable(deviation, seeds or stored), floor)
    return Column(scale, first["better"], first["n"], version, len(rows), stored, deviation, delta, floor)


def floor_of(values: Sequence[float], scale: str, n: int) -> float:
    """Return the least delta of a column on its scale: rounding on another processor is no regression."""
    middle = median(values)
    if scale == "log":
        return RELATIVE_FLOOR
    if scale == "logit":
        inside = min(max(middle, 1 / (n + 1)), n / (n + 1))
        return max(RELATIVE_FLOOR, COUNTED_ROWS / n / (inside * (1 - inside)))
    return RELATIVE_FLOOR * max(abs(middle), 1.0)


def resolvable(deviation: float, seeds: int, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the effect that `seeds` seeds against as many find with this power, eq. (1).

    It is inf for one seed of a row that scatters.
    """
    if deviation == 0.0:
        return 0.0
    if seeds < 2:
        return math.inf
    return noncentrality(2 * seeds - 2, alpha, power) * deviation * math.sqrt(2 / seeds)


def found_by_gate(
    deviation: float, seeds: int, *, tests: int, floor: float = 0.0, alpha: float = ALPHA, power: float = POWER
) -> float:
    """Return the smallest effect that the gate reports with about this power, eq. (2).

    tests: values that differ in the gate's run.

    The effect is on the metric's scale, and a red finding lies beyond delta: what the same seeds resolve in one test, or floor
    where that is more.
    """
    if seeds < 2:
        return math.inf
    from scipy.special import ndtri

    delta = max(resolvable(deviation, seeds), floor)
    significant = resolvable(deviation, seeds, alpha=alpha / (2 * tests), power=power)
    return max(significant, delta + max(0.0, float(ndtri(power))) * deviation * math.sqrt(2 / seeds))


def seeds_needed(
    deviation: float,
    effect: float,
    *,
    tests: int | None = None,
    floor: float = 0.0,
    alpha: float = ALPHA,
    power: float = POWER,
) -> int | None:
    """Return the fewest seeds a side that resolve an effect on the scale; None where a thousand do not.

    tests: values that differ in the gate's run; None: of one test alone.
    """

    def effect_of(seeds: int) -> float:
        if tests is None:
            return resolvable(deviation, seeds, alpha=alpha, power=power)
        return found_by_gate(deviation, seeds, tests=tests, floor=floor, alpha=alpha, power=power)

    low, high = 2, MOST_SEEDS
    if effect_of(high) > effect:
        return None
    while low < high:
        middle = (low + high) // 2
        if effect_of(middle) <= effect:
            high = middle
        else:
            low = middle + 1
    return low


def noncentrality(df: int, alpha: float, power: float) -> float:
    """Return the noncentrality at which a one-sided t test at level alpha has this power.

    It is 0 where power is below alpha.
    """
    from scipy.special import nctdtrinc

    return max(0.0, float(nctdtrinc(df, 1 - power, t_quantile(1 - alpha, df))))


def effect_on_scale(share: float, column: Column, value: float) -> float:
    """Return what "worse by this share" is on the column's scale, at a typical value: 0.3 is 30 %."""
    worse = value + share * abs(value) * (1 if column.better == "lower" else -1)
    if column.scale == "logit":  # the share of errors grows
        worse = value - share * (1 - value) if column.better == "higher" else worse
    return abs(to_scale(worse, column.scale) - to_scale(value, column.scale))
