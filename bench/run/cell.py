"""run_cell: one cell from data to record, in the process it is given.

The one place that catches broadly.
"""

from __future__ import annotations

import math
import resource
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch
from torch import Tensor

from bench.datasets import Dataset, Split
from bench.metrics._evaluation import Evaluation
from bench.metrics._score import better_of, entry_of, score
from bench.models.state import n_params
from bench.plan.cell import Cell
from bench.records.record import BOARDS, Record, failure, new_record
from bench.registry import load
from bench.run.findings import findings
from bench.run.gpu import is_gpu, keep_to_share, warm_up
from bench.run.measure import Fitted
from bench.run.outputs import MAX_GIVEN, artifact_entry, collect, pack, unpack
from bench.run.pictures import pictures
from bench.run.plateau import is_compared_by_ratios, plateau_of
from bench.run.precision import numerics, precision_of, settings_of
from bench.run.prepare import load_dataset, make_model, training_split
from bench.run.probe import Seen, look
from bench.run.quality import quality_of
from bench.run.strips import strips
from bench.run.task import Context
from bench.run.training import Training, last_best_gap, train

OUT_OF_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "STATUS_ALLOC_FAILED",
)  # torch's own words
OUTSIDE = Context()  # of any executor: nobody listens and nobody wants a file


@dataclass
class _Phase:
    """Where a cell is, for its error and for the progress line."""

    name: str
    context: Context

    def __call__(self, name: str) -> None:
        self.name = name
        self.context.report(name, 0)


def run_cell(cell: Cell, context: Context = OUTSIDE) -> Record:
    """Train, sample, score; returns the record of whatever happened, an exception included.

    Files go to the context.
    """
    record = new_record(cell) | {"started_utc": datetime.now(UTC).isoformat(timespec="milliseconds")}
    phase = _Phase("load", context)
    start, cpu = time.monotonic(), _cpu_seconds()
    try:
        keep_to_share(cell.device)
        with numerics(cell.device):
            record = _run(cell, record, phase)
    except MemoryError as error:
        record = failure(record, "oom", phase=phase.name, kind="MemoryError", message=str(error) or "out of memory")
    except Exception as error:  # noqa: BLE001 - whatever a model raises is this cell's record, and no other's loss
        status = "oom" if _is_oom(error) else "crashed"
        message = "".join(traceback.format_exception(error, limit=-6))
        record = failure(record, status, phase=phase.name, kind=type(error).__name__, message=f"{error}\n{message}")
    record["timing"]["total_s"] = round(time.monotonic() - start, 3)
    record["resources"]["cpu_s"] = round(_cpu_seconds() - cpu, 3)
    record["resources"]["peak_cuda_bytes"] = _peak_cuda_bytes()
    return record


def _run(cell: Cell, record: Record, phase: _Phase) -> Record:
    start = time.monotonic()
    dataset = load_dataset(cell)
    model = make_model(cell)
    rows = training_split(cell, dataset)
    record["timing"]["load_s"] = round(time.monotonic() - start, 4)
    record["protocol"]["numerics"] = settings_of(cell.device, precision_of(cell.model["hparams"]))
    phase("fit")
    if is_gpu(cell.device):
        record["timing"]["warm_s"] = round(warm_up(cell, rows), 4)
    seen = Seen()
    training = _train(model, rows, dataset, cell, phase, seen)
    record["curve"] = training.curve
    record["model"]["n_params"] = n_params(model)
    record["timing"]["train_s"] = round(training.seconds, 4)
    record["timing"]["train_core_s"] = round(training.core_seconds, 4)
    record["throughput"]["train_examples_per_s"] = training.examples / training.seconds if training.seconds else None
    if training.diverged:
        record["flags"] = findings(training, None, rows.some(MAX_GIVEN).x[:])
        _take_measures(cell, record, dataset, rows, None)
        return failure(record, "diverged", phase="fit", kind="Diverged", message=training.diverged)
    phase("sample")
    outputs, seconds = collect(model, cell, dataset)
    record["timing"]["sample_s"] = round(seconds, 4)
    if "samples" in outputs:
        record["throughput"]["sample_examples_per_s"] = len(outputs["samples"]) / seconds if seconds else None
    flags = findings(training, outputs.get("samples"), dataset.train.some(MAX_GIVEN).x[:])
    if any("samples are not finite" in flag for flag in flags):
        record["flags"] = flags
        return failure(record, "diverged", phase="sample", kind="NonFinite", message="samples are not finite")
    if not cell.trial:
        raw = pack(outputs, dataset)
        record["artifacts"] = [artifact_entry(raw)]
        phase.context.keep("outputs", raw)
        del raw
    if cell.probes and "samples" in outputs:
        _last_look(model, cell, dataset, training, seen)
    if cell.probes:
        record["timing"]["look_s"] = round(training.look_seconds, 4)
    phase("score")
    record = score_outputs(cell, record, outputs, dataset, flags)
    record["training"] = _facts(cell, training, seen.modes, record)
    _take_measures(cell, record, dataset, rows, model)
    if "grid" in phase.context.outputs and "samples" in outputs:
        frames = [(step, samples) for (step, _), samples in zip(training.probes, seen.samples)]
        drawn = pictures(dataset, outputs["samples"]) | strips(model, cell, dataset, outputs, frames)
        for name, picture in drawn.items():
            phase.context.keep(name, picture)
    return record


def _last_look(model: Any, cell: Cell, dataset: Dataset, training: Training, seen: Seen) -> None:
    """Look at the public board once more, after training."""
    start = time.monotonic()
    final = look(model, cell, dataset, seen)
    training.look_seconds += time.monotonic() - start
    if final is not None and math.isfinite(final):
        training.looked(training.steps, final)


def _facts(cell: Cell, training: Training, modes: list[float | None], record: Record) -> dict[str, Any]:
    """Return record["training"] of a scored record: the probes of the public board, and what they show."""
    primary, probes = cell.dataset["primary"], training.probes
    better = better_of(primary)
    se = record["metrics"]["public"].get(primary, {}).get("test_se")
    ratios = is_compared_by_ratios(primary)
    return last_best_gap(probes, better=better) | {
        "probes": probes,
        "modes": [(step, n) for (step, _), n in zip(probes, modes) if n is not None],
        "plateau": plateau_of(probes, training.steps, better=better, ratios=ratios, se=se),
        "to_quality": quality_of(cell, training, record),
    }


def _take_measures(cell: Cell, record: Record, dataset: Dataset, rows: Split, model: Any) -> None:
    """Put what an experiment reads off the fitted model (None: it diverged) into record["measures"]."""
    if not cell.measures:
        return
    private = {name: entry["value"] for name, entry in record["metrics"]["private"].items()}
    fitted = Fitted(model, dataset, rows, record["curve"], cell.seed, private)
    record["measures"] = {}
    for name in cell.measures:
        record["measures"] |= load("measure", name)(fitted)


def _train(model: Any, rows: Split, dataset: Dataset, cell: Cell, phase: _Phase, seen: Seen) -> Training:
    """Fit the model, with looks at the public board on the way."""
    x: Any = rows.x  # a Tensor, or what poses as one
    with numerics(cell.device, precision_of(cell.model["hparams"])):
        return train(
            model,
            x,
            rows.y,
            seed=cell.seed,
            steps=cell.steps,
            probe=lambda m: look(m, cell, dataset, seen),
            n_probes=cell.probes,
            report=lambda step: phase.context.report("fit", step),
        )


def rescore_cell(cell: Cell, record: Record, context: Context) -> Record:
    """Score stored outputs again with today's metrics; nothing is trained.

    Raises where the outputs are not readable.
    """
    context.report("score", 0)
    with numerics(cell.device):
        dataset = load_dataset(cell)
        outputs = unpack(context.inputs["outputs"], dataset)
        flags = [flag for flag in record["flags"] if not flag.startswith("metric:")]
        return score_outputs(cell, record, outputs, dataset, flags)


def score_outputs(cell: Cell, record: Record, outputs: dict[str, Tensor], dataset: Dataset, flags: list[str]) -> Record:
    """Fill in the boards of a record from outputs."""
    start = time.monotonic()
    metrics: dict[str, Any] = {board: {} for board in BOARDS}
    notes = list(flags)
    shared: dict[Any, Any] = {}  # what both boards' evaluations need
    for board in cell.boards:
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


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_cuda_bytes() -> int | None:
    """Return the most memory that tensors took on the GPU, None without one.

    A GPU that was lost cannot say.
    """
    try:
        return torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else None
    except RuntimeError:
        return None


def _is_oom(error: BaseException) -> bool:
    """Whether an exception tells of a want of memory.

    Torch has a type for it on a GPU and only words for it elsewhere.
    """
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)
