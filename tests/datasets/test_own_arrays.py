"""Arrays that people have: units are told by values, no digit is lost, constant columns are left out by name."""

import numpy as np
import pytest
import torch

from bench.datasets.own import own_dataset
from bench.datasets.own.read import read_arrays
from bench.datasets.own.sides import split_of
from bench.errors import UsageError
from bench.features import load_space

RANDOM = np.random.default_rng(5)
BITS = RANDOM.integers(0, 2, (60, 8, 8))


@pytest.fixture
def npz(tmp_path):
    def write(**members):
        np.savez(tmp_path / "x.npz", **members)
        return tmp_path / "x.npz"

    return write


def refused(path, message, **choices):
    with pytest.raises(UsageError, match=message):
        own_dataset(path, **choices)


# units


@pytest.mark.parametrize("dtype", [bool, np.float16, np.float32, np.float64])
def test_black_and_white_is_0_and_255_in_every_type(npz, dtype):
    """Bools became codes 0 and 1 of 255: black."""
    found = read_arrays(npz(x=BITS.astype(dtype)))
    assert np.array_equal(found.x[:, 0], BITS * 255)
    assert found.notes["units"].startswith(("True is white", "0 is black, 1 is white"))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16])
def test_integers_of_another_scale_are_refused_with_both_readings(npz, dtype):
    refused(
        npz(x=BITS.astype(dtype)),
        r"from 0 to 1 only, which may be black and white \(save x.astype\(bool\)\) or bytes of 255",
    )
    refused(
        npz(x=(BITS * 16).astype(dtype)), r"from 0 to 16 only, which may be shares of 16 \(save x / 16, as floats\)"
    )
    found = read_arrays(npz(x=(BITS * 200).astype(dtype)))
    assert np.array_equal(found.x[:, 0], BITS * 200)
    assert found.notes["units"] == "integers from 0 to 200 as bytes, of 255; one channel"


def test_other_scales_of_images_are_refused_with_the_range(npz):
    refused(
        npz(x=(BITS * 65535).astype(np.uint16)),
        "reach from 0 to 65535; expected 0 to 255; if they have 16 bits, divide",
    )
    refused(npz(x=BITS * 2.0 - 1), r"reach from -1 to 1; expected \[0, 1\]")
    refused(npz(x=BITS / 255 / 255), "to 1.53787e-05 only, black as shares of 1; if they were divided")
    assert "rounded to 256 levels" in read_arrays(npz(x=BITS * 0.3)).notes["units"]
    assert "channels last" in read_arrays(npz(x=np.repeat(BITS[..., None] * 0.6, 3, axis=3))).notes["units"]


# digits


@pytest.mark.parametrize(
    ("least", "dtype"), [(2**60, np.int64), (-(2**63), np.int64), (2**64 - 100, np.uint64), (-(2**60), np.int64)]
)
def test_large_integers_keep_their_differences(npz, least, dtype):
    """As float64, 2^60 + 0 .. 49 are one value."""
    steps = RANDOM.integers(0, 50, (60, 2))
    x = np.array([[least + int(s) for s in row] for row in steps], dtype=dtype)
    found = read_arrays(npz(x=x))
    assert np.array_equal(found.x, steps - steps.min(axis=0))
    assert f"x[:, 0] from {least + int(steps[:, 0].min())}" in found.notes["units"]


def test_the_whole_range_of_int64_keeps_its_order(npz):
    x = np.array([[-(2**63)], [2**63 - 1], *[[i] for i in range(58)]], dtype=np.int64)
    assert np.array_equal(np.argsort(read_arrays(npz(x=x)).x[:, 0], kind="stable"), np.argsort(x[:, 0], kind="stable"))


def test_large_labels_stay_apart_and_inexact_ones_are_refused(npz):
    x = RANDOM.normal(size=(60, 2))
    labels = 2**60 + np.arange(60) % 3
    assert read_arrays(npz(x=x, y=labels)).class_names == tuple(str(2**60 + k) for k in range(3))
    refused(npz(x=x, y=labels.astype(float)), "is no class; expected whole numbers or names, or --label none")
    assert read_arrays(npz(x=x, y=labels.astype(float)), label="none").y is None


def test_small_differences_far_from_the_origin_are_standardised(npz):
    """Four values, 1/8 apart, at 10^14, where float64 has steps of 1/64: their deviation is that of 0, 1, 2, 3."""
    steps = RANDOM.integers(0, 4, 100)
    data = own_dataset(npz(x=np.c_[1e14 + steps / 8, RANDOM.normal(size=100)]))
    assert len(data.train.x[:, 0].unique()) == 4
    assert float(data.train.x[:, 0].std()) == pytest.approx(1.0, abs=1e-5)
    assert float(data.train.x[:, 0].mean()) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_extreme_scales_are_standardised(npz, scale):
    """The squares of 1e-200 are 0 and of 1e200 infinite; the shape of the column is the same."""
    values = RANDOM.normal(size=100)
    data = own_dataset(npz(x=np.c_[values * scale, values]))
    assert torch.allclose(data.train.x[:, 0], data.train.x[:, 1], atol=1e-5)


def test_values_that_would_overflow_are_refused_by_place(npz):
    x = RANDOM.normal(size=(100, 2))
    rows, _ = split_of(read_arrays(npz(x=x)))
    x[rows[2][0], 1] = 1e30
    refused(npz(x=x), r"1e\+30 in column x\[:, 1\], row \d+ of the data, is [\d.]+e\+30 standard deviations")
    x[rows[2][0], 1] = 1e305
    refused(npz(x=x), r"column x\[:, 1\] reaches 1e\+305; expected at most 1e\+300")


# constant columns


@pytest.mark.parametrize("usual", [0.1, 14.62, 5.0, 0.0, 1e15 + 0.3, -1e-280])
def test_a_constant_column_is_left_out_and_named_whatever_its_value(npz, usual):
    """The computed deviation of 0.1 is 1e-17, which is not 0: divided by it, the column became 0.9958."""
    data = own_dataset(npz(x=np.c_[RANDOM.normal(size=(400, 2)), np.full(400, usual)]))
    assert data.shape == (2,)
    assert data.notes["left out"] == f"constant in the training rows: x[:, 2] ({usual:g})"


def test_a_spread_of_rounding_is_constant_and_a_thousand_times_that_is_not(npz):
    tiny = RANDOM.normal(size=400) * 1e-10  # the spacing of float64 at 1e6
    data = own_dataset(npz(x=np.c_[RANDOM.normal(size=400), 1e6 + tiny, 1e6 + 1000 * tiny]))
    assert len(set(1e6 + tiny)) > 5
    assert data.shape == (2,) and data.notes["left out"] == "constant in the training rows: x[:, 1] (1e+06)"


@pytest.mark.parametrize(("usual", "odd"), [(0.1, 0.2), (5.0, 5.1)])
def test_one_odd_held_out_value_of_a_constant_column_moves_nothing_and_is_counted(npz, usual, odd):
    """In the column of 0.1 it gave fid_identity 1.5e27, its twin of 5 gave 0.03."""
    x = np.c_[RANDOM.normal(size=(400, 2)), np.full(400, usual)]
    before = own_dataset(npz(x=x))
    rows, _ = split_of(read_arrays(npz(x=x)))
    x[rows[1][0], 2] = odd
    data = own_dataset(npz(x=x))
    assert data.notes["left out"] == f"constant in the training rows: x[:, 2] ({usual:g}; 1 held-out rows differ)"
    assert torch.equal(data.valid.x, before.valid.x) and data.sha256 == before.sha256
    assert load_space("identity", data)(data.valid.x).abs().max() < 6


def test_nothing_but_constants_is_refused(npz):
    refused(npz(x=np.full((60, 3), 0.1)), "every column is constant in the training rows; there is nothing to model")


# densities


def test_columns_of_few_values_withhold_the_likelihoods_and_say_why(npz):
    from bench.metrics._evaluation import Evaluation
    from bench.metrics._score import metric_of

    plain = own_dataset(npz(x=RANDOM.normal(size=(100, 2))))
    coded = own_dataset(npz(x=np.c_[RANDOM.normal(size=100), RANDOM.integers(0, 2, 100)]))
    half = own_dataset(npz(x=np.c_[RANDOM.normal(size=100), RANDOM.normal(size=100) * (np.arange(100) % 4 == 0)]))
    assert plain.density == "" and "densities" not in plain.notes
    assert coded.notes["densities"].endswith("grows without bound: x[:, 1] (2 values)") and half.density
    for data in (plain, coded):
        outputs = {"valid.log_prob": torch.zeros(20), "valid.elbo": torch.zeros(20), "samples": data.valid.x}
        ev = Evaluation(data, outputs, board="public", measure="lebesgue")
        able = {name for name in ("nll", "nll_bound", "parzen") if all(map(ev.has, metric_of(name).needs))}
        assert able == ({"nll", "nll_bound", "parzen"} if data is plain else set())


# .npy, and files that are damaged


def test_an_npy_is_read_as_x(tmp_path):
    x = RANDOM.normal(size=(60, 3))
    np.save(tmp_path / "X.npy", x)
    found = read_arrays(tmp_path / "X.npy")
    assert np.array_equal(found.x, x) and found.y is None
    np.save(tmp_path / "o.npy", np.array([{}] * 60, dtype=object))
    refused(tmp_path / "o.npy", "cannot be read as an .npy of plain arrays")
    refused(tmp_path / "X.npy", "--missing and --text go with a .csv", missing="drop")
    np.save(tmp_path / "one.npy", np.arange(60.0))
    refused(tmp_path / "one.npy", r"shape \(60,\); .*; one column is x\[:, None\]")


@pytest.mark.parametrize("y", [np.zeros(60, dtype="M8[s]"), np.zeros(60, complex), np.zeros(60, dtype=[("a", int)])])
def test_labels_of_strange_types_are_refused(npz, y):
    refused(npz(x=RANDOM.normal(size=(60, 2)), y=y), "labels have dtype .*; expected whole numbers or names")


def test_names_as_bytes_are_read_and_their_blanks_stripped(npz):
    x = RANDOM.normal(size=(60, 2))
    assert read_arrays(npz(x=x, y=np.array([b"cat ", b"dog"] * 30))).class_names == ("cat", "dog")
    refused(npz(x=x, y=np.array([b"\xff", b"dog"] * 30)), "labels are bytes that are no UTF-8 text")
