"""Look into a fitted model: its networks, its parameters, and a way to use it that leaves no trace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def networks(model: Any) -> dict[str, nn.Module]:
    """Return the networks among a model's learned state, by name without the closing underscore."""
    return {name.rstrip("_"): value for name, value in vars(model).items() if isinstance(value, nn.Module)}


def n_params(model: Any) -> int | None:
    """Count the parameters of a model's networks, else of its learned state; None if it has neither."""
    nets = networks(model)
    if nets:
        seen = {id(p): p.numel() for net in nets.values() for p in net.parameters()}
        return sum(seen.values())
    state = [v for k, v in vars(model).items() if isinstance(v, Tensor) and k.endswith("_")]
    return sum(v.numel() for v in state) or None


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Restore torch's, numpy's and Python's random states and the networks' modes on the way out."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    modes = [(module, module.training) for net in networks(model).values() for module in net.modules()]
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        for module, training in modes:
            module.training = training
