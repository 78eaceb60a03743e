"""A model's stored outputs against one split; features, modes and log-probabilities are computed once and shared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor

from bench.data import Dataset, Split
from bench.features import FeatureSpace, load_space

DRAWS = 5  # equal-n draws that a ranked set metric is averaged over


class Evaluation:
    """What metrics see. board: "public" (valid) or "private" (test).

    outputs, by name (all optional; rows in the split's order):
        samples (n, *shape)         on the dataset's grid; SPLIT.samples where a board has its own (the oracle)
        given.x, given.y            class-conditional samples and their labels
        SPLIT.log_prob (N,)         exact, nats;  SPLIT.elbo (N,): a bound;  SPLIT.proba (N, K): class probabilities
    measure: "counting" or "lebesgue", what the log-probabilities are of.
    """

    def __init__(
        self, dataset: Dataset, outputs: Mapping[str, Tensor], *, board: str, measure: str = "", draws: int = DRAWS
    ) -> None:
        self.dataset, self.outputs, self.board, self.measure = dataset, outputs, board, measure
        self.n_draws = draws
        self._features: dict[tuple[str, str], Tensor] = {}

    def has(self, need: str) -> bool:
        """Whether a need of a metric is met: an output, a fact of the dataset, or a feature space's name."""
        checks = {
            "samples": lambda: "samples" in self.outputs,
            "given": lambda: "given.x" in self.outputs,
            "log_prob": lambda: self._key("log_prob") in self.outputs,
            "elbo": lambda: self._key("elbo") in self.outputs,
            "proba": lambda: self._key("proba") in self.outputs,
            "labels": lambda: self.real.y is not None,
            "law": lambda: self.dataset.law is not None,
            "modes": lambda: self.dataset.law is not None or self.dataset.n_modes > 0,
            "classifier": lambda: self.dataset.law is None and self.dataset.n_modes > 0,
            "levels": lambda: self.dataset.levels is not None,
            "real_valued": lambda: self.dataset.levels is None,
            "natural": lambda: self.dataset.levels is None or self.measure == "counting",
            "image": lambda: len(self.dataset.shape) == 3,
            "counting": lambda: self.measure == "counting",
            "lebesgue": lambda: self.measure == "lebesgue",
        }
        if need not in checks:
            raise LookupError(f"unknown need {need!r}; expected one of {', '.join(checks)}")
        return checks[need]()

    @property
    def train(self) -> Split:
        """The training rows: for standardisation, copies, train-test gaps."""
        return self.dataset.train

    @cached_property
    def real(self) -> Split:
        """The board's held-out rows."""
        return self.dataset.split(self.board)

    @property
    def samples(self) -> Tensor:
        """All stored samples, (n, *shape)."""
        return self.outputs.get(self._key("samples"), self.outputs.get("samples"))

    @property
    def draws(self) -> list[Tensor]:
        """Disjoint sets of as many samples as the board has real rows (at most n_draws), each (n, *shape)."""
        samples, n = self.samples, len(self.real)
        count = max(1, min(self.n_draws, len(samples) // n))
        return [samples[i * n : (i + 1) * n] for i in range(count)]

    @property
    def mode_samples(self) -> Tensor:
        """The samples that mode statistics are computed from; the two boards use different ones where they last."""
        samples = self.samples
        n = self.dataset.n_mode_samples or len(self.real)
        start = n if self.board == "private" and len(samples) >= 2 * n else 0
        return samples[start : start + n]

    @property
    def log_prob(self) -> Tensor:
        """Exact log-probabilities of the board's rows, (N,), nats."""
        return self.outputs[self._key("log_prob")]

    @property
    def elbo(self) -> Tensor:
        """Bounds on the log-likelihood of the board's rows, (N,), nats."""
        return self.outputs[self._key("elbo")]

    @property
    def proba(self) -> Tensor:
        """Class probabilities of the board's rows, (N, K)."""
        return self.outputs[self._key("proba")]

    def space(self, name: str) -> FeatureSpace:
        """A feature space bound to this dataset."""
        return load_space(name, self.dataset)

    def real_features(self, space: str) -> Tensor:
        """Features of the board's rows, (N, D)."""
        return self._cached(space, "real", lambda: self.real.x)

    def train_features(self, space: str) -> Tensor:
        """Features of the training rows, (N, D)."""
        return self._cached(space, "train", lambda: self.train.x)

    def draw_features(self, space: str) -> list[Tensor]:
        """Features of each draw, a list of (n, D)."""
        return [self._cached(space, f"draw{i}", lambda x=x: x) for i, x in enumerate(self.draws)]

    def _cached(self, space: str, which: str, rows: object) -> Tensor:
        key = (space, which)
        if key not in self._features:
            with torch.no_grad():
                self._features[key] = self.space(space)(rows())  # type: ignore[operator]
        return self._features[key]

    def _key(self, output: str) -> str:
        return ("valid." if self.board == "public" else "test.") + output
