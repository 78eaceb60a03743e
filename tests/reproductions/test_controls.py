"""The models of the questions' controls: a generator frozen at a law, and a discriminator that sees finely."""

import math

import pytest
import torch

from bench.reproductions.models.frozen_generator import FrozenGenerator
from bench.reproductions.models.sharp_gan import SharpGAN, Waves


def _rows(n=2000):
    generator = torch.Generator().manual_seed(0)
    side = torch.randint(2, (n, 1), generator=generator) * 4.0 - 2.0
    return torch.cat([side, torch.zeros(n, 1)], dim=1) + 0.1 * torch.randn(n, 2, generator=generator)


def test_d_against_the_data_s_own_law_comes_back_to_one_half():
    x, model = _rows(), FrozenGenerator(steps=600, apart=300, hidden=32, depth=2, lr=1e-2)
    points = list(model.fit_steps(x, seed=0))
    assert float(points[299]["d_real"] - points[299]["d_fake"]) > 0.3  # two modes against one Gaussian
    assert float(points[299]["d_loss"]) < 1.1  # log 4 = 1.39 where D cannot tell
    last = [float(p["d_loss"]) for p in points[-10:]]
    assert sum(last) / 10 == pytest.approx(math.log(4), abs=0.1)  # -V of D = 1/2
    assert float((model.discriminator_(x).sigmoid() - 0.5).abs().mean()) < 0.1


def test_the_frozen_law_is_the_rows_or_one_gaussian_of_their_moments():
    x = _rows()
    model = FrozenGenerator(steps=1)
    model.fit(x, seed=0)
    drawn = model.sample(500, seed=1)
    assert (drawn[:, None] == x).all(-1).any(1).all()  # nothing but rows
    assert torch.equal(drawn, model.sample(500, seed=1)) and not torch.equal(drawn, model.sample(500, seed=2))
    model = FrozenGenerator(steps=1, fakes="gaussian").fit(x, seed=0)
    drawn = model.sample(20_000, seed=1)
    torch.testing.assert_close(drawn.mean(0), x.mean(0), atol=0.06, rtol=0)  # 4 standard errors of 2 / sqrt(20,000)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(x.T), atol=0.17, rtol=0)  # 4 of 4 sqrt(2 / 20,000)
    with pytest.raises(ValueError, match="fakes must be 'data' or 'gaussian', got 'noise'"):
        FrozenGenerator(fakes="noise")


def test_waves_put_sines_and_cosines_of_quarter_to_sixteen_half_turns_beside_x():
    x = torch.tensor([[0.5, 0.0]])
    seen = Waves(2)(x)
    assert seen.shape == (1, 2 + 2 * 2 * 2)
    quarter, sixteen = math.pi / 4 * 0.5, math.pi * 16 * 0.5
    expected = [0.5, 0.0, math.sin(quarter), math.sin(sixteen), 0, 0, math.cos(quarter), math.cos(sixteen), 1, 1]
    torch.testing.assert_close(seen[0], torch.tensor(expected, dtype=torch.float32), atol=2e-5, rtol=0)


def test_the_games_differ_by_the_loss_alone_and_the_penalty_is_of_both_gradients():
    x = _rows(64)
    plain, pairs, paid = SharpGAN(waves=2), SharpGAN(waves=2, pairs=True), SharpGAN(waves=2, pairs=True, gamma=0.5)
    for model in (plain, pairs, paid):
        model._build(x, 3)
    assert all(torch.equal(a, b) for a, b in zip(plain.discriminator_.parameters(), paid.discriminator_.parameters()))
    real, fake = x[:32], x[32:]
    real_logits, fake_logits = plain.discriminator_(real), plain.discriminator_(fake)
    softplus = torch.nn.functional.softplus
    assert float(plain._judged(real, fake)[0]) == pytest.approx(
        float((softplus(-real_logits) + softplus(fake_logits)).mean()), rel=1e-5
    )
    assert float(pairs._judged(real, fake)[0]) == pytest.approx(
        float(softplus(fake_logits - real_logits).mean()), rel=1e-5
    )
    assert float(plain._judged(real, fake)[1]) == 0.0
    squares = []
    for part in (real, fake):
        at = part.clone().requires_grad_(True)
        squares.append(torch.autograd.grad(paid.discriminator_(at).sum(), at)[0].square().sum(1).mean())
    assert float(paid._judged(real, fake)[1]) == pytest.approx(
        0.25 * float(sum(squares)), rel=1e-4
    )  # gamma/2 (R1 + R2)


@pytest.mark.parametrize("fields", [{}, {"waves": 4}, {"pairs": True, "gamma": 0.1, "waves": 4}])
def test_a_sharp_gan_samples_where_the_rows_are_and_the_same_of_one_seed(fields):
    x = _rows() + 100.0
    drawn = [SharpGAN(steps=3, hidden=16, depth=2, **fields).fit(x, seed=0).sample(50, seed=1) for _ in range(2)]
    assert torch.equal(*drawn) and drawn[0].shape == (50, 2)
    assert float((drawn[0] - x.mean(0)).abs().max()) < 20  # on the rows' own scale, 2
    with pytest.raises(ValueError, match="waves and gamma must be at least 0, got -1 and 0.0"):
        SharpGAN(waves=-1)
