"""Equal rows stay on one side of a split; without any, the split is the one it always was."""

import hashlib

import numpy as np
import pytest

from bench.datasets._split import equal_rows, grouped, shuffled, stratified
from bench.datasets.own.arrays import Arrays
from bench.datasets.own.sides import split_of
from bench.registry import load

RANDOM = np.random.default_rng(7)


def sides_of(arrays):
    """Sets of the values on each side."""
    rows, _ = split_of(arrays)
    assert sorted(np.concatenate(rows)) == list(range(len(arrays.x)))
    return [{arrays.x[i].tobytes() for i in part} for part in rows]


def test_equal_rows_are_numbered_by_content():
    x = np.array([[0.0, 1.0], [2.0, 1.0], [-0.0, 1.0], [2.0, 1.0]])
    assert equal_rows(x).tolist() == [0, 1, 0, 1]
    assert equal_rows(RANDOM.integers(0, 256, (50, 3, 8, 8)).astype(np.uint8)).tolist() == list(range(50))


@pytest.mark.parametrize("times", [2, 4])
@pytest.mark.parametrize("labelled", [False, True])
def test_no_row_of_repeated_data_is_on_two_sides(times, labelled):
    """A quarter of the files: each row four times gave GMM an nll below the true law's entropy."""
    x = np.repeat(RANDOM.normal(size=(200, 3)), times, axis=0)
    y = np.repeat(RANDOM.integers(0, 3, 200), times) if labelled else None
    arrays = Arrays(x, y)
    train, valid, test = sides_of(arrays)
    assert not train & valid and not train & test and not valid & test
    rows, told = split_of(arrays)
    assert told == f"{200 * times} rows occur more than once (200 different); equal rows stay on one side of the split"
    assert [len(part) for part in rows] == pytest.approx([120 * times, 40 * times, 40 * times], abs=times)
    if y is not None:
        for part in rows:
            assert np.bincount(y[part]) / len(part) == pytest.approx(np.bincount(y) / len(y), abs=0.03)
    assert all(map(np.array_equal, rows, split_of(arrays)[0])), "the same rows every time"


def test_images_are_compared_by_content_and_conflicting_labels_do_not_matter():
    x = RANDOM.integers(0, 256, (100, 1, 8, 8)).astype(np.uint8)
    x[60:70] = x[:10]
    arrays = Arrays(x, np.arange(100) % 2)
    train, valid, test = sides_of(arrays)
    assert not train & valid and not train & test and not valid & test
    assert split_of(arrays)[1].startswith("20 rows occur more than once (10 different)")


def test_every_class_has_rows_on_every_side_where_it_has_three_different_ones():
    x = np.repeat(RANDOM.normal(size=(60, 2)), 2, axis=0)
    y = np.repeat(np.arange(60) // 3, 2)  # 20 classes of three different rows, twice each
    rows, _ = split_of(Arrays(x, y))
    for part in rows:
        assert set(y[part]) == set(range(20))


def test_common_values_of_data_of_few_kinds_stand_on_all_sides():
    """Nine kinds of rows split by kind would leave held-out kinds that no model has seen: another law on each side."""
    x = RANDOM.integers(0, 3, (400, 2)).astype(float)
    train, valid, test = sides_of(Arrays(x, None))
    assert train == valid == test
    assert (
        "9 common rows" in split_of(Arrays(x, None))[1]
        and "stand on all sides: 400 rows" in split_of(Arrays(x, None))[1]
    )


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_data_without_equal_rows_is_split_as_it_always_was(classes):
    """The digests are of the splits before equal rows were looked at, commit d816cc4."""
    x = np.arange(400.0)[:, None]
    y = np.arange(400) % classes if classes else None
    rows, told = split_of(Arrays(x, y))
    expected = shuffled(stratified(y, (240, 80, 80), seed=0), seed=0) if classes else None
    if expected is None:
        expected = np.split(np.random.RandomState(0).permutation(400), [240, 320])
    assert told == "" and all(map(np.array_equal, rows, expected))
    digest = hashlib.sha256(np.concatenate(rows).astype(np.int64).tobytes()).hexdigest()[:12]
    assert digest == {0: "e165883c1518", 2: "03ed4bfad814", 3: "a815c7db37d5"}[classes]


def test_groups_of_one_are_a_stratified_split():
    y = RANDOM.integers(0, 4, 1000)
    parts = grouped(np.arange(1000), y, (600, 200, 200), seed=0)
    assert [len(part) for part in parts] == pytest.approx([600, 200, 200], abs=1)
    for part in parts:
        assert np.bincount(y[part]) == pytest.approx(np.bincount(y) * len(part) / 1000, abs=1.5)


KNOWN = {
    "iris": (0, 1, 0),
    "wine": (0, 0, 0),
    "breast_cancer": (0, 0, 0),
    "digits": (0, 0, 0),
    "digits_binary": (7, 10, 2),
}


@pytest.mark.parametrize("name", KNOWN)
def test_equal_rows_on_two_sides_of_the_suites_datasets_are_known(name):
    """Held-out rows that equal a training row, public and private, and private rows that equal a public one.

    iris has one flower twice; digits become equal when they are made black and white. Their splits stay as published.
    """
    data = load("dataset", name)()
    train, valid, test = (
        [row.tobytes() for row in s.x.flatten(1).numpy()] for s in (data.train, data.valid, data.test)
    )
    counted = (
        sum(r in set(train) for r in valid),
        sum(r in set(train) for r in test),
        sum(r in set(valid) for r in test),
    )
    assert counted == KNOWN[name]
