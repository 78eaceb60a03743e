"""One thread for every test, as in every cell, and no GPU; the clean fork server is shared by the tests that need it."""

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

os.environ["CUDA_VISIBLE_DEVICES"] = (
    ""  # the tests are of a CPU, here and in every process they start; a GPU's: tests.speed.gpu
)

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def executor():
    from bench.executors.local import LocalExecutor

    with LocalExecutor(2) as running:
        yield running
