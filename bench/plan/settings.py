"""Parse --set: values of model fields that are given by hand, checked against the fields' defaults."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

from bench.errors import UsageError
from bench.registry import unknown

SWITCHES = {"true": True, "false": False, "on": True, "off": False, "yes": True, "no": False}


def parse_settings(settings: tuple[str, ...], classes: dict[str, type]) -> dict[str, dict[str, Any]]:
    """Return fields by model.

    "field=value" is for every chosen model that has it, "model.field=value" for that one.
    """
    parsed: dict[str, dict[str, Any]] = {name: {} for name in classes}
    known = {name: {f.name: f for f in dataclasses.fields(cls)} for name, cls in classes.items()}
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting!r}: expected field=value, for example --set batch_norm=false")
        head, _, field = path.strip().rpartition(".")
        if head and head not in known:
            raise UsageError(f"--set {setting!r}: {unknown('model', head, known)}")
        targets = [head] if head else [name for name in known if field in known[name]]
        if not targets or field not in known[targets[0]]:
            fields = known[head] if head else {f: None for table in known.values() for f in table}
            raise UsageError(f"--set {setting!r}: {unknown('field', field, fields)}")
        for name in targets:
            parsed[name][field] = _value(setting, text, default_of(known[name][field]))
    return parsed


def _value(setting: str, text: str, default: Any) -> Any:
    """Read a value as TOML, else as a plain string; its type must be the default's."""
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = {"none": None, "null": None}.get(text.strip().lower(), text.strip())
    if isinstance(default, bool) and not isinstance(value, bool):
        value = SWITCHES.get(text.strip().lower())
        if value is None:
            raise UsageError(f"--set {setting!r}: expected one of {', '.join(SWITCHES)}, got {text!r}")
    if isinstance(value, bool) and not isinstance(default, bool) and default is not None:
        raise UsageError(f"--set {setting!r}: expected a value like {spell(default)}, got {text!r}")
    if isinstance(default, (int, float)) and not isinstance(value, (int, float)) and value is not None:
        raise UsageError(f"--set {setting!r}: expected a number like {default}, got {text!r}")
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
    return value


def spell(value: Any) -> str:
    """Spell a value as it is typed after --set."""
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def default_of(field: dataclasses.Field) -> Any:
    """Return the default of a model's field; None where it has none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default
