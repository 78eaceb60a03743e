"""Say of each row how many trials its model had, what they cost, and whether it runs the best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.leaderboard.newest import Key, key_of
from bench.leaderboard.row import SUBMISSION
from bench.records.record import Record
from bench.records.tuning import Search, cost_of

MOST_NAMED = 4  # models with one number of trials; more of them are counted


@dataclass(frozen=True)
class Tuned:
    """The search behind a row.

    best: the row has the best trial's settings; older: the trials are of other code or data than the row.
    """

    trials: int
    core_seconds: float
    best: bool
    older: bool

    @property
    def words(self) -> str:
        """Say it, as "16 trials, 310 core-s, settings of the best"."""
        trials = f"{count_of(self.trials)}{' of other code or data' if self.older else ''}"
        return f"{trials}, {self.core_seconds:,.0f} core-s" + (", settings of the best" if self.best else "")


def tuned_rows(records: Iterable[Record], searches: Iterable[Search]) -> dict[Key, Tuned]:
    """Find the rows whose model was tuned on their dataset; reference rows and submissions never are."""
    known = {(search["dataset"], search["model"]): search for search in searches}
    rows: dict[Key, Tuned] = {}
    for record in records:
        search = known.get((record["dataset"]["id"], record["model"]["id"]))
        if search and not record["model"]["reference"] and record["model"]["family"] != SUBMISSION:
            made_of = record["model"].get("source_sha256"), record["dataset"]["sha256"]
            older = made_of != (search["source_sha256"], search["dataset_sha256"])
            rows[key_of(record)] = Tuned(
                len(search["trials"]), round(cost_of(search), 1), has_best_settings(record, search), older
            )
    return rows


def has_best_settings(record: Record, search: Search) -> bool:
    """Tell whether a record's model has the fields of the best trial."""
    if search["best"] is None:
        return False
    hparams = record["model"].get("hparams") or {}
    settings = search["trials"][search["best"]]["settings"]
    return all(name in hparams and hparams[name] == value for name, value in settings.items())


def tuning_line(models: Mapping[str, Tuned | None]) -> str:
    """Say in one line how many trials the models of a board had; empty if none had any."""
    groups: dict[int, list[str]] = defaultdict(list)
    for model, tuned in models.items():
        groups[tuned.trials if tuned else 0].append(model)
    if not any(groups):
        return ""
    if len(groups) == 1:
        return f"Tuned equally: {count_of(next(iter(groups)))} of every model."
    parts = [f"{count_of(trials)}: {_named(those)}" for trials, those in sorted(groups.items(), reverse=True)]
    return f"Not tuned equally: {'; '.join(parts)}."


def _named(models: list[str]) -> str:
    return ", ".join(sorted(models)) if len(models) <= MOST_NAMED else f"{len(models)} models"


def count_of(trials: int) -> str:
    """Write a number of trials: "no trial", "1 trial", "16 trials"."""
    return {0: "no trial", 1: "1 trial"}.get(trials, f"{trials} trials")
