"""The chapter's pages: their slots hold what a folder of results says, and both languages the same figures."""

import json
import re
from collections import Counter
from dataclasses import replace

import pytest

from bench.registry import ROOT, entries
from bench.render.chapter import FINDINGS, PAGES, TEMPLATES, Slots, anchor, chapter, line_of
from bench.reproductions.effects import Effect, words
from bench.reproductions.protocol import load_experiment

RESULTS = ROOT / "results"
NUMBER = re.compile(r"(?<![A-Za-z_])[+−-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?")
SLOT = re.compile(r"\{\{ (\w+)\((.*?)\) \}\}")


def row(model, centre, low, high, **other):
    place = {"dataset": "digits", "board": "private", "metric": "accuracy", "device": "cpu", "suite": "core"}
    return place | {"model": model, "centre": centre, "ci_low": low, "ci_high": high} | other


@pytest.fixture
def results(tmp_path):
    rows = [
        row("qda", 0.5, 0.4, 0.625, board="public"),
        row("qda", 0.75, 0.625, 0.875),
        row("lda", 0.25, 0.125, 0.375),
        row("qda", 0.5, 0.25, 0.75, suite="standard", metric="nll"),
        row("lda", 0.5, 0.25, 0.75, metric="nll"),
    ]
    (tmp_path / "leaderboard.json").write_text(json.dumps({"rows": rows}))
    effect = {"a": "many", "b": "few", "column": "fid", "scale": "log", "words": "higher: worse"}
    result = {
        "arms": [{"name": "few", "summary": {"fid": {"centre": 2.5, "low": 2.5, "high": 2.5}}}],
        "compare": [
            effect | {"value": 1.5, "low": 1.25, "high": 2.0, "p_holm": 0.0004},
            effect | {"column": "acc", "scale": "raw", "value": 0.125, "low": -0.25, "high": 0.5, "p_holm": 0.25}
            | {"words": "no effect seen"},
        ],
        "correlate": [{"x": "s", "y": "fid", "rho": 0.5, "low": -0.25, "high": 0.75, "p_holm": 1.0}],
    }  # fmt: skip
    (tmp_path / "reproductions").mkdir()
    (tmp_path / "reproductions" / "question-1.cpu.json").write_text(json.dumps(result))
    return tmp_path


def test_slots_say_what_the_results_say(results):
    slots = Slots("en", results)
    assert slots.board("digits", "qda", "accuracy") == "0.750 [0.625, 0.875]"
    assert slots.arm("question-1", "few", "fid") == "2.50"  # runs that do not scatter have no interval
    assert slots.effect("question-1", "many", "few", "fid") == "× 1.50 [1.25, 2.00] (p < 0.001; higher: worse)"
    assert slots.correlation("question-1", "s", "fid").endswith("0.750] (p 1.000)")
    difference = slots.effect("question-1", "many", "few", "acc").replace("−", "-")
    assert difference == "+0.125 [-0.250, +0.500] (p 0.250; no effect seen)"
    assert Slots("ko", results).effect("question-1", "many", "few", "fid").endswith("(p < 0.001; 더 높음: 나쁨)")


def test_a_longer_budget_takes_the_place_of_a_shorter(results):
    short = results / "reproductions" / "question-1.cpu.json"
    longer = {"arms": [{"name": "few", "summary": {"fid": {"centre": 1.25, "low": 1.0, "high": 1.5}}}]}
    short.with_name("question-1.full.json").write_text(json.dumps(longer))
    assert Slots("en", results).arm("question-1", "few", "fid") == "1.25 [1.00, 1.50]"


def test_rows_of_one_metric_are_of_one_suite(results):
    slots = Slots("en", results)
    assert slots.board("digits", "qda", "nll").startswith("0.500")
    assert "not run yet" in slots.board("digits", "lda", "nll")  # it is in core alone, qda's in standard


@pytest.mark.parametrize("language, phrase", [("en", "(not run yet: `"), ("ko", "(아직 실행하지 않음: `")])
def test_what_is_not_measured_names_its_command(language, phrase, results):
    slots = Slots(language, results)
    assert slots.board("digits", "kde", "accuracy") == f"{phrase}bench run -m kde -d digits`)"
    assert slots.arm("question-6", "few", "fid") == f"{phrase}bench reproduce question-6`)"
    assert slots.effect("question-1", "few", "many", "fid") == f"{phrase}bench reproduce question-1`)"
    assert slots.correlation("question-8", "s", "fid") == f"{phrase}bench reproduce question-8`)"


def test_lines_and_anchors(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("X = 1\n\n\nclass A:\n    @property\n    def f(self):\n        return 1\n\n\ndef f():\n    pass\n")
    assert (line_of(file, "A"), line_of(file, "A.f"), line_of(file, "f")) == (4, 6, 10)
    with pytest.raises(LookupError, match=r"defines no A\.g"):
        line_of(file, "A.g")
    assert anchor("9. The optimum D = 1/2") == "9-the-optimum-d--12"
    assert anchor("8. 게임: J_D와 J_G") == "8-게임-j_d와-j_g"


def sections(text):
    return re.split(r"^## ", text, flags=re.MULTILINE)


def numbers(section):
    """The numbers that a reader sees: those of a link's target are left out."""
    return Counter(NUMBER.findall(re.sub(r"\]\([^)]*\)", "]", section)))


def test_both_languages_show_the_same_numbers():
    english, korean = (sections(page.read_text(encoding="utf-8")) for page in PAGES.values())
    assert len(english) == len(korean) == 26  # what stands above, 24 ideas, the group's questions
    for one, other in zip(english, korean):
        assert numbers(one) == numbers(other), one.splitlines()[0]


def test_both_languages_have_the_same_slots():
    pages = [sections((TEMPLATES / f"{language}.md.j2").read_text(encoding="utf-8")) for language in PAGES]
    for one, other in zip(*pages):
        asked, also = ([call for call in SLOT.findall(each) if call[0] != "question"] for each in (one, other))
        assert Counter(asked) == Counter(also), one.splitlines()[0]


@pytest.mark.parametrize("language", PAGES)
def test_each_idea_has_its_formula_code_command_picture_and_finding(language):
    for section in sections(PAGES[language].read_text(encoding="utf-8"))[1:25]:
        assert re.search(r"^    \S", section, re.MULTILINE), section
        assert "::" in section and "`bench " in section and "\n![" in section, section
        assert re.search(r"^\*\*(Finding|결과)\.\*\* .*\d", section, re.MULTILINE | re.DOTALL), section


@pytest.mark.parametrize("language", PAGES)
def test_pages_are_made_of_the_committed_results(language):
    page = PAGES[language].read_text(encoding="utf-8")
    assert page == chapter(language, RESULTS), f"docs/{PAGES[language].name} is out of date: make readme"


def test_slots_ask_for_what_can_be_measured():
    """An arm, comparison or column that no experiment and no stored result has would stay "not run yet" for ever."""
    experiments = {}
    for kind, arguments in SLOT.findall((TEMPLATES / "en.md.j2").read_text(encoding="utf-8")):
        asked = re.findall(r'"([^"]*)"', arguments)
        if kind == "board":
            assert asked[0] in entries("dataset") and asked[1] in entries("model"), asked
        elif kind in ("arm", "effect", "correlation"):
            name, *rest = asked
            experiment = experiments.setdefault(name, load_experiment(name))
            assert tuple(rest) in possible(experiment, kind) | stored(name, kind), (name, rest)


def stored(name, kind):
    """What the committed results of an experiment have: those of an older protocol are shown until it is run anew."""
    found = set()
    for path in (ROOT / "results" / "reproductions").glob(f"{name}.*.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        found |= {
            "correlation": {(each["x"], each["y"]) for each in result["correlate"]},
            "arm": {(arm["name"], column) for arm in result["arms"] for column in arm["summary"]},
            "effect": {(each["a"], each["b"], each["column"]) for each in result["compare"]},
        }[kind]
    return found


def possible(experiment, kind):
    if kind == "correlation":
        return {tuple(pair) for pair in experiment.correlate}
    if kind == "arm":
        return {(arm.name, column) for arm in experiment.arm for column in experiment.columns}
    compared = experiment.compare
    return {(arm, c.base or f"its {c.versus}", column) for c in compared for arm in c.arms for column in c.columns}


@pytest.mark.parametrize(
    "p, left_out, korean",
    [
        (None, 0, "실행이 너무 적어 말할 수 없음"),
        (0.5, 0, "효과가 보이지 않음"),
        (0.01, 2, "더 높음: 나쁨 (실행 2개 제외)"),
    ],
)
def test_every_finding_has_its_translation(p, left_out, korean, results):
    effect = Effect("a", "b", "fid", value=2.0, low=1.5, high=3.0, p=p, scale="log", left_out=left_out)
    assert Slots("ko", results)._finding(words(effect, p, "lower")) == korean
    every = {
        words(replace(effect, value=value, left_out=0), 0.01, better)
        for value in (0.5, 2.0)
        for better in ("lower", "higher", "none")
    }
    assert every < FINDINGS.keys()
