"""Pictures: planted copies are found and shown once each, true modes are ringed, the bytes stay."""

import io

import numpy as np
import torch
from PIL import Image

from bench.datasets import Dataset, Mixture, Split
from bench.run.pictures import ORANGE, draw_nearest, draw_samples, pictures, suspicious


def images(n, seed):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def dataset(train, law=None):
    kind = "image" if train.ndim == 4 else "2d"
    return Dataset(
        "d", kind, Split(train), Split(train[:4]), Split(train[4:8]), "energy_distance", ("identity",), law=law
    )


def pixels(raw):
    return np.asarray(Image.open(io.BytesIO(raw)))


def test_planted_copies_come_first_and_each_training_row_once():
    train, samples = images(50, 0), images(40, 1)
    samples[[3, 30]] = train[[7, 20]]
    samples[12] = train[7] + 0.001
    found, rows = suspicious(samples, train, 3)
    assert torch.equal(found[:2], samples[[3, 30]]) and torch.equal(rows[:2], train[[7, 20]])
    assert len({r.sum().item() for r in rows}) == len(rows)


def test_doubled_training_rows_divide_by_nothing():
    train = images(5, 0).repeat(2, 1, 1, 1)
    found, rows = suspicious(train[:3], train, 10)
    assert len(found) == len(rows) == 3 and torch.equal(found, rows)


def test_the_pairs_stand_above_one_another_in_the_same_bytes():
    train = images(30, 0)
    raw = draw_nearest(dataset(train), train[:20])
    assert raw == draw_nearest(dataset(train), train[:20])
    picture = pixels(raw)
    assert np.array_equal(picture[2:26], picture[28:52]), "copies: the row above is the row below"


def test_fewer_rows_than_columns_leave_blanks():
    train = images(4, 0)
    assert pixels(draw_nearest(dataset(train), train[:2])).shape == (54, 262, 3)


def test_only_images_get_a_second_picture():
    assert list(pictures(dataset(images(12, 0)), images(12, 1))) == ["grid", "nearest"]
    assert list(pictures(dataset(torch.randn(12, 2)), torch.randn(12, 2))) == ["grid"]


def test_each_true_mode_is_ringed():
    law = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.01)
    train = law.sample(200, seed=0)
    ringed, plain = (pixels(draw_samples(dataset(train, law=known), train)) for known in (law, None))
    orange = (ringed == ORANGE).all(axis=-1)
    assert not (plain == ORANGE).all(axis=-1).any()
    assert orange[:, :160].sum() > 40 and orange[:, 160:].sum() > 40
    assert abs(np.argwhere(orange)[:, 0].mean() - 159.5) < 2, "both modes lie on the middle line"
