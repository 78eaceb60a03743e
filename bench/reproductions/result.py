"""Make the result of an experiment's runs: one JSON object that table, page and plots are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.leaderboard.centre import summarise
from bench.leaderboard.student import holm
from bench.records.record import Record
from bench.reproductions.effects import (
    Effect,
    between,
    centre_of,
    interval_of,
    paired,
    shares_apart,
    spearman,
    with_holm,
)
from bench.reproductions.protocol import Arm, Experiment, Target, column
from bench.reproductions.verdict import Number, Verdict, agreement, judge

CURVE_POINTS = 40


@dataclass(frozen=True)
class Run:
    """One training run: its values by column, and the blocks of held-out rows behind those that have them."""

    arm: str
    seed: int
    status: str
    values: dict[str, float]
    blocks: dict[str, list[float]] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)


def run_of(arm: str, record: Record) -> Run:
    """Read a record: metrics of the private board, measures, and what the run cost."""
    private = record["metrics"]["private"]
    values = {name: entry["value"] for name, entry in private.items()} | record.get("measures", {})
    peak = record["resources"]["peak_rss_bytes"]
    costs = {
        "cpu_s": record["resources"]["cpu_s"],
        "train_s": record["timing"]["train_s"],
        "peak_mib": peak / 2**20 if peak else None,
        "n_params": record["model"]["n_params"],
    }
    values |= {name: value for name, value in costs.items() if value is not None}
    blocks = {name: entry["blocks"] for name, entry in private.items() if entry["blocks"]}
    kept = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
    return Run(arm, record["seed"], record["status"], kept, blocks, record["curve"])


def result_of(experiment: Experiment, budget: str, runs: list[Run], facts: dict[str, Any]) -> dict[str, Any]:
    """Return the result of an experiment's runs.

    facts: what else is to stand in it (device, environment, core-minutes).
    """
    chosen = experiment.budget[budget]
    shown = shown_columns(experiment, budget, runs)
    correlations = _correlations(experiment, runs)
    p_values = [correlation["p"] for correlation in correlations]
    effects = effects_of(experiment, runs, also=p_values)
    # one family: all tests of the experiment
    adjusted = holm(p_values + [effect.p for effect in effects if effect.p is not None])
    return {
        "name": experiment.name,
        "kind": experiment.kind,
        "title": experiment.title,
        "budget": budget,
        "full": chosen.full,
        "note": chosen.note,
        "seeds": chosen.seeds,
        "status": "ok" if all(run.status in ("ok", "diverged") for run in runs) else "some runs failed",
        "columns": {name: asdict(column(name)) for name in shown},
        "order": shown,  # of the columns
        "arms": [_arm(arm, chosen.data, runs, shown) for arm in experiment.arm],
        "targets": [_target(target, experiment, budget, runs) for target in experiment.target],
        "compare": [asdict(effect) for effect in effects],
        "correlate": [each | {"p_holm": p} for each, p in zip(correlations, adjusted)],
        "curves": {arm.name: _curve(experiment, arm.name, runs) for arm in experiment.arm} if experiment.curves else {},
    } | facts


def shown_columns(experiment: Experiment, budget: str, runs: list[Run]) -> list[str]:
    """Name the experiment's columns that any run has, with the budget's stand-ins for metrics."""
    replaced = experiment.budget[budget].metric
    wanted = dict.fromkeys([replaced.get(name, name) for name in experiment.columns])
    return [name for name in wanted if any(name in run.values for run in runs)]


def _of(runs: Iterable[Run], arm: str) -> list[Run]:
    return [run for run in runs if run.arm == arm]


def _values(runs: list[Run], arm: str, name: str) -> tuple[list[float], list[list[float]]]:
    having = [run for run in _of(runs, arm) if name in run.values]
    return [run.values[name] for run in having], [run.blocks.get(name, []) for run in having]


def _arm(arm: Arm, stand_ins: dict[str, str], runs: list[Run], shown: list[str]) -> dict[str, Any]:
    own = _of(runs, arm.name)
    summaries = {name: _summary(own, arm.name, name) for name in shown if any(name in run.values for run in own)}
    return {
        "name": arm.name,
        "model": arm.model,
        "dataset": stand_ins.get(arm.dataset, arm.dataset),
        "runs": [
            {"seed": r.seed, "status": r.status, "values": {c: r.values[c] for c in shown if c in r.values}}
            for r in own
        ],
        "summary": summaries,
    }


def _summary(runs: list[Run], arm: str, name: str) -> dict[str, Any]:
    """Return centre, standard error and 95 % interval of an arm in one column that it has."""
    values, blocks = _values(runs, arm, name)
    scale = column(name).scale
    centre = centre_of(values, blocks, scale)
    low, high = interval_of(centre, values, scale) or (None, None)
    return {"centre": centre.centre, "se": centre.raw_se, "low": low, "high": high, "n": len(values)}


def _target(target: Target, experiment: Experiment, budget: str, runs: list[Run]) -> dict[str, Any]:
    """Set ours beside theirs, with the verdict."""
    chosen = experiment.budget[budget]
    metric = chosen.metric.get(target.metric, target.metric)
    values, blocks = _values(runs, target.arm, metric)
    dataset = next(arm.dataset for arm in experiment.arm if arm.name == target.arm)
    row = asdict(target) | {"shown_metric": metric, "shown_data": chosen.data.get(dataset, dataset), "data": dataset}
    row |= {"ours": None, "ours_se": None, "n_ours": len(values), "n_runs": len(_of(runs, target.arm))}
    if not values:
        return row | {"verdict": "no run", "difference": None, "low": None, "high": None}
    ours = _number(values, blocks, exact=target.exact)
    whole = row["n_ours"] == row["n_runs"]
    verdict = _verdict(target, ours, kind=experiment.kind, full=chosen.full and not target.differs, whole=whole)
    low, high = verdict.interval or (None, None)
    row |= {"ours": ours.value, "ours_se": ours.se or None, "verdict": verdict.word}
    return row | {"difference": verdict.difference, "low": low, "high": high}


def _verdict(target: Target, ours: Number, *, kind: str, full: bool, whole: bool) -> Verdict:
    if kind == "agreement":
        return agreement(ours.value, target.value, unit=target.unit)
    theirs = Number(target.value, target.se, target.n)
    return judge(ours, theirs, better=target.better, margin=target.margin, full=full, whole=whole, unit=target.unit)


def _number(values: list[float], blocks: list[list[float]], *, exact: bool) -> Number:
    """Return the mean of our runs with its standard error: None from one seed, 0 where nothing is drawn."""
    centre = summarise(values, blocks, "raw")
    if exact:
        return Number(centre.centre, 0.0, 0)
    return Number(centre.centre, None if centre.seed_variance is None else centre.se, len(values))


def effects_of(experiment: Experiment, runs: list[Run], *, also: Sequence[float] = ()) -> list[Effect]:
    """Return every comparison of the experiment, with Holm's p over them all and over the p-values `also`."""
    effects: list[Effect] = []
    better: dict[str, str] = {}
    for compare in experiment.compare:
        for name in compare.columns:
            better[name] = column(name).better
            for arm in compare.arms:
                effect = _effect(runs, name, arm, compare.base, compare.versus)
                if effect:
                    effects.append(effect)
    return with_holm(effects, better, also=also)


def _effect(runs: list[Run], name: str, arm: str, base: str, versus: str) -> Effect | None:
    scale, own = column(name).scale, len(_of(runs, arm))
    if versus:
        both = [run for run in _of(runs, arm) if name in run.values and versus in run.values]
        if not both:
            return None
        numbers = paired([r.values[name] for r in both], [r.values[versus] for r in both], scale)
        return Effect(arm, f"its {versus}", name, scale, *numbers, left_out=own - len(both))
    (a, a_blocks), (b, b_blocks) = _values(runs, arm, name), _values(runs, base, name)
    if not a or not b:
        return None
    left_out = own + len(_of(runs, base)) - len(a) - len(b)
    if scale == "share":
        return Effect(arm, base, name, scale, *shares_apart(a, b), left_out=left_out)
    numbers = between(centre_of(a, a_blocks, scale), centre_of(b, b_blocks, scale), scale)
    return Effect(arm, base, name, scale, *numbers, left_out=left_out)


def _correlations(experiment: Experiment, runs: list[Run]) -> list[dict[str, Any]]:
    """Correlate the ranks of two columns over the arms.

    Where fewer than five arms have both, the pair is left out.
    """
    correlations = []
    for x, y in experiment.correlate:
        pairs = [
            (centre_of(a, [], column(x).scale).centre, centre_of(b, [], column(y).scale).centre)
            for arm in experiment.arm
            if (a := _values(runs, arm.name, x)[0]) and (b := _values(runs, arm.name, y)[0])
        ]
        if len(pairs) >= 5:
            rho, low, high, p = spearman(*zip(*pairs))
            correlations.append({"x": x, "y": y, "n": len(pairs), "rho": rho, "low": low, "high": high, "p": p})
    return correlations


def _curve(experiment: Experiment, arm: str, runs: list[Run]) -> dict[str, list[list[float]]]:
    """Average each curve over seeds at about 40 steps: name -> [[step, value], ...].

    Gradients are averaged by the geometric mean.
    """
    curves = {}
    for name in experiment.curves:
        by_step: dict[float, list[float]] = {}
        for run in _of(runs, arm):
            for point in run.curve:
                if point.get(name) is not None:
                    by_step.setdefault(point["step"], []).append(point[name])
        steps = sorted(by_step)
        stride = max(1, len(steps) // CURVE_POINTS)
        scale = "log" if name.startswith("grad_") else "raw"
        points = [[step, summarise(by_step[step], [], scale).centre] for step in steps[::stride]]
        curves[name] = [[step, float(f"{value:.5g}")] for step, value in points]
    return curves
