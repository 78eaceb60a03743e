"""Energy of a GPU through NVML (nvidia-ml-py, the extra `gpu`).

None wherever there is no GPU, no library or no counter.
"""

from __future__ import annotations

from typing import Any

import torch


def open_meter(device: torch.device) -> Meter | None:
    """Open a meter of a CUDA device; None where its energy cannot be read."""
    if device.type != "cuda":
        return None
    try:
        import pynvml

        pynvml.nvmlInit()
        meter = Meter(pynvml, _handle(pynvml, device))
        meter.joules()
    except Exception:  # noqa: BLE001 - no library, no driver, no permission, no counter: all mean the same here
        return None
    return meter


class Meter:
    """The joules that a device has used since its driver was loaded."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle

    def joules(self) -> float:
        """Read the counter; it moves about every 100 ms."""
        return self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1000  # millijoules


def _handle(nvml: Any, device: torch.device) -> Any:
    """NVML's handle of torch's device: by UUID, since CUDA_VISIBLE_DEVICES renumbers torch's devices only."""
    uuid = str(torch.cuda.get_device_properties(device).uuid)
    return nvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
