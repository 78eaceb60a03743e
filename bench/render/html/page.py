"""The page: sections, style and script put together, under a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.leaderboard.boards import Boards
from bench.render.html.boards import board_view
from bench.render.html.cards import model_cards
from bench.render.html.overview import answer_view, family_tree, places, what_ran
from bench.render.html.pareto import SHAPES
from bench.render.html.source import Source, family_class, slug
from bench.render.html.strip import strip
from bench.render.text import clean
from bench.render.words import FAMILY_WORDS, INTERVALS

FOLDER = Path(__file__).parent
SCRIPTS = ("script.js", "take.js", "compare.js")
FAVICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' "
    "fill='%230072b2'/%3E%3Cpath d='M3 5h7M5 8h8M4 11h5' stroke='%23fff' stroke-width='1.6'/%3E%3C/svg%3E"
)


def leaderboard_html(boards: Boards, *, out: Path) -> str:
    """Write the whole page as one string: the same bytes for the same records and pictures."""
    records = boards.records
    source = Source(records, boards, out)
    suites = [_suite(source, suite, device) for suite, device in source.suites]
    answer = answer_view(source)
    script = "".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    context = {
        "policy": policy(script),
        "script": Markup(script),
        "style": Markup(style),
        "suites": suites,
        "main_suite": suites[0]["suite"] if suites else "",
        "favicon": FAVICON,
        "answer": answer,
        "strip": strip(source),
        "claimed": places(source, source.claims),
        "intervals": INTERVALS,
        "tree": family_tree(source),
        "ran": what_ran(source),
        "cards": model_cards(source),
        "families": {
            name: (words[0], family_class(name))
            for name, words in FAMILY_WORDS.items()
            if name not in ("reference", "submission")
        },
        "shapes": SHAPES,
        "counts": {
            "models": len({r["model"]["id"] for r in records if "curve" in r and not r["model"]["reference"]}),
            "references": len({r["model"]["id"] for r in records if r["model"]["reference"]}),
            "datasets": len({r["dataset"]["id"] for r in records}),
            "cells": sum("curve" in r for r in records),
        },
    }
    return environment().get_template("page.html.j2").render(context)


def _suite(source: Source, suite: str, device: str) -> dict[str, Any]:
    keys = [key for key in source.keys if key[:2] == (suite, device)]
    repeated = [key for key in keys if key not in source.claims]
    return {"id": "s-" + slug(suite, device), "suite": suite, "device": device,
            "boards": [board_view(source, key) for key in keys],
            "places": places(source, keys) if repeated else None}  # fmt: skip


def policy(script: str) -> str:
    """Write the Content-Security-Policy: nothing but inline style, data images and this one script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def environment() -> Environment:
    """Load templates that escape every value, and print no control or direction character of a stranger's."""
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
