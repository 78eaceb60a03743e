"""Every study can be imported: one that cannot is found here, and not by who wants its answer."""

from importlib import import_module
from pathlib import Path

import pytest

import studies

NAMES = sorted(p.stem for p in Path(studies.__file__).parent.glob("*.py") if p.stem != "__init__")


@pytest.mark.parametrize("name", NAMES)
def test_a_study_can_be_imported_and_is_listed(name):
    import_module(f"studies.{name}")
    if not name.startswith("_") and name not in ("hostile", "hostile_inputs", "patches"):
        assert f"`python -m studies.{name}" in (Path(studies.__file__).parent / "README.md").read_text()
