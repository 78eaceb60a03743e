"""Suites: TOML files in bench/suites/ that name datasets, models and budgets in steps. An unknown key is an error."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.registry import entries, unknown

KINDS = ("2d", "table", "image", "large_image")  # Dataset.kind
FOLDER = Path(__file__).parent / "suites"
LEAST = {"seeds": 1, "draws": 1, "elbo_samples": 1, "timeout_s": 1, "memory_gib": 0.1} | dict.fromkeys(
    ("sample_limit", "probes", "max_steps"), 0
)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What to run. Steps are looked up by dataset, then by kind of data, then the model's own default holds."""

    name: str
    description: str = ""
    seeds: int = 3
    datasets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()  # empty: all
    draws: int = 5  # equal-n draws of a ranked set metric
    elbo_samples: int = 64  # importance samples of a bound on the likelihood
    sample_limit: int = 0  # at most so many samples a cell; 0: as many as the metrics want
    probes: int = 5  # looks at the public board during training
    max_steps: int = 0  # cuts every budget, for the smoke suite; 0: no cut
    slow_metrics: bool = False
    timeout_s: float = 300.0
    memory_gib: float = 3.0
    throughput: bool = True
    targets: dict[str, float] = field(
        default_factory=dict
    )  # dataset -> primary metric that counts as good: time to quality
    steps: dict[str, dict[str, int]] = field(default_factory=dict)  # model -> dataset or kind -> steps
    set: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=dict
    )  # model -> dataset or kind -> field -> value

    def lookup(self, table: str, model: str, dataset: str, kind: str) -> Any:
        """The entry for a dataset, else for its kind, else None."""
        entry = getattr(self, table).get(model, {})
        return entry.get(dataset, entry.get(kind))


def _check_table(where: str, table: dict[str, Any]) -> None:
    """UsageError for a model, or a dataset or kind of data, that does not exist."""
    places = [*KINDS, *entries("dataset")]
    for model, by_place in table.items():
        if model not in entries("model"):
            raise UsageError(f"{where}: {unknown('model', model, entries('model'))}")
        for place, value in by_place.items() if isinstance(by_place, dict) else ():
            if place not in places:
                raise UsageError(f"{where}.{model}: {unknown('dataset or kind', place, places)}")
            if where.endswith("steps") and (not isinstance(value, int) or value < 1):
                raise UsageError(f"{where}.{model}.{place}: expected a number of steps of at least 1, got {value!r}")
        if not isinstance(by_place, dict):
            raise UsageError(f"{where}.{model}: expected a table of datasets or kinds of data, got {by_place!r}")


def _check_targets(where: str, table: dict[str, Any]) -> None:
    """UsageError for a dataset that does not exist, or a target that is not a finite number."""
    for dataset, target in table.items():
        if dataset not in entries("dataset"):
            raise UsageError(f"{where}: {unknown('dataset', dataset, entries('dataset'))}")
        if isinstance(target, bool) or not isinstance(target, (int, float)) or not math.isfinite(target):
            raise UsageError(f"{where}.{dataset}: expected a score of its primary metric, a number, got {target!r}")


def _check_entries(where: str, table: dict[str, Any]) -> None:
    """UsageError for a number that nothing can be run with, or for a name in a list that does not exist."""
    for key, least in LEAST.items():
        value = table.get(key, least)
        if isinstance(value, bool) or not least <= value < math.inf:
            raise UsageError(f"{where}: {key} must be at least {least:g}, got {value!r}")
    for key, kind in (("datasets", "dataset"), ("models", "model")):
        for name in table.get(key, ()):
            file = kind == "model" and isinstance(name, str) and name.endswith(".py")
            if not isinstance(name, str) or not (file or name in entries(kind)):
                raise UsageError(f"{where}: {key}: {unknown(kind, str(name), entries(kind))}")


def suite_names() -> list[str]:
    """Names of the suites: the files of bench/suites."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_suite(name: str) -> Suite:
    """Read a suite by name or by the path of a TOML file; UsageError names what is wrong in it."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise unknown("suite", name, suite_names())
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", path.stem):
        raise UsageError(f"suite {path}: its name must be letters, digits, '.', '_' or '-', got {path.stem!r}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise UsageError(f"suite {path}: not readable as TOML: {error}") from error
    known = {f.name for f in fields(Suite)} - {"name"}
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"suite {path}: {unknown('key', key, known)}")
        default = getattr(Suite(name=path.stem), key)
        expected = (
            (list,) if isinstance(default, tuple) else (int, float) if isinstance(default, float) else (type(default),)
        )
        if not isinstance(value, expected):
            raise UsageError(f"suite {path}: {key} must be {expected[-1].__name__}, got {value!r}")
    _check_entries(f"suite {path}", table)
    for table_name in ("steps", "set"):
        _check_table(f"suite {path}: {table_name}", table.get(table_name, {}))
    _check_targets(f"suite {path}: targets", table.get("targets", {}))
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    return Suite(name=path.stem, **{**table, **lists})
