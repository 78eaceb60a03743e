"""bench doctor proves the installation, and says so when something in it is wrong."""

import time

import pytest
import torch

from bench.cli import doctor
from bench.metrics import _golden
from bench.models import proofs


def test_a_sound_installation_passes_within_a_minute():
    start = time.monotonic()
    found = doctor.diagnose()
    assert [f for f in found if f.verdict == doctor.BAD] == []
    assert all(f.remedy for f in found if f.verdict != doctor.OK)
    assert {"metrics", "distances", "densities", "order"} <= {f.check for f in found}
    assert time.monotonic() - start < 60


def test_a_metric_that_computes_something_else_is_named(monkeypatch):
    from bench.metrics import energy

    right = energy.energy_distance
    monkeypatch.setattr(energy, "energy_distance", lambda real, fake: right(real, fake) * 1.001)
    assert set(_golden.drifted()) == {"energy_distance"}
    bad = [f for f in doctor._golden() if f.verdict == doctor.BAD]
    assert "energy_distance is" in bad[0].detail


def test_a_density_that_does_not_sum_to_one_is_named(monkeypatch):
    from baselines import marginals

    right = marginals.Marginals.log_prob
    monkeypatch.setattr(marginals.Marginals, "log_prob", lambda self, x: right(self, x) + 0.01)
    assert [name for name, _ in proofs.density_faults()] == ["marginals"]


def test_a_broken_mask_is_named(monkeypatch):
    from baselines import made

    monkeypatch.setattr(made, "_masked", lambda weight, mask: weight)
    faults = dict(proofs.order_faults())
    assert set(faults) == {"made"}
    assert faults["made"].startswith("the conditional of value 1 depends on value 1")


def test_a_distance_that_is_not_symmetric_is_named(monkeypatch):
    from bench.metrics import kid

    right = kid.kernel_distance
    monkeypatch.setattr(kid, "kernel_distance", lambda x, y: (right(x, y)[0] + float(x.mean()), 0.0))
    assert any("kid is not symmetric" in fault for fault in _golden.broken_distances())


def test_golden_arrays_do_not_depend_on_a_generator():
    torch.manual_seed(1)
    first = _golden.waves(5, 3, 0.2)
    torch.manual_seed(2)
    assert torch.equal(first, _golden.waves(5, 3, 0.2))
    assert float(first[0, 0]) == pytest.approx((2**0.5 + 0.2) % 1 * 2 - 1 + 0.3 * 0.99914, abs=1e-3)
