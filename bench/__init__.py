"""genbench: train, score and rank generative models. The functions below are the public API; what they need is imported late.

Errors are those of `bench.errors` and `bench.registry`: UsageError, DataUnavailable, InvalidSubmission, NotFound, Broken.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The rooms that share a name with a function below. Once they are loaded, importing from them leaves the functions in place.
import bench.leaderboard
import bench.run  # noqa: F401

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from bench.run.sweep import Outcome

__all__ = ["leaderboard", "leaderboard_frame", "load", "load_results", "run", "score"]

RERUNS = ("missing", "failed", "all")
Names = str | Iterable[str]  # "kde", "kde,vae" or ("kde", "vae")


def load(kind: str, name: str) -> Any:
    """Return a model's class, a dataset's function or a metric's function; kind: "model", "dataset" or "metric"."""
    from bench.registry import load as load_plugin

    return load_plugin(kind, name)


def run(
    *,
    models: Names = (),
    datasets: Names = (),
    suite: str = "core",
    seeds: int | None = None,
    device: str = "auto",
    precision: str = "fp32",
    jobs: int | None = None,
    out: str | Path = "results",
    rerun: str = "missing",
    settings: Names = (),
    data: str | Path | None = None,
    label: str | None = None,
    strict: bool = False,
) -> Outcome:
    """Train and score what is missing in the folder `out`, with a line a cell on standard error, and return what was done.

    What is left out is the suite's: its models, datasets and number of seeds. device: auto, cpu or cuda. precision: fp32 or
    bf16. jobs: cells side by side; one a core, or one on a GPU, if left out. rerun: missing, failed or all. settings:
    "field=value" or "model.field=value". data: your own data in place of datasets: a folder of images, an .npz or a .csv,
    with the column `label`; strict: an unreadable image is an error.
    """
    from bench.errors import UsageError
    from bench.executors.device import default_jobs, resolve_device
    from bench.plan.check import check_request
    from bench.plan.request import Request, split_names
    from bench.plan.suite import load_suite
    from bench.render.progress import Lines
    from bench.run.sweep import run as run_suite

    if rerun not in RERUNS:
        raise UsageError(f"rerun must be one of {', '.join(RERUNS)}, got {rerun!r}")
    request = Request(
        suite=suite,
        models=split_names(models),
        datasets=split_names(datasets),
        seeds=seeds,
        device=resolve_device(device),
        precision=precision,
        settings=(settings,) if isinstance(settings, str) else tuple(settings),
        data=str(Path(data).resolve()) if data is not None else None,
        label=label,
        strict=strict,
    )
    check_request(request)
    return run_suite(
        request,
        out=Path(out),
        jobs=jobs or default_jobs(request.device),
        rerun=rerun,
        observer=Lines(),
        throughput=load_suite(suite).throughput,
    )


def score(samples: str | Path | np.ndarray, dataset: str) -> dict[str, Any]:
    """Score samples, a file as `bench submit` takes it or an array (N, *shape), by every sample metric of a dataset.

    Returns {"dataset", "metrics": {"public", "private": {name: {"value", "better", ...}}}, "flags"}; a value that is no
    finite number is None. InvalidSubmission lists all that is wrong with the samples.
    """
    import tempfile

    import numpy as np

    from bench.submissions.enter import score as score_file

    if isinstance(samples, str | Path):
        return score_file(Path(samples), dataset)
    with tempfile.TemporaryDirectory() as folder:  # an array passes the same checks as a file
        path = Path(folder) / "samples.npz"
        np.savez(path, samples=np.asarray(samples))
        return score_file(path, dataset)


def load_results(out: str | Path = "results") -> list[dict[str, Any]]:
    """Return all readable records in a folder of results, as they are stored (schema bench.cell/1)."""
    from bench.records.store import Store

    return Store(Path(out)).records()


def leaderboard(out: str | Path = "results", dataset: str | None = None, board: str | None = "public") -> pd.DataFrame:
    """Return the rows of leaderboard.csv, a row for each model and metric, on one dataset or all of them.

    board: "public" (the split `valid`), "private" (`test`) or None for both. Rows that belong to no board, such as costs, are
    always among them. UsageError where the folder holds no results, LookupError where they lack the dataset.
    """
    from bench.errors import UsageError
    from bench.leaderboard.table import tidy
    from bench.records.record import BOARDS
    from bench.records.store import open_results
    from bench.registry import unknown
    from bench.render.files import submitted

    if board is not None and board not in BOARDS:
        raise UsageError(f"board must be one of {', '.join(BOARDS)} or None, got {board!r}")
    store, records = open_results(Path(out), option="out")
    known = sorted({record["dataset"]["id"] for record in records})
    if dataset is not None and dataset not in known:
        raise unknown("dataset on the boards", dataset, known)
    frame = tidy(records + submitted(store, records))
    wanted = frame.board.isin([board, ""]) if board is not None else frame.board.notna()
    if dataset is not None:
        wanted &= frame.dataset == dataset
    return frame[wanted].reset_index(drop=True)


def leaderboard_frame(out: str | Path = "results") -> pd.DataFrame:
    """Return every row of leaderboard.csv: the `leaderboard` of both boards."""
    return leaderboard(out, board=None)
