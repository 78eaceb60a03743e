"""Prove that exact densities sum to one and that no conditional looks ahead."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from bench.metrics._golden import waves

BITS = (1, 3, 4)  # 2^12 images
DENSITIES: dict[str, dict[str, object]] = {
    "marginals": {},
    "class_marginals": {},
    "logistic_chain": {"penalty": 0.01},
    "made": {"steps": 3, "orderings": 2},
    "nade": {"steps": 3, "hidden": 16},
    "pixelcnn": {"steps": 3, "width": 8, "layers": 2},
    "pixelrnn": {"steps": 3, "width": 8},
}


def density_faults(shape: tuple[int, int, int] = BITS) -> Iterator[tuple[str, str]]:
    """(model, fault) of each exact model of codes whose probabilities of all 2^12 images do not sum to one."""
    from bench.registry import load

    space = torch.tensor(list(itertools.product((0.0, 1.0), repeat=math.prod(shape)))).view(-1, *shape)
    rows = space[torch.arange(1, 400, 7) ** 2 % len(space)]
    for name, fields in DENSITIES.items():
        model = load("model", name)(levels=2, **fields).fit(rows, rows[:, 0, 0, 0].long(), seed=0)
        total = float(model.log_prob(space).double().exp().sum())
        if abs(total - 1) > 1e-6:
            yield name, f"its probabilities of all 2^{math.prod(shape)} images sum to {total:.8f}"


def order_faults(shape: tuple[int, int, int] = BITS) -> Iterator[tuple[str, str]]:
    """(model, fault) of each network where a conditional depends on its own or a later value, by gradients."""
    from bench.registry import load

    x = torch.zeros(8, *shape)
    x[:, 0, 1] = 1.0
    for name in ("made", "nade", "pixelcnn", "pixelrnn"):
        model = load("model", name)(levels=2, **{k: v for k, v in DENSITIES[name].items() if k != "orderings"})
        model.fit(x, seed=0)
        with torch.no_grad():
            for parameter in model.net_.parameters():
                parameter += 0.2 * waves(parameter.numel(), 1, 0.1).float().view_as(parameter)
        fault = _order_fault(model, name, shape)
        if fault:
            yield name, fault


def _order_fault(model: Any, name: str, shape: tuple[int, int, int]) -> str:
    """The first conditional that depends on its own or a later value, or that none depends on any; empty if in order."""
    dim = math.prod(shape)
    codes = (waves(dim, 1, 0.3).flatten() > 0).float()

    def conditionals(x: Tensor) -> Tensor:
        """One number of each conditional, (D,)."""
        if name in ("made", "nade"):
            logits = (model.net_(x[None], 0) if name == "made" else model.net_(x[None]))[0]
        else:
            logits = model.net_(x.view(1, *shape))[0].flatten(1).T
        return logits.logsumexp(dim=1) + logits[:, 0]

    if name == "nade":  # its backward pass is its own and gives no gradient for the data: differences then
        with torch.no_grad():
            reach = torch.stack([conditionals(codes + step) - conditionals(codes) for step in torch.eye(dim)], dim=1)
        reach = torch.where(reach.abs() > 1e-6, reach, 0.0)
    else:
        reach = torch.autograd.functional.jacobian(conditionals, codes)  # (D, D): d conditional i / d value j
    for i in range(dim):
        if bool((reach[i, i:] != 0).any()):
            return f"the conditional of value {i + 1} depends on value {i + 1 + int((reach[i, i:] != 0).nonzero()[0])}"
    return "" if bool((reach != 0).any()) else "no conditional depends on any value"


PROOFS: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {"densities": density_faults, "order": order_faults}
