"""`python -m studies.memory_of_metrics`: peak memory of every sample metric above its features.

5,000 and 20,000 rows a side, or those of `--rows`. Each metric runs in a process of its own on rows (N, 64) float64. The table's
last row is what a full N x N matrix would take; a metric that works in strips stays far below it. Exits 1 where a metric takes
a quarter of such a matrix or more.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path

import torch

SIZES = (5_000, 20_000)
DIM = 64


def metrics() -> dict[str, Callable]:
    """Return name -> function of (real, fake), both (N, D)."""
    from bench.metrics import _two_sample, c2st, copies, energy, frechet, inception_score, kid, parzen, prdc

    cut = c2st.MAX_ROWS
    return {
        "frechet": frechet.frechet_distance,
        "kid (subsets above 5,000)": kid.kernel_distance,
        "kid over all rows": lambda real, fake: _two_sample.statistic(real, fake, kid.polynomial_kernel),
        "energy distance": energy.energy_distance,
        "prdc": prdc.prdc,
        "c2st (2,000 rows)": lambda real, fake: c2st.classifier_auc(real[:cut], fake[:cut]),
        "copies": lambda real, fake: copies.copy_excess_of(fake, real, real[: copies.MAX_TRAIN].flip(0)),
        "parzen": lambda real, fake: parzen.parzen_log_likelihood(real, fake[: parzen.MAX_SAMPLES], (0.3,)),
        "inception score": lambda real, fake: inception_score.inception_score_of(fake),
    }


def rows(n: int, seed: int) -> torch.Tensor:
    """Draw normal rows, (n, DIM) float64."""
    return torch.randn(n, DIM, generator=torch.Generator().manual_seed(seed)).double()


def peak_above(name: str, n: int) -> int:
    """Measure the bytes that a metric adds to a process at most, its rows not counted."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (name, n))


def _measure(name: str, n: int) -> int:
    torch.set_num_threads(1)
    call = metrics()[name]
    call(rows(300, 0), rows(300, 1))  # libraries are loaded and warm
    real, fake = rows(n, 0), rows(n, 1)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    call(real, fake)
    return _status("VmHWM") - before


def _status(field: str) -> int:
    text = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(field))


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="rows a side, one column each")
    sizes = parser.parse_args(arguments).rows
    bad = []
    print(f"peak MiB above the features (N, {DIM}) float64\n")
    print(f"{'metric':28}" + "".join(f"{f'N = {n:,}':>14}" for n in sizes))
    for name in metrics():
        peaks = [peak_above(name, n) for n in sizes]
        print(f"{name:28}" + "".join(f"{peak / 2**20:14.0f}" for peak in peaks), flush=True)
        if peaks[-1] > 8 * sizes[-1] ** 2 / 4:
            bad.append(name)
    print(f"{'a full matrix of distances':28}" + "".join(f"{8 * n * n / 2**20:14,.0f}" for n in sizes))
    if bad:
        sys.exit(f"grows with N x N: {', '.join(bad)}")


if __name__ == "__main__":
    main()
