"""The models' field `precision`: what runs in bfloat16, what stays float32, and that both train the same model at first."""

import itertools

import pytest
import torch
from torch import nn

from bench.registry import entries, load
from gan_models._blocks import ConvStack, Largest, leaky_relu, maxout_discriminator, mixed, placed

WITH_PRECISION = [
    "conditional_gan",
    "dcgan",
    "flow_matching",
    "improved_gan",
    "improved_gan_semi",
    "made",
    "pacgan",
    "pixelcnn",
    "r3gan",
    "vanilla_gan",
]
BFLOAT16_EPS = 2.0**-8  # half a unit in the last place of its 8 significant bits


def small(name, **fields):
    levels = {"levels": 17} if name in ("made", "pixelcnn") else {}
    return load("model", name)(steps=3, **levels, **fields)


def test_the_list_is_whole():
    found = sorted(name for name in entries("model") if hasattr(load("model", name), "precision"))
    assert found == WITH_PRECISION


@pytest.mark.parametrize("name", WITH_PRECISION)
def test_weights_samples_and_gradients_stay_float32(name):
    rows = load("dataset", "digits")().train
    model = small(name, precision="bf16").fit(rows.x[:100], rows.y[:100], seed=0)
    networks = [value for value in vars(model).values() if isinstance(value, nn.Module)]
    assert networks
    for parameter in itertools.chain.from_iterable(net.parameters() for net in networks):
        assert parameter.dtype == torch.float32
    samples = model.sample(10, seed=1)
    assert samples.dtype == torch.float32 and bool(torch.isfinite(samples).all())


@pytest.mark.parametrize("name", WITH_PRECISION)
def test_the_first_loss_agrees_to_bfloat16s_digits_and_not_to_float32s(name):
    """From the same weights and rows. A dozen rounded layers: 16 units in the last place of the loss."""
    rows = load("dataset", "digits")().train
    x, y = rows.x[:100], rows.y[:100]
    loss = {"made": "nll", "pixelcnn": "nll", "flow_matching": "loss"}.get(name, "d_loss")
    full, half = (float(next(iter(small(name, precision=p).fit_steps(x, y, seed=0)))[loss]) for p in ("fp32", "bf16"))
    assert half == pytest.approx(full, rel=16 * BFLOAT16_EPS)
    if name not in ("pixelcnn", "flow_matching"):  # whose last layers start at zero: the first loss is of no precision
        assert half != full, "nothing was computed in bfloat16"


def test_a_density_trained_in_bfloat16_still_sums_to_one():
    x = (torch.rand(64, 6, generator=torch.Generator().manual_seed(0)) > 0.4).float()
    model = load("model", "made")(steps=20, levels=2, precision="bf16").fit(x, seed=0)
    everything = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)))
    assert float(model.log_prob(everything).double().exp().sum()) == pytest.approx(1.0, abs=1e-5)


def test_mixed_is_bfloat16_only_if_asked():
    layer, x, cpu = nn.Linear(3, 2), torch.zeros(1, 3), torch.device("cpu")
    with mixed(cpu, "bf16"):
        assert layer(x).dtype == torch.bfloat16
    with mixed(cpu, "fp32"):
        assert layer(x).dtype == torch.float32
    convolution = placed(nn.Conv2d(4, 8, 3), cpu, "bf16")
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_in_bfloat16_an_activation_and_its_gradient_have_one_layout(side):
    """Where they differ, the backward pass of the activation takes many times as long on a CPU."""
    stack = ConvStack((1, 16, 16), width=8, norm=nn.BatchNorm2d)
    network = stack.generator(5, nn.ReLU) if side == "generator" else stack.discriminator(activation=leaky_relu)
    placed(network, torch.device("cpu"), "bf16")
    seen = []

    def compare(module, given, maps):
        maps.register_hook(lambda gradient: seen.append((maps.stride(), gradient.stride())))

    for module in network.modules():
        if isinstance(module, (nn.ReLU, nn.LeakyReLU)):
            module.register_forward_hook(compare)
    x = torch.randn(4, 5) if side == "generator" else torch.randn(4, 1, 16, 16)
    with mixed(torch.device("cpu"), "bf16"):
        network(x).float().square().sum().backward()
    assert len(seen) >= 2 and all(ours == gradients for ours, gradients in seen), seen


@pytest.mark.parametrize("name", WITH_PRECISION)
def test_an_unknown_precision_is_refused(name):
    with pytest.raises(ValueError, match=r"precision must be .*, got 'fp8'"):
        small(name, precision="fp8")


def test_maxout_units_are_the_largest_of_their_pieces():
    net = maxout_discriminator(2, [3], pieces=5)
    x = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    linear, last = net[1], net[-1]
    pieces = (x @ linear.weight.T + linear.bias).view(7, 3, 5)
    by_hand = torch.stack([pieces[:, :, i] for i in range(5)]).max(dim=0).values @ last.weight.T + last.bias
    torch.testing.assert_close(net(x), by_hand)
    assert sum(isinstance(layer, Largest) for layer in net) == 1


def test_pacgans_published_recipe_builds_the_published_networks():
    """Table 1: G 2-400-400-400-400-2 with batch norm, D of 3 x 200 maxout units of 5 pieces on m packed points."""
    recipe = {"z_dim": 2, "hidden": 400, "depth": 4, "d_hidden": 200, "d_depth": 3, "maxout": 5, "lr_decay": False}
    model = load("model", "pacgan")(steps=1, m=2, batch=50, noise="uniform", **recipe).fit(torch.randn(64, 2), seed=0)
    sizes = lambda net: [tuple(m.weight.shape) for m in net.modules() if isinstance(m, nn.Linear)]
    assert sizes(model.generator_) == [(400, 2), (400, 400), (400, 400), (400, 400), (2, 400)]
    assert sizes(model.discriminator_) == [(1000, 4), (1000, 200), (1000, 200), (1, 200)]
    noise = model._noise(1000, torch.Generator().manual_seed(0))
    assert -1 <= float(noise.min()) < -0.9 and 0.9 < float(noise.max()) <= 1


def test_each_network_of_a_gan_has_a_width_of_its_own():
    digits = load("dataset", "digits")().train.x[:64]
    model = load("model", "dcgan")(steps=1, d_width=8, loss="minimax").fit(digits, seed=0)
    assert model.discriminator_[0].out_channels == 8 and model.generator_[-2].in_channels == 32
    rows = load("dataset", "ring8")().train.x[:64]
    model = load("model", "vanilla_gan")(steps=1, d_hidden=20, d_depth=1).fit(rows, seed=0)
    assert [m.out_features for m in model.discriminator_.modules() if isinstance(m, nn.Linear)] == [20, 1]
    model = load("model", "wgan_gp")(steps=1, d_hidden=32).fit(rows, seed=0)
    assert [m.out_features for m in model.discriminator_.modules() if isinstance(m, nn.Linear)] == [32, 32, 32, 1]
