"""Try every promise of the protocol on a model, for `bench check FILE.py`: on each small dataset that it supports."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset, Examples, is_dequantised
from bench.models import Classifier, ConditionalSampler, Density, LowerBound, Sampler, Selective, Trainable
from bench.models.state import networks
from bench.registry import find, load, load_entry

TRIED = ("ring8", "iris", "digits_binary", "digits")
STEPS, ROWS, SAMPLES = 4, 200, 64


@dataclass(frozen=True)
class Result:
    """One promise on one dataset: kept or not, and what was seen."""

    dataset: str
    promise: str
    kept: bool
    detail: str = ""


@dataclass(frozen=True)
class Trial:
    """A model's class on one dataset. dequantised: it is trained and scored on (code + u) / levels."""

    cls: type[Any]
    dataset: Dataset
    dequantised: bool

    def make(self) -> Any:
        """Return a model of a few steps that knows the dataset's levels."""
        fields = {f.name for f in dataclasses.fields(self.cls)}
        values: dict[str, Any] = {"steps": STEPS} if "steps" in fields else {}
        if "levels" in fields:
            values["levels"] = self.dataset.levels
        return self.cls(**values)

    def fit(self, *, seed: int) -> Any:
        """Return another model, fitted to the training rows."""
        return self.make().fit(self.rows(self.dataset.train.x), self.dataset.train.y, seed=seed)

    def rows(self, x: Examples) -> Tensor:
        """Return rows as the model is given them."""
        return self.dataset.dequantize(x, seed=0) if self.dequantised else x[:]

    def result(self, promise: str, kept: bool, detail: str = "") -> Result:
        """Return the result of one promise, with what was seen where it is not kept."""
        return Result(self.dataset.name, promise, kept, "" if kept else detail)


def check_model(name: str) -> list[Result]:
    """Try a model (a name or a file) on every small dataset it supports; at least one must be supported."""
    entry = find("model", name)
    cls = load_entry(entry)
    results: list[Result] = []
    for dataset_name in TRIED:
        trial = Trial(cls, _small(load("dataset", dataset_name)()), is_dequantised(entry.constants.get("measure", "")))
        model = trial.make()
        if isinstance(model, Selective) and model.supports(trial.dataset):
            continue
        try:
            results += _check(trial)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is its result
            results.append(trial.result("runs", False, f"{type(error).__name__}: {error}"))
    if not results:
        results.append(Result("-", "supports a dataset", False, f"supports() refused {', '.join(TRIED)}"))
    return results


def _small(dataset: Dataset) -> Dataset:
    return dataclasses.replace(dataset, train=dataset.train.first(ROWS))


def _check(trial: Trial) -> Iterator[Result]:
    state = torch.get_rng_state()
    model = trial.make()
    fitted = model.fit(trial.rows(trial.dataset.train.x), trial.dataset.train.y, seed=0)
    yield trial.result("fit returns self", fitted is model, f"got {type(fitted).__name__}")
    if isinstance(model, Sampler):
        samples = model.sample(SAMPLES, seed=1)
        yield from _check_samples(trial, model, samples)
        yield from _check_steps(trial, samples)
        yield from _check_save(trial, model, samples)
    else:
        yield trial.result("fits", True)
    yield from _check_densities(trial, model)
    if trial.dataset.n_classes:
        yield from _check_classes(trial, model)
    untouched = bool(torch.equal(state, torch.get_rng_state()))
    yield trial.result("global random state untouched", untouched, "torch's state moved")


def _check_samples(trial: Trial, model: Sampler, samples: Tensor) -> Iterator[Result]:
    shape = (SAMPLES, *trial.dataset.shape)
    yield trial.result("sample shape", tuple(samples.shape) == shape, f"got {tuple(samples.shape)}")
    yield trial.result("samples are finite", bool(torch.isfinite(samples).all()), "NaN or infinity")
    yield trial.result("same seed, same samples", _same(samples, model.sample(SAMPLES, seed=1)), "they differ")
    other = model.sample(SAMPLES, seed=2)
    yield trial.result("another seed, other samples", not _same(samples, other), "they are equal")
    again = trial.fit(seed=0).sample(SAMPLES, seed=1)
    yield trial.result("same seed, same model", _same(samples, again), "samples of a second fit differ")


def _check_steps(trial: Trial, expected: Tensor) -> Iterator[Result]:
    """Train step by step, with a look at every yield: the samples must be those of fit()."""
    model = trial.make()
    sampler: Sampler = model
    if not isinstance(model, Trainable):
        return
    count, examples = 0, True
    for values in model.fit_steps(trial.rows(trial.dataset.train.x), trial.dataset.train.y, seed=0):
        count += 1
        examples = examples and "examples" in values
        sampler.sample(3, seed=count)
    yield trial.result("ends after `steps`", getattr(model, "steps", count) == count, f"{count} yields")
    yield trial.result("yields name `examples`", examples, "a yield has no key 'examples'")
    same = _same(expected, sampler.sample(SAMPLES, seed=1))
    detail = "the trained model differs when it is sampled at its yields"
    yield trial.result("sampling at a yield changes nothing", same, detail)


def _check_save(trial: Trial, model: Any, expected: Tensor) -> Iterator[Result]:
    """Weights through safetensors into a model fitted with another seed must give the same samples."""
    from safetensors.torch import load as load_tensors
    from safetensors.torch import save

    nets = networks(model)
    if not nets or any(isinstance(v, Tensor) and k.endswith("_") for k, v in vars(model).items()):
        return
    other = trial.fit(seed=5)
    for name, net in nets.items():
        raw = save({k: v.detach().clone().contiguous() for k, v in net.state_dict().items()})
        networks(other)[name].load_state_dict(load_tensors(raw))
    same = _same(expected, other.sample(SAMPLES, seed=1))
    yield trial.result("save and load", same, "loaded weights give other samples")


def _check_densities(trial: Trial, model: Any) -> Iterator[Result]:
    rows = trial.rows(trial.dataset.valid.x[:20])
    if isinstance(model, Density):
        log_prob = model.log_prob(rows)
        good = tuple(log_prob.shape) == (len(rows),) and bool(torch.isfinite(log_prob).all())
        yield trial.result("log_prob shape and values", good, f"shape {tuple(log_prob.shape)}, or not finite")
        one = torch.cat([model.log_prob(row[None]) for row in rows])
        far = float((one.double() - log_prob.double()).abs().max())
        yield trial.result("log_prob does not depend on the batch", far < 1e-3, f"differs by {far:.2g} nats")
    if isinstance(model, LowerBound):
        bound = model.elbo(rows, seed=0, k=2)
        yield trial.result("elbo shape", tuple(bound.shape) == (len(rows),), f"got {tuple(bound.shape)}")


def _check_classes(trial: Trial, model: Any) -> Iterator[Result]:
    n_classes = trial.dataset.n_classes
    if isinstance(model, Classifier):
        rows = trial.rows(trial.dataset.valid.x[:20])
        proba = model.predict_proba(rows)
        far = float((proba.sum(dim=1) - 1).abs().max())
        good = tuple(proba.shape) == (len(rows), n_classes) and far < 1e-4
        yield trial.result("probabilities sum to one", good, f"shape {tuple(proba.shape)}, off by {far:.2g}")
    if isinstance(model, ConditionalSampler):
        shape = tuple(model.sample_given(torch.arange(n_classes), seed=0).shape)
        yield trial.result("sample_given shape", shape == (n_classes, *trial.dataset.shape), f"got {shape}")


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(torch.equal(a, b)) and not math.isnan(float(a.double().sum()))
