"""Names and files: the file system is the registry. Listing reads syntax trees and imports no plugin and no torch.

baselines/kde.py         is model kde
bench/datasets/iris.py   is dataset iris
bench/metrics/kid.py     holds the metrics marked with @metric in it
bench/reproductions/measures/collapse.py is measure collapse: what an experiment reads off a fitted model
./my_flow.py             is a model too, given as a path
entry points             genbench.models, genbench.datasets: name -> "package.module"
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "model": (("baselines", ROOT / "baselines"), ("gan_models", ROOT / "gan_models")),
    "dataset": (("bench.datasets", ROOT / "bench" / "datasets"),),
    "metric": (("bench.metrics", ROOT / "bench" / "metrics"),),
    "measure": (("bench.reproductions.measures", ROOT / "bench" / "reproductions" / "measures"),),
}
FAMILIES = ("statistical", "tractable", "approximate", "implicit", "extension", "reference")


def relative(path: Path) -> str:
    """A file of this repository as seen from its root; any other path as it is."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


class NotFound(LookupError):
    """An unknown name: the message says what was typed, the nearest name and the list."""


class Broken(ImportError):
    """A plugin that cannot be imported or breaks the protocol."""


@dataclass(frozen=True)
class Entry:
    """What is known of a plugin without importing it. error: why the file cannot be read, empty if it can."""

    kind: str
    name: str
    path: Path
    module: str
    title: str = ""
    constants: dict[str, Any] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    attribute: str = ""  # the class or function that is the plugin
    error: str = ""

    @property
    def reference(self) -> bool:
        """A reference row stands on every board and takes no rank."""
        return bool(self.constants.get("reference")) or self.constants.get("family") == "reference"


def unknown(kind: str, typed: str, names: Iterable[str]) -> NotFound:
    """The one error for an unknown name."""
    known = sorted(names)
    near = difflib.get_close_matches(typed, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return NotFound(f"unknown {kind} {typed!r}{hint} Known: {', '.join(known)}")


@cache
def entries(kind: str) -> dict[str, Entry]:
    """All plugins of a kind by name, in the order of family and name."""
    found = {}
    for package, folder in FOLDERS[kind]:
        for path in sorted(folder.glob("*.py")):
            if not path.stem.startswith("_"):
                entry = read_entry(kind, path, f"{package}.{path.stem}")
                for one in _metrics_of(entry) if kind == "metric" else [entry]:
                    found[one.name] = one
    found |= {e.name: e for e in _third_party(kind) if e.name not in found}
    if kind == "model":
        rank = {family: i for i, family in enumerate(FAMILIES)}
        order = sorted(found.values(), key=lambda e: (e.reference, rank.get(e.constants.get("family", ""), 9), e.name))
        found = {e.name: e for e in order}
    return found


def find(kind: str, name: str) -> Entry:
    """The entry of a name, or of a path to a model's file; NotFound says what is nearest."""
    if kind == "model" and (name.endswith(".py") or "/" in name):
        path = Path(name).resolve()
        if not path.is_file():
            raise NotFound(f"no model file at {name!r}: expected a path to a Python file")
        # the name tells two files of one stem apart, and a file from what it was before an edit
        digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:12]
        return read_entry("model", path, f"genbench_file_{path.stem}_{digest}")
    known = entries(kind)
    if name not in known:
        raise unknown(kind, name, known)
    return known[name]


def load(kind: str, name: str) -> Any:
    """Import a plugin: a model's class, a dataset's function, a metric's marked function."""
    return load_entry(find(kind, name))


def load_entry(entry: Entry) -> Any:
    """Import the module behind an entry and return its class or function; Broken names the file and the reason."""
    if entry.error:
        raise Broken(f"{entry.kind} {entry.name!r} ({entry.path}): {entry.error}")
    try:
        module = _import(entry)
        return getattr(module, entry.attribute)
    except Exception as error:
        raise Broken(f"{entry.kind} {entry.name!r} ({entry.path}): {type(error).__name__}: {error}") from error


def read_entry(kind: str, path: Path, module: str) -> Entry:
    """Read name, one-line title, constants and methods from the syntax tree."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        return Entry(kind, path.stem, path, module, error=f"{type(error).__name__}: {error}")
    title = (ast.get_docstring(tree) or "").strip().split("\n")[0]
    common = dict(kind=kind, name=path.stem, path=path, module=module, title=title)
    if kind == "model":
        return _read_model(tree, common)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    attribute = "measure" if kind == "measure" else path.stem
    if kind in ("dataset", "measure") and attribute not in names:
        return Entry(**common, error=f"no function {attribute!r} in it")
    return Entry(**common, attribute=attribute)


def _read_model(tree: ast.Module, common: dict[str, Any]) -> Entry:
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and "family" in _literals(node)]
    if len(classes) != 1:
        error = f"expected exactly one class with a constant `family` in it, found {len(classes)}"
        return Entry(**common, error=error)
    constants = _literals(classes[0])
    if constants["family"] not in FAMILIES:
        return Entry(**common, error=f"family {constants['family']!r} is none of {', '.join(FAMILIES)}")
    methods = tuple(n.name for n in classes[0].body if isinstance(n, ast.FunctionDef))
    return Entry(**common, constants=constants, methods=methods, attribute=classes[0].name)


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    """Class constants and field defaults that are literals."""
    values = {}
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and item.value is not None and isinstance(item.target, ast.Name):
            try:
                values[item.target.id] = ast.literal_eval(item.value)
            except ValueError:
                continue
    return values


def _metrics_of(entry: Entry) -> list[Entry]:
    """One entry for each function that is marked with @metric, one for each of its feature spaces."""
    if entry.error:
        return [entry]
    found = []
    for node in ast.parse(entry.path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "metric":
                constants = {k.arg: ast.literal_eval(k.value) for k in mark.keywords if k.arg}
                title = (ast.get_docstring(node) or "").split("\n")[0]
                base = constants.get("name", node.name)
                names = [f"{base}_{space}" for space in constants.get("spaces", ())] or [base]
                found += [
                    Entry("metric", name, entry.path, entry.module, title, constants, attribute=node.name)
                    for name in names
                ]
    return found


def _third_party(kind: str) -> list[Entry]:
    from importlib.metadata import entry_points

    found = []
    for point in entry_points(group=f"genbench.{kind}s"):
        try:
            spec = importlib.util.find_spec(point.module)
        except (ImportError, ValueError) as error:
            found.append(Entry(kind, point.name, Path(point.value), point.value, error=str(error)))
            continue
        if spec is None or spec.origin is None:
            found.append(Entry(kind, point.name, Path(point.value), point.value, error="module not found"))
            continue
        entry = read_entry(kind, Path(spec.origin), point.module)
        found.append(Entry(**{**entry.__dict__, "name": point.name}))
    return found


def _import(entry: Entry) -> Any:
    if not entry.module.startswith("genbench_file_"):
        return importlib.import_module(entry.module)
    if entry.module not in sys.modules:
        spec = importlib.util.spec_from_file_location(entry.module, entry.path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[entry.module] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[entry.module]
            raise
    return sys.modules[entry.module]
