"""The memory that a cell may take on own data: what the machine has, and never less than its suite says."""

import pytest

from bench.plan.make import OWN_TIMEOUT_S, make_plan
from bench.plan.memory import SHARE, available_bytes, limit_of_own_data
from bench.plan.request import Request

GIB = 2**30


def test_own_data_get_a_share_of_what_is_free_and_never_less_than_the_suite_gives():
    limit, words = limit_of_own_data(1.5, available=20 * GIB, jobs=4)
    assert limit == pytest.approx(SHARE * 20 / 4) and words.startswith("up to 4.0 GiB a cell: 80% of the 20.0 GiB")
    assert limit_of_own_data(1.5, available=4 * GIB, jobs=4) == (1.5, "up to 1.5 GiB a cell, the suite's memory_gib")
    assert limit_of_own_data(1.5, available=0, jobs=1)[0] == 1.5, "nothing is known of the machine"
    assert limit_of_own_data(1.0, available=8 * GIB, jobs=0)[0] == pytest.approx(SHARE * 8)


def test_this_machine_says_what_is_free():
    assert 2**26 < available_bytes() < 2**50


def test_cells_of_own_data_have_that_limit_and_embedded_data_the_suites(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,b\n" + "\n".join(f"{i % 7}.{i},{i * i % 13}.5" for i in range(60)))
    own = make_plan(Request(suite="smoke", models=("kde",), data=str(path), jobs=1))
    iris = make_plan(Request(suite="smoke", models=("kde",), datasets=("iris",), jobs=1))
    assert iris.cells[0].memory_bytes == 3 * GIB and iris.cells[0].timeout_s == 120 and iris.looks == ()
    assert own.cells[0].memory_bytes >= 3 * GIB and own.cells[0].timeout_s == OWN_TIMEOUT_S
    assert own.looks[0].notes["memory"].startswith("up to ") and own.looks[0].rows == {
        "train": 36,
        "valid": 12,
        "test": 12,
    }
