"""The exact share against drawn subsets, copies against their closed form, and what must not look like memory."""

import math

import pytest
import torch

from bench.metrics import block_of_rows
from bench.metrics.dcr import dcr_share_of, nearer_to_train

G = torch.Generator().manual_seed(0)
TRAIN, HELD, FRESH = (torch.randn(n, 3, generator=G) for n in (300, 100, 400))


def drawn(samples, held_out, train, subsets=400):
    """Equation (1) by drawing subsets."""
    real = torch.cdist(samples, held_out).amin(dim=1)
    total = torch.zeros(len(samples))
    for _ in range(subsets):
        rows = torch.randperm(len(train), generator=G)[: len(held_out)]
        near = torch.cdist(samples, train[rows]).amin(dim=1)
        total += (near < real).float() + (near == real).float() / 2
    return float((total / subsets).mean())


def test_the_mean_over_all_subsets_is_what_drawn_subsets_tend_to():
    """400 subsets of 400 samples: the error of a mean of shares is below 1 / sqrt(4 * 400) / sqrt(20), one in 200 of it is independent."""
    for samples in (FRESH, TRAIN[:150], torch.cat([TRAIN[:50], FRESH[:50]])):
        assert dcr_share_of(samples, HELD, TRAIN) == pytest.approx(drawn(samples, HELD, TRAIN), abs=0.02)


def test_exact_copies_raise_the_share_by_half_of_what_a_subset_holds():
    """A copy is in the subset with probability m / N, and else is an exchangeable row: 1/2 + m / 2N in the mean over data."""
    shares = []
    for seed in range(40):
        g = torch.Generator().manual_seed(seed)
        train, held = torch.randn(300, 2, generator=g), torch.randn(100, 2, generator=g)
        shares.append(dcr_share_of(train, held, train))
    assert sum(shares) / len(shares) == pytest.approx(0.5 + 100 / 600, abs=0.01)


def test_held_out_rows_themselves_and_ties_count_half_or_less():
    assert dcr_share_of(HELD, HELD, TRAIN) == 0.0
    same = torch.zeros(10, 2)
    assert dcr_share_of(same, same, same) == 0.5


def test_leaving_a_block_out_equals_computing_it_anew():
    blocks = block_of_rows(len(HELD), 5)
    _, without = nearer_to_train(FRESH, HELD, TRAIN, blocks)
    m = len(HELD)
    for i, rows in enumerate(blocks):
        keep = torch.ones(m, dtype=torch.bool)
        keep[rows] = False
        nearest = torch.cdist(FRESH, HELD[keep]).amin(dim=1)
        nearer = (torch.cdist(FRESH, TRAIN) < nearest[:, None]).sum(dim=1)
        expected = [1 - math.comb(300 - int(r), m) / math.comb(300, m) for r in nearer]
        torch.testing.assert_close(without[i], torch.tensor(expected, dtype=torch.float64), atol=1e-9, rtol=0)


def test_bad_rows_are_refused():
    with pytest.raises(ValueError, match="at most as many held-out rows as training rows"):
        dcr_share_of(FRESH, TRAIN, HELD)
    with pytest.raises(ValueError, match="samples holds nan"):
        dcr_share_of(torch.full((3, 3), math.nan), HELD, TRAIN)
