"""--set: switches are taken as people write them, and anything else is refused with the words that are."""

from dataclasses import dataclass

import pytest

from bench.errors import UsageError
from bench.plan.settings import parse_settings


@dataclass(kw_only=True)
class Model:
    """A model with a switch and a number."""

    batch_norm: bool = True
    steps: int = 10


def value(text):
    return parse_settings((text,), {"m": Model})["m"][text.partition("=")[0]]


@pytest.mark.parametrize(
    "word, switch",
    [("off", False), ("on", True), ("yes", True), ("no", False), ("False", False), ("TRUE", True), ("true", True)],
)
def test_a_switch_is_taken_in_any_usual_word(word, switch):
    assert value(f"batch_norm={word}") is switch


@pytest.mark.parametrize("word", ["maybe", "0", "1", "", "[]", "2.5"])
def test_what_is_no_switch_is_refused_with_the_words_that_are(word):
    with pytest.raises(UsageError, match="expected one of true, false, on, off, yes, no, got"):
        value(f"batch_norm={word}")


def test_a_number_takes_no_switch():
    with pytest.raises(UsageError, match="expected a value like 10, got 'true'"):
        value("steps=true")
