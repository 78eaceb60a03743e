"""The capabilities of a model: each is a method, never a flag or a base class. Imports no torch.

x: (N, *shape), a tensor, or 8-bit images that become floats when rows are taken, x[rows] (bench/datasets/_pixels.py); y: (N,) int64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Model(Protocol):
    """Learns from training rows; y = -1 marks an unlabelled row."""

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """Learn from x and return the model itself."""
        ...


@runtime_checkable
class Trainable(Protocol):
    """An iterative model."""

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[Mapping[str, Any]]:
        """Yield once a step, losses as detached tensors; the model can be sampled at any yield."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """A model that can be sampled."""

    def sample(self, n: int, *, seed: int) -> Tensor:
        """Draw (n, *shape), with y from the training prior where the model needs one."""
        ...


@runtime_checkable
class ConditionalSampler(Protocol):
    """A model that can be sampled given a class."""

    def sample_given(self, y: Tensor, *, seed: int) -> Tensor:
        """Draw one example for each label, (len(y), *shape)."""
        ...


@runtime_checkable
class Latent(Protocol):
    """A model whose samples are images of noise, between two of which one can walk."""

    def walk(self, n: int, *, seed: int) -> Tensor:
        """Return the images of n noises on a path from one draw of the noise to another, (n, *shape)."""
        ...


@runtime_checkable
class Density(Protocol):
    """An exact likelihood; the class constant `measure` says of what: see `bench.datasets.is_dequantised`."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Return the exact log-probability or log-density of each row in nats, (N,)."""
        ...


@runtime_checkable
class LowerBound(Protocol):
    """A bound on the likelihood."""

    def elbo(self, x: Tensor, *, seed: int, k: int = 1) -> Tensor:
        """Return a lower bound on the log-likelihood of each row from k importance samples in nats, (N,)."""
        ...


@runtime_checkable
class Classifier(Protocol):
    """A model that classifies."""

    def predict_proba(self, x: Tensor) -> Tensor:
        """Return class probabilities, (N, K); every row sums to one."""
        ...


@runtime_checkable
class HeldOut(Protocol):
    """A reference row that needs no training: it is handed the dataset itself (the oracle)."""

    def sample_held_out(self, dataset: Any, n: int, *, board: str, seed: int) -> Tensor:
        """Draw real rows for a board, (n, *shape)."""
        ...


@runtime_checkable
class Selective(Protocol):
    """A model that does not fit every dataset."""

    def supports(self, dataset: Any) -> str:
        """Return why a dataset is skipped; empty where it fits."""
        ...


class Capability(NamedTuple):
    """A protocol of one method, and what `bench show` says of a model that has it."""

    protocol: type
    words: str


CAPABILITIES = {
    "fit_steps": Capability(Trainable, "trained step by step"),
    "sample": Capability(Sampler, "samples"),
    "sample_given": Capability(ConditionalSampler, "samples given a class"),
    "walk": Capability(Latent, "walks through its latent space"),
    "log_prob": Capability(Density, "exact log-likelihood"),
    "elbo": Capability(LowerBound, "bound on the log-likelihood"),
    "predict_proba": Capability(Classifier, "classifies"),
    "sample_held_out": Capability(HeldOut, "held-out data"),
}
