"""What every cell needs of the real rows and none of them changes: features, a factor, radii. Kept on disk by hash.

A value's name is the hash of all that decides its bits: the rows themselves, the feature space's own hash, the step and its
version, the libraries' versions, the device and the number of threads. So a kept value is the one that would be computed, and
results with and without this folder are the same. Only what took longer than a quarter of a second is kept. The folder
`reference` in the cache folder can be deleted at any time; GENBENCH_REFERENCE_CACHE=off leaves it alone.
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

from bench.files import cache_folder, write_atomic

WORTH_SECONDS = 0.25
Tensors = dict[str, Tensor]


def folder() -> Path:
    """Where values are kept."""
    return cache_folder() / "reference"


def digest_of(rows: Tensor) -> str:
    """sha256 of a tensor's shape, type and bytes."""
    digest = hashlib.sha256(f"{tuple(rows.shape)}/{rows.dtype}".encode())
    for part in rows.detach().split(max(1, 2**24 // max(1, rows[:1].numel()))):
        digest.update(part.cpu().contiguous().numpy())
    return digest.hexdigest()


def kept(what: str, rows: Tensor, compute: Callable[[], Tensors]) -> Tensors:
    """compute()'s tensors, from disk where they were computed before. `what` names the step, its version and its settings."""
    if os.environ.get("GENBENCH_REFERENCE_CACHE", "").lower() == "off":
        return compute()
    path = folder() / f"{_name(what, rows)}.safetensors"
    found = _read(path, rows.device)
    if found is not None:
        return found
    start = time.monotonic()
    values = compute()
    if time.monotonic() - start >= WORTH_SECONDS:
        _write(path, values)
    return values


def _name(what: str, rows: Tensor) -> str:
    libraries = f"torch {torch.__version__}/numpy {np.__version__}/scipy {version('scipy')}"
    threads = [torch.get_num_threads(), *(os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"))]
    machine = f"{libraries}/{rows.device.type}/{threads} threads"
    return hashlib.sha256(f"{what}/{machine}/{digest_of(rows)}".encode()).hexdigest()


def _read(path: Path, device: torch.device) -> Tensors | None:
    """None where there is no readable file: a damaged one is computed anew and replaced."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return {name: value.to(device) for name, value in load(path.read_bytes()).items()}
    except (OSError, SafetensorError, ValueError):
        return None


def _write(path: Path, values: Tensors) -> None:
    """A full or read-only disk costs time, not results."""
    from safetensors.torch import save

    try:
        write_atomic(path, save({name: value.detach().cpu().contiguous() for name, value in values.items()}))
    except OSError:
        return
