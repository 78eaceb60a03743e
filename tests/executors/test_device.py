"""The device of a run and the cells side by side on it."""

import os
import subprocess
import sys

import pytest
import torch

from bench.errors import UsageError
from bench.executors import _fork_server, device
from bench.executors.device import cores, default_jobs, resolve_device
from bench.registry import ROOT


def test_one_cell_on_a_gpu_and_one_a_core_else():
    assert cores() >= 1
    assert (default_jobs("cuda"), default_jobs("cpu")) == (1, cores())


def test_a_device_that_is_none_is_refused():
    assert resolve_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="auto, cpu or cuda, got 'tpu'"):
        resolve_device("tpu")


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(device, "_cuda_available", lambda: True)
    assert (resolve_device("auto"), resolve_device("cuda")) == ("cuda", "cuda")


def test_the_tests_see_no_gpu():
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "" and resolve_device("auto") == "cpu"


@pytest.mark.parametrize("file", ["nvidiactl", "dxg", "kfd"])
def test_torch_is_asked_wherever_there_is_a_driver_of_some_kind(tmp_path, monkeypatch, file):
    """dxg is the driver's file of WSL 2, kfd that of ROCm."""
    assert any(name.endswith(file) for name in device.DRIVER_FILES)
    monkeypatch.setattr(device, "DRIVER_FILES", (str(tmp_path / file),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == "cpu"
    (tmp_path / file).touch()
    assert resolve_device("auto") == "cuda"


def test_a_gpus_device_file_that_is_open_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(_fork_server, "GPU_FILES", str(tmp_path / "nvidia"))
    assert not _fork_server.holds_gpu()
    with (tmp_path / "nvidia0").open("w"):
        assert _fork_server.holds_gpu()


def test_what_the_fork_server_preloads_asks_for_no_gpu_and_leaves_it_clean():
    code = (
        "import torch\n"
        "def asked(): raise AssertionError('CUDA was asked for')\n"
        "torch.cuda.is_available = asked\n"
        "from bench.executors import _fork_server as server\n"
        "for name in server.PRELOADED: __import__(name)\n"
        "server.check_clean()\n"
    )
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | single, check=True)
