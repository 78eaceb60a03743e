"""Names as users type them."""

import re

import pytest

from bench.errors import UsageError
from bench.plan.make import make_plan
from bench.plan.request import Request, split_names


@pytest.mark.parametrize(
    "given, names",
    [
        ("kde", ("kde",)),
        ("kde, vae", ("kde", "vae")),
        (["a,b", "c", "a"], ("a", "b", "c")),
        (("kde",), ("kde",)),
        ("", ()),
        (",", ()),
        (None, ()),
    ],
)
def test_names_are_split_at_commas_and_never_into_letters(given, names):
    assert split_names(given) == names


RAISES = '''"""Raises: {where}."""
from dataclasses import dataclass, field
from typing import ClassVar


def boom():
    raise OSError("no disk")


@dataclass(kw_only=True, eq=False)
class Raises:
    family: ClassVar[str] = "statistical"
    paper: ClassVar[str] = "none"
    uses_labels: ClassVar[bool] = False
    value: object = {default}

    def __post_init__(self):
        {init}

    def supports(self, dataset):
        return {supports}

    def fit(self, x, y=None, *, seed):
        return self
'''
PLACES = {  # where it goes wrong -> (default, __post_init__, supports, what the message says)
    "supports": (
        "1",
        "pass",
        "dataset.dim",
        r"raises\.py:21\): AttributeError: 'Dataset' object has no attribute 'dim'",
    ),
    "no string": ("1", "pass", "True", r"raises\.py\): TypeError: supports\(\) returned True; expected the reason"),
    "init": ("1", "boom()", "''", r"raises\.py:7\): OSError: no disk"),
    "default": ("field(default_factory=boom)", "pass", "''", r"raises\.py:7\): OSError: no disk"),
    "no JSON": ("field(default_factory=set)", "pass", "''", r"field 'value' is set\(\); expected a number, a string"),
    "infinite": ("float('inf')", "pass", "''", r"field 'value' is inf; expected"),
}


@pytest.mark.parametrize("where", PLACES)
def test_a_model_that_raises_costs_itself_only_and_is_named_with_its_line(where, tmp_path):
    default, init, supports, message = PLACES[where]
    path = tmp_path / "raises.py"
    path.write_text(RAISES.format(where=where, default=default, init=init, supports=supports))
    suite = tmp_path / "mine.toml"
    suite.write_text(f'datasets = ["iris"]\nseeds = 1\nmodels = ["{path}", "kde"]\n')
    plan = make_plan(Request(suite=str(suite)))
    assert [cell.row for cell in plan.cells] == ["kde"]
    assert len(plan.broken) == 1 and re.search(message, plan.broken[0])
    with pytest.raises(UsageError, match=message):
        make_plan(Request(models=(str(path),), datasets=("iris",)))
