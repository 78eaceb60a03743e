"""What a model declares to be searched: read as it stands, or refused with the line that is wrong."""

import pytest

from bench.errors import Broken
from bench.models.check import check_model
from bench.models.search import Choices, Range, read_search
from bench.registry import find, load_entry
from tests.models.toys import TOY, edit, toy

LINE = 1 + TOY.split("\n").index(next(line for line in TOY.split("\n") if "search: ClassVar" in line))


def read(path):
    entry = find("model", path)
    return read_search(entry, load_entry(entry))


def test_tuples_are_ranges_and_lists_are_choices(tmp_path):
    space = read(toy(tmp_path))
    assert space == {"width": Range(0.01, 100.0, False), "copies": Range(1, 8, True), "mode": Choices(("plain", "shy"))}


def test_a_field_without_a_default_value_is_whole_by_its_annotation(tmp_path):
    path = toy(tmp_path, search='{"centre": (1, 2), "copies": (1, 2)}')
    edit(path, "centre: float = 0.0", "centre: float | None = None")
    edit(path, "copies: int = 3", "copies: int | None = None")
    assert read(path) == {"centre": Range(1, 2, False), "copies": Range(1, 2, True)}


def test_a_model_that_declares_nothing_has_an_empty_space(tmp_path):
    assert read(toy(tmp_path, search="None")) == {}


WRONG = {
    "{'wdth': (0.1, 1.0)}": "unknown field 'wdth'; did you mean 'width'?",
    "{'width': (1.0, 1.0)}": "'width' is (1.0, 1.0); expected low < high",
    "{'width': (2.0, 1.0)}": "'width' is (2.0, 1.0); expected low < high",
    "{'width': (0.0, 1.0)}": "'width' is (0.0, 1.0); expected two positive numbers (low, high)",
    "{'width': (0.1, 1.0, 2.0)}": "expected two positive numbers (low, high)",
    "{'width': (0.1, True)}": "expected two positive numbers (low, high)",
    "{'width': 3}": "'width' is 3; expected a tuple (low, high) or a list of choices",
    "{'copies': (1, 2.5)}": "'copies' is (1, 2.5); expected whole numbers, as the field's are",
    "{'mode': (1, 2)}": "'mode' is a range, and the field's default is 'plain'; expected a list of choices",
    "{'mode': ['plain']}": "expected at least two choices, each once",
    "{'mode': ['plain', 'plain']}": "expected at least two choices, each once",
    "{'mode': ['plain', {1}]}": "expected numbers, strings, lists or None",
    "{'steps': (1, 2)}": "unknown field 'steps'",
    "['width']": "is ['width']; expected a dict of fields",
}


@pytest.mark.parametrize("search", WRONG)
def test_a_wrong_declaration_is_named_with_file_and_line(search, tmp_path):
    path = toy(tmp_path, search=search)
    with pytest.raises(Broken) as refusal:
        read(path)
    assert str(refusal.value).startswith(f"model 'toy' ({path}:{LINE}): search: ")
    assert WRONG[search] in str(refusal.value)


def test_the_line_is_that_of_the_field(tmp_path):
    path = toy(tmp_path, search="{\n        'width': (1.0, 2.0),\n        'mode': [],\n    }")
    with pytest.raises(Broken, match=rf"toy\.py:{LINE + 2}\): search: 'mode' is \[\]"):
        read(path)


def test_no_model_searches_its_steps(tmp_path):
    path = toy(tmp_path, search='{"steps": (10, 100)}')
    edit(path, "centre: float = 0.0", "steps: int = 10")
    with pytest.raises(Broken, match="'steps' is the same for every trial"):
        read(path)


def test_bench_check_tries_the_declaration(tmp_path):
    promise = "search names fields, ranges and choices"
    assert [r.kept for r in check_model(toy(tmp_path)) if r.promise == promise] == [True]
    (result,) = [r for r in check_model(toy(tmp_path, search="{'width': 3}")) if r.promise == promise]
    assert not result.kept and f"toy.py:{LINE})" in result.detail
    assert promise not in {r.promise for r in check_model(toy(tmp_path, search="None"))}
