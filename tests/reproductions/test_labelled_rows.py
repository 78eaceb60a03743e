"""The measures' labelled rows are those that the semi-supervised model is given."""

import pytest
import torch

from bench.registry import load
from bench.reproductions.labelled_rows import label_subset
from gan_models.improved_gan_semi import label_subset as label_subset_of_the_model


@pytest.mark.parametrize("seed", range(5))
def test_the_rows_are_those_of_the_model(seed):
    y = load("dataset", "digits")().train.y
    uneven = torch.tensor([0] * 3 + [1] * 20 + [-1] * 9 + [2] * 7)
    for labels, sizes in ((y, (20, 50, 100, 200)), (uneven, (3, 4, 10, 30))):
        for n in sizes:
            assert label_subset(labels, n, seed).equal(label_subset_of_the_model(labels, n, seed))


def test_fewer_rows_than_classes_are_refused():
    with pytest.raises(ValueError, match=r"n must be between 3 \(one a class\) and 3 \(the labelled rows\), got 2"):
        label_subset(torch.tensor([0, 1, 2, -1]), 2, 0)
