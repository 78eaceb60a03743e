"""The adversarial models: losses against their formulas, who learns in which step, each switch against a brute force."""

import dataclasses
import inspect
import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bench.registry import load
from gan_models._blocks import ConvStack, arc, frozen, line, to_tanh
from gan_models.improved_gan import HistoricalAverage, VirtualBatchNorm, feature_matching_loss, minibatch_features
from gan_models.improved_gan import discriminator_loss as smoothed_loss
from gan_models.improved_gan_semi import label_subset, unsupervised_loss
from gan_models.pacgan import pack
from gan_models.vanilla_gan import discriminator_loss, generator_loss
from gan_models.wgan_gp import gradient_penalty

GANS = ("vanilla_gan", "conditional_gan", "dcgan", "improved_gan", "improved_gan_semi", "pacgan", "r3gan", "wgan_gp")


def digits():
    return load("dataset", "digits")()


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# losses -------------------------------------------------------------------------------------------------------------


def test_the_losses_are_those_of_eq_1():
    real, fake = randn(50, 1, seed=1), randn(50, 1, seed=2)
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    assert float(discriminator_loss(real, fake)) == pytest.approx(
        float(-(d_real.log().mean() + (1 - d_fake).log().mean())), rel=1e-6
    )
    assert float(generator_loss(fake, "minimax")) == pytest.approx(float((1 - d_fake).log().mean()), rel=1e-6)
    assert float(generator_loss(fake, "non_saturating")) == pytest.approx(float(-d_fake.log().mean()), rel=1e-6)


def test_the_losses_stay_finite_where_a_sigmoid_would_not():
    huge = torch.tensor([[1000.0], [-1000.0]])
    assert float(discriminator_loss(huge, huge)) == pytest.approx(1000.0)
    assert float(generator_loss(huge, "non_saturating")) == pytest.approx(500.0)


def test_at_the_optimum_the_loss_is_ln_4():
    assert float(discriminator_loss(torch.zeros(9, 1), torch.zeros(9, 1))) == pytest.approx(math.log(4))


def test_the_best_discriminator_is_the_ratio_of_densities():
    """Proposition 1 on four cells: gradient descent on D alone ends at p_data / (p_data + p_g)."""
    data, model = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([0.4, 0.3, 0.2, 0.1])
    logits = torch.zeros(4, requires_grad=True)
    for _ in range(4000):
        loss = (data * F.softplus(-logits)).sum() + (model * F.softplus(logits)).sum()
        (gradient,) = torch.autograd.grad(loss, logits)
        logits = (logits - 2 * gradient).detach().requires_grad_()
    assert logits.sigmoid().tolist() == pytest.approx((data / (data + model)).tolist(), abs=1e-4)


def test_label_smoothing_moves_the_best_discriminator():
    """Sec. 3.4: D* = 0.9 p_data / (p_data + p_g); on one point with equal masses that is 0.45."""
    logit = torch.zeros(1, requires_grad=True)
    for _ in range(500):
        (gradient,) = torch.autograd.grad(smoothed_loss(logit, logit, 0.9), logit)
        logit = (logit - gradient).detach().requires_grad_()
    assert float(logit.detach().sigmoid()) == pytest.approx(0.45, abs=1e-4)


def test_the_k_plus_1_loss_is_a_softmax_with_a_zero_logit():
    real, fake = randn(30, 5, seed=1), randn(30, 5, seed=2)

    def p_generated(logits):
        return torch.cat([logits, torch.zeros(30, 1)], dim=1).softmax(dim=1)[:, -1]

    by_hand = -(1 - p_generated(real)).log().mean() - p_generated(fake).log().mean()
    assert float(unsupervised_loss(real, fake)) == pytest.approx(float(by_hand), rel=1e-5)


# pieces -------------------------------------------------------------------------------------------------------------


def test_the_gradient_penalty_of_a_linear_critic():
    """grad D = w everywhere, so the penalty is (|w| - 1)^2."""
    critic = nn.Linear(3, 1)
    penalty = gradient_penalty(critic, randn(20, 3), randn(20, 3, seed=1), torch.Generator().manual_seed(0))
    assert float(penalty.detach()) == pytest.approx((float(critic.weight.detach().norm()) - 1) ** 2, rel=1e-5)
    penalty.backward()
    assert critic.weight.grad is not None


def test_minibatch_features_by_loops():
    features, kernels = randn(6, 4), randn(4, 3, 2, seed=1) * 0.3
    m = torch.einsum("na,abc->nbc", features, kernels)
    expected = torch.zeros(6, 3)
    for i in range(6):
        for j in range(6):
            if i != j:
                expected[i] += torch.exp(-(m[i] - m[j]).abs().sum(dim=1))
    torch.testing.assert_close(minibatch_features(features, kernels), expected, atol=1e-5, rtol=0)


def test_minibatch_features_show_a_collapse():
    kernels = randn(4, 3, 2, seed=1)
    spread, same = minibatch_features(randn(8, 4), kernels), minibatch_features(randn(1, 4).expand(8, 4), kernels)
    torch.testing.assert_close(same, torch.full((8, 3), 7.0), msg="every other example is at distance 0")
    assert bool((spread < same).all())


def test_virtual_batch_norm_by_hand():
    """An example's statistics are those of the reference batch and itself, whatever else is in its batch."""
    norm, reference, x = VirtualBatchNorm(4, 3), randn(4, 3), randn(5, 3, seed=1)
    together = norm(torch.cat([reference, x])).detach()
    for i in range(5):
        pool = torch.cat([reference, x[i : i + 1]])
        expected = (x[i] - pool.mean(dim=0)) / (pool.var(dim=0, unbiased=False) + 1e-5).sqrt()
        torch.testing.assert_close(together[4 + i], expected, atol=1e-5, rtol=0)
        alone = norm(torch.cat([reference, x[i : i + 1]])).detach()[4]
        torch.testing.assert_close(alone, together[4 + i], atol=1e-6, rtol=0)


def test_feature_matching_and_historical_averaging():
    a, b = randn(10, 4), randn(10, 4, seed=1)
    assert float(feature_matching_loss(a, b)) == pytest.approx(float((a.mean(0) - b.mean(0)).square().sum()), rel=1e-6)
    layer = nn.Linear(2, 1, bias=False)
    past = HistoricalAverage(layer)
    values = [layer.weight.detach().clone()]
    for step in range(3):
        with torch.no_grad():
            layer.weight += step + 1
        values.append(layer.weight.detach().clone())
        past.update()
    expected = (layer.weight - torch.stack(values).mean(dim=0)).square().sum()
    assert float(past.penalty()) == pytest.approx(float(expected), rel=1e-5)


def test_packing_joins_consecutive_examples():
    images = torch.arange(4 * 3 * 2 * 2).view(4, 3, 2, 2)
    packed = pack(images, 2)
    assert packed.shape == (2, 6, 2, 2)
    assert torch.equal(packed[1, 3:], images[3])
    assert pack(torch.arange(8).view(4, 2), 2).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_label_subsets_are_balanced_nested_and_leave_the_unlabelled():
    y = digits().train.y.clone()
    y[::3] = -1
    for seed in range(5):
        subsets = [label_subset(y, n, seed) for n in (20, 50, 100, 200)]
        for n, rows in zip((20, 50, 100, 200), subsets, strict=True):
            counts = torch.bincount(y[rows], minlength=10)
            assert counts.sum() == n
            assert counts.max() - counts.min() <= 1
            assert len(rows.unique()) == n
        for small, large in pairwise(subsets):
            assert set(small.tolist()) < set(large.tolist())
    assert label_subset(y, 20, 0).tolist() != label_subset(y, 20, 1).tolist()
    with pytest.raises(ValueError, match="between 10 .* got 5"):
        label_subset(y, 5, 0)


@pytest.mark.parametrize(("size", "smallest", "halvings"), [(8, 2, 2), (28, 7, 2), (32, 4, 3), (64, 4, 4)])
def test_the_dcgan_stack_at_every_size(size, smallest, halvings):
    stack = ConvStack((3, size, size), width=4)
    assert (stack.seed_size, stack.halvings) == (smallest, halvings)
    images = stack.generator(5)(randn(2, 5))
    assert images.shape == (2, 3, size, size)
    assert float(images.detach().abs().max()) <= 1
    assert stack.discriminator()(images).shape == (2, 1)


def test_a_size_the_stack_cannot_build_is_refused():
    with pytest.raises(ValueError, match="square images of side 8, 12"):
        ConvStack((1, 9, 9))


# the game -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vanilla_gan", "conditional_gan", "pacgan", "dcgan", "r3gan"])
def test_updates_alternate(name, monkeypatch):
    """In D's step only D's parameters move, in G's only G's, and nobody keeps a gradient of the other's step."""
    data = digits()
    model = load("model", name)(steps=2)
    moved = []
    step = torch.optim.Adam.step

    def watched(self, *arguments, **named):
        nets = {"d": model.discriminator_, "g": model.generator_}
        before = {k: [p.detach().clone() for p in net.parameters()] for k, net in nets.items()}
        found = step(self, *arguments, **named)
        moved.append(
            {
                k
                for k, net in nets.items()
                if any(not torch.equal(a, b) for a, b in zip(before[k], net.parameters(), strict=True))
            }
        )
        return found

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    model.fit(data.train.x, data.train.y, seed=0)
    assert moved == [{"d"}, {"g"}] * 2


@pytest.mark.parametrize("name", ["vanilla_gan", "pacgan"])
def test_several_steps_of_d_for_one_of_g(name, monkeypatch):
    order = []
    step = torch.optim.Adam.step
    model = load("model", name)(steps=2, d_steps=3, g_steps=2)

    def watched(self, *arguments, **named):
        first = self.param_groups[0]["params"][0]
        order.append("d" if any(first is p for p in model.discriminator_.parameters()) else "g")
        return step(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    model.fit(load("dataset", "iris")().train.x, seed=0)
    assert "".join(order) == "dddgg" * 2


def test_pacgan_gives_each_network_its_own_falling_rate(monkeypatch):
    rates = []
    step = torch.optim.Adam.step

    def watched(self, *arguments, **named):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    load("model", "pacgan")(steps=2, lr=1e-3, d_lr=4e-3).fit(load("dataset", "iris")().train.x, seed=0)
    assert rates == pytest.approx([4e-3, 1e-3, 2e-3, 5e-4])


def test_frozen_lets_gradients_through():
    layer, x = nn.Linear(2, 1), randn(3, 2).requires_grad_()
    with frozen(layer):
        layer(x).sum().backward()
    assert x.grad is not None and layer.weight.grad is None
    assert layer.weight.requires_grad


@pytest.mark.parametrize("loss", ["non_saturating", "minimax"])
def test_the_vanilla_gan_learns_a_gaussian(loss):
    """Mean and width of N(2, 0.5^2) in two dimensions within 0.25 after 1200 steps of either loss."""
    x = 2 + 0.5 * randn(2000, 2)
    samples = (
        load("model", "vanilla_gan")(steps=1200, hidden=32, depth=2, loss=loss).fit(x, seed=0).sample(2000, seed=1)
    )
    assert samples.mean(dim=0).tolist() == pytest.approx([2, 2], abs=0.25)
    assert samples.std(dim=0).tolist() == pytest.approx([0.5, 0.5], abs=0.25)


def test_the_conditional_gan_puts_each_class_in_its_place():
    y = torch.arange(600) % 3
    x = y[:, None].float() * 4 + 0.3 * randn(600, 2)
    model = load("model", "conditional_gan")(steps=800, hidden=32, depth=2).fit(x, y, seed=0)
    asked = torch.tensor([0, 1, 2] * 100)
    samples = model.sample_given(asked, seed=1)
    nearest = (samples.mean(dim=1, keepdim=True) - torch.tensor([0.0, 4.0, 8.0])).abs().argmin(dim=1)
    assert float((nearest == asked).float().mean()) > 0.95


def test_the_semi_supervised_gan_classifies_from_few_labels():
    data = digits()
    model = load("model", "improved_gan_semi")(steps=300, n_labels=50).fit(data.train.x, data.train.y, seed=0)
    accuracy = float((model.predict_proba(data.valid.x).argmax(dim=1) == data.valid.y).float().mean())
    assert accuracy > 0.8, "one guess in ten is right by chance"


@pytest.mark.parametrize(
    ("switch", "changed"),
    [
        ({"batch_norm": False}, lambda m: not any(isinstance(x, nn.BatchNorm2d) for x in m)),
        (
            {"strided": False},
            lambda m: (
                any(isinstance(x, nn.MaxPool2d) for x in m) and not any(isinstance(x, nn.ConvTranspose2d) for x in m)
            ),
        ),
        ({"norm_at_edges": True}, lambda m: sum(isinstance(x, nn.BatchNorm2d) for x in m) == 5),
        ({"dense": 30}, lambda m: any(isinstance(x, nn.Linear) and x.out_features == 30 for x in m)),
        ({"relu": False}, lambda m: not any(isinstance(x, nn.ReLU) for x in m)),
        ({"leaky": False}, lambda m: not any(isinstance(x, nn.LeakyReLU) for x in m)),
    ],
)
def test_every_rule_of_dcgan_is_a_switch(switch, changed):
    x = digits().train.x[:64]

    def modules(model):
        model.fit(x, seed=0)
        return [*model.generator_.modules(), *model.discriminator_.modules()]

    cls = load("model", "dcgan")
    assert changed(modules(cls(steps=1, **switch)))
    assert not changed(modules(cls(steps=1)))


def test_dcgans_weights_start_at_the_papers_width():
    model = load("model", "dcgan")(steps=1, lr=1e-12).fit(digits().train.x[:64], seed=0)
    weights = torch.cat(
        [
            p.detach().flatten()
            for m in model.generator_.modules()
            if isinstance(m, nn.ConvTranspose2d)
            for p in [m.weight]
        ]
    )
    assert float(weights.std()) == pytest.approx(0.02, rel=0.05)
    assert float(weights.mean()) == pytest.approx(0.0, abs=5 * 0.02 / len(weights) ** 0.5)


@pytest.mark.parametrize("switch", ["feature_matching", "minibatch_discrimination", "virtual_batch_norm"])
def test_every_technique_of_improved_gan_changes_the_model(switch):
    x, cls = digits().train.x[:100], load("model", "improved_gan")
    on, off = (cls(steps=3, **{switch: value}).fit(x, seed=0).sample(20, seed=1) for value in (True, False))
    assert not torch.equal(on, off)


def test_no_sample_is_one_of_the_reference_batch():
    """With one stream for both, the first samples of the training seed were the reference's own noise, and grey."""
    x = digits().train.x[:100]
    model = load("model", "improved_gan")(steps=2).fit(x, seed=5)
    drawn = model._noise(64, torch.Generator().manual_seed(5))
    assert float(torch.cdist(drawn, model.generator_.reference).min()) > 1


def test_historical_averaging_holds_the_networks_back():
    x, cls = load("dataset", "iris")().train.x, load("model", "improved_gan")
    start = cls(steps=1, lr=1e-12).fit(x, seed=0)

    def travelled(weight):
        model = cls(steps=60, historical_averaging=weight).fit(x, seed=0)
        pairs = zip(model.generator_.parameters(), start.generator_.parameters(), strict=True)
        return float(sum((a - b).square().sum() for a, b in pairs))

    assert travelled(10.0) < travelled(0.0)


@pytest.mark.parametrize("name", ["dcgan", "improved_gan", "conditional_gan"])
def test_samples_come_from_an_average_of_g(name):
    """average <- d average + (1 - d) G after each step, d = step / (step + 10) up to average_decay."""
    data = digits()
    model = load("model", name)(steps=5, average_decay=0.15)
    average = None
    for step, _ in enumerate(model.fit_steps(data.train.x, data.train.y, seed=0)):
        d = min(0.15, step / (step + 10))
        now = [p.detach().clone() for p in model.generator_.parameters()]
        average = now if average is None else [d * a + (1 - d) * p for a, p in zip(average, now, strict=True)]
        for expected, kept in zip(average, model.average_.parameters(), strict=True):
            torch.testing.assert_close(kept, expected, atol=1e-6, rtol=0)
    averaged = model.sample(10, seed=1)
    model.average_ = model.generator_
    assert not torch.equal(averaged, model.sample(10, seed=1))


@pytest.mark.parametrize("name", ["dcgan", "improved_gan", "conditional_gan", "improved_gan_semi"])
def test_what_may_be_tuned_are_fields_and_what_a_model_sets_itself_is_in_range(name):
    cls = load("model", name)
    fields = {field.name: field.default for field in dataclasses.fields(cls)}
    assert 2 <= len(cls.search) <= 4
    for field, values in cls.search.items():
        own = fields[field]
        low, high = (min(values), max(values))
        assert own is None or (low <= own <= high if isinstance(values, tuple) else own in values), field
        for value in values:
            cls(**{field: value})


def test_rows_for_tanh_are_scaled_once_in_the_type_and_layout_of_the_convolutions():
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    plain, half = to_tanh(x, "fp32"), to_tanh(x, "bf16")
    assert torch.equal(plain, 2 * x - 1) and plain.dtype == torch.float32
    assert torch.equal(half, (2 * x - 1).bfloat16())
    assert half[torch.tensor([2, 0])].is_contiguous(memory_format=torch.channels_last), "rows drawn keep the layout"


def test_dcgan_is_compiled_for_its_shapes_alone(monkeypatch):
    """No symbol for a batch or a side: G's (B, z) and D's (B, C, H, W) must not be taken for one input of varying shape."""
    graphs, compiled = [], torch.compile

    def counting(graph, inputs):
        graphs.append([node.meta.get("example_value") for node in graph.graph.nodes if node.op == "placeholder"])
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda net, **named: compiled(net, backend=counting, **named))
    torch._dynamo.reset()
    load("model", "dcgan")(steps=3, batch=8, width=4, compile=True).fit(digits().train.x, seed=0)
    inputs = [value for graph in graphs for value in graph if value is not None]
    sizes = [
        size for value in inputs for size in getattr(value, "shape", [value])
    ]  # a symbol may be an input of its own
    assert sizes and not any(isinstance(size, torch.SymInt) for size in sizes)
    assert len(graphs) <= 5


def test_a_large_image_gets_the_networks_of_the_paper():
    """Sec. 5's MNIST nets; the few numbers of an 8x8 image get narrow ones."""

    def widths(network):
        return [layer.bias.shape[0] for layer in network.layers]

    x, y = torch.rand(120, 1, 28, 28), torch.arange(120) % 10
    large = load("model", "improved_gan_semi")(steps=1).fit(x, y, seed=0)
    assert widths(large.discriminator_) == [1000, 500, 250, 250, 250, 10]
    assert [m.out_features for m in large.generator_.modules() if isinstance(m, nn.Linear)] == [500, 500]
    assert large.generator_[0].in_features == 100
    small = load("model", "improved_gan_semi")(steps=1).fit(x[:, :, :8, :8], y, seed=0)
    assert widths(small.discriminator_) == [256, 256, 10]


def test_virtual_batch_norm_of_maps_by_hand_in_both_layouts():
    """As for rows, the means being over the places of a map too; channels last gives the same numbers."""
    norm, x = VirtualBatchNorm(4, 3), randn(9, 3, 5, 5)
    together = norm(x).detach()
    for i in range(4, 9):
        pool = torch.cat([x[:4], x[i : i + 1]]).movedim(1, -1).flatten(0, -2)  # (5 * 25, 3)
        mean, std = pool.mean(dim=0), (pool.var(dim=0, unbiased=False) + 1e-5).sqrt()
        torch.testing.assert_close(together[i], (x[i] - mean[:, None, None]) / std[:, None, None], atol=1e-5, rtol=0)
    last = norm(x.to(memory_format=torch.channels_last)).detach()
    torch.testing.assert_close(last, together, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", GANS)
def test_images_are_in_the_unit_interval_and_sampling_takes_no_batch_statistics(name):
    data = digits()
    model = load("model", name)(steps=2).fit(data.train.x, data.train.y, seed=0)
    samples = model.sample(40, seed=1)
    assert float(samples.min()) >= 0 and float(samples.max()) <= 1
    again = model.sample(40, seed=1)
    assert torch.equal(samples, again), "a running average moved while sampling"


def test_every_point_of_an_arc_has_the_law_of_its_ends_and_a_line_stays_in_the_cube():
    """Over 20,000 pairs: variance 1 at every t (standard error 0.01); of the line it would be 1/2 in the middle."""
    ends = randn(2, 20_000)
    noises = arc(ends, 5)
    assert torch.allclose(noises[[0, 4]], ends, atol=1e-6)
    assert noises.var(dim=1).tolist() == pytest.approx([1] * 5, abs=0.04)
    assert torch.allclose(noises[2], (ends[0] + ends[1]) / 2**0.5, atol=1e-6)
    assert torch.allclose(line(ends, 3), torch.stack([ends[0], ends.mean(dim=0), ends[1]]), atol=1e-6)


@pytest.mark.parametrize(("name", "fields"), [*((name, {}) for name in GANS), ("pacgan", {"noise": "uniform"})])
def test_a_walk_leads_from_one_sample_to_another(name, fields):
    data = digits()
    model = load("model", name)(steps=3, **fields).fit(data.train.x[:200], data.train.y[:200], seed=0)
    walked = model.walk(9, seed=4)
    assert walked.shape == (9, 1, 8, 8) and float(walked.min()) >= 0 and float(walked.max()) <= 1
    assert torch.equal(walked, model.walk(9, seed=4)) and not torch.equal(walked, model.walk(9, seed=5))
    ends = model.sample(2, seed=4)
    if name == "conditional_gan":
        y = torch.multinomial(model.shares_, 1, generator=torch.Generator().manual_seed(4))
        ends = model.sample_given(y.expand(2), seed=4)
    assert torch.allclose(walked[[0, -1]], ends, atol=1e-5)
    steps = (walked[1:] - walked[:-1]).flatten(1).norm(dim=1)
    assert 0 < float(steps.max()) < float((ends[0] - ends[1]).norm()), "it does not jump"


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("vanilla_gan", {"loss": "hinge"}, "loss must be 'non_saturating' or 'minimax', got 'hinge'"),
        ("vanilla_gan", {"batch": 1}, "batch must be at least 2, got 1"),
        ("dcgan", {"dense": -1}, "dense must be a number of units"),
        ("pacgan", {"m": 0}, "m must be at least 1"),
        ("wgan_gp", {"penalty": -1.0}, r"penalty \(lambda\) must be >= 0, got -1.0"),
        ("improved_gan", {"one_sided_label_smoothing": 0.3}, r"in \(0.5, 1\], got 0.3"),
        ("improved_gan_semi", {"average_decay": 1.0}, r"average_decay must be in \[0, 1\), got 1.0"),
        ("conditional_gan", {"steps": 0}, "steps must be at least 1, got 0"),
        ("conditional_gan", {"precision": "fp16"}, "precision must be one of fp32, bf16, got 'fp16'"),
        ("dcgan", {"average_decay": -0.1}, r"average_decay must be in \[0, 1\), got -0.1"),
    ],
)
def test_bad_fields_are_refused(name, fields, message):
    with pytest.raises(ValueError, match=message):
        load("model", name)(**fields)


def test_what_does_not_fit_says_why():
    assert "needs class labels; ring8 has none" in load("model", "conditional_gan")().supports(
        load("dataset", "ring8")()
    )
    assert "convolutions need images" in load("model", "dcgan")().supports(load("dataset", "iris")())


def test_no_gan_file_is_longer_than_a_reader_bears():
    for name in GANS:
        lines = len(inspect.getsource(inspect.getmodule(load("model", name))).splitlines())
        assert lines <= 290, f"{name}: {lines} lines"
