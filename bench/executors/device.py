"""Choose the device of a run on this machine, and how many cells run side by side."""

from __future__ import annotations

from pathlib import Path

from bench.errors import UsageError
from bench.records.environment import cores

DRIVER_FILES = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # dxg: WSL 2; kfd: ROCm

__all__ = ["cores", "default_jobs", "resolve_device"]


def resolve_device(asked: str) -> str:
    """Return "cpu" or "cuda"; "auto" is the GPU where there is one.

    UsageError tells of a GPU that was asked for and is not there.
    """
    if asked == "cpu":
        return "cpu"
    available = _cuda_available()
    if asked == "cuda" and not available:
        raise UsageError(
            "--device cuda: no CUDA device is visible to torch here; use --device cpu, or install the CUDA build"
        )
    if asked not in ("auto", "cuda"):
        raise UsageError(f"--device must be auto, cpu or cuda, got {asked!r}")
    return "cuda" if available else "cpu"


def default_jobs(device: str) -> int:
    """Count the cells that run side by side unless --jobs says otherwise: one on a GPU, else one a core."""
    return 1 if device == "cuda" else cores()


def _cuda_available() -> bool:
    """Tell whether a driver is here and torch can use it.

    Torch is imported only if there is a driver.
    """
    if not any(Path(file).exists() for file in DRIVER_FILES):
        return False
    import torch

    return torch.cuda.is_available()
