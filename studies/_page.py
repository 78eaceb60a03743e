"""Write a study's answer into its page of docs/."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def write_block(page: Path, name: str, text: str) -> None:
    """Replace what stands between a page's marks <!-- name --> and <!-- end of name -->.

    ValueError where they are missing.
    """
    whole = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(whole):
        raise ValueError(
            f"{page} has no marks <!-- {name} --> and <!-- end of {name} -->; put them where the text shall stand"
        )
    page.write_text(pattern.sub(lambda marks: marks[1] + text + marks[2], whole), encoding="utf-8")
