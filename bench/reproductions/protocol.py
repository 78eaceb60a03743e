"""Read experiments as data: a TOML file is a protocol, its arms, and what they are compared with.

A file in published/ has [[target]]s that a paper prints, one in agreement/ has [[target]]s that another program computes on the
same rows, one in questions/ has [[compare]]s; all have [[arm]]s and one or several of [budget.cpu], [budget.gpu], [budget.full].
Fields of an arm: the budget's `fields` where the model has them, then `fields`, then its table of the budget's name. An
unknown key is an error that names it. Reading a file imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from bench.errors import UsageError
from bench.files.shapes import Count, Flag, Label, Name, Number, NumberOrNull, Text, parse, read_toml
from bench.registry import entries, unknown
from bench.reproductions.measure import Column, columns_of, measure_names

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
    full: Flag = False
    suite: Text = "core"  # gives the steps of an arm that names none
    note: Text = ""  # what was shortened or is another, in words
    data: dict[Text, Text] = field(default_factory=dict)  # stand-ins: the protocol's dataset -> the one that is used
    fields: dict[Text, Any] = field(default_factory=dict)
    metric: dict[Text, Text] = field(default_factory=dict)  # stand-ins: a target's metric -> the one that is shown
    without: tuple[Name, ...] = ()  # measures that are left out


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
    records: Text = ""  # a suite: the arms are rows of its committed boards, and nothing is run

    def measures_of(self, arm: Arm, budget: str) -> tuple[str, ...]:
        """Return the names of the measures that an arm takes under a budget."""
        own = self.measures if arm.measures is None else arm.measures
        return tuple(name for name in own if name not in self.budget[budget].without)


PARTS = {"arm": Arm, "target": Target, "compare": Compare, "budget": Budget}


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
    if len(set(arms)) < len(arms):
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
    used = [t.arm for t in experiment.target] + [a for c in experiment.compare for a in (*c.arms, c.base) if a]
    for name in used:
        if name not in arms:
            raise UsageError(f"{where}: {unknown('arm', name, arms)}")


OF_RECORDS = {
    "cpu_s": Column("CPU-seconds of the cell", "lower", "log"),
    "train_s": Column("training, seconds", "lower", "log"),
    "peak_mib": Column("peak memory, MiB", "lower", "log"),
    "n_params": Column("trained parameters, or numbers kept", "none", "log"),
}
UNITS = {"nats", "bits", "count", "fraction"}


def column(name: str) -> Column:
    """Return the column of this name; shares are compared in points, so logit counts as raw."""
    known = OF_RECORDS | {key: value for measure in measure_names() for key, value in columns_of(measure).items()}
    if name in known:
        declared = known[name]
    else:
        constants = entries("metric")[name].constants
        unit = constants.get("unit", "")
        title = f"{name}, {unit}" if unit in UNITS else name
        declared = Column(title, constants["better"], constants.get("scale", "raw"))
    return Column(declared.title, declared.better, "raw" if declared.scale == "logit" else declared.scale)
