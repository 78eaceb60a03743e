"""A study replaces what stands between its marks, and only that."""

import pytest

from studies._page import write_block


def test_only_the_named_block_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- end of a -->\n<!-- b -->\nkept\n<!-- end of b -->\n")
    write_block(page, "a", r"new \1" + "\n")
    assert page.read_text() == ("before\n<!-- a -->\nnew \\1\n<!-- end of a -->\n<!-- b -->\nkept\n<!-- end of b -->\n")


def test_a_page_without_marks_is_refused_and_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="has no marks <!-- a --> and <!-- end of a -->"):
        write_block(page, "a", "new")
    assert page.read_text() == "no marks"
