"""Flow matching: its integrator against a field that is known, and a law it must learn."""

import pytest
import torch
from torch import nn

from baselines.flow_matching import FlowMatching


class Known(nn.Module):
    """The exact field from N(0, 1) to N(m, s^2): v = m + (s^2 t - (1 - t)) / ((1 - t)^2 + s^2 t^2) (x - t m)."""

    def __init__(self, m, s):
        super().__init__()
        self.m, self.s = m, s

    def forward(self, x, t):
        return self.m + (self.s**2 * t - (1 - t)) / ((1 - t) ** 2 + self.s**2 * t**2) * (x - t * self.m)


@pytest.mark.parametrize(("ode_steps", "error"), [(16, 2e-2), (64, 1.5e-3)])
def test_the_integrator_carries_noise_to_the_gaussian_it_should(ode_steps, error):
    """The exact map is x -> m + s x; Heun's error falls with the square of the step."""
    model = FlowMatching(ode_steps=ode_steps)
    model.average_ = Known(3.0, 0.5)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    assert model._integrate(x)[:, 0].tolist() == pytest.approx((3 + 0.5 * x[:, 0]).tolist(), abs=error)


def test_it_learns_two_modes():
    generator = torch.Generator().manual_seed(0)
    side = torch.randint(2, (2000, 1), generator=generator) * 4.0 - 2
    x = side + 0.2 * torch.randn(2000, 2, generator=generator)
    samples = FlowMatching(steps=600, hidden=64).fit(x, seed=0).sample(2000, seed=1)
    right = samples[:, 0] > 0
    assert float(right.float().mean()) == pytest.approx(0.5, abs=0.1)
    assert samples[right].mean(dim=0).tolist() == pytest.approx([2, 2], abs=0.15)
    assert samples[right].std(dim=0).tolist() == pytest.approx([0.2, 0.2], abs=0.15)


@pytest.mark.parametrize("shape", [(3,), (1, 2, 2)])
def test_a_walk_leads_from_one_sample_to_another(shape):
    x = torch.rand(50, *shape, generator=torch.Generator().manual_seed(0))
    model = FlowMatching(steps=5, hidden=16).fit(x, seed=0)
    walked = model.walk(9, seed=4)
    assert walked.shape == (9, *shape)
    assert torch.allclose(walked[[0, -1]], model.sample(2, seed=4), atol=1e-5)
    points = (walked.flatten(1) - walked[0].flatten()).norm(dim=1)
    assert 0 < float((points[1:] - points[:-1]).abs().max()) < 0.4 * float(points[-1]), "it does not jump"


def test_bad_fields_are_refused():
    with pytest.raises(ValueError, match="ode_steps must be at least 1, got 0"):
        FlowMatching(ode_steps=0)
