"""Prove that exact densities of codes sum to one, and that no conditional of a chain rule looks ahead.

Which models are asked is a matter of their capabilities: those with `log_prob` and a field `levels` are densities of codes; those that
are trained step by step and have one network, `net_`, that gives logits for every value are networks of conditionals.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset, Split
from bench.metrics._golden import waves
from bench.models import Density, Model, Selective, Trainable
from bench.models.state import networks
from bench.registry import Broken, entries, load_entry

SHAPE, LEVELS = (1, 3, 4), 2  # 2^12 images
# fields of a model that is soon fitted, each given where the model has it
SMALL: dict[str, Any] = {"steps": 3, "hidden": 16, "width": 8, "layers": 2, "orderings": 2, "penalty": 0.01}
ROUNDING = 1e-6  # logits that differ by less are equal


def density_faults() -> Iterator[tuple[str, str]]:
    """Yield (model, fault) for each density of codes that does not sum to one over all 2^12 images."""
    images = binary_images()
    for name, model in small_densities(images, SMALL):
        model.fit(images.train.x[:], images.train.labels, seed=0)
        total = float(model.log_prob(images.test.x[:]).double().exp().sum())
        if abs(total - 1) > 1e-6:
            yield name, f"its probabilities of all 2^{math.prod(SHAPE)} images sum to {total:.8f}"


def order_faults() -> Iterator[tuple[str, str]]:
    """Yield (model, fault) for each network where a conditional depends on its own or a later value."""
    for name, model in chain_rules():
        fault = _order_fault(model)
        if fault:
            yield name, fault


def chain_rules() -> Iterator[tuple[str, Any]]:
    """Yield (name, model) for each fitted network of conditionals in raster order, weights moved."""
    x = torch.zeros(8, *SHAPE)
    x[:, 0, 1] = 1.0
    for name, model in small_densities(binary_images(), SMALL | {"orderings": 1}):
        if not isinstance(model, Trainable):
            continue
        for _ in model.fit_steps(x, seed=0):
            pass
        net = networks(model).get("net")
        if net is None:
            continue
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(0.2 * waves(parameter.numel(), 1, 0.1).float().view_as(parameter))
        if _conditionals(model, x[:1]) is not None:
            yield name, model


def small_densities(images: Dataset, fields: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, model) for each exact density of codes that fits the images, not yet fitted."""
    for entry in entries("model").values():
        if entry.error or "levels" not in entry.constants:
            continue
        try:
            cls = load_entry(entry)
        except Broken:  # the check of the plugins names it
            continue
        defaults = {f.name: f.default for f in dataclasses.fields(cls)}
        values = {k: (v,) if isinstance(defaults[k], tuple) else v for k, v in fields.items() if k in defaults}
        model = cls(**values, levels=LEVELS)
        fits = not isinstance(model, Selective) or not model.supports(images)
        if fits and isinstance(model, Density) and isinstance(model, Model):
            yield entry.name, model


def binary_images() -> Dataset:
    """Return all binary images as a dataset: some to train on, in two classes, and all as test."""
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=math.prod(SHAPE)))).view(-1, *SHAPE)
    some = every[torch.arange(1, 400, 7) ** 2 % len(every)]
    train = Split(some, some[:, 0, 0, 0].long())
    return Dataset("binary images", "image", train, train, Split(every), "nll", (), levels=LEVELS, n_classes=2)


def _conditionals(model: Any, x: Tensor) -> Tensor | None:
    """Return the logits (D, K) of a model's network for one image (1, *shape); None if it has none."""
    outputs: list[Any] = []
    handle = networks(model)["net"].register_forward_hook(lambda _, __, output: outputs.append(output))
    try:
        model.log_prob(x)
    finally:
        handle.remove()
    if len(outputs) != 1 or not isinstance(outputs[0], Tensor) or outputs[0].numel() != LEVELS * x.numel():
        return None
    logits = outputs[0][0]  # (D, K), or (K, *shape)
    axis = list(logits.shape).index(LEVELS)  # no axis of an image is as long
    return logits.movedim(axis, -1).reshape(-1, LEVELS)


def _order_fault(model: Any) -> str:
    """Say which conditional depends on its own or a later value, or that none depends on any."""
    dim = math.prod(SHAPE)
    codes = (waves(dim, 1, 0.3).flatten() > 0).float()
    logits = _conditionals(model, codes.view(1, *SHAPE))
    assert logits is not None, "chain_rules() yields networks of conditionals only"
    reach = torch.zeros(dim, dim, dtype=torch.bool)  # whether conditional i moves when value j is flipped
    for j in range(dim):
        flipped = codes.clone()
        flipped[j] = 1 - flipped[j]
        moved = _conditionals(model, flipped.view(1, *SHAPE))
        assert moved is not None, "the same network, another image"
        reach[:, j] = (moved - logits).abs().amax(dim=1) > ROUNDING
    for i in range(dim):
        if bool(reach[i, i:].any()):
            return f"the conditional of value {i + 1} depends on value {i + 1 + int(reach[i, i:].nonzero()[0])}"
    return "" if bool(reach.any()) else "no conditional depends on any value"


PROOFS: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {"densities": density_faults, "order": order_faults}
