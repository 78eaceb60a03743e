"""Write docs/reproductions.md, and the marked blocks of docs/questions.md with plots and pictures.

`python -m bench.reproductions.pages` makes them anew from results/reproductions/. What stands outside the markers of
questions.md is written by hand and stays.
"""

from __future__ import annotations

from pathlib import Path

from bench.files import write_atomic
from bench.registry import ROOT
from bench.reproductions.pictures import FOLDER
from bench.reproductions.protocol import load_experiment, names
from bench.reproductions.published_page import reproductions_page
from bench.reproductions.questions_page import with_question
from bench.reproductions.run import results_in
from bench.reproductions.tables import Results


def write_pages(out: Path) -> list[Path]:
    """Rebuild both pages from the results in a folder.

    The checkout's own results go into its docs/, others into OUT/docs.
    """
    docs = ROOT / "docs" if out.resolve() == ROOT / "results" else out / "docs"
    results = results_in(out / "reproductions")
    questions, plots = _questions(results, _with_new_pictures(out / "reproductions" / FOLDER, docs / "questions"))
    pages = {docs / "reproductions.md": reproductions_page(results), docs / "questions.md": questions}
    for path, text in (pages | {docs / "questions" / file: plot for file, plot in plots.items()}).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_atomic(path, text.encode())
    return list(pages)


def _with_new_pictures(made: Path, shown: Path) -> set[str]:
    """Copy pictures of arms beside the page's plots; returns the names of all that stand there."""
    for path in sorted(made.glob("*.png")):
        kept, raw = shown / path.name, path.read_bytes()
        if not kept.exists() or kept.read_bytes() != raw:
            write_atomic(kept, raw)
    return {path.name for path in shown.glob("*.png")}


def _questions(results: Results, drawn: set[str]) -> tuple[str, dict[str, str]]:
    """Return the checkout's page of questions with every block made anew, and all plots by file name."""
    template = ROOT / "docs" / "questions.md"
    text = template.read_text(encoding="utf-8") if template.is_file() else ""
    plots: dict[str, str] = {}
    for name in names():
        if name.startswith("question-"):
            text, more = with_question(text, load_experiment(name), results, drawn)
            plots |= more
    return text, plots


if __name__ == "__main__":
    for page in write_pages(ROOT / "results"):
        print(page)  # noqa: T201 -- a script's answer
