"""The file system is the registry: listing reads syntax trees, imports no plugin and no torch.

baselines/kde.py         is model kde
bench/datasets/iris.py   is dataset iris
bench/metrics/kid.py     holds the metrics marked with @metric in it
bench/reproductions/measures/collapse.py is measure collapse: what an experiment reads off a fitted model
./my_flow.py             is a model too, given as a path
entry points             genbench.models, genbench.datasets: name -> "package.module"
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, is_dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import Broken, NotFound, place_of, unknown
from bench.files.beside import FreshLoader, files_of, importable, keep_importable

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "model": (("baselines", ROOT / "baselines"), ("gan_models", ROOT / "gan_models")),
    "dataset": (("bench.datasets", ROOT / "bench" / "datasets"),),
    "metric": (("bench.metrics", ROOT / "bench" / "metrics"),),
    "measure": (("bench.reproductions.measures", ROOT / "bench" / "reproductions" / "measures"),),
}
FAMILIES = ("statistical", "tractable", "approximate", "implicit", "extension", "reference")
OWN_FILE = "genbench_file_"  # begins the module's name of a model that is given as a path
KINDS_OF_DATA = {"2d": "2-D", "table": "Tables", "image": "Small images", "large_image": "Images"}  # in words, in order


def relative(path: Path) -> str:
    """Return a file of this repository as seen from its root, and any other path as it is."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


@dataclass(frozen=True)
class Entry:
    """What the syntax tree says of a plugin. error: why the file cannot be read, empty if it can."""

    kind: str
    name: str
    path: Path
    module: str
    title: str = ""
    constants: dict[str, Any] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    attribute: str = ""  # the class or function that is the plugin
    downloads: bool = False  # whether a dataset's module has a table FILES of remote files
    error: str = ""

    @property
    def own_file(self) -> bool:
        """Say whether this is a file that was given as a path, which may import what lies beside it."""
        return self.module.startswith(OWN_FILE)

    @property
    def reference(self) -> bool:
        """Say whether this is a reference row, which stands on every board and takes no rank."""
        return bool(self.constants.get("reference")) or self.constants.get("family") == "reference"


@cache
def entries(kind: str) -> dict[str, Entry]:
    """Return all plugins of a kind: models by family and name, others by file, third parties' last."""
    plugins: dict[str, Entry] = {}
    for package, folder in FOLDERS[kind]:
        for path in sorted(folder.glob("*.py")):
            if not path.stem.startswith("_"):
                entry = read_entry(kind, path, f"{package}.{path.stem}")
                plugins |= {one.name: one for one in (_metrics_of(entry) if kind == "metric" else [entry])}
    plugins |= {entry.name: entry for entry in _third_party(kind) if entry.name not in plugins}
    if kind != "model":
        return plugins
    rank = {family: i for i, family in enumerate(FAMILIES)}
    order = sorted(plugins.values(), key=lambda e: (e.reference, rank.get(e.constants.get("family", ""), 9), e.name))
    return {entry.name: entry for entry in order}


def downloadable() -> tuple[str, ...]:
    """Return the names of the datasets whose module has a table of remote files."""
    return tuple(entry.name for entry in entries("dataset").values() if entry.downloads)


def find(kind: str, name: str) -> Entry:
    """Return the entry of a name, or of a path to a model's file; NotFound says what is nearest."""
    if kind == "model" and (name.endswith(".py") or "/" in name):
        path = Path(name).resolve()
        if not path.is_file():
            raise NotFound(f"no model file at {name!r}: expected a path to a Python file")
        # the name tells two files of one stem apart, and a file from what it and its neighbours were before an edit
        sources = [one.read_bytes() for one in sorted(files_of(path, {path.parent.name: path.parent.parent}))]
        digest = hashlib.sha256(b"\0".join([str(path).encode(), *sources])).hexdigest()[:12]
        return read_entry("model", path, f"{OWN_FILE}{path.stem}_{digest}")
    known = entries(kind)
    if name not in known:
        raise unknown(kind, name, known)
    return known[name]


def load(kind: str, name: str) -> Any:
    """Import a plugin and return a model's class, a dataset's function or a metric's marked function."""
    return load_entry(find(kind, name))


def load_entry(entry: Entry) -> Any:
    """Import an entry's module and return its class or function; Broken names the file and the reason."""
    if entry.error:
        raise Broken(f"{entry.kind} {entry.name!r} ({entry.path}): {entry.error}")
    try:
        plugin = getattr(_import(entry), entry.attribute)
    except Exception as error:
        place = place_of(error, entry.path)
        raise Broken(f"{entry.kind} {entry.name!r} ({place}): {type(error).__name__}: {error}") from error
    if entry.kind == "model" and not is_dataclass(plugin):
        raise Broken(
            f"model {entry.name!r} ({entry.path}): class {entry.attribute} is no dataclass, and its fields are what --set and "
            "the suites set; write @dataclass(kw_only=True, eq=False) above it"
        )
    return plugin


def load_alone(entry: Entry) -> Any:
    """Load the one model of a process: what it imports later is found beside it too."""
    if entry.own_file:
        keep_importable(entry.path.parent)
    return load_entry(entry)


def read_entry(kind: str, path: Path, module: str) -> Entry:
    """Read name, one-line title, constants and methods from the syntax tree."""
    entry = Entry(kind, path.stem, path, module)
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        return replace(entry, error=f"{type(error).__name__}: {error}")
    entry = replace(entry, title=(ast.get_docstring(tree) or "").strip().split("\n")[0])
    if kind == "model":
        return _read_model(tree, entry)
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    attribute = "measure" if kind == "measure" else path.stem
    if kind in ("dataset", "measure") and attribute not in functions:
        return replace(entry, error=f"no function {attribute!r} in it")
    if kind == "dataset":
        parts = (n for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) for n in ast.walk(node))
        stored = {n.id for n in parts if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        entry = replace(entry, downloads="FILES" in stored)
    return replace(entry, attribute=attribute)


def _read_model(tree: ast.Module, entry: Entry) -> Entry:
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and "family" in _literals(node)]
    if len(classes) != 1:
        return replace(entry, error=f"expected exactly one class with a constant `family` in it, found {len(classes)}")
    constants = _literals(classes[0])
    if constants["family"] not in FAMILIES:
        return replace(entry, error=f"family {constants['family']!r} is none of {', '.join(FAMILIES)}")
    methods = tuple(n.name for n in classes[0].body if isinstance(n, ast.FunctionDef))
    return replace(entry, constants=constants, methods=methods, attribute=classes[0].name)


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    """Return class constants and field defaults that are literals."""
    values = {}
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and item.value is not None and isinstance(item.target, ast.Name):
            with suppress(ValueError):
                values[item.target.id] = ast.literal_eval(item.value)
    return values


def _metrics_of(entry: Entry) -> list[Entry]:
    """Return one entry for each function that is marked with @metric, one for each of its feature spaces."""
    if entry.error:
        return [entry]
    metrics = []
    tree = ast.parse(entry.path.read_text(encoding="utf-8"))
    for node in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "metric":
                constants = {k.arg: ast.literal_eval(k.value) for k in mark.keywords if k.arg}
                title = (ast.get_docstring(node) or "").split("\n")[0]
                marked = replace(entry, title=title, constants=constants, attribute=node.name)
                base = constants.get("name", node.name)
                spaces = [f"{base}_{space}" for space in constants.get("spaces", ())]
                metrics += [replace(marked, name=name) for name in spaces or [base]]
    return metrics


def _third_party(kind: str) -> Iterator[Entry]:
    from importlib.metadata import entry_points

    for point in entry_points(group=f"genbench.{kind}s"):
        try:
            spec, error = importlib.util.find_spec(point.module), "module not found"
        except (ImportError, ValueError) as raised:
            spec, error = None, str(raised)
        if spec is None or spec.origin is None:
            yield Entry(kind, point.name, Path(point.value), point.value, error=error)
        else:
            yield replace(read_entry(kind, Path(spec.origin), point.module), name=point.name)


def _import(entry: Entry) -> ModuleType:
    if not entry.own_file:
        return importlib.import_module(entry.module)
    if entry.module not in sys.modules:
        spec = importlib.util.spec_from_loader(entry.module, FreshLoader(entry.module, str(entry.path)))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[entry.module] = module
        try:
            with importable(entry.path.parent):
                spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[entry.module]
            raise
    return sys.modules[entry.module]
