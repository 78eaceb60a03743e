"""Declared shapes: what does not fit is refused in one line that names the field, its value and what is expected."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from typing_extensions import TypedDict

from bench.errors import UsageError
from bench.shapes import Count, Name, NumberOrNull, Text, parse, read_toml, shown, spell_path, wrong_shape


class Part(TypedDict):
    value: NumberOrNull


class Stored(TypedDict):
    schema: Text
    parts: dict[Name, Part]


@dataclass(frozen=True)
class Inner:
    __pydantic_config__: ClassVar = {"extra": "forbid"}
    rows: Count = 0


@dataclass(frozen=True)
class Table:
    __pydantic_config__: ClassVar = {"extra": "forbid"}
    name: Name
    inner: tuple[Inner, ...] = ()
    pairs: tuple[tuple[Name, Name], ...] = ()


def refusal(**fields: Any) -> str:
    return wrong_shape({"schema": "s/1"} | fields, Stored, "s/1")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"parts": {"a": {"value": 1}}}, ""),
        ({"parts": {"a": {"value": None, "more": 1}}}, ""),
        ({"schema": "s/2"}, "schema 's/2', this version reads 's/1'"),
        ({}, "no parts"),
        ({"parts": [1]}, "parts is [1]; expected an object"),
        ({"parts": {"a": {"value": True}}}, "parts.a.value is True; expected a number or null"),
        ({"parts": {"a": {"value": float("inf")}}}, "parts.a.value is inf; expected a number or null"),
        (
            {"parts": {"a": {"value": 10**400}}},
            "parts.a.value is a number of hundreds of digits; expected a number or null",
        ),
        ({"parts": {"\x1b": {}}}, "parts has the key '\\x1b'; expected a name"),
        ({"parts": {"\ud800": {}}}, "parts has the key '\\ud800'; expected a name"),
    ],
)
def test_a_stored_value_that_does_not_fit_is_refused_in_words(fields, words):
    assert refusal(**fields) == words


def test_what_is_shown_is_printable_and_short():
    problem = refusal(parts={"k" * 5000: {"value": "\x1b[2J" * 5000}})
    assert problem.isprintable() and len(problem) < 200
    assert shown("\n") == "'\\n'" and len(shown("a" * 10**6)) == 60
    assert spell_path(("a", 3, "b\n")) == "a.3.'b\\n'"


def test_a_table_becomes_its_dataclass_with_tuples_for_lists():
    table = parse(Table, {"name": "a", "inner": [{"rows": 2}], "pairs": [["x", "y"]]}, "a.toml")
    assert table == Table("a", (Inner(2),), (("x", "y"),))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"nam": "a"}, "a.toml: unknown key 'nam'; did you mean 'name'"),
        ({"name": "a", "inner": [{"row": 1}]}, "a.toml: inner.0: unknown key 'row'; did you mean 'rows'"),
        ({"name": "a", "inner": [{"rows": "1"}]}, "a.toml: inner.0.rows is '1'; expected a whole number from 0"),
        ({"name": "a", "inner": [3]}, "a.toml: inner.0 is 3; expected a table"),
        ({"name": "a", "inner": "x"}, "a.toml: inner is 'x'; expected a list"),
        ({}, "a.toml: no name"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_words(table, words):
    with pytest.raises(UsageError) as error:
        parse(Table, table, "a.toml", parts={"inner": Inner})
    assert str(error.value).startswith(words)


def test_a_file_that_is_no_toml_is_named(tmp_path):
    for raw in (b"a = = 1", b"\xff", b"a = " + b"[" * 100_000):
        (tmp_path / "a.toml").write_bytes(raw)
        with pytest.raises(UsageError, match=r"a\.toml: not readable as TOML"):
            read_toml(tmp_path / "a.toml", "a.toml")


def test_shapes_are_declared_without_pydantic_and_checked_with_it():
    modules = ("plan.suite", "records.store", "gate.reference", "submissions.store", "reproductions.protocol")
    code = f"import sys; {'; '.join(f'import bench.{name}' for name in modules)}; assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
