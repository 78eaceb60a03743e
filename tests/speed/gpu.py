"""`python -m tests.speed.gpu`: every check of the GPU path; writes results/gpu/<device>.{json,md}. Needs one CUDA device.

    --device cuda|cpu   cpu runs the same checks on the processor (its table is no result about a GPU)
    --small             sizes that take seconds: it proves that the checks run
    --out DIR           in place of results/gpu

Exit codes: 0 all checks ran (a missed goal stands in the table); 3 one of them failed; 7 there is no such device.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import torch

from bench.records.environment import device_name, fingerprint
from bench.registry import load
from bench.run.precision import numerics, settings_of
from bench.run.throughput.clock import Rates, flops_per_example, joules_per_1000, window_rates
from bench.run.throughput.energy import open_meter
from bench.run.throughput.peaks import measured_peaks
from bench.run.throughput.stopwatch import Stopwatch
from tests.speed.examples_dcgan import example_steps

ROOT = Path(__file__).resolve().parents[2]
EXIT_FAILED, EXIT_NO_DEVICE = 3, 7


@dataclass(frozen=True)
class Sizes:
    """How large the checks are."""

    width: int = 64
    batches: tuple[int, ...] = (64, 512)
    images: int = 4096
    pairs: int = 5  # of ours and the example's loop, interleaved
    rows: int = 50_000
    dim: int = 2048
    seeds: int = 5
    steps: int = 700
    compile: bool = True
    models: tuple[str, ...] = ()  # of the smoke run; empty: all


SMALL = Sizes(
    width=4,
    batches=(4,),
    images=32,
    pairs=1,
    rows=600,
    dim=16,
    seeds=2,
    steps=3,
    compile=False,
    models=("dcgan", "kde"),
)


@dataclass(frozen=True)
class Row:
    """One line of the table. met: whether the goal was reached, None where there is no goal."""

    check: str
    value: float | None
    unit: str
    note: str = ""
    goal: str = ""
    met: bool | None = None


def dcgan_speed(device: torch.device, sizes: Sizes) -> Iterator[Row]:
    """Training at 64x64 colour: fp32, bf16, bf16 compiled, each beside the example's loop in interleaved pairs."""
    x = torch.rand(sizes.images, 3, 64, 64, generator=torch.Generator().manual_seed(0)).to(device)
    variants = [("fp32", False), ("bf16", False)] + [("bf16", True)] * sizes.compile
    for batch in sizes.batches:
        for precision, compiled in variants:
            ratios, ours, theirs = [], [], []
            for seed in range(sizes.pairs):
                theirs.append(_rate(example_steps(2 * x - 1, width=sizes.width, batch=batch, seed=seed), device).centre)
                with numerics(device.type, precision):
                    steps = _dcgan(sizes, batch, precision, compiled).fit_steps(x, seed=seed)
                    ours.append(_rate(steps, device).centre)
                ratios.append(ours[-1] / theirs[-1])
            name = f"DCGAN 64x64, batch {batch}, {precision}{', compiled' if compiled else ''}"
            yield Row(f"{name}: training", median(ours), "images/s", f"the example's loop: {median(theirs):,.0f}")
            goal = "at least 3" if precision == "bf16" else ""
            yield Row(f"{name}: ratio", median(ratios), "x", "", goal, median(ratios) >= 3 if goal else None)


def dcgan_roofline(device: torch.device, sizes: Sizes) -> Iterator[Row]:
    """The share of the measured peak that training reaches, memory, and the energy of samples."""
    x = torch.rand(sizes.images, 3, 64, 64, generator=torch.Generator().manual_seed(0)).to(device)
    batch = sizes.batches[-1]
    for precision in ("fp32", "bf16"):
        with numerics(device.type, precision):
            peaks = measured_peaks(device, precision)
            model = _dcgan(sizes, batch, precision, False)
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
            steps = model.fit_steps(x, seed=0)
            flops = flops_per_example(steps)
            rate = _rate(steps, device).centre
            meter = open_meter(device)
            joules = joules_per_1000(lambda m=model: len(m.sample(1000, seed=0)), meter, device) if meter else None
        name = f"DCGAN 64x64, batch {batch}, {precision}"
        peak = peaks["matmul_flops_per_s"]
        note = f"{flops:.3g} FLOPs an image; a matrix product reaches {peak / 1e12:.3g} TFLOP/s"
        yield Row(f"{name}: share of peak", flops * rate / peak, "fraction", note)
        yield Row(f"{name}: copy", peaks["copy_bytes_per_s"] / 1e9, "GB/s", "read and written")
        if device.type == "cuda":
            yield Row(f"{name}: peak memory", torch.cuda.max_memory_allocated(device) / 2**20, "MiB")
        yield Row(f"{name}: energy", joules, "J per 1,000 samples", "" if meter else "no NVML here")


def metric_speed(device: torch.device, sizes: Sizes) -> Iterator[Row]:
    """Frechet distance and PRDC from features that are on the device."""
    from bench.metrics.frechet import frechet_distance
    from bench.metrics.prdc import prdc

    real, fake = (_features(sizes, seed, device) for seed in (0, 1))
    cases: list[tuple[str, Callable[..., Any], float]] = [
        ("Frechet distance", frechet_distance, 1.0),
        ("PRDC", prdc, 3.0),
    ]
    for name, call, goal in cases:
        with numerics(device.type):
            call(real[:1000], fake[:1000])  # libraries are loaded
            watch = Stopwatch(device)
            for _ in range(3):
                call(real, fake)
                watch.mark()
        seconds = median(watch.intervals())
        yield Row(
            f"{name}, N = {sizes.rows:,}, d = {sizes.dim}", seconds, "s", "float64", f"below {goal:g} s", seconds < goal
        )


def bf16_quality(device: torch.device, sizes: Sizes) -> Iterator[Row]:
    """fid_lenet of DCGAN on digits by precision; the difference beside its standard error over seeds."""
    dataset = load("dataset", "digits")().to(device)
    found = {p: [_digits_fid(dataset, sizes, p, seed) for seed in range(sizes.seeds)] for p in ("fp32", "bf16")}
    for precision, values in found.items():
        note = f"standard deviation {stdev(values):.3g} over {len(values)} seeds, {sizes.steps} steps"
        yield Row(f"DCGAN on digits, {precision}", mean(values), "fid_lenet", note)
    difference = mean(found["bf16"]) - mean(found["fp32"])
    se = sum(stdev(values) ** 2 / len(values) for values in found.values()) ** 0.5
    yield Row(
        "DCGAN on digits, bf16 - fp32",
        difference,
        "fid_lenet",
        f"standard error {se:.3g}",
        "within 2 standard errors",
        abs(difference) <= 2 * se,
    )


def every_model(device: torch.device, sizes: Sizes) -> Iterator[Row]:
    """The smoke suite on the device: every model and metric runs there, in the harness's own processes."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "bench.cli", "run", "--suite", "smoke", "--device", device.type, "--json"]
        command += ["--out", out, *(["-m", ",".join(sizes.models), "-d", "digits"] if sizes.models else ["--all"])]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600)
        cells = [json.loads(path.read_text()) for path in Path(out).glob("cells/*/*/*/*.json")]
    failed = sorted(
        {f"{c['model']['row']} on {c['dataset']['id']}" for c in cells if c["status"] in ("crashed", "oom", "timeout")}
    )
    note = "failed: " + ", ".join(failed) if failed else ""
    if not cells:
        raise RuntimeError(f"bench run ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    yield Row(
        f"smoke suite: cells run on {device.type}", len(cells) - len(failed), "cells", note, f"{len(cells)}", not failed
    )


CHECKS = (dcgan_speed, dcgan_roofline, metric_speed, bf16_quality, every_model)


def _dcgan(sizes: Sizes, batch: int, precision: str, compiled: bool) -> Any:
    model = load("model", "dcgan")
    return model(width=sizes.width, z_dim=100, batch=batch, lr=2e-4, steps=10**6, precision=precision, compile=compiled)


def _rate(steps: Iterator[Any], device: torch.device) -> Rates:
    """Examples per second of training; the first steps build, compile and tune."""
    for _ in range(3):
        next(steps)
    rates = window_rates(lambda: next(steps)["examples"], device, slow_s=float("inf"))
    steps.close()
    return rates


def _features(sizes: Sizes, seed: int, device: torch.device) -> torch.Tensor:
    """Correlated rows, (N, D) float32."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(sizes.dim, sizes.dim, generator=torch.Generator().manual_seed(9)).to(device) / sizes.dim**0.5
    return torch.randn(sizes.rows, sizes.dim, generator=generator).to(device) @ mixing


def _digits_fid(dataset: Any, sizes: Sizes, precision: str, seed: int) -> float:
    from bench.metrics._evaluation import Evaluation
    from bench.metrics._score import score

    with numerics(device_type := dataset.train.x.device.type, precision):
        model = load("model", "dcgan")(steps=sizes.steps, precision=precision).fit(dataset.train.x, seed=seed)
        samples = model.sample(5 * len(dataset.valid), seed=seed).float()
    with numerics(device_type):
        ev = Evaluation(dataset, {"samples": dataset.to_grid(samples)}, board="public")
        return score(ev, ("fid_lenet",))["fid_lenet"].value


def run_checks(device: torch.device, sizes: Sizes) -> tuple[list[Row], list[str]]:
    """Rows of every check, and one line for each check that failed; the others go on."""
    rows, failures = [], []
    for check in CHECKS:
        print(f"{check.__name__} ...", file=sys.stderr, flush=True)
        try:
            for row in check(device, sizes):
                rows.append(row)
        except Exception as error:  # noqa: BLE001 - the table says which check failed; the others are still worth having
            failures.append(f"{check.__name__}: {type(error).__name__}: {' '.join(str(error).split())[:500]}")
    return rows, failures


def report(device: torch.device, sizes: Sizes, rows: list[Row], failures: list[str]) -> dict[str, Any]:
    """What is written: the device, how it was set, sizes and rows."""
    return {
        "device": device_name(device),
        "date": datetime.now(UTC).date().isoformat(),
        "environment": fingerprint() | {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()},
        "numerics": {precision: settings_of(device.type, precision) for precision in ("fp32", "bf16")},
        "sizes": asdict(sizes),
        "rows": [asdict(row) for row in rows],
        "failures": failures,
    }


def markdown(found: dict[str, Any]) -> str:
    """The report as a table."""
    version = found["environment"]["libraries"]["torch"]
    head = f"# {found['device']}, {found['date']}\n\nMade by `python -m tests.speed.gpu`, torch {version}.\n"
    lines = [head, "| check | value | unit | goal | met | note |", "| --- | --- | --- | --- | --- | --- |"]
    for row in found["rows"]:
        value = "–" if row["value"] is None else f"{row['value']:.4g}"
        met = {None: "", True: "yes", False: "no"}[row["met"]]
        lines.append(f"| {row['check']} | {value} | {row['unit']} | {row['goal']} | {met} | {row['note']} |")
    lines += ["", *(f"Failed: {failure}  " for failure in found["failures"])]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run, write, and say where; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.speed.gpu", description="Every check of the GPU path.")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="sizes that take seconds: it proves that the checks run")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "gpu")
    chosen = parser.parse_args(arguments)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print(
            "no CUDA device is visible to torch here; --device cpu --small shows that the checks run", file=sys.stderr
        )
        return EXIT_NO_DEVICE
    device = torch.device(chosen.device, 0) if chosen.device == "cuda" else torch.device("cpu")
    sizes = SMALL if chosen.small else Sizes()
    found = report(device, sizes, *run_checks(device, sizes))
    name = re.sub(r"[^a-z0-9]+", "-", found["device"].lower()).strip("-") + ("-small" if chosen.small else "")
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    (chosen.out / f"{name}.md").write_text(markdown(found))
    print(markdown(found) + f"\nwrote {chosen.out / name}.json and .md")
    return EXIT_FAILED if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
