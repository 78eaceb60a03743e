"""docs/questions.md: the words of an answer quote only numbers that its generated tables print."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "questions.md").read_text(encoding="utf-8").replace("\\", "")
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
NOT_MEASURED = {0.693, 1e-3, 2e-4}  # ln 2, which mode_jsd cannot pass; DCGAN's learning rates


def decimals(text):
    """The numbers of a text that are no plain integers, without sign."""
    found = (match.replace(",", "") for match in NUMBER.findall(text))
    return {abs(float(number)) for number in found if "." in number or "e" in number}


@pytest.mark.parametrize("number", range(1, 11))
def test_words_quote_the_tables(number):
    section = PAGE[PAGE.index(f"\n## {number}. ") : PAGE.index(f"<!-- end of question-{number} -->")]
    words, tables = section.split(f"<!-- question-{number} -->")
    assert "Not written yet" not in words
    unknown = decimals(words) - decimals(tables) - NOT_MEASURED
    assert not unknown, (
        f"question {number} says {sorted(unknown)}, which its tables do not: run it again or mend the words"
    )
