"""Which cells draw: seed 0 of real runs, and a first look at own data, which never replaces a longer suite's picture."""

from dataclasses import replace

import pytest

from bench.run.pictured import draws_pictures, hides_a_better_one
from tests.records.test_store import a_cell

OWN = a_cell().dataset | {"path": "/data/photos"}


@pytest.mark.parametrize(
    "more, drawn",
    [
        ({"suite": "core"}, True),
        ({"suite": "core", "seed": 1}, False),
        ({"suite": "smoke"}, False),
        ({"suite": "smoke", "dataset": OWN}, True),
        ({"suite": "smoke", "dataset": OWN, "seed": 1}, False),
    ],
)
def test_seed_zero_draws_and_a_first_look_at_own_data_does_too(more, drawn):
    assert draws_pictures(replace(a_cell(), **more)) is drawn


def test_a_first_look_leaves_the_picture_of_a_longer_suite_alone(tmp_path):
    smoke = replace(a_cell(), suite="smoke", dataset=OWN)
    assert not hides_a_better_one(smoke, tmp_path)
    for suite, hidden in (("smoke-cpu", False), ("core-cpu", True)):
        record = tmp_path / "cells" / suite / OWN["id"] / smoke.row / "seed-0.json"
        record.parent.mkdir(parents=True)
        record.write_text("{}")
        assert hides_a_better_one(smoke, tmp_path) is hidden
        assert not hides_a_better_one(replace(smoke, suite="core"), tmp_path)
