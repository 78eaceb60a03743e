"""The device of a run and the cells side by side on it."""

import pytest

from bench.errors import UsageError
from bench.executors.device import cores, default_jobs, resolve_device


def test_one_cell_on_a_gpu_and_one_a_core_else():
    assert cores() >= 1
    assert (default_jobs("cuda"), default_jobs("cpu")) == (1, cores())


def test_a_device_that_is_none_is_refused():
    assert resolve_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="auto, cpu or cuda, got 'tpu'"):
        resolve_device("tpu")
