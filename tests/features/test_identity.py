"""The identity space: standardised by the training rows, constant columns left as they are, whatever their value."""

import pytest
import torch

from bench.datasets import Dataset, Split
from bench.datasets._spread import constant_columns, deviations
from bench.features.identity import build

EPS = torch.finfo(torch.float64).eps


def noisy(value, n=41):
    """Return a column that differs from a constant by units in the last place."""
    return value * (1 + EPS * (torch.arange(n) % 3).double()[:, None])


@pytest.mark.parametrize("value", [0.1, 14.62, 5.0, -1e6, 1e-250])
def test_a_spread_of_rounding_is_constant_and_a_thousand_times_that_is_not(value):
    exact = torch.full((41, 1), value, dtype=torch.float64)
    wide = value * (1 + 1000 * EPS * torch.arange(41).double()[:, None])
    rows = torch.cat([exact, noisy(value), wide, torch.zeros(41, 1).double()], dim=1)
    assert constant_columns(rows).tolist() == [True, True, False, True]
    scale = deviations(rows)
    assert scale[[0, 1, 3]].tolist() == [1, 1, 1]
    assert scale[2] == rows[:, 2].std() or scale[2] == rows.std(dim=0)[2] or value == 1e-250, (
        "its square is 0: scaled by 1"
    )


def test_a_constant_column_is_not_blown_up_by_its_rounding():
    """0.1 with a computed deviation of 1e-17 sent a held-out 0.2 to 1e16."""
    train = torch.cat([torch.randn(41, 1, generator=torch.Generator().manual_seed(0)).double(), noisy(0.1)], dim=1)
    held_out = train + torch.tensor([0.0, 0.1])
    splits = [Split(rows) for rows in (train, held_out, held_out)]
    data = Dataset("d", "table", *splits, primary="energy_distance", spaces=("identity",))
    space = build(data)
    assert float(space(held_out)[:, 1].max()) == pytest.approx(0.1)
    assert float(space(train)[:, 0].std()) == pytest.approx(1.0)
