"""Experiments as data: a TOML file is a protocol, its arms, and the published targets or the comparisons they are for.

A file in published/ has [[target]]s, one in questions/ has [[compare]]s; both have [[arm]]s and a [budget.cpu] and a
[budget.gpu]. Fields of an arm: the budget's `fields` where the model has them, then `fields`, then its table of the
budget's name. An unknown key is an error that names it. Reading a file imports no torch.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.registry import entries, unknown
from bench.reproductions.measure import Column, columns_of, measure_names

FOLDER = Path(__file__).parent
BUDGETS = ("cpu", "gpu")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much of a protocol is run. full: the published protocol, at its length, on its data and with its networks."""

    seeds: int
    full: bool = False
    suite: str = "core"  # gives the steps of an arm that names none
    note: str = ""  # what was shortened or is another, in words
    data: dict[str, str] = field(default_factory=dict)  # stand-ins: the protocol's dataset -> the one that is used
    fields: dict[str, Any] = field(default_factory=dict)
    metric: dict[str, str] = field(default_factory=dict)  # stand-ins: a target's metric -> the one that is shown
    without: tuple[str, ...] = ()  # measures that are left out


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One model on one dataset under one setting."""

    name: str
    model: str
    dataset: str
    fields: dict[str, Any] = field(default_factory=dict)
    cpu: dict[str, Any] = field(default_factory=dict)
    gpu: dict[str, Any] = field(default_factory=dict)
    train_rows: int = 0  # train on so many rows, other ones for each seed; 0: all
    binarized: bool = False  # pixels drawn from Bernoulli(value) once, by a fixed seed
    measures: tuple[str, ...] | None = None  # None: the experiment's


@dataclass(frozen=True, kw_only=True)
class Target:
    """A published number. se None: the source gives none; n: the trials it stands on, 0 if unknown."""

    arm: str
    metric: str
    value: float
    better: str  # "higher", "lower" or "none"
    se: float | None = None
    n: int = 0
    unit: float = 0.0  # of the last printed digit: what rounding may hide
    paired: bool = False  # ours is computed on theirs' very rows and folds: rounding is all that may differ


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Each of `arms` against the arm `base` in each of `columns`, or against the column `versus` of the same run.

    One family of tests with all other comparisons of the experiment.
    """

    columns: tuple[str, ...]
    arms: tuple[str, ...]
    base: str = ""
    versus: str = ""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A protocol to run; `kind` is "published" or "question"."""

    name: str
    kind: str
    title: str
    budget: dict[str, Budget]
    arm: tuple[Arm, ...] = ()
    columns: tuple[str, ...] = ()  # shown, in this order; metrics of the suite or columns of the measures
    measures: tuple[str, ...] = ()
    setup: str = ""  # of a question: what is run and why
    paper: str = ""
    source: str = ""  # where the targets were read
    grade: str = ""  # of evidence: F authors' files, P paper, S third party, M memory, X computed here
    protocol: str = ""
    differs: tuple[str, ...] = ()  # what differs from the published protocol even at full length
    target: tuple[Target, ...] = ()
    compare: tuple[Compare, ...] = ()
    curves: tuple[str, ...] = ()  # values of the training curve to plot over the steps
    correlate: tuple[tuple[str, str], ...] = ()  # pairs of columns, over the arms
    plot: tuple[str, ...] = ()  # columns of the plot; empty: all columns
    records: str = ""  # a suite: the arms are rows of its committed boards, and nothing is run

    def measures_of(self, arm: Arm, budget: str) -> tuple[str, ...]:
        """Names of the measures that an arm takes under a budget."""
        own = self.measures if arm.measures is None else arm.measures
        return tuple(name for name in own if name not in self.budget[budget].without)


def names() -> list[str]:
    """All experiments: the published ones, then the questions by number."""
    published = sorted(path.stem for path in (FOLDER / "published").glob("*.toml"))
    questions = [path.stem for path in (FOLDER / "questions").glob("*.toml")]
    return published + sorted(questions, key=lambda name: int(name.rpartition("-")[2]))


def choose(asked: tuple[str, ...], *, everything: bool) -> list[Experiment]:
    """The experiments asked for, each once; `question` means all ten, `published` all published ones."""
    known = names()
    chosen: list[str] = list(known) if everything else []
    for name in asked:
        if name in ("question", "questions"):
            chosen += [n for n in known if n.startswith("question-")]
        elif name == "published":
            chosen += [n for n in known if not n.startswith("question-")]
        elif name in known:
            chosen.append(name)
        else:
            raise unknown("reproduction", name, known)
    return [load_experiment(name) for name in dict.fromkeys(chosen)]


def load_experiment(name: str) -> Experiment:
    """Read an experiment by name."""
    for kind, folder in (("published", "published"), ("question", "questions")):
        path = FOLDER / folder / f"{name}.toml"
        if path.is_file():
            return read_experiment(path, kind)
    raise unknown("reproduction", name, names())


def read_experiment(path: Path, kind: str) -> Experiment:
    """Read one file; UsageError says what in it is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name}: not readable as TOML: {error}") from error
    parts = {"arm": Arm, "target": Target, "compare": Compare}
    for key, cls in parts.items():
        table[key] = tuple(_make(cls, part, f"{path.name}: {key}") for part in table.get(key, []))
    table["budget"] = {b: _make(Budget, t, f"{path.name}: budget.{b}") for b, t in table.get("budget", {}).items()}
    experiment = _make(Experiment, table | {"name": path.stem, "kind": kind}, path.name)
    _check(experiment, path.name)
    return experiment


def _make(cls: type, table: dict[str, Any], where: str) -> Any:
    known = {f.name for f in fields(cls)}
    for key in table:
        if key not in known:
            raise UsageError(f"{where}: {unknown('key', key, known)}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise UsageError(f"{where}: {error}") from error


def _check(experiment: Experiment, where: str) -> None:
    arms = [arm.name for arm in experiment.arm]
    if len(set(arms)) < len(arms):
        raise UsageError(f"{where}: two arms of one name in {arms}")
    for budget in experiment.budget:
        if budget not in BUDGETS:
            raise UsageError(f"{where}: {unknown('budget', budget, BUDGETS)}")
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
    """The column of this name. Accuracies and shares are compared as they are, in points: logit counts as raw here."""
    known = OF_RECORDS | {key: value for measure in measure_names() for key, value in columns_of(measure).items()}
    if name in known:
        found = known[name]
    else:
        constants = entries("metric")[name].constants
        unit = constants.get("unit", "")
        title = f"{name}, {unit}" if unit in UNITS else name
        found = Column(title, constants["better"], constants.get("scale", "raw"))
    return Column(found.title, found.better, "raw" if found.scale == "logit" else found.scale)
