"""Strips: each row holds what its label says, drawing changes no result, and a cell's last row is its trained model."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bench.datasets import Dataset, Mixture, Split
from bench.models.state import undisturbed
from bench.plan.make import make_plan
from bench.plan.request import Request
from bench.records.store import PICTURES
from bench.registry import load
from bench.run.cell import run_cell
from bench.run.pictures import BLUE, GREY
from bench.run.strips import LOOKS, PANEL, class_rows, film, first, strips, walks
from bench.run.task import Context

LAW = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.01)


def images(*counts):
    """Images (n, 1, 2, 2) of one grey each: 0, 1/255, 2/255, ..."""
    n = sum(counts)
    return (torch.arange(n) / 255)[:, None, None, None].expand(n, 1, 2, 2)


def dataset(train, **more):
    kind = "image" if train.ndim == 4 else "2d"
    return Dataset(
        "d", kind, Split(train), Split(train[:4]), Split(train[4:8]), "energy_distance", ("identity",), **more
    )


def opened(raw):
    picture = Image.open(io.BytesIO(raw))
    return np.asarray(picture), json.loads(picture.info.get("labels", "[]"))


def cells_of(raw, side, columns):
    """The images of a strip, (rows, columns, side, side)."""
    pixels, _ = opened(raw)
    step = side + 1
    assert pixels.shape[1] == columns * step + 1 and (pixels.shape[0] - 1) % step == 0
    return np.stack(
        [
            [pixels[r * step + 1 : (r + 1) * step, c * step + 1 : (c + 1) * step] for c in range(columns)]
            for r in range((pixels.shape[0] - 1) // step)
        ]
    )


def test_a_film_has_a_row_of_eight_a_look_and_names_the_steps():
    data, frames = dataset(images(9)), [(10, images(8)), (20, images(16)[8:]), (30, images(24)[16:])]
    raw = film(data, frames)
    assert np.array_equal(cells_of(raw, 2, 8)[:, :, 0, 0], np.arange(24).reshape(3, 8))
    assert opened(raw)[1] == ["10", "20", "30"]
    assert raw == film(data, frames), "the same bytes"


def test_a_long_film_is_thinned_evenly_and_ends_with_the_last_look():
    frames = [(step, images(8)) for step in range(1, 23)]
    assert opened(film(dataset(images(9)), frames))[1] == ["1", "4", "7", "10", "13", "16", "19", "22"]
    assert LOOKS == 8


def test_one_look_is_no_film_and_a_short_one_is_padded():
    data = dataset(images(9))
    assert film(data, []) is None and film(data, [(5, images(8))]) is None
    rows = cells_of(film(data, [(1, images(3)), (2, images(3))]), 2, 8)[:, :, 0, 0]
    assert rows.tolist() == [[0, 1, 2, 0, 0, 0, 0, 0]] * 2


def test_points_of_the_plane_are_scatters_side_by_side():
    """The first look has every point at the left mode, the second at the right one."""
    left, right = (torch.tensor([[x, 0.0]]).expand(300, 2) for x in (-1.0, 1.0))
    pixels, labels = opened(film(dataset(LAW.sample(200, seed=0), law=LAW), [(1, left), (2, right)]))
    assert pixels.shape == (PANEL, 2 * PANEL, 3) and labels == ["1", "2"]
    at = [
        np.argwhere(abs(p.astype(int) - BLUE).sum(axis=2) < 200)[:, 1] for p in (pixels[:, :PANEL], pixels[:, PANEL:])
    ]
    assert at[0].max() < PANEL / 2 < at[1].min()
    assert (pixels[:, PANEL - 1] == GREY).all()


def test_a_look_keeps_a_few_samples_and_nothing_else_alive():
    kept = first(torch.zeros(1000, 1, 8, 8))
    assert kept.shape == (8, 1, 8, 8) and kept.untyped_storage().nbytes() == 8 * 64 * 4
    assert first(torch.zeros(1000, 2)).shape == (300, 2)


def test_walks_are_rows_and_classes_are_rows_in_the_order_of_the_labels():
    data = dataset(images(9), class_names=("cat", "dog", "owl"))
    walked = walks(data, [images(10), images(20)[10:]])
    assert np.array_equal(cells_of(walked, 2, 10)[:, :, 1, 1], np.arange(20).reshape(2, 10))
    y = torch.tensor([2, 0, 2] + [0] * 9)
    raw = class_rows(data, images(12), y)
    assert cells_of(raw, 2, 8)[:, :, 0, 0].tolist() == [[1, 3, 4, 5, 6, 7, 8, 9], [0, 2, 0, 0, 0, 0, 0, 0]]
    assert opened(raw)[1] == ["cat", "owl"]


def test_grey_is_stored_as_grey_and_colour_as_colour():
    assert opened(walks(dataset(images(9)), [images(10)]))[0].ndim == 2
    colour = torch.rand(10, 3, 2, 2)
    assert opened(walks(dataset(colour), [colour]))[0].shape == (4, 31, 3)


def test_large_images_have_sixteen_tones_and_small_ones_all_of_theirs():
    """A tone is at most half a step of 255 / 15 away, and half a grey."""
    for side, tones, far in ((28, 16, 9), (16, 256, 0)):
        ramp = (torch.arange(10 * side * side) % 256 / 255).view(10, 1, side, side)
        shown = cells_of(walks(dataset(ramp), [ramp]), side, 10)[0]
        assert len(np.unique(shown)) == tones
        assert abs(shown.astype(int) - np.round(255 * ramp[:, 0].numpy())).max() <= far


def test_of_tables_nothing_is_drawn():
    table = dataset(torch.randn(12, 4))
    assert strips(None, None, table, {}, [(1, torch.zeros(8, 4)), (2, torch.zeros(8, 4))]) == {}


# a whole cell ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cell():
    """A conditional GAN of six steps on the digits, which has all three strips."""
    plan = make_plan(Request(suite="smoke", models=("conditional_gan",), datasets=("digits",)))
    one = plan.cells[0]
    hparams, primary = dict(one.model["hparams"]) | {"steps": 6}, one.dataset["primary"]
    return replace(
        one, model=one.model | {"hparams": hparams}, steps=6, probes=3, metrics={primary: one.metrics[primary]}
    )


def run(cell, outputs):
    files = {}
    record = run_cell(cell, Context(outputs=outputs, keep=lambda name, raw: files.setdefault(name, raw)))
    assert record["status"] == "ok", record["error"]
    return record, files


@pytest.fixture(scope="module")
def drawn(cell):
    return run(cell, ("outputs", *PICTURES))


def test_a_cell_hands_over_every_picture(drawn):
    assert drawn[1].keys() == {"outputs", *PICTURES}
    assert [step for step, _ in drawn[0]["training"]["probes"]] == [2, 4, 6]
    assert opened(drawn[1]["film"])[1] == ["2", "4", "6"], "the steps of the record's looks"


@pytest.mark.parametrize("probes", [3, 0])
def test_results_are_the_same_to_the_bit_with_and_without_films(cell, drawn, probes):
    """Without pictures, and without looks: the same outputs and scores."""
    plain, files = run(replace(cell, probes=probes), ("outputs",))
    assert files["outputs"] == drawn[1]["outputs"]
    assert plain["metrics"] == drawn[0]["metrics"]
    assert [point["d_loss"] for point in plain["curve"]] == [point["d_loss"] for point in drawn[0]["curve"]]


def test_the_films_last_row_the_walk_and_the_classes_are_the_trained_models(cell, drawn):
    data = load("dataset", "digits")()
    model = load("model", "conditional_gan")(steps=6).fit(data.train.x, data.train.y, seed=0)
    codes = lambda x: np.round(255 * x.clamp(0, 1).numpy()).astype(np.uint8)[:, 0]
    with undisturbed(model):
        shown = data.to_grid(model.sample(len(data.valid), seed=0))[:8]
    assert np.array_equal(cells_of(drawn[1]["film"], 8, 8)[-1], codes(shown))
    assert not np.array_equal(*cells_of(drawn[1]["film"], 8, 8)[:2]), "it has learned between two looks"
    for row, seed in zip(cells_of(drawn[1]["walk"], 8, 10), range(3), strict=True):
        assert np.array_equal(row, codes(model.walk(10, seed=seed)))
    rows = cells_of(drawn[1]["classes"], 8, 8)
    given = data.to_grid(model.sample_given(data.train.y, seed=0))
    for label in range(10):
        assert np.array_equal(rows[label], codes(given[data.train.y == label][:8]))
