"""The examples of the guides run as they stand."""

import re

import pytest
import torch

from bench.datasets import Dataset
from bench.metrics import Estimate, Metric
from bench.metrics._evaluation import Evaluation
from bench.registry import ROOT, load


def example(page: str) -> dict:
    """The names that a guide's first indented program defines."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    block = re.search(r'^    """.*?(?=^\S)', text, re.DOTALL | re.MULTILINE)[0]
    names = {}
    exec(re.sub(r"^    ", "", block, flags=re.MULTILINE), names)
    return names


def test_the_dataset_of_the_guide_is_one():
    data = example("add-a-dataset.md")["moons"]()
    assert (
        isinstance(data, Dataset)
        and data.shape == (2,)
        and (len(data.train), len(data.valid), len(data.test)) == (2000, 500, 500)
    )
    assert data.train.y.unique().tolist() == [0, 1]


def test_the_metric_of_the_guide_is_one():
    names = example("add-a-metric.md")
    assert isinstance(names["of_draws"], Metric)
    assert names["of_draws"].names() == ("mean_distance_identity", "mean_distance_lenet")
    x = torch.zeros(10, 3)
    assert names["mean_distance"](x, x + torch.tensor([3.0, 4.0, 0.0])) == pytest.approx(5.0)
    data = load("dataset", "ring8")()
    ev = Evaluation(data, {"samples": data.law.sample(5 * 2500, seed=0)}, board="public")
    estimate = names["of_draws"].function(ev, "identity")
    assert isinstance(estimate, Estimate) and 0 < estimate.value < 0.2 and estimate.n == 2500


def test_the_feature_space_of_the_guide_is_one():
    space = example("add-a-feature-space.md")["build"](None)
    features = space(torch.ones(5, 3, 8, 6))
    assert features.shape == (5, 3 * 14) and features.dtype == torch.float64
    assert len(space.sha256) == 64
