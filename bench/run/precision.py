"""How exact a GPU's float32 is.

IEEE and repeatable for everything, but TF32 and tuned kernels in training and sampling of bf16 models.

fp32 means IEEE float32: TF32 is off (torch's own default has it on in convolutions), cudnn does not pick kernels by timing them,
which would give other bits on another run, and it takes none that adds by atomics. A model of precision bf16 has given up those
bits, so that the float32 operations that autocast leaves may run as TF32, and cudnn may tune and take any kernel. Features,
metrics and likelihoods are always strict. On a CPU nothing is set.

Only torch's switches by backend are touched: once anybody has set `torch.backends.fp32_precision`, reading `allow_tf32` raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

STRICT = {"tf32": False, "cudnn_benchmark": False, "cudnn_deterministic": True}
FAST = {"tf32": True, "cudnn_benchmark": True, "cudnn_deterministic": False}


def precision_of(hparams: Mapping[str, Any]) -> str:
    """Return the precision a model trains in: its field, "fp32" for a model without the choice."""
    return hparams.get("precision") or "fp32"


def settings_of(device: str, precision: str) -> dict[str, bool] | None:
    """Return what `numerics` sets for training and sampling, for the record; None on a CPU."""
    if not device.startswith("cuda"):
        return None
    return dict(FAST if precision == "bf16" else STRICT)


@contextmanager
def numerics(device: str, precision: str = "fp32") -> Iterator[None]:
    """Set the GPU's float32 for a block, and put back what was."""
    settings = settings_of(device, precision)
    if settings is None:
        yield
        return
    float32 = "tf32" if settings["tf32"] else "ieee"
    cudnn: Any = torch.backends.cudnn
    switches: tuple[tuple[Any, str, bool | str], ...] = (
        (torch.backends.cuda.matmul, "fp32_precision", float32),
        (cudnn.conv, "fp32_precision", float32),
        (cudnn.rnn, "fp32_precision", float32),
        (cudnn, "benchmark", settings["cudnn_benchmark"]),
        (cudnn, "deterministic", settings["cudnn_deterministic"]),
    )
    before = [getattr(module, name) for module, name, _ in switches]
    for module, name, value in switches:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(switches, before):
            setattr(module, name, value)
