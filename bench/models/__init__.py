"""The capabilities of a model: a capability is a method, never a flag or a base class (x: (N, *shape), y: (N,) int64)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self, runtime_checkable

from torch import Tensor


@runtime_checkable
class Model(Protocol):
    """Learns from training rows; y = -1 marks an unlabelled row."""

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self: ...


@runtime_checkable
class Trainable(Protocol):
    """An iterative model: one yield a step, losses as detached tensors, sampled from at any yield."""

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[Mapping[str, Any]]: ...


@runtime_checkable
class Sampler(Protocol):
    """Draws (n, *shape) from the model, y from the training prior where it needs one."""

    def sample(self, n: int, *, seed: int) -> Tensor: ...


@runtime_checkable
class ConditionalSampler(Protocol):
    """Draws one example for each label, (len(y), *shape)."""

    def sample_given(self, y: Tensor, *, seed: int) -> Tensor: ...


@runtime_checkable
class Density(Protocol):
    """Exact log-probability or log-density in nats, (N,); the class constant `measure` says which."""

    def log_prob(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class LowerBound(Protocol):
    """A bound on the log-likelihood from k importance samples, nats, (N,)."""

    def elbo(self, x: Tensor, *, seed: int, k: int = 1) -> Tensor: ...


@runtime_checkable
class Classifier(Protocol):
    """Class probabilities, (N, K), rows summing to one."""

    def predict_proba(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class HeldOut(Protocol):
    """A reference row that needs no training: it is handed the dataset itself (the oracle)."""

    def sample_held_out(self, dataset: Any, n: int, *, board: str, seed: int) -> Tensor: ...


CAPABILITIES = {
    "fit_steps": Trainable,
    "sample": Sampler,
    "sample_given": ConditionalSampler,
    "log_prob": Density,
    "elbo": LowerBound,
    "predict_proba": Classifier,
    "sample_held_out": HeldOut,
}
