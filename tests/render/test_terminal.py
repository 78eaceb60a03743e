"""What prints boards starts quickly: heavy libraries are loaded once there is a board to print."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["bench.render.terminal", "bench.render.markdown", "bench.render.progress"])
def test_renderers_are_imported_without_torch_pandas_and_numpy(module):
    code = f"import sys, {module}; print([m for m in ('torch', 'pandas', 'numpy', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
