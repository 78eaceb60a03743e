"""The script of GPU checks: it runs on a processor, says so without a GPU, and names what failed."""

import json

import pytest
import torch

from tests.speed import gpu
from tests.speed.examples_dcgan import discriminator, example_steps, generator
from tests.speed.gpu import Row

CPU = torch.device("cpu")


def n_params(net):
    return sum(p.numel() for p in net.parameters())


def test_the_examples_networks_have_the_published_number_of_parameters():
    assert n_params(generator(3, 64)) == 3_576_704 and n_params(discriminator(3, 64)) == 2_765_568


def test_the_examples_loop_trains_both_networks():
    steps = example_steps(torch.zeros(8, 3, 64, 64), width=2, batch=4)
    found = [next(steps) for _ in range(20)]
    assert found[-1]["d_real"] > found[0]["d_real"], "D learns that black images are real"
    assert all(0 <= step["d_fake"] <= 1 for step in found) and found[0]["examples"] == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so_in_one_line(capsys, tmp_path):
    assert gpu.main(["--out", str(tmp_path)]) == 7
    said = capsys.readouterr().err
    assert said.startswith("no CUDA device is visible") and len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_check_that_fails_is_named_and_the_others_go_on(monkeypatch, capsys, tmp_path):
    def broken(device, sizes):
        yield Row("half of it", 1.0, "s")
        raise RuntimeError("CUDA error:\nan illegal memory access")

    def fine(device, sizes):
        yield Row("fine", 2.0, "s", "", "below 3 s", True)
        yield Row("missed", None, "s", "", "below 1 s", False)

    monkeypatch.setattr(gpu, "CHECKS", (broken, fine))
    assert gpu.main(["--device", "cpu", "--small", "--out", str(tmp_path)]) == 3
    found = json.loads(next(tmp_path.glob("*-small.json")).read_text())
    assert [row["check"] for row in found["rows"]] == ["half of it", "fine", "missed"]
    assert found["failures"] == ["broken: RuntimeError: CUDA error: an illegal memory access"]
    table = next(tmp_path.glob("*-small.md")).read_text()
    assert "| fine | 2 | s | below 3 s | yes |" in table and "| missed | – | s | below 1 s | no |" in table
    assert "Failed: broken" in table


@pytest.mark.parametrize("check", [gpu.dcgan_speed, gpu.dcgan_roofline, gpu.metric_speed, gpu.bf16_quality])
@pytest.mark.slow
def test_every_check_runs_small_on_a_cpu(check):
    rows = list(check(CPU, gpu.SMALL))
    assert len(rows) >= 2 and all(row.value is None or row.value == row.value for row in rows)


@pytest.mark.slow
def test_the_smoke_run_counts_its_cells():
    (row,) = gpu.every_model(CPU, gpu.SMALL)
    assert row.met and row.value == 2, "dcgan and kde on digits"
