"""bench new: a plugin from a template, to change."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import app
from bench.registry import ROOT

new = typer.Typer(help="Make a new plugin from a template.", no_args_is_help=True, rich_markup_mode=None)
new.callback()(lambda: None)
app.add_typer(new, name="new")


@new.command("model", short_help="Write a small model that runs, to change.")
def new_model(name: Annotated[str, typer.Argument(help="A lower-case identifier, such as my_flow.")]) -> None:
    """Write baselines/NAME.py, a small model that runs: change it into yours."""
    from bench.models import template

    path, here = template.new_model(name, ROOT / "baselines").resolve(), Path.cwd().resolve()
    shown = shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
    print(f"wrote {shown}; try it: bench check {shown}, then bench run -m {name} -d ring8")
