"""A disk cache for what depends on the real rows alone: features, factors, radii.

The name of a kept value is the hash of all that decides its bits: the rows themselves, the feature space's own hash, the step and
its version, the libraries' versions, the device (of a GPU the card and cuDNN too) and the number of threads. So a kept value is
the one that would be computed, and results with and without this folder are the same. Only what took longer than a quarter of a
second is kept. The folder `reference` in the cache folder can be deleted at any time; with GENBENCH_REFERENCE_CACHE=off nothing is
read or written there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.datasets import Examples
from bench.files import cache_folder, keep, read_kept

WORTH_SECONDS = 0.25
Tensors = dict[str, Tensor]


def folder() -> Path:
    """Return where values are kept."""
    return cache_folder() / "reference"


def digest_of(rows: Examples) -> str:
    """Return the SHA-256 of shape, type and bytes."""
    digest = hashlib.sha256(f"{tuple(rows.shape)}/{rows.dtype}".encode())
    for part in rows.split(max(1, 2**24 // max(1, rows[:1].numel()))):
        digest.update(part.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def kept(what: str, rows: Examples, compute: Callable[[], Tensors]) -> Tensors:
    """Return compute()'s tensors, from disk if kept; `what` names the step, its version and settings."""
    if os.environ.get("GENBENCH_REFERENCE_CACHE", "").lower() == "off":
        return compute()
    path = folder() / f"{_name(what, rows)}.safetensors"
    raw = read_kept(path)
    values = None if raw is None else _unpack(raw, rows.device)
    if values is None:
        start = time.monotonic()
        values = compute()
        if rows.device.type == "cuda":
            torch.cuda.synchronize(rows.device)  # else the time is that of handing the work over
        if time.monotonic() - start >= WORTH_SECONDS:
            keep(path, _pack(values))
    return values


def _name(what: str, rows: Examples) -> str:
    libraries = f"torch {torch.__version__}/numpy {np.__version__}/scipy {version('scipy')}"
    threads = [torch.get_num_threads(), *(os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"))]
    machine = f"{libraries}/{_device(rows.device)}/{threads} threads"
    return hashlib.sha256(f"{what}/{machine}/{digest_of(rows)}".encode()).hexdigest()


def _device(device: torch.device) -> str:
    """Name what decides bits of a device: of a GPU the card and cuDNN."""
    if device.type != "cuda":
        return device.type
    return f"cuda, {torch.cuda.get_device_name(device)}, cudnn {torch.backends.cudnn.version()}"


def _pack(values: Tensors) -> bytes:
    from safetensors.torch import save

    return save({name: value.detach().cpu().contiguous() for name, value in values.items()})


def _unpack(raw: bytes, device: torch.device) -> Tensors | None:
    """Undo _pack; None where the bytes are damaged, so that they are computed anew and replaced."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return {name: value.to(device) for name, value in load(raw).items()}
    except (SafetensorError, ValueError):
        return None
