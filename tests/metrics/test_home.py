"""Where features are computed: small ones on a CPU, where metrics of some hundred rows do not wait for a GPU."""

import pytest
import torch

from bench.metrics import _home
from bench.metrics._evaluation import Evaluation
from bench.metrics._home import home_of
from bench.registry import load

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")


@pytest.mark.parametrize(
    "rows, dim, home",
    [(398, 64, CPU), (10_000, 48, CPU), (10_000, 2048, GPU), (2**11, 2**11, GPU), (2**11, 2**11 - 1, CPU)],
)
def test_small_features_go_to_the_cpu(rows, dim, home):
    assert home_of(rows, dim, GPU) == home
    assert home_of(rows, dim, CPU) == CPU


@pytest.mark.parametrize("space", ["identity", "random"])
def test_all_features_of_a_space_follow_one_rule(space, monkeypatch):
    """Both sides and both boards: where they differed, a metric would meet tensors of two devices. `meta` poses as the CPU."""
    asked = []

    def posing(*of):
        asked.append(of)
        return torch.device("meta")

    monkeypatch.setattr(_home, "home_of", posing)
    data = load("dataset", "digits")()
    outputs, shared = {"samples": data.train.x[:900]}, {}
    for board in ("public", "private"):
        ev = Evaluation(data, outputs, board=board, draws=2, shared=shared)
        features = [ev.real_features(space), ev.train_features(space, 50), *ev.draw_features(space)]
        assert {one.device.type for one in features} == {"meta"}
    dim = features[0].shape[1]
    assert set(asked) == {(399, dim, CPU)}, "the larger board's rows, whatever the side"
