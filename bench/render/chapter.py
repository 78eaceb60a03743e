"""Write docs/chapter.md and docs/chapter.ko.md: a template a language, its slots filled from results/.

python -m bench.render.chapter

A slot is a call in docs/chapter/LANGUAGE.md.j2. Both templates make the same calls, so that both pages show the same figures; what is
not measured yet becomes a phrase that names the command.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from bench.files import read_json, write_atomic
from bench.registry import ROOT
from bench.render.text import number

TEMPLATES = ROOT / "docs" / "chapter"
PAGES = {"en": ROOT / "docs" / "chapter.md", "ko": ROOT / "docs" / "chapter.ko.md"}
SUITES = ("standard", "core")  # the first that has a board and its metric gives all rows of it
BUDGETS = ("full", "gpu", "cpu")  # of an experiment: the longest that was run
MISSING = {"en": "(not run yet: `{}`)", "ko": "(아직 실행하지 않음: `{}`)"}
FINDINGS = {  # what an experiment's comparison says, in the other language
    "higher": "더 높음",
    "lower": "더 낮음",
    "higher: worse": "더 높음: 나쁨",
    "higher: better": "더 높음: 좋음",
    "lower: worse": "더 낮음: 나쁨",
    "lower: better": "더 낮음: 좋음",
    "no effect seen": "효과가 보이지 않음",
    "too few runs to say": "실행이 너무 적어 말할 수 없음",
}


@dataclass(frozen=True)
class Slots:
    """What a template may call; every method returns a piece of Markdown.

    results: the folder of leaderboard.json and reproductions/.
    """

    language: str
    results: Path

    def board(self, dataset: str, model: str, metric: str) -> str:
        """Write a model's value on the private board of a dataset, with its 95 % interval."""
        column = _column(self.results, dataset, metric)
        row = next((row for row in column if row["model"] == model and row["centre"] is not None), None)
        if row is None:
            return self._missing(f"bench run -m {model} -d {dataset}")
        return _with_interval(row["centre"], row["ci_low"], row["ci_high"])

    def arm(self, experiment: str, arm: str, column: str) -> str:
        """Write the mean of an arm of an experiment in one of its columns, with its 95 % interval."""
        arms = self._result(experiment).get("arms", [])
        summary = next((each["summary"].get(column) for each in arms if each["name"] == arm), None)
        if summary is None or summary["centre"] is None:
            return self._missing(f"bench reproduce {experiment}")
        return _with_interval(summary["centre"], summary["low"], summary["high"])

    def effect(self, experiment: str, arm: str, base: str, column: str) -> str:
        """Write how an arm differs from another: ratio or difference, interval, corrected p, finding."""
        asked = (arm, base, column)
        compared = self._result(experiment).get("compare", [])
        effect = next((each for each in compared if (each["a"], each["b"], each["column"]) == asked), None)
        if effect is None or effect["value"] is None:
            return self._missing(f"bench reproduce {experiment}")
        ratio = effect["scale"] == "log"
        size = _with_interval(effect["value"], effect["low"], effect["high"], signed=not ratio)
        return f"{'× ' if ratio else ''}{size} (p {_p(effect['p_holm'])}; {self._finding(effect['words'])})"

    def correlation(self, experiment: str, x: str, y: str) -> str:
        """Write the rank correlation of two columns over the arms of an experiment."""
        correlated = self._result(experiment).get("correlate", [])
        found = next((each for each in correlated if (each["x"], each["y"]) == (x, y)), None)
        if found is None:
            return self._missing(f"bench reproduce {experiment}")
        size = _with_interval(found["rho"], found["low"], found["high"], signed=True)
        return f"{size} (p {_p(found['p_holm'])})"

    def code(self, path: str, name: str = "") -> str:
        """Link a file, or the line where a function, class or Class.method of it begins."""
        if not name:
            return f"[`{path}`](../{path})"
        return f"[`{path}::{name}`](../{path}#L{line_of(ROOT / path, name)})"

    def question(self, number: int, words: str = "") -> str:
        """Link a question of docs/questions.md, under its own title or other words."""
        text = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
        heading = re.search(rf"^## ({number}\. (.+))$", text, re.MULTILINE)
        if heading is None:
            raise LookupError(f"docs/questions.md has no heading of question {number}")
        return f"[{words or heading[2]}](questions.md#{anchor(heading[1])})"

    def _finding(self, words: str) -> str:
        """Return a finding in the page's language: "higher: worse", "no effect seen (2 runs left out)"."""
        if self.language == "en":
            return words
        finding, _, left_out = words.partition(" (")
        runs = re.match(r"\d+", left_out)
        return FINDINGS.get(finding, finding) + (f" (실행 {runs[0]}개 제외)" if runs else "")

    def _missing(self, command: str) -> str:
        return MISSING[self.language].format(command)

    def _result(self, experiment: str) -> dict[str, Any]:
        """Return an experiment's result of the longest budget that was run, empty where there is none."""
        paths = (self.results / "reproductions" / f"{experiment}.{budget}.json" for budget in BUDGETS)
        return next((_read(path) for path in paths if path.is_file()), {})


@cache
def _read(path: Path) -> Any:
    return read_json(path.read_bytes())


@cache
def _column(results: Path, dataset: str, metric: str) -> list[dict[str, Any]]:
    """Return the rows of one metric on a dataset's private board, of the first suite that has any."""
    path = results / "leaderboard.json"
    asked = (dataset, "private", metric, "cpu")
    rows = _read(path)["rows"] if path.is_file() else []
    column = [row for row in rows if tuple(row[key] for key in ("dataset", "board", "metric", "device")) == asked]
    suites = (suite for suite in SUITES if any(row["suite"] == suite for row in column))
    suite = next(suites, None)
    return [row for row in column if row["suite"] == suite]


def line_of(path: Path, name: str) -> int:
    """Return the line where a function, class or Class.method begins; LookupError where the file has none."""
    inside: Iterable[ast.AST] = ast.parse(path.read_text(encoding="utf-8")).body
    line = 0
    for part in name.split("."):
        kinds = ast.FunctionDef | ast.ClassDef
        node = next((node for node in inside if isinstance(node, kinds) and node.name == part), None)
        if node is None:
            raise LookupError(f"{path} defines no {name}; name a function, a class or a Class.method of it")
        inside, line = node.body, node.lineno
    return line


def anchor(heading: str) -> str:
    """Return the fragment under which a repository host links a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _with_interval(value: float, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Write value [low, high]; no brackets where there is no interval or the runs do not scatter."""
    texts = [f"+{number(v)}" if signed and v > 0 else number(v) for v in (value, low or 0, high or 0)]
    return texts[0] if low is None or low == high else f"{texts[0]} [{texts[1]}, {texts[2]}]"


def _p(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def chapter(language: str, results: Path) -> str:
    """Return a page: the language's template, its slots filled from a folder of results."""
    slots = Slots(language, results)
    names = ("board", "arm", "effect", "correlation", "code", "question")
    template = (TEMPLATES / f"{language}.md.j2").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(template).render({name: getattr(slots, name) for name in names})


if __name__ == "__main__":
    for language, page in PAGES.items():
        write_atomic(page, chapter(language, ROOT / "results").encode())
