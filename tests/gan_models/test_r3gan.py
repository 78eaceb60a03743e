"""R3GAN: its loss and penalties in closed form, its networks' start, and what the penalties are for."""

import math

import pytest
import torch
from torch import nn

from bench.registry import load
from gan_models._blocks import ConvStack, seeded
from gan_models.r3gan import (
    Residual,
    conv_discriminator,
    conv_generator,
    relativistic_loss,
    score_and_gradients,
)
from tests.gan_models.test_gans import randn


def test_the_loss_is_that_of_eq_1():
    real, fake = randn(50, 1, seed=1), randn(50, 1, seed=2)
    by_hand = -(real - fake).sigmoid().log().mean()
    assert float(relativistic_loss(real, fake)) == pytest.approx(float(by_hand), rel=1e-6)
    assert float(relativistic_loss(fake, fake)) == pytest.approx(math.log(2))
    shifted = relativistic_loss(real + 5, fake + 5)
    assert float(shifted) == pytest.approx(float(relativistic_loss(real, fake)), rel=1e-5), "only differences count"


def test_the_gradients_of_a_linear_score():
    """grad D = w everywhere, so each |grad D|^2 is |w|^2, whose own gradient is 2 w."""
    judge = nn.Linear(3, 1)
    logits, squares = score_and_gradients(judge, randn(20, 3))
    assert torch.equal(logits, judge(randn(20, 3)))
    torch.testing.assert_close(squares, judge.weight.square().sum().expand(20))
    squares.mean().backward()
    torch.testing.assert_close(judge.weight.grad, 2 * judge.weight.detach())


def test_the_first_step_of_d_descends_eq_1_and_2():
    """D is stepped against the loss of the same rows, written out with one pass for real and one for fake."""
    x, model = randn(300, 2), load("model", "r3gan")(steps=1, gamma=0.5, batch=16, hidden=8)
    model._build(x, 3)
    judge, generator = model.discriminator_, torch.Generator().manual_seed(3)
    index = torch.randint(300, (16,), generator=generator)
    real = ((x - x.mean(dim=0)) * 3 / (x - x.mean(dim=0)).square().mean().sqrt())[index].requires_grad_()
    fake = model.generator_(torch.randn(16, 2, generator=generator)).detach().requires_grad_()
    loss = -(judge(real) - judge(fake)).sigmoid().log().mean()
    for each in (real, fake):  # R1, then R2
        (gradient,) = torch.autograd.grad(judge(each).sum(), each, create_graph=True)
        loss = loss + 0.5 / 2 * gradient.square().sum(dim=1).mean()
    expected = torch.autograd.grad(loss, list(judge.parameters()), allow_unused=True)
    grads = []
    step = torch.optim.Adam.step

    def watched(self, *arguments, **named):
        grads.append([p.grad.clone() for group in self.param_groups for p in group["params"]])
        return step(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", watched)
        model.fit(x, seed=3)
    for given, wanted in zip(grads[0], expected, strict=True):
        torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [8, 12, 28, 32])
def test_image_networks_at_every_size_have_no_norm_and_start_without_their_blocks(size):
    stack = ConvStack((3, size, size), width=4)
    generator, judge = conv_generator(stack, 5), conv_discriminator(stack)
    images = generator(randn(2, 5))
    assert images.shape == (2, 3, size, size)
    assert judge(images).shape == (2, 1)
    modules = [*generator.modules(), *judge.modules()]
    assert not any("Norm" in type(module).__name__ for module in modules)
    blocks = [module for module in modules if isinstance(module, Residual)]
    assert len(blocks) == 2 * stack.halvings
    maps = randn(2, 4, 6, 6)
    assert torch.equal(Residual(nn.Conv2d(4, 4, 3, padding=1))(maps), maps)


def test_samples_come_from_the_average():
    """Decay is min(average_decay, (1 + step) / (10 + step)): after two steps, .1 and 2/11 of what came before."""
    model, kept = load("model", "r3gan")(steps=2, hidden=8, batch=16), []
    for _ in model.fit_steps(randn(100, 2), seed=0):
        kept.append([p.detach().clone() for p in model.generator_.parameters()])
    start = load("model", "r3gan")(steps=2, hidden=8, batch=16)
    start._build(randn(100, 2), 0)
    for average, first, one, two in zip(model.average_.parameters(), start.generator_.parameters(), *kept, strict=True):
        after_one = 0.1 * first.detach() + 0.9 * one
        torch.testing.assert_close(average, 2 / 11 * after_one + 9 / 11 * two)
    noise = torch.randn(5, 2, generator=torch.Generator().manual_seed(7))
    torch.testing.assert_close(model.sample(5, seed=7), model.average_(noise) * model.scale_ + model.shift_)


def test_penalties_hold_the_scores_gradient_down():
    """Four tight points and a G that misses them: without penalties D grows steep, with them it may not."""

    def last(gamma):
        x = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]).repeat(50, 1)
        *_, step = load("model", "r3gan")(steps=150, hidden=32, batch=64, gamma=gamma).fit_steps(x, seed=0)
        return float(step["penalty"])

    assert last(1.0) < 0.5 * last(0.0)


def test_it_learns_a_gaussian_whatever_its_place_and_scale():
    """Mean and width of N(200, 50^2) and N(-2, 50^2) within a tenth of a width after 800 steps."""
    x = torch.tensor([200.0, -2.0]) + 50 * randn(2000, 2)
    samples = load("model", "r3gan")(steps=800, hidden=32, batch=128).fit(x, seed=0).sample(2000, seed=1)
    assert samples.mean(dim=0).tolist() == pytest.approx([200, -2], abs=10)
    assert samples.std(dim=0).tolist() == pytest.approx([50, 50], abs=10)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"gamma": -1.0}, "gamma must be >= 0, got -1.0"),
        ({"average_decay": 1.0}, r"average_decay must be in \[0, 1\), got 1.0"),
        ({"depth": 0}, "depth must be at least 1, got 0"),
    ],
)
def test_bad_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        load("model", "r3gan")(**fields)


def test_building_from_a_seed_leaves_every_card_alone(monkeypatch):
    """torch.manual_seed reseeds all cards, and fork_rng here restores none."""
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("a card was reseeded"))
    before = torch.get_rng_state()
    with seeded(5):
        first = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, torch.rand(3, generator=torch.Generator().manual_seed(5)))
