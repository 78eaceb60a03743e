"""Chunks by device, seeding that leaves cards alone, and numbers that do not depend on the size of a chunk."""

import pytest
import torch
import torch.nn.functional as F

from baselines import _device, made, nade, pixelcnn, pixelrnn, vae
from baselines._categorical import log_marginals
from baselines._device import at_once, seeded
from bench.registry import load


def test_a_card_takes_64_times_as_much_at_once_up_to_2_to_the_28():
    cpu, card = torch.device("cpu"), torch.device("cuda")
    assert [at_once(n, cpu) for n in (1, 2500, 20_000_000)] == [1, 2500, 20_000_000]
    assert [at_once(n, card) for n in (1, 2500, 20_000_000)] == [64, 160_000, 2**28]


def test_seeding_is_torchs_own_but_for_the_cards(monkeypatch):
    def refuse(seed):
        raise AssertionError("a card's stream was reseeded")

    expected = torch.randn(5, generator=torch.Generator().manual_seed(7))
    before = torch.get_rng_state()
    monkeypatch.setattr(torch.cuda, "manual_seed_all", refuse)
    monkeypatch.setattr(torch.cuda, "manual_seed", refuse)
    with seeded(7):
        assert torch.equal(torch.randn(5), expected)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["flow_matching", "vae", "made", "nade", "pixelcnn", "pixelrnn"])
def test_no_model_reseeds_the_cards(name, monkeypatch):
    def refuse(seed):
        raise AssertionError("a card's stream was reseeded")

    monkeypatch.setattr(torch.cuda, "manual_seed_all", refuse)
    model = load("model", name)
    fields = {"levels": 2} if "levels" in model.__dataclass_fields__ else {}
    model(steps=1, **fields).fit((torch.rand(20, 1, 4, 4) < 0.5).float(), seed=0)


@pytest.mark.parametrize("shape", [(1, 3, 4), (6,)])
def test_log_marginals_are_smoothed_shares(shape):
    codes = torch.randint(5, (1500, *shape), generator=torch.Generator().manual_seed(0))
    counts = F.one_hot(codes, 5).sum(dim=0) + 0.5
    expected = (counts / counts.sum(dim=-1, keepdim=True)).log()
    assert torch.equal(log_marginals(codes, 5), expected)


@pytest.mark.parametrize("name", ["made", "nade", "pixelcnn", "pixelrnn", "vae"])
def test_results_do_not_depend_on_how_much_is_computed_at_once(name, monkeypatch):
    """Products of other shapes round differently: 1e-5 of some 20 nats; a uniform near a boundary may move one sample in 100."""
    x = (torch.rand(100, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 3).round() / 3
    model = load("model", name)(steps=3, levels=4).fit(x, seed=0)

    def results():
        bound = model.log_prob(x) if name != "vae" else model.elbo(x[:1], seed=1)
        return bound, model.sample(200 if name != "vae" else 1, seed=2)

    whole = results()
    for module in (made, nade, pixelcnn, pixelrnn, vae):
        monkeypatch.setattr(module, "at_once", lambda on_cpu, device: max(1, on_cpu // 50_000))
    parts = results()
    torch.testing.assert_close(parts[0], whole[0], atol=1e-5, rtol=1e-5)
    assert int((parts[1] != whole[1]).flatten(1).any(dim=1).sum()) <= 2
    assert _device.ON_A_CARD == 64


def test_nades_blocks_give_the_same_gradients_whatever_their_size(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    v = torch.rand(3, 70, generator=generator, dtype=torch.float64)
    shapes = ((70, 4), (4,), (70, 2, 4))
    leaves = [torch.randn(s, generator=generator, dtype=torch.float64).requires_grad_() for s in shapes]
    weights = torch.randn(70, 3, 2, generator=generator, dtype=torch.float64)

    def gradients():
        features = nade._Chain.apply(v, *leaves)
        return [features.detach(), *torch.autograd.grad((features * weights).sum(), leaves)]

    by_8 = gradients()
    monkeypatch.setattr(nade, "_triangle", lambda W: W.new_ones(64, 64).tril(-1))
    for ours, theirs in zip(gradients(), by_8, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("name", ["flow_matching", "vae", "made", "nade", "pixelcnn", "pixelrnn"])
def test_what_may_be_tuned_are_fields_and_ranges_around_their_defaults(name):
    """A tuple is a range (low, high) of a log-uniform draw, a list a set of choices; None is a default by data."""
    model = load("model", name)
    assert 2 <= len(model.search) <= 4
    for field, values in model.search.items():
        default = getattr(model(), field)
        if isinstance(values, tuple):
            assert len(values) == 2 and 0 < values[0] < default < values[1]
        else:
            assert len(values) >= 2 and (default is None or default in values)
            for value in values:
                model(**{field: value})
