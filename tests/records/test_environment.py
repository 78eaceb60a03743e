"""The state of the source that a record names."""

import subprocess

import pytest
import torch

from bench.records import environment


def test_the_state_of_the_source_is_that_of_git_and_unknown_without_it(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    state = environment.source_state.__wrapped__()
    assert (state["git_sha"], state["dirty"]) == (None, None)
    name = ["-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "a.py").write_text("")
    for command in (["init", "-q"], ["add", "."], [*name, "commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    state = environment.source_state.__wrapped__()
    assert len(state["git_sha"]) == 40 and state["dirty"] is False
    (tmp_path / "bench" / "a.py").write_text("changed = 1\n")
    assert environment.source_state.__wrapped__()["dirty"] is True


def test_a_fingerprint_has_one_id_whatever_its_order():
    assert environment.fingerprint_id({"a": 1, "b": 2}) == environment.fingerprint_id({"b": 2, "a": 1})
    assert len(environment.fingerprint_id({})) == 16


def test_a_gpu_is_named_from_the_drivers_files_and_cuda_is_not_started(tmp_path, monkeypatch):
    (tmp_path / "gpus/0000:01:00.0").mkdir(parents=True)
    (tmp_path / "gpus/0000:01:00.0/information").write_text("Model: \t\t NVIDIA H200\nIRQ:   42\n")
    monkeypatch.setattr(environment, "DRIVER", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("asking torch starts CUDA"))
    assert environment._gpu() is None, "hidden by CUDA_VISIBLE_DEVICES"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert environment._gpu() == "NVIDIA H200"
