"""Name what went wrong in a training that ended: frozen loss, vanished gradient, one mode, NaN."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.run.training import Training


def findings(training: Training, samples: Tensor | None, real: Tensor) -> list[str]:
    """Name what went wrong in a run, in the words of the record.

    Frozen loss, vanished gradient, one mode, NaN.
    """
    flags = []
    tail = training.curve[len(training.curve) // 2 :]
    if training.diverged:
        flags.append(f"nan: {training.diverged}")
    for name in ("d_loss", "g_loss", "loss", "nll"):
        values = [point[name] for point in tail if name in point]
        if len(values) >= 10 and max(values) - min(values) == 0.0:
            flags.append(f"frozen loss: {name} stood at {values[0]:g} over the second half of training")
    for name in {key for point in tail for key in point if key.startswith("grad_")}:
        values = sorted(point[name] for point in tail if name in point)
        if len(values) >= 10 and values[len(values) // 2] < 1e-7:
            flags.append(
                f"vanished gradient: {name[5:]}'s median norm was {values[len(values) // 2]:.1g} in the second half"
            )
    if samples is not None:
        if not bool(torch.isfinite(samples).all()):
            flags.append("nan: samples are not finite")
        elif len(samples) > 1:
            spread = float(samples.double().var(dim=0).sum() / real.double().var(dim=0).sum())
            if spread < 1e-3:
                flags.append(f"one mode: the samples' variance is {spread:.1g} of the data's")
    return sorted(flags)
