"""The random network: its law, its plan, and that two of its seeds put the control ladder in one order."""

import subprocess
import sys
from functools import cache

import pytest
import torch
from scipy.stats import spearmanr

from bench.features import random as space
from bench.metrics._controls import board_of, controls, violated
from bench.metrics.frechet import frechet_distance
from bench.registry import load


@cache
def digits():
    return load("dataset", "digits")()


@pytest.mark.parametrize(
    ("side", "strides"),
    [(8, (1, 2, 2)), (16, (1, 2, 2)), (28, (2, 2, 2)), (32, (2, 2, 2)), (48, (2,) * 4), (64, (2,) * 4)],
)
def test_the_last_map_is_at_most_4x4(side, strides):
    assert space.strides_of(side, side) == strides
    net = space.RandomConv(space.kernels(3, len(strides)), strides, sha256="", rows=lambda: torch.empty(0))
    assert net.maps(torch.rand(2, 3, side, side)).shape[1] <= 64 * 4 * 4


@pytest.mark.parametrize("channels", [1, 3, 64])
def test_kernels_are_orthogonal_and_keep_the_variance_of_relu(channels):
    """Rows of 9 C numbers are orthonormal up to the gain, or columns where there are fewer; the mean square is He's 2 / (9 C)."""
    flat = space.kernels(channels, 1)[0].reshape(64, 9 * channels).double()
    gram = flat @ flat.T if 9 * channels >= 64 else flat.T @ flat
    torch.testing.assert_close(gram / gram[0, 0], torch.eye(len(gram), dtype=torch.float64), atol=1e-6, rtol=0)
    assert float(flat.square().mean()) == pytest.approx(2 / (9 * channels), rel=1e-6)


def test_directions_are_orthogonal_and_the_leading_ones():
    net = space.build(digits())
    _, axes = net.directions
    gram = axes.T @ axes
    torch.testing.assert_close(gram, gram[0, 0] * torch.eye(48, dtype=torch.float64), atol=1e-9, rtol=0)
    variance = net(digits().train.x).var(dim=0)
    assert float(variance[0]) == pytest.approx(1, abs=1e-9) and bool((variance.diff() <= 1e-9).all())


def test_a_plan_names_the_space_without_computing_features(monkeypatch):
    """The hash needs the recipe and the training rows; the first call finds the directions."""
    net = space.build(digits())
    assert "directions" not in vars(net) and len(net.sha256) == 64
    assert space.build(digits(), seed=1).sha256 != net.sha256


def test_another_process_finds_the_same_features(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = (
        "import torch; torch.set_num_threads(1)\n"
        "from bench.registry import load; from bench.features.random import build\n"
        "d = load('dataset', 'digits')(); print(build(d)(d.valid.x[:3]).numpy().tobytes().hex())"
    )
    first, second = (subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in "ab")
    assert first == second and len(first) == 1 + 2 * 3 * 48 * 8


def test_kept_directions_are_read_again_and_broken_ones_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(space, "WORTH_SECONDS", 0.0)
    made = space.build(digits()).directions
    (file,) = (tmp_path / "genbench" / "random").iterdir()
    for raw in (file.read_bytes(), b"broken"):
        file.write_bytes(raw)
        torch.testing.assert_close(space.build(digits()).directions, made, atol=0, rtol=0)


def test_two_seeds_agree_in_the_order_of_the_ladder():
    """Different networks, one ruler: Spearman above .95 over the 15 rungs, and both keep the orders."""
    held_out, rungs = board_of(digits()).valid.x, controls(digits())
    columns = []
    for seed in (0, 1):
        net = space.build(digits(), seed=seed)
        real = net(held_out)
        values = {name: frechet_distance(real, net(rows)) for name, rows in rungs.items()}
        assert violated(values) == []
        columns.append(list(values.values()))
    assert spearmanr(*columns).statistic > 0.95
