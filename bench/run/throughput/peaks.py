"""What a device can do at best, timed here and now: a matrix product and a copy.

The share of it that training reaches is the roofline.

The best of a few repetitions of each: anything slower was disturbed. On one CPU core about 30 ms in all. A GPU is kept at work first,
since an idle card clocks lower; the numbers are random, since constant ones draw less power and clock higher.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from bench.run.throughput.stopwatch import Stopwatch
from bench.run.training import synchronize

REPEATS = 5
MATMUL_N = {"cpu": 512, "cuda": 4096}  # large enough to run at the peak
MATMUL_N_BF16 = {"cpu": 512, "cuda": 8192}
WARM_S = {"cpu": 0.0, "cuda": 0.2}  # of calls before the first that is timed
COPY_BYTES = {"cpu": 2**25, "cuda": 2**28}  # above the caches


def measured_peaks(device: torch.device, precision: str = "fp32") -> dict[str, float]:
    """{"matmul_flops_per_s", "copy_bytes_per_s"} of a device.

    Multiplications and additions in the precision, bytes read and written.
    """
    half = precision == "bf16"
    n = (MATMUL_N_BF16 if half else MATMUL_N)[device.type]
    a = _random(n * n, device).view(n, n).to(torch.bfloat16 if half else torch.float32)
    product = torch.empty_like(a)
    source = _random(COPY_BYTES[device.type] // 4, device)
    target = torch.empty_like(source)
    return {
        "matmul_flops_per_s": 2 * n**3 / _best_seconds(lambda: torch.mm(a, a, out=product), device),
        "copy_bytes_per_s": 2 * COPY_BYTES[device.type] / _best_seconds(lambda: target.copy_(source), device),
    }


def _random(count: int, device: torch.device) -> torch.Tensor:
    return torch.randn(count, device=device, generator=torch.Generator(device).manual_seed(0))


def _best_seconds(call: Callable[[], object], device: torch.device) -> float:
    end = time.perf_counter() + WARM_S[device.type]
    call()
    while time.perf_counter() < end:
        call()
        synchronize(device)
    watch = Stopwatch(device)
    for _ in range(REPEATS):
        call()
        watch.mark()
    return min(watch.intervals())
