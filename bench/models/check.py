"""bench check FILE.py: a model's smoke test. Every promise of the protocol is tried on a small dataset that it supports."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset, Split
from bench.models.state import networks
from bench.registry import Entry, find, load, load_entry

TRIED = ("ring8", "iris", "digits_binary", "digits")
STEPS, ROWS, SAMPLES = 4, 200, 64


@dataclass(frozen=True)
class Result:
    """One promise on one dataset: kept or not, and what was seen."""

    dataset: str
    promise: str
    kept: bool
    detail: str = ""


def check_model(name: str) -> list[Result]:
    """Try a model (a name or a file) on every small dataset it supports; at least one must be supported."""
    entry = find("model", name)
    cls = load_entry(entry)
    results: list[Result] = []
    for dataset_name in TRIED:
        dataset = _small(load("dataset", dataset_name)())
        reason = _unsupported(cls, dataset)
        if reason:
            continue
        try:
            results += _check_on(entry, cls, dataset)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is its result
            results.append(Result(dataset.name, "runs", False, f"{type(error).__name__}: {error}"))
    if not results:
        results.append(Result("-", "supports a dataset", False, f"supports() refused {', '.join(TRIED)}"))
    return results


def _small(dataset: Dataset) -> Dataset:
    train = dataset.train
    return dataclasses.replace(
        dataset, train=Split(train.x[:ROWS], None if train.y is None else train.y[:ROWS]), valid=dataset.valid
    )


def _make(cls: type, dataset: Dataset) -> Any:
    fields = {f.name for f in dataclasses.fields(cls)}
    values: dict[str, Any] = {"steps": STEPS} if "steps" in fields else {}
    if "levels" in fields:
        values["levels"] = dataset.levels
    return cls(**values)


def _unsupported(cls: type, dataset: Dataset) -> str:
    model = _make(cls, dataset)
    return model.supports(dataset) if hasattr(model, "supports") else ""


def _check_on(entry: Entry, cls: type, dataset: Dataset) -> Iterator[Result]:
    def result(promise: str, kept: bool, detail: str = "") -> Result:
        return Result(dataset.name, promise, kept, "" if kept else detail)

    lebesgue = entry.constants.get("measure") == "lebesgue"
    x = dataset.dequantize(dataset.train.x, seed=0) if lebesgue else dataset.train.x
    y = dataset.train.y
    state = torch.get_rng_state()
    model = _make(cls, dataset)
    fitted = model.fit(x, y, seed=0)
    yield result("fit returns self", fitted is model, f"got {type(fitted).__name__}")
    if not hasattr(model, "sample"):
        yield result("fits", True)
    else:
        samples = model.sample(SAMPLES, seed=1)
        yield result("sample shape", tuple(samples.shape) == (SAMPLES, *dataset.shape), f"got {tuple(samples.shape)}")
        yield result("samples are finite", bool(torch.isfinite(samples).all()), "NaN or infinity")
        yield result("same seed, same samples", _same(samples, model.sample(SAMPLES, seed=1)), "they differ")
        yield result("another seed, other samples", not _same(samples, model.sample(SAMPLES, seed=2)), "they are equal")
        again = _make(cls, dataset).fit(x, y, seed=0)
        yield result(
            "same seed, same model", _same(samples, again.sample(SAMPLES, seed=1)), "samples of a second fit differ"
        )
        yield from _check_steps(cls, dataset, x, y, samples, result)
        yield from _check_save(cls, dataset, x, y, model, samples, result)
    yield from _check_densities(model, dataset, lebesgue, result)
    yield result(
        "global random state untouched", bool(torch.equal(state, torch.get_rng_state())), "torch's state moved"
    )


def _check_steps(
    cls: type, dataset: Dataset, x: Tensor, y: Tensor | None, expected: Tensor, result: Any
) -> Iterator[Result]:
    if not hasattr(cls, "fit_steps"):
        return
    model, count, examples = _make(cls, dataset), 0, True
    for values in model.fit_steps(x, y, seed=0):
        count += 1
        examples = examples and "examples" in values
        model.sample(3, seed=count)
    yield result("ends after `steps`", not hasattr(model, "steps") or count == model.steps, f"{count} yields")
    yield result("yields name `examples`", examples, "a yield has no key 'examples'")
    same = _same(expected, model.sample(SAMPLES, seed=1))
    yield result(
        "sampling at a yield changes nothing", same, "the trained model differs when it is sampled at its yields"
    )


def _check_save(
    cls: type, dataset: Dataset, x: Tensor, y: Tensor | None, model: Any, expected: Tensor, result: Any
) -> Iterator[Result]:
    """Weights through safetensors into a model fitted with another seed must give the same samples."""
    from safetensors.torch import load as load_tensors
    from safetensors.torch import save

    nets = networks(model)
    if not nets or any(isinstance(v, Tensor) and k.endswith("_") for k, v in vars(model).items()):
        return
    other = _make(cls, dataset).fit(x, y, seed=5)
    for name, net in nets.items():
        raw = save({k: v.detach().clone().contiguous() for k, v in net.state_dict().items()})
        networks(other)[name].load_state_dict(load_tensors(raw))
    yield result("save and load", _same(expected, other.sample(SAMPLES, seed=1)), "loaded weights give other samples")


def _check_densities(model: Any, dataset: Dataset, lebesgue: bool, result: Any) -> Iterator[Result]:
    rows = dataset.valid.x[:20]
    rows = dataset.dequantize(rows, seed=0) if lebesgue else rows
    if hasattr(model, "log_prob"):
        log_prob = model.log_prob(rows)
        good = tuple(log_prob.shape) == (len(rows),) and bool(torch.isfinite(log_prob).all())
        yield result("log_prob shape and values", good, f"shape {tuple(log_prob.shape)}, or not finite")
        one = torch.cat([model.log_prob(row[None]) for row in rows])
        far = float((one.double() - log_prob.double()).abs().max())
        yield result("log_prob does not depend on the batch", far < 1e-3, f"differs by {far:.2g} nats")
    if hasattr(model, "elbo"):
        bound = model.elbo(rows, seed=0, k=2)
        yield result("elbo shape", tuple(bound.shape) == (len(rows),), f"got {tuple(bound.shape)}")
    if hasattr(model, "predict_proba") and dataset.n_classes:
        proba = model.predict_proba(rows)
        far = float((proba.sum(dim=1) - 1).abs().max())
        good = tuple(proba.shape) == (len(rows), dataset.n_classes) and far < 1e-4
        yield result("probabilities sum to one", good, f"shape {tuple(proba.shape)}, off by {far:.2g}")
    if hasattr(model, "sample_given") and dataset.n_classes:
        given = model.sample_given(torch.arange(dataset.n_classes), seed=0)
        yield result(
            "sample_given shape", tuple(given.shape) == (dataset.n_classes, *dataset.shape), f"got {tuple(given.shape)}"
        )


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(torch.equal(a, b)) and not math.isnan(float(a.double().sum()))
