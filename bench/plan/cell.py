"""A cell is the unit of work: one model on one dataset with one seed.

Its key covers everything that decides its numbers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

DRIVER_VERSION = 1  # part of every key: raise it when a change of the harness can change a trained model


@dataclass(frozen=True, kw_only=True, slots=True)  # slots: a plan may hold many thousands
class Cell:
    """One model on one dataset with one seed. Everything in it is JSON."""

    suite: str
    device: str  # "cpu" | "cuda"
    precision: str
    dataset: dict[str, Any]  # see facts_of; with path: the user's own data
    model: dict[str, Any]  # see model_facts
    steps: int | None
    seed: int
    draws: int
    elbo_samples: int
    metrics: dict[str, int]  # name -> version
    features: dict[str, str]  # name -> sha256
    versions: dict[str, str] = field(default_factory=dict)  # torch, driver
    probes: int = 0
    target: float | None = None  # of the primary metric: its time to quality is counted up to there; no part of the key
    ranks: str = "all"  # of its suite: "flat" leaves rows without a rank that still improve; no part of the key
    sample_limit: int = 0
    timeout_s: float = 300.0
    memory_bytes: int = 3 * 2**30
    measures: dict[str, str] = field(default_factory=dict)  # of an experiment: name -> sha256 of its source
    train_rows: int = 0  # of an experiment: train on so many rows; 0: all
    trial: bool = False  # of a search: scored on the public board alone, and its outputs are not kept

    @property
    def boards(self) -> tuple[str, ...]:
        """The boards that the cell is scored on."""
        return ("public",) if self.trial else ("public", "private")

    @property
    def row(self) -> str:
        """The model's name on a board, with what was set by hand: "dcgan+batch_norm=false"."""
        variant = self.model.get("variant", "")
        return f"{self.model['id']}+{variant}" if variant else self.model["id"]

    @property
    def slot(self) -> str:
        """Relative path of its record, without the ending."""
        return f"{self.suite}-{self.device}/{self.dataset['id']}/{self.row}/seed-{self.seed}"

    @property
    def key(self) -> str:
        """Hash of all that decides the model's outputs.

        Data, sources, hyper-parameters, seed, device, versions.
        """
        model = {k: self.model[k] for k in ("id", "source_sha256", "hparams")}
        parts = {
            "dataset": self.dataset["sha256"],
            "model": model,
            "steps": self.steps,
            "seed": self.seed,
            "draws": self.draws,
            "elbo_samples": self.elbo_samples,
            "sample_limit": self.sample_limit,
            "device": self.device,
            "precision": self.precision,
            "versions": self.versions,
        }
        if self.measures or self.train_rows:
            parts |= {"measures": self.measures, "train_rows": self.train_rows}
        if self.trial:
            parts["trial"] = True
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `Cell(**object)` reads back."""
        return asdict(self)
