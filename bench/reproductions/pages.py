"""Markdown made from results: docs/reproductions.md, and the marked blocks of docs/questions.md with their plots.

`python -m bench.reproductions.pages` makes them anew from results/reproductions/. What stands outside the markers of
questions.md is written by hand and stays.
"""

from __future__ import annotations

from pathlib import Path

from bench.files import write_atomic
from bench.registry import ROOT
from bench.reproductions.protocol import load_experiment, names
from bench.reproductions.published_page import reproductions_page
from bench.reproductions.questions_page import _with_question
from bench.reproductions.run import results_in


def write_pages(out: Path) -> list[Path]:
    """Rebuild both pages from the results in a folder: into docs/ of the checkout for its own results, else into OUT/docs."""
    own = out.resolve() == ROOT / "results"
    docs = ROOT / "docs" if own else out / "docs"
    results = results_in(out / "reproductions")
    texts = {docs / "reproductions.md": reproductions_page(results)}
    template = ROOT / "docs" / "questions.md"
    text = template.read_text(encoding="utf-8") if template.is_file() else ""
    for name in (n for n in names() if n.startswith("question-")):
        experiment = load_experiment(name)
        text, plots = _with_question(text, experiment, results)
        texts |= {docs / "questions" / file: plot for file, plot in plots.items()}
    texts[docs / "questions.md"] = text
    for path, content in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            write_atomic(path, content.encode())
    return [docs / "reproductions.md", docs / "questions.md"]


if __name__ == "__main__":
    for page in write_pages(ROOT / "results"):
        print(page)
