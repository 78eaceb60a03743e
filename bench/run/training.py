"""Drives a model's steps: the clock, the curve, probes of the public board, divergence.

Only what is inside `next(steps)` counts as training time. Probes save and restore every random state and every
network's train mode, so that with probes or without the trained model is the same to the bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bench.models import Trainable
from bench.models.state import networks, undisturbed

CURVE_POINTS = 200


@dataclass
class Training:
    """What a run of training leaves.

    The curve, seconds spent in steps alone, examples seen, the probes, and in words what made it diverge.
    """

    curve: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    core_seconds: float = 0.0  # of all cores together, in steps
    look_seconds: float = 0.0  # of probes
    examples: int = 0
    steps: int = 0
    diverged: str = ""
    probes: list[tuple[int, float]] = field(default_factory=list)  # (step, primary metric on the public board)
    probe_seconds: list[float] = field(default_factory=list)  # of training, up to each probe

    def looked(self, step: int, value: float) -> None:
        """Add a probe; the probes' own time is no part of the seconds."""
        self.probes.append((step, value))
        self.probe_seconds.append(self.seconds)

    def trained_since(self, start: tuple[float, float]) -> None:
        """Add what passed since `now()` said `start`."""
        seconds, core_seconds = now()
        self.seconds += seconds - start[0]
        self.core_seconds += core_seconds - start[1]


def now() -> tuple[float, float]:
    """Return seconds of the wall clock, and of all cores that this process used."""
    return time.monotonic(), time.process_time()


def train(
    model: Any,
    x: Tensor,
    y: Tensor | None,
    *,
    seed: int,
    steps: int | None,
    probe: Callable[[Any], float | None] | None = None,
    n_probes: int = 0,
    report: Callable[[int], None] = lambda step: None,
) -> Training:
    """Fit a model, through its steps if it has them. probe.

    The model now -> its score on the public board.
    """
    done = Training()
    if not isinstance(model, Trainable):
        start = now()
        model.fit(x, y, seed=seed)
        synchronize(x.device)
        done.trained_since(start)
        done.examples = len(x)
        return done
    total: int = steps or getattr(model, "steps", None) or 0
    kept = set(_spread(total, CURVE_POINTS))
    looks = set(_spread(total, n_probes)) - {total} if probe else set()
    iterator = model.fit_steps(x, y, seed=seed)
    start = now()
    for step, values in enumerate(iterator, start=1):
        done.steps = step
        done.examples += int(values.get("examples", 0))
        if step not in kept and step not in looks:
            continue
        synchronize(x.device)
        done.trained_since(start)
        report(step)
        if step in kept:
            point = _point(step, done.seconds, values, model)
            done.curve.append(point)
            bad = [name for name, value in point.items() if not math.isfinite(value)]
            if bad:
                done.diverged = f"{bad[0]} was {point[bad[0]]} at step {step}"
                close(iterator)
                break
        if probe and step in looks:
            began = time.monotonic()
            with undisturbed(model):
                value = probe(model)
            done.look_seconds += time.monotonic() - began
            if value is not None and math.isfinite(value):
                done.looked(step, value)
        start = now()
    else:
        synchronize(x.device)
        done.trained_since(start)
    return done


def close(steps: Iterator[object]) -> None:
    """End a model's steps before their end, where they are a generator.

    Another iterator has nothing to end.
    """
    if isinstance(steps, Generator):
        steps.close()


def _spread(total: int, count: int) -> list[int]:
    """Spread at most `count` steps evenly over 1..total, the last one among them."""
    if total <= 0 or count <= 0:
        return []
    return sorted({max(1, round(total * (i + 1) / count)) for i in range(count)})


def _point(step: int, seconds: float, values: Any, model: Any) -> dict[str, float]:
    """Return one point of the curve: losses, probabilities, the norm of each network's last gradient."""
    point = {"step": step, "seconds": round(seconds, 4)}
    for name, value in values.items():
        if name != "examples":
            point[name] = _short(float(value))
    for name, network in networks(model).items():
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        if gradients:
            point[f"grad_{name}"] = _short(float(torch.stack(torch._foreach_norm(gradients)).norm()))
    return point


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def synchronize(device: torch.device) -> None:
    """Wait for the device, so that a clock read next is true."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def last_best_gap(probes: list[tuple[int, float]], *, better: str) -> dict[str, float | None]:
    """Return the last probe, the best one, and how far the last lies behind the best (0: it is it)."""
    if not probes:
        return {"last": None, "best": None, "gap": None}
    values = [value for _, value in probes]
    best = max(values) if better == "higher" else min(values)
    return {"last": values[-1], "best": best, "gap": abs(values[-1] - best)}
