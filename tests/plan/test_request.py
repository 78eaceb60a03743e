"""Names as users type them."""

import pytest

from bench.plan.request import split_names


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
