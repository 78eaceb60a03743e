"""Flow matching: its integrator against a field that is known, and a law it must learn."""

import math

import pytest
import torch
from torch import nn

from baselines.flow_matching import FlowMatching, _Perceptron, _UNet


class Known(nn.Module):
    """The exact field from N(0, 1) to N(m, s^2): v = m + (s^2 t - (1 - t)) / ((1 - t)^2 + s^2 t^2) (x - t m)."""

    def __init__(self, m, s):
        super().__init__()
        self.m, self.s = m, s

    def forward(self, x, t):
        return self.m + (self.s**2 * t - (1 - t)) / ((1 - t) ** 2 + self.s**2 * t**2) * (x - t * self.m)


@pytest.mark.parametrize(("ode_steps", "error"), [(16, 2e-2), (64, 1.5e-3)])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_the_integrator_carries_noise_to_the_gaussian_it_should(ode_steps, error, power):
    """The exact map is x -> m + s x; Heun's error falls with the square of the step."""
    model = FlowMatching(ode_steps=ode_steps, time_power=power)
    model.average_ = Known(3.0, 0.5)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    assert model._integrate(x)[:, 0].tolist() == pytest.approx((3 + 0.5 * x[:, 0]).tolist(), abs=error)


def test_times_that_are_dense_near_the_data_carry_noise_to_a_narrow_mode():
    """s = .02: at even steps the last one is 3 s long in time, and the spread comes out wrong."""
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    errors = {}
    for power in (1.0, 2.0):
        model = FlowMatching(time_power=power)
        model.average_ = Known(1.0, 0.02)
        errors[power] = float((model._integrate(x) - 1 - 0.02 * x).abs().max())
    assert errors[2.0] < 0.25 * errors[1.0]
    assert errors[2.0] < 0.02, "a spread"


def test_it_learns_two_modes():
    generator = torch.Generator().manual_seed(0)
    side = torch.randint(2, (2000, 1), generator=generator) * 4.0 - 2
    x = side + 0.2 * torch.randn(2000, 2, generator=generator)
    samples = FlowMatching(steps=600, hidden=64).fit(x, seed=0).sample(2000, seed=1)
    right = samples[:, 0] > 0
    assert float(right.float().mean()) == pytest.approx(0.5, abs=0.1)
    assert samples[right].mean(dim=0).tolist() == pytest.approx([2, 2], abs=0.15)
    assert samples[right].std(dim=0).tolist() == pytest.approx([0.2, 0.2], abs=0.15)


@pytest.mark.parametrize(
    ("shape", "network", "waves"), [((3,), _Perceptron, 16), ((4,), _Perceptron, 0), ((1, 8, 8), _Perceptron, 0)]
)
def test_rows_of_few_numbers_enter_by_waves_too(shape, network, waves):
    model = FlowMatching(steps=1).fit(torch.rand(20, *shape), seed=0)
    assert isinstance(model.net_, network) and len(model.net_.of_x) == waves
    assert model.net_.first.in_features == math.prod(shape) * (1 + 2 * waves) + 2 * model.frequencies
    assert model.sample(5, seed=1).shape == (5, *shape)


def test_waves_are_spread_from_a_quarter_to_sixteen_half_turns():
    waves = FlowMatching(steps=1).fit(torch.rand(20, 2), seed=0).net_.of_x / math.pi
    assert waves[[0, -1]].tolist() == pytest.approx([0.25, 16], rel=1e-5)
    assert torch.allclose(waves[1:] / waves[:-1], torch.tensor(64 ** (1 / 15)))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 16, 20)])
def test_images_of_16_pixels_have_a_u_net_that_sees_all_of_a_neighbourhood(shape, precision):
    """The gradient of one pixel's velocity reaches pixels 10 away, and t."""
    model = FlowMatching(steps=2, hidden=8, batch=8, precision=precision).fit(torch.rand(20, *shape), seed=0)
    samples = model.sample(3, seed=1)
    assert isinstance(model.net_, _UNet) and samples.shape == (3, *shape) and samples.dtype == torch.float32
    assert float(samples.min()) >= 0 and float(samples.max()) <= 1
    with torch.no_grad():
        for parameter in model.net_.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    x, t = torch.rand(1, *shape).requires_grad_(), torch.full((1, 1, 1, 1), 0.3).requires_grad_()
    of_x, of_t = torch.autograd.grad(model.net_(x, t)[0, 0, 8, 8], (x, t))
    assert float(of_x[0, 0, 8, 1].abs()) > 0 and float(of_t.abs().sum()) > 0


def test_an_image_that_cannot_be_halved_twice_has_a_perceptron():
    assert isinstance(FlowMatching(steps=1, hidden=8).fit(torch.rand(20, 1, 18, 18), seed=0).net_, _Perceptron)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ode_steps": 0}, "ode_steps must be at least 1, got 0"),
        ({"waves": -1}, "waves must be at least 0, got -1"),
        ({"time_power": 0.0}, "time_power must be > 0, got 0.0"),
        ({"precision": "fp16"}, "precision must be 'fp32' or 'bf16', got 'fp16'"),
    ],
)
def test_bad_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        FlowMatching(**fields)


@pytest.mark.parametrize("shape", [(3,), (1, 2, 2)])
def test_a_walk_leads_from_one_sample_to_another(shape):
    x = torch.rand(50, *shape, generator=torch.Generator().manual_seed(0))
    model = FlowMatching(steps=5, hidden=16).fit(x, seed=0)
    walked = model.walk(9, seed=4)
    assert walked.shape == (9, *shape)
    assert torch.allclose(walked[[0, -1]], model.sample(2, seed=4), atol=1e-5)
    points = (walked.flatten(1) - walked[0].flatten()).norm(dim=1)
    assert 0 < float((points[1:] - points[:-1]).abs().max()) < 0.4 * float(points[-1]), "it does not jump"
