"""Which files of a folder are images, what else lies there, and which folders are classes.

Hidden files and folders, other endings, links to folders and what cannot be opened are left out; each is counted and named, so that nothing
vanishes in silence. A link to a file is followed, a link to a folder never: it may lead back.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.datasets.own.arrays import SHOWN
from bench.errors import UsageError

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")  # pytorch-fid's
LITTER = ("__macosx", "thumbs.db", "desktop.ini", "@eadir")  # of file managers; in small letters
SPLITS = ("train", "val", "valid", "validation", "test")
MOST_FOLDERS = 100_000


@dataclass
class Listing:
    """The images of a folder, in the order of their paths' bytes, and what was left out by kind."""

    folder: Path
    files: list[Path] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)  # by ending
    links: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)  # folders that cannot be listed

    def notes(self) -> dict[str, str]:
        """Say in words what was left out, a note a kind."""
        told = {
            "hidden, left out": names_of(self.hidden),
            "other endings, left out": ", ".join(
                f"{ending} {count}" for ending, count in self.others.most_common(SHOWN)
            ),
            "links not followed": names_of(self.links),
            "folders that cannot be opened": names_of(self.closed),
        }
        return {what: words for what, words in told.items() if words}


def list_images(folder: Path) -> Listing:
    """List every image below a folder; UsageError where there is none."""
    found = Listing(folder)
    waiting, seen = [folder], 0
    while waiting:
        here = waiting.pop()
        seen += 1
        if seen > MOST_FOLDERS:
            raise UsageError(f"{shown(folder)} holds more than {MOST_FOLDERS:,} folders; give the one with the images")
        try:
            with os.scandir(here) as entries:
                waiting += [Path(entry.path) for entry in entries if _sort(entry, found)]
        except OSError:
            if here == folder:
                raise UsageError(f"{shown(folder)} cannot be opened as a folder; check its permissions") from None
            found.closed.append(name_in(folder, here))
    found.files.sort(key=os.fsencode)
    found.hidden.sort()
    if not found.files:
        told = "".join(f"; {what}: {words}" for what, words in found.notes().items())
        raise UsageError(f"no images in {shown(folder)}; expected files ending in {', '.join(SUFFIXES)}{told}")
    return found


def _sort(entry: os.DirEntry[str], found: Listing) -> bool:
    """Put an entry where it belongs; True for a folder that is to be listed too."""
    name, path = entry.name, Path(entry.path)
    ending = path.suffix.lower()
    try:
        if name.startswith(".") or name.lower() in LITTER:
            found.hidden.append(name_in(found.folder, path) + ("/" if entry.is_dir(follow_symlinks=False) else ""))
        elif entry.is_dir(follow_symlinks=False):
            return True
        elif entry.is_symlink() and not entry.is_file():
            found.links.append(name_in(found.folder, path))
        elif not entry.is_file():
            found.others["no plain file"] += 1  # a pipe or a socket: opening it would wait for ever
        elif ending in SUFFIXES:
            found.files.append(path)
        else:
            found.others[shown(ending) or "without an ending"] += 1
    except OSError:  # a loop of links
        found.links.append(name_in(found.folder, path))
    return False


def classes_of(listing: Listing) -> list[str]:
    """Return each image's first-level subfolder, "" for loose images.

    UsageError where these cannot be classes.
    """
    refuse_splits(listing)
    raw = _first_levels(listing)
    names, folder = set(raw), shown(listing.folder)
    if len(names) > 1 and "" in names:
        loose = shown(listing.files[raw.index("")].name)
        raise UsageError(
            f"{folder} has images both in subfolders (classes) and beside them, {loose} for one; move those into a class"
        )
    if len({shown(name) for name in names}) < len(names):
        raise UsageError(f"{folder} has subfolders whose names cannot be told apart in print; rename them")
    return [shown(name) for name in raw]


def refuse_splits(listing: Listing) -> None:
    """Raise UsageError where first-level subfolders are the parts of a split."""
    splits = sorted(name for name in set(_first_levels(listing)) if name.lower() in SPLITS)
    if splits:
        raise UsageError(
            f"{shown(listing.folder)} holds {', '.join(splits)}, which are parts of a split and no classes;"
            " give one of them, or move its classes up (or rename the folder, if it is a class)"
        )


def _first_levels(listing: Listing) -> list[str]:
    parts = [path.relative_to(listing.folder).parts for path in listing.files]
    return [part[0] if len(part) > 1 else "" for part in parts]


def shown(name: str | Path) -> str:
    """Write a file's name so that it can be printed and stored.

    Bytes that are no text and control characters escaped.
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def name_in(folder: Path, path: Path) -> str:
    """Return a path's name as seen from a folder above it, fit to be printed."""
    return shown(path.relative_to(folder))


def names_of(names: Sequence[str]) -> str:
    """Write how many names there are and the first few; empty where there are none."""
    more = ", ..." if len(names) > SHOWN else ""
    return f"{len(names)}: {', '.join(names[:SHOWN])}{more}" if names else ""
