"""Hash a model's source with every module of its folder that it imports; name the libraries it needs."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.files.beside import files_of, libraries_of
from bench.registry import FOLDERS, Entry

LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
}  # module -> distribution; torch is in every key
FAMILIES = {name: folder.parent for name, folder in FOLDERS["model"]}  # our own packages of models


def source_sha256(entry: Entry) -> str:
    """Return the hash of a model's file and, transitively, of all that it imports from its folder."""
    digest = hashlib.sha256()
    for path in sorted(files_of_model(entry)):
        digest.update(_name(path, entry).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def libraries(entry: Entry) -> dict[str, str]:
    """Return the versions of the libraries that a model imports beside torch: they decide its numbers."""
    imported = libraries_of(files_of_model(entry))
    return {name: _version(name) for module, name in LIBRARIES.items() if module in imported}


def files_of_model(entry: Entry) -> set[Path]:
    """Return the files that a model's hash covers."""
    depth = entry.module.count(".")
    package = {entry.module.partition(".")[0]: entry.path.parents[depth]} if depth else {}
    return files_of(entry.path, {entry.path.parent.name: entry.path.parent.parent} | package | FAMILIES)


def own_files(entry: Entry) -> list[str]:
    """Return a model's file and what it needs beside it; a folder stands for its files."""
    beside = {
        entry.path.parent / path.relative_to(entry.path.parent).parts[0]
        for path in files_of_model(entry)
        if path.is_relative_to(entry.path.parent)
    }
    return [str(entry.path), *sorted(map(str, beside - {entry.path}))]


def _name(path: Path, entry: Entry) -> str:
    """Return what the hash calls a file: its own name beside the model, its path from there in a package."""
    folder = entry.path.parent
    return str(path.relative_to(folder).as_posix()) if path.is_relative_to(folder) else path.name


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
