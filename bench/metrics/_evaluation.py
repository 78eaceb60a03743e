"""A model's stored outputs against one split; features and modes are computed once and shared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor

from bench.datasets import Dataset, Examples, Mixture, Split, is_dequantised
from bench.features import CountingModes, FeatureSpace, load_space
from bench.metrics import refuse_non_finite
from bench.metrics._blocks import Blocks, dealt_order
from bench.metrics._cache import kept
from bench.metrics._home import at_home

Value = TypeVar("Value")
DRAWS = 5  # equal-n draws that a ranked set metric is averaged over
MOST_SAMPLES = 10_000  # that any metric takes beyond draws and mode statistics
ORDER_SEED = 0


class Evaluation:
    """All that a metric is given. board: "public" (valid) or "private" (test).

    outputs, by name (all optional; rows in the split's order):
        samples (n, *shape)         on the dataset's grid; SPLIT.samples where a board has its own (the oracle)
        given.x, given.y            class-conditional samples and their labels
        train.log_prob (n,)         exact, nats, of the first training rows
        SPLIT.log_prob (N,)         exact, nats;  SPLIT.elbo (N,): a bound;  SPLIT.proba (N, K): class probabilities
    measure: "counting" or "lebesgue", what the log-probabilities are of.

    Metrics take prefixes and slices of rows: draws, blocks, the ten parts of an inception score. The order in which a file or a model
    keeps its samples may mean something (one class after the other), so samples are put in one fixed random order here, and
    the held-out rows, with all that is said of them, in the order in which blocks are dealt (bench/metrics/_blocks.py).
    """

    def __init__(
        self,
        dataset: Dataset,
        outputs: Mapping[str, Tensor],
        *,
        board: str,
        measure: str = "",
        draws: int = DRAWS,
        shared: dict[Hashable, Any] | None = None,
    ) -> None:
        self.dataset, self.outputs, self.board, self.measure = dataset, outputs, board, measure
        self.n_draws = draws
        self._memo: dict[Hashable, Any] = {} if shared is None else shared  # what both boards have in common

    def has(self, need: str) -> bool:
        """Say whether a need of a metric is met: an output, or a fact of the dataset or of the density."""
        dequantised = is_dequantised(self.measure)
        counting = bool(self.measure) and not dequantised
        checks = {
            "samples": lambda: "samples" in self.outputs,
            "given": lambda: "given.x" in self.outputs,
            "log_prob": lambda: self._key("log_prob") in self.outputs,
            "train_log_prob": lambda: "train.log_prob" in self.outputs,
            "elbo": lambda: self._key("elbo") in self.outputs,
            "proba": lambda: self._key("proba") in self.outputs,
            "labels": lambda: self.dataset.split(self.board).y is not None,
            "law": lambda: self.dataset.law is not None,
            "unknown_law": lambda: self.dataset.law is None,  # else mode statistics say more than features
            "modes": lambda: self.dataset.law is not None or self.dataset.n_modes > 0,
            "classifier": lambda: self.dataset.law is None and self.dataset.n_modes > 0,
            "levels": lambda: self.dataset.levels is not None,
            "real_valued": lambda: self.dataset.levels is None,
            "natural": lambda: self.dataset.levels is None or counting,
            "density": lambda: not self.dataset.density,  # a density of these data means something
            "many_rows": lambda: min(len(self.dataset.split(self.board)), len(self.samples)) > 5000,
            "image": lambda: len(self.dataset.shape) == 3,
            "counting": lambda: counting,
            "lebesgue": lambda: dequantised,
        }
        if need not in checks:
            raise LookupError(f"unknown need {need!r}; expected one of {', '.join(checks)}")
        return checks[need]()

    @property
    def train(self) -> Split:
        """Return the training rows: for standardisation, copies, train-test gaps."""
        return self.dataset.train

    @cached_property
    def order(self) -> Tensor:
        """Return the positions in the split of the board's rows as metrics see them, (N,)."""
        held = self.dataset.split(self.board)
        return dealt_order(len(held), self.dataset.strata(self.board)).to(held.x.device)

    @cached_property
    def blocks(self) -> Blocks:
        """Return the rows that the jackknife leaves out together."""
        side = "valid" if self.board == "public" else "test"
        strata, parts = self.dataset.strata(self.board), self.dataset.parts.get(side)
        place = self.order.cpu()
        return Blocks(
            len(place), None if strata is None else strata.cpu()[place], None if parts is None else parts.cpu()[place]
        )

    @cached_property
    def real(self) -> Split:
        """Return the board's held-out rows, in the order of blocks."""
        held = self.dataset.split(self.board)
        return Split(held.x[self.order], None if held.y is None else held.y[self.order])

    @property
    def own_samples(self) -> str:
        """Return the board's name where it has samples of its own, as the oracle's have; else both share them."""
        return self.board if self._key("samples") in self.outputs else ""

    @property
    def samples(self) -> Tensor:
        """Return the stored samples in a fixed random order, (n, *shape), no more than metrics use."""
        key = self._key("samples")
        key = key if key in self.outputs else "samples"

        def shuffled() -> Tensor:
            stored, data = self.outputs[key], self.dataset
            rows = max(len(data.valid), len(data.test))
            most = max(MOST_SAMPLES, self.n_draws * rows, 2 * (data.n_mode_samples or rows))
            order = torch.randperm(len(stored), generator=torch.Generator().manual_seed(ORDER_SEED))[:most]
            return stored[order.to(stored.device)]

        return self.memo(("shuffled", key), shuffled)

    @cached_property
    def given(self) -> tuple[Tensor, Tensor]:
        """Return class-conditional samples and their labels in a fixed random order, (n, *shape) and (n,)."""
        x, y = self.outputs["given.x"], self.outputs["given.y"]
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(ORDER_SEED)).to(x.device)
        return x[order], y[order]

    @property
    def draws(self) -> list[Tensor]:
        """Return at most n_draws disjoint sets of as many samples as there are real rows, (n, *shape)."""
        return [self.samples[rows] for rows in self._draw_rows()]

    def _draw_rows(self) -> list[slice]:
        n = len(self.order)
        count = max(1, min(self.n_draws, len(self.samples) // n))
        return [slice(i * n, (i + 1) * n) for i in range(count)]

    @property
    def mode_rows(self) -> slice:
        """Choose the samples for mode statistics: other ones for each board, if there are enough for both."""
        n = self.dataset.n_mode_samples or len(self.order)
        start = n if self.board == "private" and len(self.samples) >= 2 * n else 0
        return slice(start, start + n)

    @property
    def mode_samples(self) -> Tensor:
        """Return the samples of mode_rows, (n, *shape)."""
        return self.samples[self.mode_rows]

    @property
    def mode_ids(self) -> Tensor:
        """Return the mode that the pinned classifier sees in each of the mode samples, (n,)."""
        space = self.space("lenet")
        assert isinstance(space, CountingModes), "the pinned classifier counts modes"
        return space.mode_ids_of(self.sample_features("lenet")[self.mode_rows])

    @property
    def law(self) -> Mixture:
        """Return the known law; LookupError where there is none."""
        if self.dataset.law is None:
            raise LookupError(f"the law of {self.dataset.name} is not known; ask has('law') first")
        return self.dataset.law

    @property
    def log_prob(self) -> Tensor:
        """Return exact log-probabilities of the board's rows, (N,), nats."""
        return self._of_rows("log_prob")

    @property
    def train_log_prob(self) -> Tensor:
        """Return exact log-probabilities of the first training rows, (n,), nats."""
        return self.outputs["train.log_prob"]

    @property
    def elbo(self) -> Tensor:
        """Return bounds on the log-likelihood of the board's rows, (N,), nats."""
        return self._of_rows("elbo")

    @property
    def proba(self) -> Tensor:
        """Return class probabilities of the board's rows, (N, K)."""
        return self._of_rows("proba")

    def space(self, name: str) -> FeatureSpace:
        """Return a feature space bound to this dataset."""
        return load_space(name, self.dataset)

    def real_features(self, space: str) -> Tensor:
        """Return the features of the board's rows, (N, D)."""
        in_split = self._reference_features(space, f"real {self.board}", self.dataset.split(self.board).x)
        return self.memo((space, f"dealt {self.board}"), lambda: in_split[self.order.to(in_split.device)])

    def train_features(self, space: str, most: int) -> Tensor:
        """Return the features of at most so many training rows, drawn by a fixed seed, (n, D)."""
        return self._reference_features(space, f"train {most}", self.train.some(most).x)

    def sample_features(self, space: str) -> Tensor:
        """Return the features, (n, D), of every sample that a draw or a mode statistic uses."""
        both = 2 * (self.dataset.n_mode_samples or len(self.order))  # the other board's mode statistics share them
        used = min(len(self.samples), max(self._draw_rows()[-1].stop, both))
        return self._features(space, f"samples {used} {self.own_samples}", lambda: self.samples[:used])

    def draw_features(self, space: str) -> list[Tensor]:
        """Return the features of each draw, a list of (n, D)."""
        features = self.sample_features(space)
        return [features[rows] for rows in self._draw_rows()]

    def _reference_features(self, space: str, which: str, rows: Examples) -> Tensor:
        def compute() -> Tensor:
            features_of = self.space(space)
            with torch.no_grad():
                if space == "identity":
                    return features_of(rows)
                what = f"features/{space}/{features_of.sha256}"
                return kept(what, rows, lambda: {"features": features_of(rows)})["features"]

        return self.memo((space, which), lambda: at_home(compute(), self.dataset))

    def _features(self, space: str, which: str, rows: Callable[[], Tensor]) -> Tensor:
        def compute() -> Tensor:
            with torch.no_grad():
                return at_home(self.space(space)(rows()), self.dataset)

        return self.memo((space, which), compute)

    def memo(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return a value that several metrics share, computed when it is first asked for."""
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]

    def _of_rows(self, output: str) -> Tensor:
        """Return an output of the board's rows, in the order of blocks."""
        value = self.outputs[self._key(output)]
        if output != "proba":
            refuse_non_finite(value, output)  # here, where a position is one of the split
        return value[self.order.to(value.device)]

    def _key(self, output: str) -> str:
        return ("valid." if self.board == "public" else "test.") + output
