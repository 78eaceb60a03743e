"""The order in which a file, a model or a dataset keeps its rows may mean something, and moves no score by more than its error."""

import math
from dataclasses import replace

import pytest
import torch

from bench.datasets import Dataset, Split, some_rows
from bench.features import CountingModes, load_space
from bench.metrics._evaluation import Evaluation
from bench.metrics._score import metric_of, score
from bench.registry import entries, load

SAMPLE_NEEDS = ("samples", "given")
SLOW_OR_FOREIGN = ("inception",)  # a network that has to be fetched


def sample_metrics():
    """Names of every registered metric of samples that can be computed here."""
    return [
        name
        for name in entries("metric")
        if set(metric_of(name).needs) & set(SAMPLE_NEEDS) and not name.endswith(SLOW_OR_FOREIGN)
    ]


def sorted_by_class(data: Dataset, seed: int) -> dict[str, torch.Tensor]:
    """Three times as many noisy training rows as a board has, in order of their classes; the same as class-conditional samples."""
    n = 3 * len(data.valid)
    rows = torch.randint(len(data.train), (n,), generator=torch.Generator().manual_seed(seed))
    x = data.train.x[rows]
    noise = 0.3 * x.flatten().std() * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed + 1))
    x = data.to_grid(x + noise)
    law, y = data.law, data.train.y
    y = torch.cdist(x, law.means).argmin(dim=1) if law is not None else y[rows]
    order = torch.argsort(y, stable=True)
    return {"samples": x[order], "given.x": x[order], "given.y": y[order]}


def arranged(outputs, order):
    return {name: value[order] for name, value in outputs.items()}


@pytest.fixture(scope="module", params=["digits", "ring8", "wine"])
def case(request):
    """A dataset, samples sorted by class, and the scores of these shuffled in several ways."""
    data = load("dataset", request.param)()
    if data.law is not None:  # fewer rows are quick
        data = replace(data, train=data.train.some(3000), valid=data.valid.some(400), n_mode_samples=400)
    outputs = sorted_by_class(data, seed=0)
    n = len(outputs["samples"])
    shuffles = [torch.randperm(n, generator=torch.Generator().manual_seed(seed)) for seed in range(6)]
    return data, outputs, [scores(data, arranged(outputs, order)) for order in shuffles]


def scores(data, outputs):
    spaces = {"digits": ("identity", "lenet", "pca"), "ring8": ("identity",), "wine": ("identity",)}[data.name]
    known = {s for name in entries("metric") for s in metric_of(name).spaces}
    names = [n for n in sample_metrics() if n.rpartition("_")[2] not in known or n.rpartition("_")[2] in spaces]
    return score(Evaluation(data, outputs, board="public", draws=2), tuple(names))


@pytest.mark.parametrize("turned", [False, True], ids=["sorted", "reversed"])
def test_sorted_samples_score_as_shuffled_ones(case, turned):
    """Within five standard deviations of the shuffles and five errors over the rows, for every sample metric of the registry."""
    data, outputs, shuffled = case
    n = len(outputs["samples"])
    found = scores(data, arranged(outputs, torch.arange(n).flip(0) if turned else torch.arange(n)))
    assert found.keys() == shuffled[0].keys() and len(found) >= 5
    for name, estimate in found.items():
        values = torch.tensor([s[name].value for s in shuffled], dtype=torch.float64)
        allowed = 5 * float(values.std()) + 5 * (shuffled[0][name].test_se or 0.0) + 1e-9
        assert math.isfinite(estimate.value)
        assert abs(estimate.value - float(values.mean())) <= allowed, name


def test_every_sample_metric_was_looked_at():
    """Those that no dataset above has are named here: more than 5,000 rows, or a network that is fetched."""
    unseen = {name for name in sample_metrics() if name.startswith("fid_inf")}
    digits, ring = load("dataset", "digits")(), load("dataset", "ring8")()
    for data in (digits, ring, load("dataset", "wine")()):
        ev = Evaluation(data, {"samples": data.train.x[:10], "given.x": data.train.x[:10]}, board="public")
        unseen |= {name for name in sample_metrics() if all(ev.has(need) for need in metric_of(name).needs)}
    assert unseen == set(sample_metrics())


def test_held_out_rows_in_any_order_give_the_same_blocks_of_classes():
    data = load("dataset", "digits")()
    order = torch.argsort(data.valid.labels, stable=True)
    sorted_data = replace(data, valid=Split(data.valid.x[order], data.valid.labels[order]))
    for one in (data, sorted_data):
        ev = Evaluation(one, {}, board="public")
        counts = [torch.bincount(ev.real.labels[rows], minlength=10) for rows in ev.blocks.sets]
        assert all(int(c.max() - c.min()) <= 2 for c in counts)
        assert sorted(torch.cat(ev.blocks.sets).tolist()) == list(range(398))


def test_likelihoods_follow_their_rows():
    """What is said of a row stays with it, whatever order the metrics see."""
    data = load("dataset", "digits")()
    ev = Evaluation(data, {"valid.log_prob": data.valid.labels.double()}, board="public")
    assert torch.equal(ev.log_prob, ev.real.labels.double())


def test_modes_of_sorted_samples_are_all_seen():
    data = load("dataset", "digits")()
    assert isinstance(load_space("lenet", data), CountingModes)
    everything = Split(data.train.x[:], data.train.labels)
    order = torch.argsort(everything.labels, stable=True)
    ev = Evaluation(data, {"samples": everything.x[order]}, board="public")
    assert load("metric", "modes_captured")(ev).value == 10


def test_some_rows_of_a_sorted_column_are_of_all_classes():
    y = torch.arange(10).repeat_interleave(1000)
    assert len(y[some_rows(len(y), 100)].unique()) == 10
    assert some_rows(50, 100).tolist() == list(range(50))
