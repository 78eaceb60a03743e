"""Find and import the Python files that lie beside a plugin's file, packages included.

A model that is given as a path may import what lies in its folder, as a script may. `files_of` names those files, for a hash;
`importable` makes them importable while the model is loaded, without leaving a name that another folder's model would find.
Not seen: a module whose name is a string, as in importlib.import_module(name), and files that are no Python source.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

OURS = ("bench", "baselines", "gan_models")  # never a neighbour, even of a file in this repository's root
INSTALLED = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def files_of(path: Path, packages: Mapping[str, Path]) -> set[Path]:
    """Return a file and all that it imports from its folder, transitively.

    packages: name of a package -> the folder that holds it, for those whose modules count though they lie elsewhere.
    """
    covered: set[Path] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        tree = None if current in covered else _tree(current)
        if current in covered or (current.name == "__init__.py" and tree is not None and _is_empty(tree)):
            continue
        covered.add(current)
        for base, parts in _imports(tree, current, path.parent, packages) if tree is not None else ():
            queue += _modules(base, parts)
    return covered


def libraries_of(paths: set[Path]) -> set[str]:
    """Return the top-level names of all that some files import, inside functions too."""
    trees = [tree for tree in map(_tree, paths) if tree is not None]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in names}


def _tree(path: Path) -> ast.Module | None:
    """Parse a file; None where it is no Python, which its import will say."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def _is_empty(tree: ast.Module) -> bool:
    """Tell whether a module holds nothing but its docstring."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body)


def _imports(
    tree: ast.Module, path: Path, folder: Path, packages: Mapping[str, Path]
) -> Iterator[tuple[Path, list[str]]]:
    """Yield (folder to start from, parts of the dotted name) of each import; the last may be no module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                yield packages.get(parts[0], folder), parts
        elif isinstance(node, ast.ImportFrom):
            stem = node.module.split(".") if node.module else []
            base = path.parents[node.level - 1] if node.level else packages.get(stem[0], folder)
            for alias in node.names:
                yield base, [*stem, alias.name]


def _modules(base: Path, parts: list[str]) -> Iterator[Path]:
    """Yield the files that importing a dotted name from a folder runs."""
    for part in parts:
        if part == "*":
            yield from base.glob("*.py")
        elif (base / f"{part}.py").is_file() and not (base / part / "__init__.py").is_file():
            yield base / f"{part}.py"
            return
        base = base / part
        if (base / "__init__.py").is_file():
            yield base / "__init__.py"


class FreshLoader(SourceFileLoader):
    """Compile a module's source each time: stored bytecode is told apart by second and size only."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of today's source."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Neighbours(MetaPathFinder):
    """Find modules in one folder and in the packages there, and remember their names."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.names = folder, set[str]()

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Find a module beside the plugin; an installed package goes before a folder without __init__.py."""
        places = [str(self.folder)] if path is None else [str(place) for place in path]  # type: ignore[attr-defined]  # a sequence, by the import protocol
        if fullname in OURS:
            return None
        for place in places:
            if Path(place).is_relative_to(self.folder):
                spec = FileFinder(place, (FreshLoader, SOURCE_SUFFIXES)).find_spec(fullname)
                if spec is not None and (spec.loader is not None or PathFinder.find_spec(fullname) is None):
                    self.names.add(fullname)
                    return spec
        return None


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let imports inside find what lies in a folder first, and forget the modules' names on the way out.

    Functions of these modules go on working: they hold what they use. An import that runs later does not find the folder.
    """
    finder = _Neighbours(folder)
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_hidden_by(name, folder)}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in finder.names:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)


def keep_importable(folder: Path) -> None:
    """Let imports find what lies in a folder from now on, in a process that holds one model."""
    sys.meta_path.insert(0, _Neighbours(folder))


def _is_hidden_by(name: str, folder: Path) -> bool:
    """Tell whether a loaded module has the name of one in a folder, and is neither installed nor ours."""
    top = name.partition(".")[0]
    beside = (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()
    if not beside or top in OURS or top in sys.stdlib_module_names or top == "__main__":
        return False
    origin = getattr(sys.modules[name], "__file__", None)
    return origin is not None and not any(Path(origin).is_relative_to(place) for place in INSTALLED)
