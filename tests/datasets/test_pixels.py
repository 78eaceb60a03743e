"""PixelRows: 8-bit codes that behave like the float tensor they stand for, row by row, and refuse what would copy all."""

import numpy as np
import pytest
import torch

from bench.datasets._pixels import PixelRows

CODES = torch.arange(6 * 1 * 2 * 3, dtype=torch.uint8).reshape(6, 1, 2, 3)
INDEX = torch.tensor([[0, 1, 2], [5, 4, 3], [1, 1, 1], [2, 0, 5]])
FLOATS = CODES.float() / 255


def plain():
    return PixelRows(CODES, 256), FLOATS


def stacked():
    return PixelRows(CODES, 256, INDEX), torch.cat([FLOATS[INDEX[:, k]] for k in range(3)], dim=1)


@pytest.mark.parametrize("make", [plain, stacked])
@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x[2],
        lambda x: x[1:3],
        lambda x: x[torch.tensor([3, 0, 0])],
        lambda x: x[torch.tensor([True, False, True] + [False] * (len(x) - 3))],
        lambda x: x[-1, 0],
        lambda x: x[:2, :, 1],
        lambda x: x[None],
        lambda x: x.flatten(1).mean(dim=0),
        lambda x: torch.cat(list(x.split(3))),
        lambda x: torch.cat([x[:1], x]),
        lambda x: torch.round(x * 255) - x,
        lambda x: 1 - x / 2 >= x,
        lambda x: x[:1] - x,
        lambda x: torch.zeros(()) + x,
        lambda x: torch.stack(list(x)),
        lambda x: torch.tensor([*x.shape, x.ndim, x.dim(), len(x), x.size(0)]),
    ],
)
def test_whatever_is_asked_is_what_the_floats_answer(make, ask):
    rows, floats = make()
    assert torch.equal(torch.as_tensor(ask(rows)), torch.as_tensor(ask(floats)))


def test_indexing_makes_floats_of_those_rows_alone(monkeypatch):
    rows, _ = stacked()
    monkeypatch.setattr(PixelRows, "whole", lambda self: pytest.fail("all rows were made"))
    assert rows[torch.tensor([0, 1])].shape == (2, 3, 2, 3)
    assert rows.to("cpu").shape == (4, 3, 2, 3) and rows.device.type == "cpu" and rows.dtype == torch.float32


def test_codes_must_be_bytes():
    with pytest.raises(ValueError, match=r"codes must be uint8, got torch\.float32"):
        PixelRows(FLOATS, 256)


@pytest.mark.parametrize("name", ["mean", "view", "cpu", "numpy"])
def test_what_would_make_floats_of_all_rows_unseen_is_refused_with_the_remedy(name):
    rows, _ = plain()
    with pytest.raises(
        AttributeError, match=rf"no attribute '{name}'.* floats of all 6 rows; take the rows .* x\[:\]\.{name}"
    ):
        getattr(rows, name)
    assert not hasattr(rows, name)


def test_numpy_reads_the_floats_at_once():
    rows, floats = plain()
    assert np.array_equal(np.asarray(rows), floats.numpy()) and np.asarray(rows).dtype == np.float32
