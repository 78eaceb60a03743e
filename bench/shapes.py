"""Check JSON and TOML from outside against a shape that is declared once, as a type.

A shape is a TypedDict (a stored file: in memory it stays the plain dict) or a frozen dataclass (a suite, an experiment).
Its leaves are the kinds below: types with a check and with the words of what is expected. pydantic does the checking; it
is imported when the first shape is checked, so that `bench --help` does not wait for it. A number is finite and below
LARGEST, so that squares of it are finite too; a name holds no control character, so that it may be printed.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, cast

from bench.errors import UsageError
from bench.registry import unknown

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import CoreSchema, ErrorDetails

LARGEST = 1e150
LONGEST = 300  # letters of a name
MOST_SHOWN = 60  # letters of a value in a message
NUMBER_TYPES = {int, float}  # bool is neither here
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Expected:
    """Metadata of an annotated type: what a value must be, in words and as a check that converts nothing."""

    words: str
    check: Callable[[Any], bool]

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        from pydantic_core import PydanticCustomError, core_schema

        def checked(value: object) -> object:
            if self.check(value):
                return value
            raise PydanticCustomError("expected", "expected {words}", {"words": self.words})

        return core_schema.no_info_plain_validator_function(checked)


def is_number(value: object) -> bool:
    """Say whether a value is a finite int or float."""
    return (type(value) is float or type(value) is int) and -LARGEST < value < LARGEST


def is_amount(value: object) -> bool:
    """Say whether a value is a finite number from 0."""
    return (type(value) is float or type(value) is int) and 0 <= value < LARGEST


def is_count(value: object) -> bool:
    """Say whether a value is a whole number from 0."""
    return type(value) is int and 0 <= value < LARGEST


def is_name(value: object) -> bool:
    """Say whether a value is a short string that may be printed."""
    return type(value) is str and 0 < len(value) <= LONGEST and value.isprintable()


def is_text(value: object) -> bool:
    """Say whether a value is a string, whatever stands in it."""
    return type(value) is str


def are_numbers(values: object) -> bool:
    """Say whether a value is a list of finite numbers."""
    if type(values) is not list or not set(map(type, values)) <= NUMBER_TYPES:
        return False
    if not values:
        return True
    # min and max can step over a NaN; the sum cannot, and of numbers in these bounds it is finite
    return min(values) > -LARGEST and max(values) < LARGEST and math.isfinite(sum(values))


def are_numbers_or_null(values: object) -> bool:
    """Say whether a value is a list of finite numbers and nulls; null: could not be computed."""
    if are_numbers(values):
        return True
    return type(values) is list and are_numbers([value for value in values if value is not None])


def are_objects(values: object) -> bool:
    """Say whether a value is a list of JSON objects."""
    return type(values) is list and all(type(value) is dict for value in values)


def _or_null(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _is_label(value: object) -> bool:
    return value == "" or is_name(value)


Flag: TypeAlias = Annotated[bool, Expected("true or false", lambda value: type(value) is bool)]
Text: TypeAlias = Annotated[str, Expected("a string", is_text)]
Texts: TypeAlias = Annotated[
    list[str], Expected("a list of strings", lambda value: type(value) is list and all(map(is_text, value)))
]
Name: TypeAlias = Annotated[str, Expected("a name", is_name)]
Label: TypeAlias = Annotated[str, Expected("a printable string", _is_label)]
LabelOrNull: TypeAlias = Annotated[str | None, Expected("a string or null", _or_null(_is_label))]
Count: TypeAlias = Annotated[int, Expected("a whole number from 0", is_count)]
CountOrNull: TypeAlias = Annotated[int | None, Expected("a whole number or null", _or_null(is_count))]
Number: TypeAlias = Annotated[float, Expected("a finite number", is_number)]
NumberOrNull: TypeAlias = Annotated[float | None, Expected("a number or null", _or_null(is_number))]
Amount: TypeAlias = Annotated[float, Expected("a number from 0", is_amount)]
AmountOrNull: TypeAlias = Annotated[float | None, Expected("null or a number from 0", _or_null(is_amount))]
Numbers: TypeAlias = Annotated[list[float | None], Expected("a list of finite numbers or nulls", are_numbers_or_null)]
Object: TypeAlias = Annotated[dict[str, Any], Expected("an object", lambda value: type(value) is dict)]
ObjectOrNull: TypeAlias = Annotated[
    dict[str, Any] | None, Expected("an object or null", lambda value: value is None or type(value) is dict)
]
Objects: TypeAlias = Annotated[list[dict[str, Any]], Expected("a list of objects", are_objects)]


def wrong_shape(value: object, shape: type, schema: str) -> str:
    """Say why a JSON value is not of this shape and schema, the first problem only; empty if it is."""
    from pydantic import ValidationError

    if not isinstance(value, dict):
        return "not a JSON object"
    if value.get("schema") != schema:
        return f"schema {shown(value.get('schema'))}, this version reads {schema!r}"
    try:
        _adapter(shape).validate_python(value)
    except ValidationError as error:
        return why(error)
    return ""


def parse(shape: type[T], table: Mapping[str, Any], where: str, *, parts: Mapping[str, type] | None = None) -> T:
    """Return the dataclass that a TOML table fills; UsageError names file, key and value.

    Lists become tuples. parts: the dataclasses of tables inside, by their key; an unknown key is answered with the nearest known one.
    """
    from pydantic import ValidationError

    try:
        adapter = _adapter(cast(Hashable, shape))  # mypy takes the class of a type variable for unhashable
        return cast(T, adapter.validate_python(table))
    except ValidationError as error:
        for problem in _details(error):
            if problem["type"] == "unexpected_keyword_argument":
                *path, key = problem["loc"]
                kind = (parts or {}).get(str(path[0]), shape) if path else shape
                known = {field.name for field in dataclasses.fields(kind)}
                place = f"{where}: {spell_path(tuple(path))}" if path else where
                raise UsageError(f"{place}: {unknown('key', str(key)[:MOST_SHOWN], known)}") from error
        raise UsageError(f"{where}: {why(error, table='a table')}") from error


def read_toml(path: Path, where: str) -> dict[str, Any]:
    """Return the table of a TOML file; UsageError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise UsageError(f"{where}: not readable as TOML: {error}") from error


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(shape)


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False)


def why(error: ValidationError, *, table: str = "an object") -> str:
    """Say in one line what is wrong: a key, else the missing fields, else the first wrong value."""
    problems = _details(error)
    wrong_keys = [p for p in problems if p["loc"][-1:] == ("[key]",)]
    missing = [spell_path(p["loc"]) for p in problems if p["type"] == "missing"]
    if missing and not wrong_keys:
        return f"no {', '.join(sorted(missing)[:8])}"
    problem = (wrong_keys or problems)[0]
    expected = {
        "dict_type": table,
        "dataclass_type": table,
        "tuple_type": "a list",
        "literal_error": problem.get("ctx", {}).get("expected", ""),
        "expected": problem.get("ctx", {}).get("words", ""),
    }.get(problem["type"], problem["msg"])
    value = shown(problem["input"])
    if wrong_keys:
        return f"{spell_path(problem['loc'][:-2])} has the key {value}; expected {expected}"
    return f"{spell_path(problem['loc'])} is {value}; expected {expected}"


def spell_path(path: tuple[int | str, ...]) -> str:
    """Return the place of a value as a.b.c; what is no plain name is quoted and cut."""
    words = map(str, path)
    return ".".join(word if is_name(word) and len(word) <= MOST_SHOWN else shown(word) for word in words)


def shown(value: object) -> str:
    """Return a value as it stands in a message: its repr, cut."""
    if type(value) is int and abs(value) > LARGEST:
        return "a number of hundreds of digits"
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
