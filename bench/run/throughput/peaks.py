"""What a device can do at best, timed here and now: a matrix product and a copy.

The share of it that training reaches is the roofline.

The best of a few repetitions of each: anything slower was disturbed. On one CPU core about 30 ms in all.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from bench.run.throughput.stopwatch import Stopwatch

REPEATS = 5
MATMUL_N = {"cpu": 512, "cuda": 4096}  # large enough to run at the peak
COPY_BYTES = {"cpu": 2**25, "cuda": 2**28}  # above the caches


def measured_peaks(device: torch.device, precision: str = "fp32") -> dict[str, float]:
    """{"matmul_flops_per_s", "copy_bytes_per_s"} of a device.

    Multiplications and additions in the precision, bytes read and written.
    """
    n = MATMUL_N[device.type]
    a = torch.ones(n, n, device=device, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    product = torch.empty_like(a)
    source = torch.ones(COPY_BYTES[device.type] // 4, device=device)
    target = torch.empty_like(source)
    return {
        "matmul_flops_per_s": 2 * n**3 / _best_seconds(lambda: torch.mm(a, a, out=product), device),
        "copy_bytes_per_s": 2 * COPY_BYTES[device.type] / _best_seconds(lambda: target.copy_(source), device),
    }


def _best_seconds(call: Callable[[], object], device: torch.device) -> float:
    call()
    watch = Stopwatch(device)
    for _ in range(REPEATS):
        call()
        watch.mark()
    return min(watch.intervals())
