"""Ready a GPU before a cell's clock starts: keep to a share of its memory, load what a step loads.

A process that uses a GPU for the first time waits seconds for the context, the libraries' handles and its kernels, and for a
compiler where a model asks for one. None of that is training.
"""

from __future__ import annotations

import os
import time
from typing import Any

import torch

from bench.datasets import Split
from bench.models import Trainable
from bench.models.state import undisturbed
from bench.plan.cell import Cell
from bench.run.precision import numerics, precision_of
from bench.run.prepare import make_model
from bench.run.task import GPU_SHARE
from bench.run.training import close, synchronize


def keep_to_share(device: str) -> None:
    """Limit this process to its share of the GPU's memory: running out of it is then its own doing."""
    share = os.environ.get(GPU_SHARE)
    if share and is_gpu(device):
        torch.cuda.set_per_process_memory_fraction(float(share))


def warm_up(cell: Cell, rows: Split) -> float:
    """Take the first step of a model that is then thrown away; return the seconds.

    Random states are put back.
    """
    x: Any = rows.x  # a Tensor, or what poses as one
    start, model = time.monotonic(), make_model(cell)
    if isinstance(model, Trainable):
        with undisturbed(model), numerics(cell.device, precision_of(cell.model["hparams"])):
            steps = model.fit_steps(x, rows.y, seed=cell.seed)
            next(iter(steps), None)
            close(steps)
    synchronize(x.device)
    return time.monotonic() - start


def is_gpu(device: str) -> bool:
    """Say whether a cell's device is a GPU."""
    return device.startswith("cuda")
