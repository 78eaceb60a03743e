"""Compare the arms of an experiment.

Two arms, two columns of one run, the best of several arms, and the difference of two differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from bench.reproductions.columns import CENSORED, column
from bench.reproductions.effects import Effect, between, centre_of, interaction, paired, shares_apart, with_holm
from bench.reproductions.protocol import Best, Experiment
from bench.reproductions.runs import Run, of, values_of


@dataclass(frozen=True)
class Chosen:
    """The arm that was best on the public board, and what each candidate had there.

    name: what comparisons call it.
    """

    name: str
    arm: str
    column: str
    public: dict[str, float | None]  # the candidates' means; None where no run has a value


def choose(best: Best, runs: Sequence[Run]) -> Chosen:
    """Choose the best of an experiment's arms on the public board.

    An arm with fewer runs without a value is better; then the mean decides; the first arm where no arm has a value.
    """
    declared = column(best.column)
    sign = -1 if declared.better == "higher" else 1
    means: dict[str, float | None] = {}
    ranks: dict[str, tuple[int, float]] = {}
    for arm in best.arms:
        own = of(runs, arm)
        values = [run.public[best.column] for run in own if best.column in run.public]
        means[arm] = None
        if values:
            centre = centre_of(values, [[]] * len(values), declared.scale).centre
            means[arm], ranks[arm] = centre, (len(own) - len(values), sign * centre)
    chosen = min(ranks, key=lambda arm: ranks[arm]) if ranks else best.arms[0]
    return Chosen(best.name, chosen, best.column, means)


def under_their_names(chosen: Sequence[Chosen], runs: Sequence[Run]) -> list[Run]:
    """Return the runs of the chosen arms once more, each under the name that comparisons use."""
    return [replace(run, arm=each.name) for each in chosen for run in of(runs, each.arm)]


def effects_of(experiment: Experiment, runs: Sequence[Run], *, also: Sequence[float] = ()) -> list[Effect]:
    """Return every comparison of the experiment, with Holm's p over them all and over the p-values `also`."""
    effects = [*_compared(experiment, runs), *_interacting(experiment, runs)]
    return with_holm(effects, {effect.column: column(effect.column).better for effect in effects}, also=also)


def _compared(experiment: Experiment, runs: Sequence[Run]) -> Iterator[Effect]:
    for compare in experiment.compare:
        for name in compare.columns:
            for arm in compare.arms:
                effect = (
                    _paired(runs, name, arm, compare.versus)
                    if compare.versus
                    else _apart(runs, name, arm, compare.base)
                )
                if effect:
                    yield effect


def _paired(runs: Sequence[Run], name: str, arm: str, versus: str) -> Effect | None:
    scale, own = column(name).scale, of(runs, arm)
    both = [run for run in own if name in run.values and versus in run.values]
    if not both:
        return None
    numbers = paired([run.values[name] for run in both], [run.values[versus] for run in both], scale)
    return Effect(arm, f"its {versus}", name, scale, *numbers, left_out=len(own) - len(both))


def _apart(runs: Sequence[Run], name: str, arm: str, base: str) -> Effect | None:
    scale, ((a, a_blocks), (b, b_blocks)) = column(name).scale, (values_of(runs, each, name) for each in (arm, base))
    if not a or not b:
        return None
    left_out = len(of(runs, arm)) + len(of(runs, base)) - len(a) - len(b)
    if scale == "share":
        return Effect(arm, base, name, scale, *shares_apart(a, b), left_out=left_out)
    numbers = between(centre_of(a, a_blocks, scale), centre_of(b, b_blocks, scale), scale)
    if left_out and name in CENSORED:
        numbers = (numbers[0], None, None, None)
    return Effect(arm, base, name, scale, *numbers, left_out=left_out)


def _interacting(experiment: Experiment, runs: Sequence[Run]) -> Iterator[Effect]:
    """Compare what sets the two arms of a pair apart with what sets those of each other pair apart."""
    for interact in experiment.interact:
        for name in interact.columns:
            scale = column(name).scale
            for pair, other in combinations(interact.pairs, 2):
                of_both = [values_of(runs, arm, name) for arm in (*pair, *other)]
                if all(values for values, _ in of_both):
                    centres = [centre_of(*each, scale) for each in of_both]
                    left_out = sum(len(of(runs, arm)) for arm in (*pair, *other)) - sum(len(v) for v, _ in of_both)
                    numbers = interaction((centres[0], centres[1]), (centres[2], centres[3]), scale)
                    a, b = (f"{first} against {second}" for first, second in (pair, other))
                    yield Effect(a, b, name, scale, *numbers, left_out=left_out)
