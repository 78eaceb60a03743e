"""Read suites: TOML files that name datasets, models and budgets in steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias

from bench.errors import UsageError
from bench.files.shapes import Count, Expected, Flag, Name, Number, is_count, is_number, is_text, parse, read_toml
from bench.registry import entries, unknown

KINDS = ("2d", "table", "image", "large_image")  # Dataset.kind
FOLDER = Path(__file__).parent / "suites"
PROBES_FOR_FLAT = 5  # so that each of the last two fifths of training has one


def _from(least: float, is_kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: is_kind(value) and value >= least


PositiveCount: TypeAlias = Annotated[int, Expected("a whole number of at least 1", _from(1, is_count))]
Seconds: TypeAlias = Annotated[float, Expected("a number of at least 1", _from(1, is_number))]
Gibibytes: TypeAlias = Annotated[float, Expected("a number of at least 0.1", _from(0.1, is_number))]
Words: TypeAlias = Annotated[str, Expected("a string", is_text)]
Ranks: TypeAlias = Annotated[str, Expected("'all' or 'flat'", lambda value: value in ("all", "flat"))]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What to run.

    Steps are looked up by dataset, then by kind of data, then the model's own default holds.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: Name  # of its file
    description: Words = ""  # a line for bench list suites
    seeds: PositiveCount = 3  # training seeds, from 0 on
    datasets: tuple[Name, ...] = ()  # empty: those of the suite core
    models: tuple[Name, ...] = ()  # empty: all
    draws: PositiveCount = 5  # equal-n draws of a ranked set metric
    draw_limit: Count = 0  # rows that these draws may take together: then fewer draws, at least one; 0: no limit
    elbo_samples: PositiveCount = 64  # importance samples of a bound on the likelihood
    sample_limit: Count = 0  # at most so many samples a cell; 0: as many as the metrics want
    probes: Count = 10  # looks at the public board during training; fewer than 5 cannot tell whether its curve was flat
    ranks: Ranks = "all"  # which trained models take a rank: all, or "flat": those whose curve was flat at its end
    max_steps: Count = 0  # cuts every budget, for the smoke suite; 0: no cut
    slow_metrics: Flag = False  # C2ST, Parzen window, FID at infinity too
    timeout_s: Seconds = 300.0  # seconds after which a cell is stopped
    memory_gib: Gibibytes = 3.0  # resident memory that a cell may take; own data may take what the machine has
    throughput: Flag = True  # time one cell after another at the end, alone
    # dataset -> the score of its primary metric that counts as good: time to quality
    targets: dict[Name, Number] = field(default_factory=dict)
    # dataset or kind -> core-seconds of training, the same for every model; the steps are made from them by studies.budgets
    caps: dict[Name, Number] = field(default_factory=dict)
    # model -> dataset or kind -> steps
    steps: dict[Name, dict[Name, PositiveCount]] = field(default_factory=dict)
    # model -> dataset or kind -> field -> value
    set: dict[Name, dict[Name, dict[Name, Any]]] = field(default_factory=dict)

    def draws_of(self, rows: int) -> int:
        """Return how many draws of so many rows each a cell makes."""
        return max(1, min(self.draws, self.draw_limit // max(rows, 1))) if self.draw_limit else self.draws

    def lookup(self, table: str, model: str, dataset: str, kind: str) -> Any:
        """Return the entry of a model for a dataset, else for its kind of data, else None."""
        entry = getattr(self, table).get(model, {})
        return entry.get(dataset, entry.get(kind))


def suite_names() -> list[str]:
    """Return the names of the suites that come with this package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_suite(name: str) -> Suite:
    """Read a suite by name or by the path of a TOML file; UsageError names what is wrong in it."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise unknown("suite", name, suite_names())
    where = f"suite {path}"
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", path.stem):
        raise UsageError(f"{where}: its name must be letters, digits, '.', '_' or '-', got {path.stem!r}")
    table = read_toml(path, where)
    if "name" in table:
        raise UsageError(f"{where}: unknown key 'name'; a suite has the name of its file")
    suite = parse(Suite, table | {"name": path.stem}, where)
    if suite.ranks == "flat" and suite.probes < PROBES_FOR_FLAT:
        raise UsageError(f'{where}: ranks = "flat" needs probes of at least {PROBES_FOR_FLAT}, got {suite.probes}')
    _check_names(suite, where)
    return suite


def _check_names(suite: Suite, where: str) -> None:
    """Raise UsageError for a model, a dataset or a kind of data that does not exist."""
    datasets = entries("dataset")
    _check_known(f"{where}: datasets", "dataset", suite.datasets, datasets)
    models = [name for name in suite.models if not name.endswith(".py")]  # a file of the user's is a model too
    _check_known(f"{where}: models", "model", models, entries("model"))
    _check_known(f"{where}: targets", "dataset", suite.targets, datasets)
    _check_known(f"{where}: caps", "dataset or kind", suite.caps, [*KINDS, *datasets])
    tables: Mapping[str, Mapping[str, Mapping[str, Any]]] = {"steps": suite.steps, "set": suite.set}
    for key, by_model in tables.items():
        _check_known(f"{where}: {key}", "model", by_model, entries("model"))
        for model, by_place in by_model.items():
            _check_known(f"{where}: {key}.{model}", "dataset or kind", by_place, [*KINDS, *datasets])


def _check_known(where: str, kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            raise UsageError(f"{where}: {unknown(kind, name, known)}")
