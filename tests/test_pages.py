"""Pages: their links lead somewhere, and the commands that they print are ones that the command line takes."""

import re
import shlex
from functools import cache
from importlib import import_module

import pytest
import typer

from bench.cli.app import COMMANDS, WrongWords, app
from bench.registry import ROOT, entries
from bench.render.chapter import anchor, line_of
from bench.reproductions.protocol import names

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\(([^()\s]+)\)|(?:href|src)=\"([^\"]+)\"")
LINE = re.compile(r"`([^`]+)::([^`]+)`")  # the text of a link to a line of code


def links(text):
    """(text, target) of a page's links and pictures that lead into the checkout; indented programs have none."""
    prose = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    for words, target, quoted in LINK.findall(prose):
        if not re.match(r"[a-z]+:", target or quoted):
            yield words, target or quoted


def broken(page, words, target):
    """What is wrong with a link of a page; empty where it leads to what it says."""
    path, _, fragment = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return f"no file {file}"
    if line := re.fullmatch(r"L(\d+)", fragment):
        named = LINE.fullmatch(words)
        if named is None or file != ROOT / named[1]:
            return f"the text of a link to a line is `path::name`, got {words}"
        return "" if line_of(file, named[2]) == int(line[1]) else f"{named[2]} is not on {fragment}: make readme"
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE) if file.suffix == ".md" else []
    return f"{file.name} has no heading #{fragment}" if fragment and fragment not in map(anchor, headings) else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page):
    found = [(words, target) for words, target in links(page.read_text(encoding="utf-8"))]
    dead = {target: wrong for words, target in found if (wrong := broken(page, words, target))}
    assert dead == {}


@pytest.mark.parametrize(
    "text, wrong",
    [
        ("[a](nothing.md)", "no file"),
        ("![a](nothing.png)", "no file"),
        ('<img src="nothing.png">', "no file"),
        ("[a](metrics.md#no-such-heading)", "no heading"),
        ("[`bench/registry.py::entries`](../bench/registry.py#L1)", "is not on L1"),
        ("[registry](../bench/registry.py#L1)", "`path::name`"),
        ("[a](metrics.md#modes) [b](https://example.org/nothing) [`a::b`](../README.md)", ""),
    ],
)
def test_a_dead_link_is_seen(text, wrong):
    page = ROOT / "docs" / "chapter.md"
    said = [broken(page, *link) for link in links(text)]
    assert said and (any(wrong in each for each in said) if wrong else not any(said))


def commands(text):
    """The bench commands of a page: in backticks, or on a line of an indented block; without their comments."""
    printed = re.findall(r"`(bench [^`]+)`|^    (?:\$ )?(bench .+)$", text, re.MULTILINE)
    return [shlex.split(inline or block, comments=True)[1:] for inline, block in printed]


@cache
def command_line():
    for name in COMMANDS:
        import_module(f"bench.cli.{name}")
    return typer.main.get_command(app)


def parse(words):
    """The options of a command line, read and not run; Typer's error where it takes no such words.

    A name alone, or with one option that waits for its value, is a mention: name and option must exist.
    """
    command = command_line()
    context = command.make_context("bench", [words[0]])
    name, command, rest = command.resolve_command(context, list(words))
    options = {option for each in command.params for option in each.opts} | {"--help"}
    if all(word in options for word in rest) and len(rest) < 2:
        return {}
    if hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, rest)
    return command.make_context(name, rest, parent=context).params


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda path: path.name)
def test_every_printed_command_is_one(page):
    for words in commands(page.read_text(encoding="utf-8")):
        if not words[0].startswith("-"):  # of bench itself: --version, --help
            parse(words)


@pytest.mark.parametrize(
    "line", ["bench rum", "bench run --sed 3", "bench reproduce --budget big", "bench data fetsch mnist"]
)
def test_a_command_that_is_none_is_seen(line):
    (words,) = commands(f"Say `{line}`.")
    with pytest.raises(WrongWords):
        parse(words)


@pytest.mark.parametrize("page", ["chapter.md", "chapter.ko.md"])
def test_the_commands_of_the_chapter_name_what_there_is(page):
    named = {"model": entries("model"), "dataset": entries("dataset"), "name": [*names(), *entries("model")]}
    for words in commands((ROOT / "docs" / page).read_text(encoding="utf-8")):
        for option, value in parse(words).items():
            for each in [value] if isinstance(value, str) else value or [] if isinstance(value, list | tuple) else []:
                for one in each.split(",") if option in named else []:
                    assert one in named[option], (words, one)
