"""run_cell: one cell from data to record, in the process it is given. The one place that catches broadly."""

from __future__ import annotations

import resource
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.atomic import write_atomic
from bench.cell import Cell, Record, failure, new_record
from bench.data import Dataset
from bench.environment import code
from bench.evaluation import Evaluation
from bench.metric import Estimate, Metric
from bench.own_data import own_dataset
from bench.registry import Entry, entries, load, load_entry, read_entry
from bench.training import findings, last_best_gap, n_params, synchronize, train, undisturbed

PROBE_SAMPLES = 1000
MAX_GIVEN = 5000  # class-conditional samples of a cell

Report = Callable[[str, int], None]


@dataclass
class _Phase:
    """Where a cell is, for its error and for the progress line."""

    name: str
    report: Report

    def __call__(self, name: str) -> None:
        self.name = name
        self.report(name, 0)


def run_cell(
    cell: Cell, *, artifact: Path, grid: Path | None = None, report: Report = lambda phase, step: None
) -> Record:
    """Train, sample, score; returns the record of whatever happened, an exception included."""
    record = new_record(cell) | {"started_utc": datetime.now(UTC).isoformat(timespec="seconds"), "code": code()}
    phase = _Phase("load", report)
    start, cpu = time.monotonic(), _cpu_seconds()
    try:
        record = _run(cell, record, artifact, grid, phase)
    except MemoryError as error:
        record = failure(record, "oom", phase=phase.name, kind="MemoryError", message=str(error) or "out of memory")
    except Exception as error:
        status = "oom" if _is_oom(error) else "crashed"
        message = "".join(traceback.format_exception(error, limit=-6))
        record = failure(record, status, phase=phase.name, kind=type(error).__name__, message=f"{error}\n{message}")
    record["timing"]["total_s"] = round(time.monotonic() - start, 3)
    record["resources"]["cpu_s"] = round(_cpu_seconds() - cpu, 3)
    if torch.cuda.is_initialized():
        record["resources"]["peak_cuda_bytes"] = torch.cuda.max_memory_allocated()
    return record


def _run(cell: Cell, record: Record, artifact: Path, grid: Path | None, phase: _Phase) -> Record:
    dataset = load_dataset(cell)
    model = make_model(cell)
    x = training_rows(cell, dataset)
    phase("fit")
    better = _better(cell.dataset["primary"])
    training = train(
        model,
        x,
        dataset.train.y,
        seed=cell.seed,
        steps=cell.steps,
        probe=lambda m: _probe(m, cell, dataset),
        n_probes=cell.probes,
        report=lambda step: phase.report("fit", step),
    )
    record["curve"] = training.curve
    record["model"]["n_params"] = n_params(model)
    record["timing"]["train_s"] = round(training.seconds, 4)
    record["throughput"]["train_examples_per_s"] = training.examples / training.seconds if training.seconds else None
    if training.diverged:
        record["flags"] = findings(training, None, x[:MAX_GIVEN])
        return failure(record, "diverged", phase="fit", kind="Diverged", message=training.diverged)
    phase("sample")
    outputs, seconds = collect(model, cell, dataset)
    record["timing"]["sample_s"] = round(seconds, 4)
    if "samples" in outputs:
        record["throughput"]["sample_examples_per_s"] = len(outputs["samples"]) / seconds if seconds else None
    flags = findings(training, outputs.get("samples"), dataset.train.x[:MAX_GIVEN])
    if any("samples are not finite" in flag for flag in flags):
        record["flags"] = flags
        return failure(record, "diverged", phase="sample", kind="NonFinite", message="samples are not finite")
    record["artifacts"] = [store_outputs(outputs, dataset, artifact)]
    if cell.probes and "samples" in outputs:
        final = _probe(model, cell, dataset)
        if final is not None:
            training.probes.append((training.steps, final))
    record["training"] = last_best_gap(training.probes, better=better) | {"probes": training.probes}
    phase("score")
    record = score_outputs(cell, record, outputs, dataset, flags)
    if grid is not None and "samples" in outputs:
        from bench.render.grid import draw_samples

        write_atomic(grid, draw_samples(dataset, outputs["samples"]))
    return record


def rescore_cell(cell: Cell, record: Record, *, artifact: Path, report: Report = lambda phase, step: None) -> Record:
    """Score stored outputs again with today's metrics; nothing is trained. Raises when the artifact is not readable."""
    report("score", 0)
    dataset = load_dataset(cell)
    outputs = load_outputs(artifact, dataset)
    flags = [flag for flag in record["flags"] if not flag.startswith("metric:")]
    return score_outputs(cell, record, outputs, dataset, flags)


def score_outputs(cell: Cell, record: Record, outputs: dict[str, Tensor], dataset: Dataset, flags: list[str]) -> Record:
    """Fill in both boards of a record from outputs."""
    start = time.monotonic()
    metrics, notes, shared = {}, list(flags), {}
    for board in ("public", "private"):
        measure = cell.model.get("measure", "")
        ev = Evaluation(dataset, outputs, board=board, measure=measure, draws=cell.draws, shared=shared)
        estimates = score(ev, tuple(cell.metrics))
        metrics[board] = {name: entry_of(name, estimate) for name, estimate in estimates.items()}
        if board == "public":
            notes += [f"metric: {estimate.note}" for estimate in estimates.values() if estimate.note]
    record["metrics"] = metrics
    record["flags"] = list(dict.fromkeys(notes))
    record["protocol"]["metric_versions"] = dict(cell.metrics)
    record["status"], record["error"] = "ok", None
    record["timing"]["eval_s"] = round(time.monotonic() - start, 4)
    return record


def score(ev: Evaluation, names: tuple[str, ...]) -> dict[str, Estimate]:
    """Every named metric whose needs the evaluation meets."""
    found = {}
    for name in names:
        metric = metric_of(name)
        if not all(ev.has(need) for need in metric.needs):
            continue
        space = name[len(metric.name) + 1 :]
        estimate = metric.function(ev, space) if metric.spaces else metric.function(ev)
        if estimate is not None:
            found[name] = estimate
    return found


def metric_of(name: str) -> Metric:
    """The marked metric behind a column's name."""
    return load("metric", name)


def entry_of(name: str, estimate: Estimate) -> dict[str, Any]:
    """An estimate as a record holds it."""
    metric = metric_of(name)
    return {
        "value": estimate.value,
        "test_se": estimate.test_se,
        "better": metric.better,
        "unit": metric.unit,
        "n": estimate.n,
        "blocks": [float(f"{b:.6g}") for b in estimate.blocks],
    }


def _better(name: str) -> str:
    known = entries("metric")
    return known[name].constants["better"] if name in known else "lower"


def load_dataset(cell: Cell) -> Dataset:
    """The cell's dataset on the cell's device; refuses data that is not what was planned."""
    if "path" in cell.dataset:
        dataset = own_dataset(cell.dataset["path"], label=cell.dataset["label"])
    else:
        dataset = load("dataset", cell.dataset["id"])()
    if dataset.sha256 != cell.dataset["sha256"]:
        raise ValueError(f"dataset {dataset.name} changed since the plan was made: {dataset.sha256[:12]}...")
    return dataset.to(cell.device)


def make_model(cell: Cell) -> Any:
    """An instance of the cell's model with its hyper-parameters."""
    path = Path(cell.model["path"])
    entry: Entry = read_entry("model", path, cell.model["module"])
    return load_entry(entry)(**cell.model["hparams"])


def training_rows(cell: Cell, dataset: Dataset) -> Tensor:
    """What the model is trained on: dequantised by the cell's seed for densities of real data, else the rows."""
    if cell.model.get("measure") == "lebesgue":
        return dataset.dequantize(dataset.train.x, seed=cell.seed)
    return dataset.train.x


def wanted_samples(cell: Cell, dataset: Dataset) -> int:
    """As many samples as the metrics of both boards can use."""
    rows = max(len(dataset.valid), len(dataset.test))
    modes = 2 * dataset.n_mode_samples if dataset.law is not None else dataset.n_mode_samples
    wanted = max(cell.draws * rows, modes)
    return min(wanted, cell.sample_limit) if cell.sample_limit else wanted


def collect(model: Any, cell: Cell, dataset: Dataset) -> tuple[dict[str, Tensor], float]:
    """All outputs of a fitted model that metrics can ask for, and the seconds that unconditional sampling took."""
    outputs: dict[str, Tensor] = {}
    lebesgue = cell.model.get("measure") == "lebesgue"
    n, seconds = wanted_samples(cell, dataset), 0.0
    with torch.no_grad():
        if hasattr(model, "sample_held_out"):
            outputs["samples"] = model.sample_held_out(dataset, n, board="public", seed=cell.seed)
            outputs["test.samples"] = model.sample_held_out(dataset, n, board="private", seed=cell.seed)
        elif hasattr(model, "sample"):
            start = time.monotonic()
            samples = model.sample(n, seed=cell.seed)
            synchronize(samples.device)
            seconds = time.monotonic() - start
            _check_shape(samples, (n, *dataset.shape), "sample")
            outputs["samples"] = dataset.to_grid(samples.float(), dequantized=lebesgue)
        if hasattr(model, "sample_given") and dataset.n_classes:
            y = dataset.train.y[dataset.train.y >= 0][:MAX_GIVEN]
            given = model.sample_given(y, seed=cell.seed)
            _check_shape(given, (len(y), *dataset.shape), "sample_given")
            outputs |= {"given.x": dataset.to_grid(given.float(), dequantized=lebesgue), "given.y": y}
        for name, split in (("valid", dataset.valid), ("test", dataset.test)):
            rows = dataset.dequantize(split.x, seed=cell.seed) if lebesgue else split.x
            if hasattr(model, "log_prob"):
                outputs[f"{name}.log_prob"] = model.log_prob(rows).double()
            if hasattr(model, "elbo"):
                outputs[f"{name}.elbo"] = model.elbo(rows, seed=cell.seed, k=cell.elbo_samples).double()
            if hasattr(model, "predict_proba") and dataset.n_classes:
                centred = dataset.dequantize(split.x, seed=None) if lebesgue else split.x
                outputs[f"{name}.proba"] = model.predict_proba(centred).float()
    return outputs, seconds


def _check_shape(samples: Tensor, expected: tuple[int, ...], method: str) -> None:
    if tuple(samples.shape) != expected:
        raise ValueError(f"{method}() returned shape {tuple(samples.shape)}, expected {expected}")


def _probe(model: Any, cell: Cell, dataset: Dataset) -> float | None:
    """The board's primary metric on the public split from few samples; None where the model cannot have it."""
    primary = cell.dataset["primary"]
    if primary not in cell.metrics or not hasattr(model, "sample"):
        return None
    lebesgue = cell.model.get("measure") == "lebesgue"
    n = min(PROBE_SAMPLES, max(len(dataset.valid), dataset.n_mode_samples))
    with torch.no_grad(), undisturbed(model):
        outputs = {"samples": dataset.to_grid(model.sample(n, seed=cell.seed).float(), dequantized=lebesgue)}
        if not bool(torch.isfinite(outputs["samples"]).all()):
            return None
        small = _first_rows(dataset, n)
        if "log_prob" in metric_of(primary).needs and hasattr(model, "log_prob"):
            rows = dataset.dequantize(small.valid.x, seed=cell.seed) if lebesgue else small.valid.x
            outputs["valid.log_prob"] = model.log_prob(rows)
    ev = Evaluation(small, outputs, board="public", measure=cell.model.get("measure", ""), draws=1)
    found = score(ev, (primary,))
    return found[primary].value if primary in found else None


def _first_rows(dataset: Dataset, n: int) -> Dataset:
    """The dataset with at most n public rows, as many as a probe has samples."""
    from dataclasses import replace

    from bench.data import Split

    valid = dataset.valid
    return replace(dataset, valid=Split(valid.x[:n], None if valid.y is None else valid.y[:n]), n_mode_samples=n)


def store_outputs(outputs: dict[str, Tensor], dataset: Dataset, path: Path) -> dict[str, Any]:
    """Write the outputs as safetensors, images as codes; returns the artifact's entry."""
    import hashlib

    from safetensors.torch import save

    raw = save({name: _pack(name, value, dataset) for name, value in sorted(outputs.items())})
    write_atomic(path, raw)
    return {"role": "outputs", "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}


def load_outputs(path: Path, dataset: Dataset) -> dict[str, Tensor]:
    """The inverse of store_outputs."""
    from safetensors.torch import load as load_safetensors

    stored = load_safetensors(path.read_bytes())
    return {name: _unpack(name, value, dataset).to(dataset.train.x.device) for name, value in stored.items()}


def _is_codes(name: str, dataset: Dataset) -> bool:
    return name in ("samples", "test.samples", "given.x") and dataset.levels is not None and dataset.levels <= 256


def _pack(name: str, value: Tensor, dataset: Dataset) -> Tensor:
    value = value.detach().cpu().contiguous()
    return torch.round(value * (dataset.levels - 1)).to(torch.uint8) if _is_codes(name, dataset) else value


def _unpack(name: str, value: Tensor, dataset: Dataset) -> Tensor:
    return value.float() / (dataset.levels - 1) if _is_codes(name, dataset) else value


def clock_cell(cell: Cell, *, report: Report = lambda phase, step: None) -> dict[str, Any]:
    """The exclusive pass: training and sampling examples per second as medians over windows after a warm-up."""
    report("clock", 0)
    dataset = load_dataset(cell)
    model = make_model(cell)
    x = training_rows(cell, dataset)
    if hasattr(model, "sample_held_out"):
        return {"train_examples_per_s": None, "sample_examples_per_s": None, "contended": False}
    rates = _step_rates(model, x, dataset.train.y, seed=cell.seed) if hasattr(model, "fit_steps") else None
    if rates is None:
        rates = []
        for _ in range(3):
            start = time.monotonic()
            model.fit(x, dataset.train.y, seed=cell.seed)
            synchronize(x.device)
            rates.append(len(x) / (time.monotonic() - start))
            if len(x) / rates[-1] > 1.0:
                break
    report("clock", 1)
    sampling = _sample_rates(model, min(1000, wanted_samples(cell, dataset)), seed=cell.seed)
    return {
        "train_examples_per_s": _median(rates),
        "train_spread": _relative_spread(rates),
        "sample_examples_per_s": _median(sampling),
        "sample_spread": _relative_spread(sampling),
        "contended": False,
    }


def _step_rates(model: Any, x: Tensor, y: Tensor | None, *, seed: int, window_s: float = 0.06) -> list[float]:
    """Examples per second in five windows of whole steps, after a warm-up window."""
    rates: list[float] = []
    steps = model.fit_steps(x, y, seed=seed)
    examples, start = 0, time.monotonic()
    for count, values in enumerate(steps):
        examples += int(values.get("examples", 0))
        synchronize(x.device)
        seconds = time.monotonic() - start
        if seconds >= window_s or count == 0:
            if count:
                rates.append(examples / seconds)
            if len(rates) == 6:
                break
            examples, start = 0, time.monotonic()
    steps.close()
    return rates[1:] or rates


def _sample_rates(model: Any, n: int, *, seed: int) -> list[float]:
    if not hasattr(model, "sample"):
        return []
    rates = []
    with torch.no_grad():
        for i in range(4):
            start = time.monotonic()
            samples = model.sample(n, seed=seed + i)
            synchronize(samples.device)
            seconds = time.monotonic() - start
            rates.append(n / seconds)
            if seconds > 0.5:
                break
    return rates[1:] or rates


def _median(values: list[float]) -> float | None:
    ordered = sorted(values)
    return None if not ordered else (ordered[len(ordered) // 2] + ordered[(len(ordered) - 1) // 2]) / 2


def _relative_spread(values: list[float]) -> float | None:
    """(max - min) / median of the windows."""
    middle = _median(values)
    return None if not middle else (max(values) - min(values)) / middle


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _is_oom(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text or "not enough memory" in text
