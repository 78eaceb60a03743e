"""docs/questions.md: an answer leads, its words quote only numbers that its generated tables print, and what is older says so."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.reproductions.plot import svg
from bench.reproductions.protocol import Arm, Budget, Compare, Experiment, load_experiment
from bench.reproductions.questions_page import question_block
from bench.reproductions.result import result_of
from bench.reproductions.runs import Run
from bench.reproductions.text import number

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8").replace("\\", "")
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
NOT_MEASURED = {0.693, 1e-3, 2e-4}  # ln 2, which mode_jsd cannot pass; DCGAN's learning rates
FACTS = {"device": "cpu", "environment": None, "core_minutes": 0.0}


def decimals(text):
    """The numbers of a text that are no plain integers, without sign."""
    found = (match.replace(",", "") for match in NUMBER.findall(text))
    return {abs(float(number)) for number in found if "." in number or "e" in number}


def parts(number):
    """The answer, the generated block and the words below it."""
    section = PAGE[PAGE.index(f"\n## {number}. ") :]
    section = section[: section.find("\n## ", 1)] if "\n## " in section[1:] else section
    answer, _, rest = section.partition(f"<!-- question-{number} -->")
    block, _, words = rest.partition(f"<!-- end of question-{number} -->")
    return answer, block, words


@pytest.mark.parametrize("number", range(1, 11))
def test_words_quote_the_tables(number):
    answer, block, words = parts(number)
    unknown = decimals(answer + words) - decimals(block) - NOT_MEASURED
    assert not unknown, (
        f"question {number} says {sorted(unknown)}, which its tables do not: run it again or mend the words"
    )


@pytest.mark.parametrize("number", range(1, 11))
def test_an_answer_is_one_bold_sentence_under_the_experiment_s_title(number):
    heading, _, answer = parts(number)[0].strip().partition("\n\n")
    assert heading == f"## {number}. {load_experiment(f'question-{number}').title}"
    assert re.fullmatch(r"\*\*[A-Z][^*]+\.\*\*", answer) and "\n\n" not in answer


@pytest.mark.parametrize("number", range(1, 11))
def test_a_result_of_another_protocol_is_said_to_be_older(number):
    path = ROOT / "results" / "reproductions" / f"question-{number}.cpu.json"
    protocol = json.loads(path.read_text()).get("protocol") if path.is_file() else None
    older = path.is_file() and protocol != load_experiment(f"question-{number}").fingerprint("cpu")
    assert ("Made with an older protocol" in parts(number)[1]) == older


def _experiment(**more):
    arms = tuple(Arm(name=n, model="kde", dataset="ring8") for n in ("D:G 1:1", "b", "c"))
    compare = (Compare(columns=("mode_jsd",), arms=("b",), base="c"),)
    same = {"name": "question-1", "kind": "question", "title": "T?", "setup": "S.", "columns": ("mode_jsd",)}
    return Experiment(arm=arms, budget={"cpu": Budget(seeds=2, core_minutes=7.0)}, compare=compare, **(same | more))


def _result(experiment):
    values = {"D:G 1:1": (0.3, 0.31), "b": (0.1, 0.11), "c": (0.2, 0.21)}
    runs = [Run(arm, s, "ok", {"mode_jsd": v}) for arm, vs in values.items() for s, v in enumerate(vs)]
    return result_of(experiment, "cpu", runs, FACTS)


def test_a_changed_protocol_makes_the_stored_result_an_older_one():
    experiment = _experiment()
    stored = {("question-1", "cpu"): _result(experiment)}
    assert "older protocol" not in question_block(experiment, stored)[0]
    assert "older protocol" in question_block(_experiment(sort="mode_jsd", measures=("collapse",)), stored)[0]
    without = {("question-1", "cpu"): {k: v for k, v in stored["question-1", "cpu"].items() if k != "protocol"}}
    assert "older protocol" in question_block(experiment, without)[0]  # of a time before protocols were told apart


def test_arms_stand_in_the_order_of_a_column_and_columns_and_cost_are_explained():
    experiment = _experiment(sort="mode_jsd")
    block, _ = question_block(experiment, {("question-1", "cpu"): _result(experiment)})
    rows = [
        line.split(" | ")[0] for line in block.splitlines() if line.startswith("| ") and " [" in line.replace("\\", "")
    ]
    assert rows[:3] == ["| b", "| c", "| D:G 1:1"]
    assert "- `mode_jsd`: see [metrics](metrics.md)" in block
    assert "`bench reproduce question-1` (about 7 minutes of one core)" in block
    gone = replace(experiment, sort="fid_lenet")
    block, _ = question_block(gone, {("question-1", "cpu"): _result(gone)})
    assert block.index("| D:G 1:1") < block.index("| b ")  # no such column: as they are


def test_pictures_stand_in_rows_under_their_arms_where_there_are_any():
    experiment = _experiment()
    stored = {("question-1", "cpu"): _result(experiment)}
    block, _ = question_block(experiment, stored, {"question-1.cpu.D_G_1_1.png", "question-1.cpu.c.png", "other.png"})
    assert "| D:G 1:1 | c |\n| --- | --- |\n" in block
    assert "(questions/question-1.cpu.D_G_1_1.png)" in block and "other.png" not in block
    assert ".png" not in question_block(experiment, stored)[0]


def test_a_log_axis_is_marked_and_large_numbers_are_short():
    experiment = _experiment(columns=("mode_jsd", "hq_fraction"))
    runs = [Run("b", s, "ok", {"mode_jsd": v, "hq_fraction": v}) for s, v in enumerate((0.01, 1.0))]
    picture = svg(result_of(experiment, "cpu", runs, FACTS), ("mode_jsd", "hq_fraction"), ())
    assert "mode_jsd, nats (lower is better), log axis" in picture
    assert "hq_fraction, fraction<" in picture
    assert [number(v) for v in (9.994e3, 97841.0, 647210.0, 1e5, 3e9)] == [
        "9994",
        "97,841",
        "647,000",
        "100,000",
        "3.00e+09",
    ]
    for text in (PAGE, *(path.read_text() for path in (ROOT / "docs" / "questions").glob("*.svg"))):
        assert not re.search(r">?\b(100000|\d(\.\d)?e\+0\d)\b", text)
