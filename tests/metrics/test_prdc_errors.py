"""Errors of precision, recall, density and coverage with varying radii, against everything computed anew."""

import math

import pytest
import torch

from bench.metrics._balls import side
from bench.metrics._blocks import Blocks
from bench.metrics.prdc import NAMES, errors_of, prdc, radii_among, reference

G = torch.Generator().manual_seed(0)


@pytest.mark.parametrize("rows", [torch.randn(40, 3, generator=G), torch.randint(3, (40, 3), generator=G)])
def test_radii_among_the_rows_that_are_left_are_those_of_a_search_anew(rows):
    """Of the second rows, a coarse lattice, most distances are tied."""
    own = torch.cdist(rows.double(), rows.double()).square()
    own.fill_diagonal_(math.inf)
    kept = torch.rand(7, 40, generator=G) < 0.7
    for radii, left in zip(radii_among(own, kept, k=4), kept):
        assert torch.equal(radii, own[:, left].sort(dim=1).values[:, 3])


@pytest.mark.parametrize("step", [None, 0.5])
@pytest.mark.parametrize("n", [60, 240])
def test_errors_with_varied_radii_count_all_pairs_anew(n, step):
    """Single rows (60) or blocks (240) and pairs of them are left out; one of the draws is a single point."""
    real, *fakes = (torch.randn(n, 2, generator=G).double() for _ in range(3))
    if step:
        real, *fakes = ((rows / step).round() * step for rows in (real, *fakes))
    fakes[1][:] = fakes[1][0]
    blocks = Blocks(n)

    def anew(left):
        each = [prdc(real[left], fake, k=5) for fake in fakes]
        return {name: sum(four[name] for four in each) / len(each) for name in NAMES}

    value, errors = errors_of(reference(real, k=5), [side(fake, k=5) for fake in fakes], blocks, k=5)
    alone, together = ([anew(blocks.rest(rows)) for rows in sets] for sets in (blocks.sets, blocks.pairs))
    assert value == pytest.approx(anew(torch.arange(n)), rel=1e-12)
    for name in NAMES:
        expected = blocks.errors(value[name], [four[name] for four in alone], [four[name] for four in together])
        assert errors[name].se == (expected.se and pytest.approx(expected.se, rel=1e-9)), name
