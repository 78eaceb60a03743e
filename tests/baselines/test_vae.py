"""VAE: its bound against integrals that can be computed, and its likelihoods against one."""

import math

import pytest
import torch

from baselines.vae import VAE


def fitted(levels, dim=4, steps=60):
    generator = torch.Generator().manual_seed(0)
    side = torch.randint(2, (300, 1), generator=generator)
    x = torch.randn(300, dim, generator=generator) * 0.3 + side
    if levels:
        x = (x.clamp(0, 1) * (levels - 1)).round() / (levels - 1)
        x = x.view(300, 1, 2, dim // 2)
    return VAE(steps=steps, levels=levels, latent=1, hidden=16).fit(x, seed=0), x


@pytest.mark.parametrize("levels", [None, 2, 5, 64])
def test_the_bound_is_below_the_evidence_and_tightens(levels):
    """One latent dimension, so that log p(x) is an integral over z: a trapezium rule on [-9, 9], exact to 1e-6 nats."""
    model, x = fitted(levels)
    rows, z = x[:40], torch.linspace(-9, 9, 4001)[:, None]
    log_prior = -0.5 * z[:, 0].double().square() - 0.5 * math.log(2 * math.pi)
    with torch.no_grad():
        log_likelihood = torch.stack(
            [model.net_.log_likelihood(r.flatten()[None].expand(4001, -1), z) for r in rows]
        ).double()
    evidence = (log_likelihood + log_prior).logsumexp(dim=1) + math.log(18 / 4000)
    one, some, many = (torch.stack([model.elbo(rows, seed=s, k=k).double() for s in range(20)]) for k in (1, 8, 2000))
    for bound in (one, some):
        error = bound.mean(dim=0).sub(evidence).std() / 20**0.5 + 1e-4
        assert float((bound.mean(dim=0) - evidence).mean()) <= 4 * float(error)
    assert one.mean() < some.mean() < evidence.mean() + 1e-3, "the bound tightens with k"
    assert float((many.mean(dim=0) - evidence).abs().median()) < 0.05, "rows that q misses take more samples"
    assert bool((many.mean(dim=0) <= evidence + 0.05).all())


@pytest.mark.parametrize("levels", [2, 5, 64])
def test_the_likelihood_of_codes_sums_to_one(levels):
    model, _ = fitted(levels, dim=2, steps=5)
    codes = torch.cartesian_prod(torch.arange(levels), torch.arange(levels)).float() / (levels - 1)
    with torch.no_grad():
        total = model.net_.log_likelihood(codes, torch.full((len(codes), 1), 0.7)).double().exp().sum()
    assert float(total) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("levels", [2, 5, 64])
def test_draws_given_z_follow_the_likelihood(levels):
    """Frequencies of 40,000 draws of the first dimension within 5 standard errors of their probabilities."""
    model, _ = fitted(levels, dim=2, steps=5)
    z, n = torch.full((40_000, 1), 0.7), 40_000
    with torch.no_grad():
        drawn = model.net_.draw(z, torch.Generator().manual_seed(1))[:, 0]
        codes = torch.cartesian_prod(torch.arange(levels), torch.arange(levels)).float() / (levels - 1)
        joint = model.net_.log_likelihood(codes, torch.full((len(codes), 1), 0.7)).exp()
    p = joint.view(levels, levels).sum(dim=1)
    share = torch.bincount((drawn * (levels - 1)).round().long(), minlength=levels) / n
    assert bool(((share - p).abs() <= 5 * (p * (1 - p) / n).sqrt() + 1e-4).all())


@pytest.mark.parametrize("levels", [None, 2, 5])
def test_a_walk_goes_through_the_means_of_what_would_be_drawn(levels):
    """At the ends of the arc, the mean of 40,000 draws from p(x|z) within 5 standard errors."""
    model, x = fitted(levels)
    walked = model.walk(7, seed=3)
    assert walked.shape == (7, *x.shape[1:])
    ends, n = torch.randn(2, 1, generator=torch.Generator().manual_seed(3)), 40_000
    for z, point in zip(ends, walked[[0, -1]]):
        with torch.no_grad():
            drawn = model.net_.draw(z.expand(n, 1), torch.Generator().manual_seed(1))
        far = (drawn.mean(dim=0) - point.flatten()).abs()
        assert bool((far <= 5 * drawn.std(dim=0) / n**0.5 + 1e-4).all())


def test_a_walk_of_a_cut_logistic_goes_through_its_unbounded_means():
    model, _ = fitted(64)
    z = torch.randn(2, 1, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = model.net_.decode(z)[:, :, 0].clamp(0, 1)
    assert torch.allclose(model.walk(7, seed=3)[[0, -1]].flatten(1), expected, atol=1e-6)


def test_training_raises_the_bound_on_held_out_rows():
    x = load_digits()
    short, long = (
        VAE(steps=steps, levels=17).fit(x[:800], seed=0).elbo(x[800:], seed=0, k=8).mean() for steps in (5, 500)
    )
    assert long > short + 3


def load_digits():
    from bench.registry import load

    return load("dataset", "digits")().train.x


@pytest.mark.parametrize(
    ("fields", "message"), [({"latent": 0}, "at least 1, got 0"), ({"levels": 1}, "levels must be at least 2")]
)
def test_bad_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        VAE(**fields)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        fitted(2)[0].elbo(torch.zeros(1, 1, 2, 2), seed=0, k=0)
