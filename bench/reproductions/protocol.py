"""Read experiments as data: a TOML file is a protocol, its arms, and what they are compared with.

A file in published/ has [[target]]s that a paper prints, one in agreement/ has [[target]]s that another program computes on the
same rows, one in questions/ has [[compare]]s, [[interact]]s and [[best]]s; all have [[arm]]s and one or several of [budget.cpu],
[budget.gpu], [budget.full].
Fields of an arm: the budget's `fields` where the model has them, then `fields`, then its table of the budget's name. An
unknown key is an error that names it. Reading a file imports no torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from bench.errors import UsageError
from bench.files.shapes import Count, Flag, Label, Name, Number, NumberOrNull, Text, parse, read_toml
from bench.registry import unknown

FOLDER = Path(__file__).parent
BUDGETS = ("cpu", "gpu", "full")
FOLDERS = {"published": "published", "agreement": "agreement", "question": "questions"}  # kind -> folder


@dataclass(frozen=True, kw_only=True)
class _Strict:
    """An unknown key in a table of the file is an error."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Budget(_Strict):
    """How much of a protocol is run. full.

    The published protocol, at its length, on its data and with its networks.
    """

    seeds: Count
    first_seed: Count = 0  # training seeds from here on: experiments of other seeds share no run
    core_minutes: Number = 0.0  # what it costs, estimated from the milliseconds of a step; 0: no estimate
    full: Flag = False
    suite: Text = "core"  # gives the steps of an arm that names none
    note: Text = ""  # what was shortened or is another, in words
    data: dict[Text, Text] = field(default_factory=dict)  # stand-ins: the protocol's dataset -> the one that is used
    fields: dict[Text, Any] = field(default_factory=dict)
    metric: dict[Text, Text] = field(default_factory=dict)  # stand-ins: a target's metric -> the one that is shown
    without: tuple[Name, ...] = ()  # measures that are left out
    probes: Count = 0  # looks at the public board during training
    target: NumberOrNull = None  # of the primary metric on the public board: time to quality is counted up to there


@dataclass(frozen=True, kw_only=True)
class Arm(_Strict):
    """One model on one dataset under one setting."""

    name: Name
    model: Name
    dataset: Name
    fields: dict[Text, Any] = field(default_factory=dict)
    cpu: dict[Text, Any] = field(default_factory=dict)
    gpu: dict[Text, Any] = field(default_factory=dict)
    full: dict[Text, Any] = field(default_factory=dict)
    every_row: Flag = (
        False  # train on all rows that the data's publisher gives for training, the public board's among them
    )
    train_rows: Count = 0  # train on so many rows, other ones for each seed; 0: all
    binarized: Flag = False  # pixels drawn from Bernoulli(value) once, by a fixed seed
    measures: tuple[Name, ...] | None = None  # None: the experiment's


@dataclass(frozen=True, kw_only=True)
class Target(_Strict):
    """A published number. se None: the source gives none; n: the trials it stands on, 0 if unknown."""

    arm: Name
    metric: Name
    value: Number
    better: Literal["higher", "lower", "none"]
    se: NumberOrNull = None
    n: Count = 0
    unit: Number = 0.0  # of the last printed digit: what rounding may hide
    margin: Number = 0.0  # the difference that would matter, stated before the run; above 0 in published/
    exact: Flag = False  # nothing is drawn and the test rows are theirs: ours has no error
    differs: Text = ""  # why this number's own protocol is another one: then it is not comparable


@dataclass(frozen=True, kw_only=True)
class Compare(_Strict):
    """Each of `arms` against the arm `base` in each of `columns`, or against the same run's `versus`.

    One family of tests with all other comparisons of the experiment.
    """

    columns: tuple[Name, ...]
    arms: tuple[Name, ...]
    base: Label = ""
    versus: Label = ""


@dataclass(frozen=True, kw_only=True)
class Best(_Strict):
    """The best of several arms by a column of the public board, under a name of its own for comparisons."""

    name: Name
    arms: tuple[Name, ...]
    column: Name


@dataclass(frozen=True, kw_only=True)
class Interact(_Strict):
    """Each two of `pairs` in each of `columns`: is what sets the arms of a pair apart the same in both?"""

    columns: tuple[Name, ...]
    pairs: tuple[tuple[Text, Text], ...]


@dataclass(frozen=True, kw_only=True)
class Experiment(_Strict):
    """A protocol to run, the arms it compares, and the numbers or questions that it is run for."""

    name: Name
    kind: Literal["published", "agreement", "question"]
    title: Text
    budget: dict[Name, Budget]
    arm: tuple[Arm, ...] = ()
    columns: tuple[Name, ...] = ()  # shown, in this order; metrics of the suite or columns of the measures
    measures: tuple[Name, ...] = ()
    setup: Text = ""  # of a question: what is run and why
    paper: Text = ""
    source: Text = ""  # where the targets were read
    grade: Text = ""  # of evidence: F authors' files, P paper, S third party, M memory, X computed here
    protocol: Text = ""
    differs: tuple[Text, ...] = ()  # what differs from the published protocol even at full length
    target: tuple[Target, ...] = ()
    compare: tuple[Compare, ...] = ()
    curves: tuple[Text, ...] = ()  # values of the training curve to plot over the steps
    correlate: tuple[tuple[Text, Text], ...] = ()  # pairs of columns, over the arms
    plot: tuple[Text, ...] = ()  # columns of the plot; empty: all columns
    sort: Text = ""  # a column: the page's arms stand in its order, the best one first
    best: tuple[Best, ...] = ()
    interact: tuple[Interact, ...] = ()

    def measures_of(self, arm: Arm, budget: str) -> tuple[str, ...]:
        """Return the names of the measures that an arm takes under a budget."""
        own = self.measures if arm.measures is None else arm.measures
        return tuple(name for name in own if name not in self.budget[budget].without)

    def fingerprint(self, budget: str) -> str:
        """Hash what decides a budget's numbers and tests, and none of the words.

        A result of another hash is an older one.
        """
        parts = [
            *self.arm,
            *self.best,
            *self.compare,
            *self.interact,
            replace(self.budget[budget], core_minutes=0.0, note=""),
        ]
        text = json.dumps(
            [[asdict(part) for part in parts], self.measures, self.columns, self.correlate], sort_keys=True
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def made(self, result: dict[str, Any]) -> bool:
        """Say whether a stored result was made by this protocol, and not by an older one."""
        return result["budget"] in self.budget and result.get("protocol") == self.fingerprint(result["budget"])


PARTS = {"arm": Arm, "target": Target, "compare": Compare, "budget": Budget, "best": Best, "interact": Interact}


def names() -> list[str]:
    """Return the names of all experiments: published ones, agreements, questions by number."""
    found = {kind: sorted(path.stem for path in (FOLDER / folder).glob("*.toml")) for kind, folder in FOLDERS.items()}
    questions = sorted(found["question"], key=lambda name: int(name.rpartition("-")[2]))
    return found["published"] + found["agreement"] + questions


def choose(asked: tuple[str, ...], *, everything: bool, budget: str = "") -> list[Experiment]:
    """Return the experiments asked for, each once.

    `question`, `published` and `agreement` mean all of a kind.

    With a budget, those of a kind that have none of it are left out; UsageError for one that was named.
    """
    known = names()
    chosen: list[str] = list(known) if everything else []
    for name in asked:
        if name in ("question", "questions"):
            chosen += [n for n in known if n.startswith("question-")]
        elif name in ("published", "agreement"):
            chosen += [n for n in known if (FOLDER / FOLDERS[name] / f"{n}.toml").is_file()]
        elif name in known:
            chosen.append(name)
        else:
            raise unknown("reproduction", name, known)
    experiments = [load_experiment(name) for name in dict.fromkeys(chosen)]
    for one in experiments:
        if budget and budget not in one.budget and one.name in asked:
            raise UsageError(f"{one.name} has no budget {budget!r}; it has {', '.join(one.budget)}")
    return [one for one in experiments if not budget or budget in one.budget]


def load_experiment(name: str) -> Experiment:
    """Read an experiment by name."""
    for kind, folder in FOLDERS.items():
        path = FOLDER / folder / f"{name}.toml"
        if path.is_file():
            return read_experiment(path, kind)
    raise unknown("reproduction", name, names())


def read_experiment(path: Path, kind: str) -> Experiment:
    """Read the experiment in a TOML file; UsageError says what in it is wrong."""
    table = read_toml(path, path.name) | {"name": path.stem, "kind": kind}
    experiment = parse(Experiment, table, path.name, parts=PARTS)
    _check(experiment, path.name)
    return experiment


def _check(experiment: Experiment, where: str) -> None:
    arms = [arm.name for arm in experiment.arm]
    if len({*arms, *(best.name for best in experiment.best)}) < len(arms) + len(experiment.best):
        raise UsageError(f"{where}: two arms of one name in {arms}")
    for budget in experiment.budget:
        if budget not in BUDGETS:
            raise UsageError(f"{where}: {unknown('budget', budget, BUDGETS)}")
    if not experiment.budget:
        raise UsageError(f"{where}: no budget; expected one of {', '.join(f'[budget.{name}]' for name in BUDGETS)}")
    if experiment.kind == "published" and (loose := [t for t in experiment.target if t.margin <= 0]):
        raise UsageError(f"{where}: the target {loose[0].metric} of {loose[0].arm!r} has no margin above 0 to judge by")
    if bad := [c for c in experiment.compare if bool(c.base) == bool(c.versus)]:
        raise UsageError(f"{where}: compare needs one of base (an arm) and versus (a column), got {bad[0]}")
    best = [each.name for each in experiment.best]
    compared = [a for c in experiment.compare for a in (*c.arms, c.base) if a]
    compared += [name for each in experiment.interact for pair in each.pairs for name in pair]
    used = [t.arm for t in experiment.target] + [name for each in experiment.best for name in each.arms]
    for name, known in [(name, arms) for name in used] + [(name, arms + best) for name in compared]:
        if name not in known:
            raise UsageError(f"{where}: {unknown('arm', name, known)}")
