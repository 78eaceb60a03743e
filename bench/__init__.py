"""Train, score and rank generative models: the public API. What a function needs is imported late.

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

    from bench.render.notebook import Ran

__all__ = ["leaderboard", "leaderboard_frame", "load", "load_results", "run", "score"]

RERUNS = ("missing", "failed", "all")
Names = str | Iterable[str]  # "kde", "kde,vae" or ("kde", "vae")


def load(kind: str, name: str) -> Any:
    """Return a model's class, a dataset's function or a metric's function.

    kind: "model", "dataset" or "metric".
    """
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
    missing: str = "",
    text: Names = (),
    strict: bool = False,
) -> Ran:
    """Train and score what is missing in the folder `out`, and return what was done.

    A line a cell goes to standard error.

    What is left out is the suite's: its models, datasets and number of seeds. device: auto, cpu or cuda. precision: fp32 or
    bf16. jobs: cells side by side; one a core, or one on a GPU, if left out. rerun: missing, failed or all. settings:
    "field=value" or "model.field=value". data: your own data in place of datasets: a folder of images, an .npz or a .csv,
    with the column `label` ("none": no labels), `missing` values dropped ("drop") or kept as a category ("keep"), and columns
    of `text` read as categories; strict: an unreadable image is an error.
    """
    from bench.executors.device import default_jobs, resolve_device
    from bench.executors.start import run as run_suite
    from bench.plan.check import check_request
    from bench.plan.request import Request, split_names
    from bench.plan.suite import load_suite
    from bench.render.notebook import Ran
    from bench.render.progress import Lines

    _check_choices(jobs=jobs, seeds=seeds, rerun=rerun)
    device = resolve_device(device)
    jobs = jobs or default_jobs(device)
    request = Request(
        suite=suite,
        models=split_names(models),
        datasets=split_names(datasets),
        seeds=seeds,
        device=device,
        precision=precision,
        settings=(settings,) if isinstance(settings, str) else tuple(settings),
        data=str(Path(data).resolve()) if data is not None else None,
        label=label,
        missing=missing,
        text=(text,) if isinstance(text, str) else tuple(text),
        strict=strict,
        jobs=jobs,
    )
    check_request(request)
    out = Path(out)
    throughput = load_suite(suite).throughput
    outcome = run_suite(request, out=out, jobs=jobs, rerun=rerun, observer=Lines(out), throughput=throughput)
    return Ran.of(outcome, out)


def _check_choices(*, rerun: str, **counts: int | None) -> None:
    from bench.errors import UsageError

    for name, given in counts.items():
        if given is not None and (not isinstance(given, int) or isinstance(given, bool) or given < 1):
            raise UsageError(f"{name} must be a whole number of at least 1, or None, got {given!r}")
    if rerun not in RERUNS:
        raise UsageError(f"rerun must be one of {', '.join(RERUNS)}, got {rerun!r}")


def score(
    samples: str | Path | np.ndarray,
    dataset: str | None = None,
    *,
    data: str | Path | np.ndarray | None = None,
    space: str | None = None,
) -> dict[str, Any]:
    """Score samples by every sample metric, on the boards of a dataset or against real data of your own.

    samples, data: a folder of images, an .npz, .npy or .csv, or an array (N, ...). space: random, pca, lenet or inception; what
    suits the data if left out. Returns what `bench score --json` prints: {"dataset", "metrics": {board: {name: {"value",
    "interval", "better", ...}}}, "yardsticks", "flags", ...}; the boards are "public" and "private", or "real" for your own data.
    A value that is no finite number is None. InvalidSubmission lists all that is wrong with samples of a dataset.
    """
    import tempfile

    import numpy as np

    from bench.errors import UsageError
    from bench.submissions.enter import score as score_on_boards

    if (dataset is None) == (data is None):
        raise UsageError("say what to score against, one of two: dataset=... or data=...")
    with tempfile.TemporaryDirectory() as folder:  # an array passes the same checks as a file

        def path_of(given: str | Path | np.ndarray, name: str) -> Path:
            if isinstance(given, str | Path):
                return Path(given)
            path = Path(folder) / f"{name}.npz"
            np.savez(path, samples=np.asarray(given))
            return path

        if dataset is not None:
            return score_on_boards(path_of(samples, "samples"), dataset, space=space)
        assert data is not None
        from bench.submissions.compare import compare

        return compare(path_of(samples, "samples"), path_of(data, "data"), space=space)


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
    from bench.records.record import BOARDS
    from bench.render.notebook import frame

    if board is not None and board not in BOARDS:
        raise UsageError(f"board must be one of {', '.join(BOARDS)} or None, got {board!r}")
    return frame(Path(out), dataset, board)


def leaderboard_frame(out: str | Path = "results") -> pd.DataFrame:
    """Return every row of leaderboard.csv: the `leaderboard` of both boards."""
    return leaderboard(out, board=None)
