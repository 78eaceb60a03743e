"""Try every promise of the protocol on a model and each small dataset that it supports."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Dataset, is_dequantised
from bench.errors import Broken
from bench.models import Classifier, ConditionalSampler, Density, Latent, LowerBound, Sampler, Selective, Trainable
from bench.models.promises import follows_labels, in_random_order, integrates_to_one, sums_to_one
from bench.models.proofs import binary_images
from bench.models.search import read_search
from bench.models.state import networks
from bench.models.trial import Result, Trial
from bench.registry import Entry, find, load, load_alone

TRIED = ("ring8", "iris", "digits_binary", "digits")
ROWS, SAMPLES = 200, 64
REMEDIES = {  # of a generator whose state moved
    "torch": "torch's state moved: draw with generator=torch.Generator().manual_seed(seed), and make layers inside "
    "`with torch.random.fork_rng(devices=[]): torch.default_generator.manual_seed(seed)`",
    "numpy": "numpy's state moved: draw with np.random.default_rng(seed), and hand random_state=seed to scikit-learn",
}


def check_model(name: str) -> list[Result]:
    """Try a model (a name or a file) on every small dataset it supports; at least one must be supported."""
    entry = find("model", name)
    cls = load_alone(entry)
    results = _check_search(entry, cls)
    declared = len(results)
    refusals: list[str] = []
    dequantised = is_dequantised(entry.constants.get("measure", ""))
    for dataset_name in (*TRIED, ""):
        dataset = _small(load("dataset", dataset_name)()) if dataset_name else binary_images()
        trial = Trial(entry, cls, dataset, dequantised)
        try:
            model = trial.make()
            refusal = model.supports(dataset) if isinstance(model, Selective) else ""
            if not isinstance(refusal, str):
                raise TypeError(f"supports() returned {refusal!r}; expected the reason for a skip, or an empty string")
            if refusal:
                refusals.append(f"{dataset.name}: {refusal}")
            elif dataset_name:
                results += _check(trial)
            else:
                results += sums_to_one(trial)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is its result
            results.append(trial.failure("runs", error))
    if len(results) == declared:
        results.append(Result("-", "supports a dataset", False, f"supports() refused all: {'; '.join(refusals)}"))
    return results


def _check_search(entry: Entry, cls: type) -> list[Result]:
    """Check the ranges that a model declares to be tuned in, if it does."""
    promise = "search names fields, ranges and choices"
    try:
        return [Result("-", promise, True)] if read_search(entry, cls) else []
    except Broken as error:
        return [Result("-", promise, False, str(error))]


def _small(dataset: Dataset) -> Dataset:
    return dataclasses.replace(dataset, train=dataset.train.some(ROWS))


def _check(trial: Trial) -> Iterator[Result]:
    states = _random_states()
    model = trial.make()
    fitted = model.fit(trial.rows(trial.dataset.train.x), trial.dataset.train.y, seed=0)
    yield trial.result("fit returns self", fitted is model, f"got {type(fitted).__name__}")
    if isinstance(model, Sampler):
        samples = model.sample(SAMPLES, seed=1)
        yield from _check_samples(trial, model, samples)
        yield in_random_order(trial, model)
        yield from _check_steps(trial, samples)
        yield from _check_save(trial, model, samples)
    else:
        yield trial.result("fits", True)
    yield from _check_walk(trial, model)
    yield from _check_densities(trial, model)
    if trial.dataset.levels is None:
        yield from integrates_to_one(trial, model)
    if trial.dataset.n_classes:
        yield from _check_classes(trial, model)
    moved = [name for name, state in _random_states().items() if state != states[name]]
    yield trial.result("global random state untouched", not moved, " ".join(REMEDIES[name] for name in moved))


def _random_states() -> dict[str, bytes]:
    """Return the state of the global generators of random numbers, to compare."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    numpys = repr((kind, rest)).encode() + np.asarray(keys).tobytes()
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": numpys,
    }


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


def _check_walk(trial: Trial, model: Any) -> Iterator[Result]:
    if isinstance(model, Latent):
        walked = model.walk(5, seed=1)
        shape = (5, *trial.dataset.shape)
        yield trial.result("walk shape", tuple(walked.shape) == shape, f"got {tuple(walked.shape)}")
        yield trial.result("same seed, same walk", _same(walked, model.walk(5, seed=1)), "they differ, or are NaN")


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
        yield from follows_labels(trial, model)


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(torch.equal(a, b)) and not math.isnan(float(a.double().sum()))
