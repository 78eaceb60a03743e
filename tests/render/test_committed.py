"""The committed boards are what today's code makes of the committed records, byte for byte."""

import shutil

import pytest

from bench.records.store import Store
from bench.registry import ROOT
from bench.render.files import write_boards


@pytest.mark.slow
def test_the_committed_boards_equal_a_rebuild(tmp_path):
    """The page too: a picture that was left out, or a board of older code, shows."""
    committed = ROOT / "results"
    for name in ("cells", "env", "grids", "submissions", "tuning"):
        if (committed / name).is_dir():
            shutil.copytree(committed / name, tmp_path / name)
    stale = [
        path.name for path in write_boards(Store(tmp_path)) if path.read_bytes() != (committed / path.name).read_bytes()
    ]
    assert stale == [], "bench leaderboard writes them anew"
