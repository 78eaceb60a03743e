"""Write docs/suites.md: the keys of a suite, from the fields of `Suite` and the comments beside them.

python -m bench.render.suites_page
"""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from typing import Annotated, NamedTuple, get_args, get_origin, get_type_hints

from bench.files.shapes import Expected
from bench.plan.suite import KINDS, Suite, load_suite, suite_names
from bench.registry import ROOT

PAGE = ROOT / "docs" / "suites.md"
TABLES = {"targets": "[targets]", "caps": "[caps]", "steps": "[steps.MODEL]", "set": "[set.MODEL.DATASET]"}


class Key(NamedTuple):
    """One key of a suite's file."""

    name: str
    expected: str
    default: str
    comment: str


def keys() -> list[Key]:
    """Read the keys, in the order of the class; `name` is the file's own and no key."""
    comments, hints = _comments(), get_type_hints(Suite, include_extras=True)
    listed = []
    for one in fields(Suite):
        if one.name != "name":
            default = one.default if one.default is not MISSING else {}
            listed.append(Key(one.name, _expected(hints[one.name]), _spelled(default), comments[one.name]))
    return listed


def _comments() -> dict[str, str]:
    """Return the comment behind each field, or on the line above it."""
    found, above = {}, ""
    for line in inspect.getsource(Suite).splitlines():
        if line.strip().startswith("#"):
            above = line.strip().removeprefix("# ")
        elif match := re.match(r"    (\w+): [^#]*(?:# (.*))?$", line):
            found[match[1]] = match[2] or above
            above = ""
    return found


def _expected(kind: object) -> str:
    """Say in words what a value must be."""
    if get_origin(kind) is Annotated:
        return next(part.words for part in get_args(kind) if isinstance(part, Expected))
    return "a list of names" if get_origin(kind) is tuple else "a table"


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "[]" if value == () else "none" if value == {} else f'"{value}"' if isinstance(value, str) else str(value)


def page() -> str:
    """Return the page."""
    rows = [f"| `{TABLES.get(k.name, k.name)}` | {k.expected} | {k.default} | {k.comment} |" for k in keys()]
    suites = [f"| `{name}` | {load_suite(name).description} |" for name in suite_names()]
    return "\n".join([HEAD, *rows, MIDDLE, *suites, TAIL])


HEAD = f"""# Suites

A suite is a TOML file that says what is run and how long it trains. Its name is the file's, and every key may be left out; an
unknown key, model, dataset or kind of data is refused, with what is near it.

    # mine.toml
    datasets = ["iris", "digits"]
    models = ["kde", "vae"]
    seeds = 5

    [steps.vae]
    table = 400
    digits = 1000

    [set.vae.digits]
    dropout = 0.0

    bench show mine.toml        # checks it, and says what it runs
    bench run --suite mine.toml # no --all: what a file names is asked for

`-m`, `-d`, `--seeds` and `--data` take the place of what the file says. A step or a field is looked up for the dataset, then for its
kind ({", ".join(KINDS)}), then the model's own default holds.

| key | expected | default | what it is |
| --- | --- | --- | --- |"""
MIDDLE = """
These come with the package; `bench show NAME` prints one, to copy.

| suite | what |
| --- | --- |"""
TAIL = """
This page is written by `python -m bench.render.suites_page` from the fields of `Suite` in `bench/plan/suite.py`.
"""

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
