"""What depends on the device: how much is computed at once, and a seeding that leaves the streams of every card alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

ON_A_CARD = 64  # times as much at once as fits the caches of a CPU
MOST = 2**28  # numbers, 1 GiB of float32


def at_once(on_cpu: int, device: torch.device) -> int:
    """Say how many numbers or rows to compute at once: on_cpu on a CPU, up to 64 times as many on a card."""
    return on_cpu if device.type == "cpu" else max(on_cpu, min(ON_A_CARD * on_cpu, MOST))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's stream on the CPU, by which layers are made, and restore it; torch.manual_seed would reseed every card."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
