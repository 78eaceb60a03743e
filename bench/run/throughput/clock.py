"""Measure how fast a model trains and samples when nothing else runs.

docs/throughput.md defines every number.

Examples per second as the median over windows after a warm-up, with their spread. The device is waited for at the ends of the
warm-up's rounds and after the last window, never at a step. Loading the data, probes and metrics are outside.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset
from bench.models import HeldOut, Sampler, Trainable
from bench.plan.cell import Cell
from bench.records.environment import device_name
from bench.run.precision import numerics, precision_of
from bench.run.prepare import load_dataset, make_model, training_rows, wanted_samples
from bench.run.task import Report, say_nothing
from bench.run.throughput.energy import Meter, open_meter
from bench.run.throughput.flops import CountFlops
from bench.run.throughput.peaks import measured_peaks
from bench.run.throughput.stopwatch import Stopwatch
from bench.run.training import close, synchronize

WINDOW_S = 0.04
WINDOWS = 5
LEAST_WINDOWS = 3
BUDGET_S = 1.0  # of all windows of one rate: work that takes longer gets fewer windows
SLOW_S = 0.7  # a call of `fit` or `sample` that takes longer is measured once
ENERGY_S = 1.0  # the counter moves every 100 ms
SAMPLES = 1000  # a call of `sample`, or as many as the metrics want
Work = Callable[[], int | None]  # does one unit, gives its examples; None: there is no more


@dataclass(frozen=True)
class Rates:
    """Examples per second in each window."""

    windows: tuple[float, ...] = ()

    @property
    def centre(self) -> float | None:
        """Return the median over the windows."""
        return median(self.windows) if self.windows else None

    @property
    def spread(self) -> float | None:
        """Return (max - min) / median of the windows; None for a single one."""
        return (max(self.windows) - min(self.windows)) / median(self.windows) if len(self.windows) > 1 else None


def clock_cell(cell: Cell, *, report: Report = say_nothing) -> dict[str, Any]:
    """Measure a cell's `throughput` for its record in this process, which must be alone."""
    report("clock", 0)
    dataset, model = load_dataset(cell), make_model(cell)
    x = training_rows(cell, dataset)
    hparams, precision = cell.model["hparams"], precision_of(cell.model["hparams"])
    training, sampling, flops, joules = Rates(), Rates(), None, None
    with numerics(cell.device, precision):
        peaks = measured_peaks(x.device, precision)
        if not isinstance(model, HeldOut):  # the oracle neither trains nor samples
            training, flops = _training(model, cell, x, dataset.train.y)
            report("clock", 1)
            sampling, joules = _sampling(model, cell, dataset)
    return {
        "train_examples_per_s": training.centre,
        "train_spread": training.spread,
        "sample_examples_per_s": sampling.centre,
        "sample_spread": sampling.spread,
        "contended": False,
        "windows": {"train": len(training.windows), "sample": len(sampling.windows)},
        "precision": precision,
        "compiled": bool(hparams.get("compile")),
        "threads": torch.get_num_threads(),
        "device": device_name(x.device),
        "calibration": peaks,
        "train_flops_per_example": flops,
        "share_of_peak": flops * training.centre / peaks["matmul_flops_per_s"] if flops and training.centre else None,
        "joules_per_1000_samples": joules,
    }


def window_rates(work: Work, device: torch.device, *, slow_s: float = SLOW_S) -> Rates:
    """Examples per second of repeated work.

    Once to begin with, in growing rounds to warm up, then in windows of about WINDOW_S.

    slow_s: a round of one unit that takes longer is the measurement; so is the very first unit, where that takes three times as long.
    """
    last, calls = Rates(), 0
    while True:  # the warm-up tells how many units fill a window
        watch = Stopwatch(device)
        examples, ended = _several(work, max(1, calls))
        seconds = _seconds(watch)
        if examples:
            last = Rates((examples / seconds,))
        if ended or seconds > 3 * slow_s or (calls == 1 and seconds > slow_s):
            return last
        if calls and seconds >= WINDOW_S / 2:
            break
        calls = max(1, 2 * calls)
    each = seconds / calls
    calls = max(1, round(WINDOW_S / each))
    count = min(WINDOWS, max(LEAST_WINDOWS, int(BUDGET_S / (calls * each))))
    return _windows(work, calls, count, device) or last


def _windows(work: Work, calls: int, count: int, device: torch.device) -> Rates | None:
    watch, counts = Stopwatch(device), []
    for _ in range(count):
        examples, ended = _several(work, calls)
        if ended:
            break
        watch.mark()
        counts.append(examples)
    return Rates(tuple(n / s for n, s in zip(counts, watch.intervals()))) if counts else None


def _several(work: Work, calls: int) -> tuple[int, bool]:
    """Examples of several units, and whether the work ended among them."""
    total = 0
    for _ in range(calls):
        examples = work()
        if examples is None:
            return total, True
        total += examples
    return total, False


def _seconds(watch: Stopwatch) -> float:
    """Seconds since the stopwatch was made; waits for the device."""
    watch.mark()
    return watch.intervals()[0]


def _training(model: Any, cell: Cell, x: Tensor, y: Tensor | None) -> tuple[Rates, float | None]:
    """Rates of training, and the FLOPs of one example where a step can be counted."""
    if not isinstance(model, Trainable):

        def fit() -> int:
            model.fit(x, y, seed=cell.seed)
            return len(x)

        return window_rates(fit, x.device), None
    compiled = bool(cell.model["hparams"].get("compile"))  # nothing can be counted inside
    plain = make_model(cell, cell.model["hparams"] | {"compile": False}) if compiled else model
    steps = plain.fit_steps(x, y, seed=cell.seed)
    flops = flops_per_example(steps)
    if compiled:
        close(steps)
        steps = model.fit_steps(x, y, seed=cell.seed)
        next(steps, None)
    rates = window_rates(lambda: _examples(next(steps, None)), x.device, slow_s=math.inf)
    close(steps)
    return rates, flops


def flops_per_example(steps: Iterator[Mapping[str, Any]]) -> float | None:
    """Operations of training's second step, per example of it; the first one builds.

    None where nothing can be counted.
    """
    if next(steps, None) is None:
        return None
    with CountFlops() as counter:
        examples = _examples(next(steps, None))
    return counter.total / examples if examples and counter.total else None


def _examples(values: Mapping[str, Any] | None) -> int | None:
    return None if values is None else int(values.get("examples", 0))


def _sampling(model: Any, cell: Cell, dataset: Dataset) -> tuple[Rates, float | None]:
    """Rates of sampling, and the joules of 1,000 samples where a meter can be read."""
    if not isinstance(model, Sampler):
        return Rates(), None
    n, calls = min(SAMPLES, wanted_samples(cell, dataset)), iter(range(cell.seed, 2**31))
    device = dataset.train.x.device

    def draw() -> int:
        model.sample(n, seed=next(calls))
        return n

    with torch.no_grad():
        rates = window_rates(draw, device)
        meter = open_meter(device)
        return rates, joules_per_1000(draw, meter, device) if meter else None


def joules_per_1000(work: Work, meter: Meter, device: torch.device, *, at_least_s: float = ENERGY_S) -> float:
    """Joules per 1,000 examples of repeated work, idle power included."""
    synchronize(device)
    before, examples, end = meter.joules(), 0, time.perf_counter() + at_least_s
    while (now := time.perf_counter()) < end:
        while (
            time.perf_counter() < now + WINDOW_S
        ):  # no wait at each call: the card would idle, and its idling be counted
            examples += work() or 0
        synchronize(device)
    return 1000 * (meter.joules() - before) / examples
