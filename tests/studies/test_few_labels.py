"""The page of few labels is what its stored runs say."""

import json

from studies._page import DOCS
from studies.few_labels import page


def test_the_committed_page_is_made_of_the_committed_runs():
    results = json.loads((DOCS / "few-labels.json").read_text(encoding="utf-8"))
    assert page(results) == (DOCS / "few-labels.md").read_text(encoding="utf-8")
