"""Hash a model's source, with every sibling file that it imports."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

from bench.registry import ROOT, Entry


def source_sha256(entry: Entry) -> str:
    """Hash of a model's file and, transitively, of the siblings of its folder that it imports."""
    digest = hashlib.sha256()
    for path in sorted(_with_siblings(entry.path)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def own_files(entry: Entry) -> list[str]:
    """List a model's file and the siblings it imports, without those that come with this package."""
    return [
        str(entry.path),
        *sorted(str(p) for p in _with_siblings(entry.path) - {entry.path} if not p.is_relative_to(ROOT)),
    ]


def _with_siblings(path: Path) -> set[Path]:
    seen, queue = set(), [path]
    while queue:
        current = queue.pop()
        if current in seen or not current.is_file():
            continue
        seen.add(current)
        for node in ast.walk(ast.parse(current.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module] + [f"{node.module}.{a.name}" for a in node.names]
            elif isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            for name in names:
                head, *tail = name.split(".")
                if head in ("baselines", "gan_models") and tail:
                    queue.append(ROOT / head / f"{tail[0]}.py")
                elif not tail:
                    queue.append(current.parent / f"{head}.py")
    return seen
