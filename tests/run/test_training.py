"""The training driver: the clock, the curve, probes that change nothing, divergence by name."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from bench.models.state import n_params, undisturbed
from bench.run.findings import findings
from bench.run.training import last_best_gap, train


@dataclass(kw_only=True, eq=False)
class Walker:
    """A toy whose training draws from the global generator, as dropout does: a probe that disturbs it shows."""

    steps: int = 60
    nan_at: int = 0

    def fit_steps(self, x, y=None, *, seed):
        torch.manual_seed(seed)
        self.net_ = nn.Linear(2, 1)
        self.drawn_ = []
        for step in range(1, self.steps + 1):
            self.net_.zero_grad()
            loss = self.net_(x[:8]).square().mean() + torch.rand(())
            loss.backward()
            self.drawn_.append(float(loss.detach()))
            yield {"examples": 8, "loss": loss.detach() * (float("nan") if step == self.nan_at else 1.0)}

    def sample(self, n, *, seed):
        self.net_.eval()
        torch.rand(7)
        return torch.zeros(n, 2)


X = torch.ones(16, 2)


def test_probes_on_or_off_give_the_same_bits():
    def probe(model):
        model.sample(3, seed=0)
        return 1.0

    quiet, looked_at = Walker(), Walker()
    train(quiet, X, None, seed=1, steps=60)
    done = train(looked_at, X, None, seed=1, steps=60, probe=probe, n_probes=6)
    assert quiet.drawn_ == looked_at.drawn_
    assert [step for step, _ in done.probes] == [10, 20, 30, 40, 50], (
        "the last look is the driver's own, after training"
    )
    assert looked_at.net_.training


def test_the_curve_holds_losses_and_the_norm_of_each_networks_gradient():
    model = Walker()
    done = train(model, X, None, seed=1, steps=60)
    last = done.curve[-1]
    assert last["step"] == 60 and done.steps == 60 and done.examples == 480
    expected = torch.stack([p.grad.norm() for p in model.net_.parameters()]).norm()
    assert last["grad_net"] == pytest.approx(float(expected), rel=1e-4)
    assert last["loss"] == pytest.approx(model.drawn_[-1], rel=1e-4)


def test_nan_ends_training_at_once_and_is_named():
    model = Walker(nan_at=20)
    done = train(model, X, None, seed=1, steps=60)
    assert done.diverged == "loss was nan at step 20"
    assert done.steps == 20
    assert findings(done, None, X) == ["nan: loss was nan at step 20"]


def test_the_probes_own_time_does_not_count():
    import time

    done = train(Walker(steps=20), X, None, seed=1, steps=20, probe=lambda m: time.sleep(0.05) or 0.0, n_probes=10)
    assert len(done.probes) == 9 and done.seconds < 0.3, "nine probes of 0.05 s are 0.45 s"


def test_undisturbed_restores_state_even_after_an_error():
    model = Walker()
    train(model, X, None, seed=0, steps=60)
    state = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), undisturbed(model):
        model.sample(1, seed=0)
        1 / 0  # noqa: B018
    assert torch.equal(state, torch.get_rng_state()) and model.net_.training


def curve_of(**columns):
    done = train(Walker(steps=40), X, None, seed=0, steps=40)
    for i, point in enumerate(done.curve):
        point.update({name: values[i] for name, values in columns.items()})
    return done


def test_findings_have_names():
    real = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    frozen = curve_of(loss=[0.7] * 40)
    assert findings(frozen, real, real)[0].startswith("frozen loss: loss stood at 0.7")
    vanished = curve_of(grad_generator=[1e-9] * 40)
    assert findings(vanished, real, real)[0].startswith("vanished gradient: generator")
    healthy = curve_of()
    assert findings(healthy, real, real) == []
    assert findings(healthy, real[:1].expand(50, 2), real)[0].startswith("one mode")
    assert findings(healthy, torch.full((3, 2), float("inf")), real) == ["nan: samples are not finite"]


def test_last_best_gap():
    probes = [(1, 5.0), (2, 1.0), (3, 4.0)]
    assert last_best_gap(probes, better="lower") == {"last": 4.0, "best": 1.0, "gap": 3.0}
    assert last_best_gap(probes, better="higher") == {"last": 4.0, "best": 5.0, "gap": 1.0}
    assert last_best_gap([], better="lower")["last"] is None


def test_parameters_are_counted_once():
    model = Walker()
    train(model, X, None, seed=0, steps=60)
    model.copy_ = model.net_
    assert n_params(model) == 3
