"""Describe the machine, the libraries and the state of the source that a record was made with."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.registry import ROOT

DRIVER = Path("/proc/driver/nvidia")
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "pytorch-fid", "safetensors")


@cache
def fingerprint() -> dict[str, Any]:
    """Return versions, processor, cores, memory and GPU of this machine; imports nothing heavy."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": _memory_gib(),
        "gpu": _gpu(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def cores() -> int:
    """Count the cores of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fingerprint_id(environment: dict[str, Any]) -> str:
    """Return the short hash that names a fingerprint's file, results/env/<hash>.json."""
    return hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()[:16]


def stored(out: Path, ref: str | None) -> dict[str, Any]:
    """Return a stored fingerprint by its hash; {} where there is none that can be read."""
    if not ref or not ref.isalnum():
        return {}
    try:
        environment = json.loads((out / "env" / f"{ref}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(environment, dict) or not {"processor", "cores", "memory_gib"} <= environment.keys():
        return {}
    libraries = environment.get("libraries")
    return environment | {"libraries": libraries if isinstance(libraries, dict) else {}}


@cache
def source_state() -> dict[str, Any]:
    """Return the commit of this source, whether the source was changed since, and the package's version."""
    sha = _git("rev-parse", "HEAD")
    changes = None if sha is None else _git("status", "--porcelain", "--", "bench", "baselines", "gan_models")
    return {
        "git_sha": sha,
        "dirty": None if changes is None else bool(changes),
        "version": _version("genbench"),
    }


def _git(*arguments: str) -> str | None:
    """Return what git says about this source; None where there is no git, or no repository."""
    try:
        told = subprocess.run(["git", *arguments], check=True, cwd=ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def device_name(device: Any) -> str:
    """Return what a torch device is called: the GPU's name, or the processor's."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None


def _gpu() -> str | None:
    """Return the GPU's name if torch is imported, from the driver's own files where it has some.

    Asking torch starts CUDA, seconds and memory for a run on a CPU: never ask in the fork server.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None
    for told in sorted(DRIVER.glob("gpus/*/information")):
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_name()
