"""The fingerprint of the machine and the libraries that a record was made with."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.registry import ROOT

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "pytorch-fid", "safetensors")


@cache
def fingerprint() -> dict[str, Any]:
    """Versions, processor, cores, memory and GPU; imports nothing heavy unless torch is already here."""
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


def reference(environment: dict[str, Any]) -> str:
    """Short hash that names results/env/<sha>.json."""
    return hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()[:16]


def stored(out: Path, ref: str | None) -> dict[str, Any]:
    """The fingerprint of a hash in a folder of results; {} where there is none that can be read."""
    if not ref or not ref.isalnum():
        return {}
    try:
        found = json.loads((out / "env" / f"{ref}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or not {"processor", "cores", "memory_gib"} <= found.keys():
        return {}
    libraries = found.get("libraries")
    return found | {"libraries": libraries if isinstance(libraries, dict) else {}}


@cache
def code() -> dict[str, Any]:
    """The commit this code is of, whether it was changed since, and the package's version."""
    root = ROOT
    try:
        sha = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10)
        status = subprocess.run(
            ["git", "status", "--porcelain", "--", "bench", "baselines", "gan_models"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
        )
        known = sha.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        known = False
    return {
        "git_sha": sha.stdout.strip() if known else None,
        "dirty": bool(status.stdout.strip()) if known else None,
        "version": _version("genbench"),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def device_name(device: Any) -> str:
    """What a torch device is called: the GPU's name, or the processor's."""
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
    """The GPU's name; asking starts CUDA in this process, which is never the fork server."""
    import sys

    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_name()
