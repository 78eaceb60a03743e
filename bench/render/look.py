"""Write a look at a dataset in lines: all for `bench show`, at most ten before a run on own data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.plan.look import Look
from bench.plan.request import Skip

MOST_LINES = 10
MOST_LETTERS = 200  # of a line before a run
MOST_CLASSES = 20
MOST_SKIPS = 6
# What says otherwise, by note; a note that names a flag itself needs none.
WAYS = {
    "left out": "--strict makes it an error",
    "sizes": "squares of 8, 16, 28 or 32 pixels stay as they are",
    "pixels": "squares of 8, 16, 28 or 32 pixels stay as they are",
    "turned": "save them turned, without the tag, to see them otherwise",
    "labels": "--label COLUMN, or --label none",
    "missing": "--missing drop, --missing keep",
    "categories": "--text COLUMN takes one more for a category",
    "memory": "--jobs 1 leaves each cell more",
}
UNDERSTOOD = (
    "source",
    "rows",
    "features",
    "values",
)  # notes that assume nothing: they stand last, and not before a run


def all_lines(look: Look) -> list[str]:
    """Return every line of a look."""
    spaces = f"; feature spaces: {', '.join(look.spaces)}" if look.spaces else ""
    notes = [_note(look, key) for key in [*_assumed(look), *(key for key in look.notes if key in UNDERSTOOD)]]
    return [*_head(look), *notes, f"ranked by: {look.primary}{spaces}", f"sha256: {look.sha256}"]


def first_lines(look: Look) -> list[str]:
    """Return at most MOST_LINES lines that a run says of its data, each cut to MOST_LETTERS."""
    lines = [*_head(look, brief=True), *(_note(look, key) for key in _assumed(look))]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"and {len(lines) - MOST_LINES + 1} notes more: bench show PATH"]
    return [line if len(line) <= MOST_LETTERS else line[: MOST_LETTERS - 3] + "..." for line in lines]


def _assumed(look: Look) -> list[str]:
    """Return the keys of the notes that tell of a choice, those with a flag first."""
    keys = [key for key in look.notes if key not in UNDERSTOOD]
    return sorted(keys, key=lambda key: key not in WAYS)


def _note(look: Look, key: str) -> str:
    text, way = look.notes[key], WAYS.get(key, "")
    return f"{key}: {text}" + (f" ({way})" if look.own and way and "--" not in text else "")


def _head(look: Look, *, brief: bool = False) -> list[str]:
    sides = f"{look.rows['train']:,} train, {look.rows['valid']:,} public, {look.rows['test']:,} private"
    lines = [f"{look.name}: {sum(look.rows.values()):,} {_what(look)} ({sides})"]
    if not brief:
        lines.append(f"values: {_values(look)}")
    lines.append(_classes(look))
    if look.columns:
        lines.append("columns: " + ", ".join(f"{count} of {kind}" for kind, count in look.columns.items()))
    return lines


def _what(look: Look) -> str:
    if len(look.shape) == 3:
        channels, height, width = look.shape
        return f"{'grey' if channels == 1 else 'colour' if channels == 3 else f'{channels}-channel'} images {width}x{height}"
    return f"rows of {look.shape[0]} columns" if look.kind == "table" else f"points in {look.shape[0]} dimensions"


def _values(look: Look) -> str:
    return f"{look.levels} levels, code / {look.levels - 1} in [0, 1]" if look.levels else "real numbers"


def _classes(look: Look) -> str:
    if not look.classes:
        way = " (--label COLUMN names one of a .csv; first-level folders, or a member y, are classes)"
        return "classes: none" + (way if look.own and "labels" not in look.notes else "")
    shown = [f"{name} {count:,}" for name, count in list(look.classes.items())[:MOST_CLASSES]]
    more = f", ... and {len(look.classes) - len(shown)} more" if len(look.classes) > len(shown) else ""
    way = " (--label none reads them without)" if look.own and "--" not in look.notes.get("labels", "") else ""
    return f"classes: {len(look.classes)}: {', '.join(shown)}{more}{way}"


def skip_lines(skips: Iterable[Skip], looks: Iterable[Look] = ()) -> list[str]:
    """Fold skips by their reason, the largest first; what a look says already is left out."""
    said = {(look.name, text) for look in looks for text in look.notes.values()}
    folded: dict[str, dict[str, list[str]]] = {}
    for skip in skips:
        if (skip.dataset, skip.reason) not in said:
            folded.setdefault(skip.reason, {}).setdefault(skip.dataset, []).append(skip.model)
    order = sorted(folded.items(), key=lambda item: -sum(map(len, item[1].values())))
    lines = [f"skipped {_who(by_dataset)}: {reason}" for reason, by_dataset in order[:MOST_SKIPS]]
    lines = [line if len(line) <= MOST_LETTERS else line[: MOST_LETTERS - 3] + "..." for line in lines]
    return (
        [*lines, f"... and for {len(order) - MOST_SKIPS} reasons more: --dry-run"] if len(order) > MOST_SKIPS else lines
    )


def _who(by_dataset: Mapping[str, list[str]]) -> str:
    """Name models and datasets, those with the same models together: "lda, qda on ring8, grid25"."""
    by_models: dict[str, list[str]] = {}
    for dataset, models in by_dataset.items():
        by_models.setdefault(", ".join(models), []).append(dataset)
    return "; ".join(f"{models} on {', '.join(datasets)}" for models, datasets in by_models.items())
