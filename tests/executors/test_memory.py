"""Metrics work in strips: the largest tensor that one makes grows with N, never with N x N."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bench.metrics.copies import nearest
from studies.memory_of_metrics import metrics, rows

SMALL, LARGE = 1_200, 2_400  # above every strip, below the cuts of c2st and copies where they have one


class LargestResult(TorchDispatchMode):
    """The most elements that the result of any operation had; views of nothing new (expand) count by their storage."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.untyped_storage().nbytes() // tensor.element_size())
        return result


def largest(call, n):
    real, fake = rows(n, 0), rows(n, 1)
    with LargestResult() as seen:
        call(real, fake)
    return seen.elements


def test_the_measure_sees_a_full_matrix():
    grown = largest(torch.cdist, LARGE) / largest(torch.cdist, SMALL)
    assert grown == (LARGE / SMALL) ** 2


@pytest.mark.parametrize("name", [name for name in metrics() if not name.startswith(("c2st", "kid (subsets"))])
def test_the_largest_tensor_grows_no_faster_than_the_rows(name):
    small, large = largest(metrics()[name], SMALL), largest(metrics()[name], LARGE)
    assert large <= small * LARGE / SMALL * 1.05, "rows and strips of rows"


def test_an_own_neighbour_is_left_out_in_every_strip():
    points = rows(2_100, 0)
    expected = torch.cdist(points, points).fill_diagonal_(math.inf).min(dim=1).values
    assert torch.allclose(nearest(points, points, own=True)[0], expected)
