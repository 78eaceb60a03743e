"""Choose the device of a run on this machine."""

from __future__ import annotations

from pathlib import Path

from bench.errors import UsageError


def resolve_device(asked: str) -> str:
    """Turn "auto" into the GPU where there is one; asking for one where there is none is a UsageError."""
    if asked == "cpu":
        return "cpu"
    is_there = _cuda_available()
    if asked == "cuda" and not is_there:
        raise UsageError(
            "--device cuda: no CUDA device is visible to torch here; use --device cpu, or install the CUDA build"
        )
    if asked not in ("auto", "cuda"):
        raise UsageError(f"--device must be auto, cpu or cuda, got {asked!r}")
    return "cuda" if is_there else "cpu"


def _cuda_available() -> bool:
    """Whether an NVIDIA driver is here and torch can use it; torch is imported only if there is a driver."""
    if not Path("/proc/driver/nvidia/version").exists() and not Path("/dev/nvidiactl").exists():
        return False
    import torch

    return torch.cuda.is_available()
