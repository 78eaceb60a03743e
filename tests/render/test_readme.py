"""README.md's board is what the stored records give."""

import pytest

from bench.registry import ROOT
from bench.render.readme import with_boards


@pytest.mark.slow
def test_the_board_of_the_readme_is_a_rebuild():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_boards(text, ROOT / "results") == text, "python -m bench.render.readme writes it anew"
