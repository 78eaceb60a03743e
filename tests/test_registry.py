"""The file system is the registry; a broken plugin is one listed error, an unknown name is told the nearest."""

import sys

import pytest

from bench import registry
from bench.plan.source import files_of_model, libraries, source_sha256
from bench.registry import NotFound, downloadable, entries, find, load, read_entry


def test_a_typo_is_told_the_nearest_name_and_the_list():
    with pytest.raises(NotFound, match=r"unknown model 'vanila_gan'; did you mean 'vanilla_gan'\? Known: .*made"):
        find("model", "vanila_gan")


def test_listing_reads_family_title_and_methods_without_importing():
    entry = entries("model")["made"]
    assert entry.constants["family"] == "tractable"
    assert entry.title.startswith("MADE")
    assert {"fit_steps", "sample", "log_prob"} <= set(entry.methods)


def test_a_file_that_does_not_parse_is_an_entry_with_an_error(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("def (:\n")
    assert "SyntaxError" in read_entry("model", path, "bad").error
    path.write_text("x = 1\n")
    assert "exactly one class" in read_entry("model", path, "bad").error


def test_a_plugin_that_raises_at_import_is_broken_and_named(tmp_path):
    path = tmp_path / "boom.py"
    path.write_text('"""Boom."""\nclass Boom:\n    family: str = "extension"\nraise OSError("no disk")\n')
    with pytest.raises(registry.Broken, match=r"boom\.py.*OSError: no disk"):
        registry.load_entry(find("model", str(path)))


def test_the_source_hash_covers_siblings_and_nothing_else():
    with_blocks = files_of_model(find("model", "dcgan"))
    assert {p.name for p in with_blocks} >= {"dcgan.py", "_blocks.py"}
    assert files_of_model(find("model", "oracle")) == {registry.ROOT / "baselines" / "oracle.py"}
    assert source_sha256(find("model", "dcgan")) != source_sha256(find("model", "made"))


MODEL = """\"\"\"Sub: a model that imports from its folder.\"\"\"
{imports}
from dataclasses import dataclass

@dataclass(kw_only=True, eq=False)
class Sub:
    family = "statistical"
    paper = "none"
    uses_labels = False
    def fit(self, x, y=None, *, seed):
        return self
    def shift(self):
        return {value}
"""


def a_model(folder, imports, value="SHIFT", **files):
    """A model file in a folder of its own, with files beside it: pkg__mod is pkg/mod.py."""
    folder.mkdir(exist_ok=True)
    (folder / "sub.py").write_text(
        MODEL.replace("{imports}", imports)
        .replace("{value}", value)
        .replace('family = "statistical"', 'family: str = "statistical"')
    )
    for name, text in files.items():
        path = folder / (name.replace("__init", "/~init").replace("__", "/").replace("~init", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "sub.py"


IMPORTS = {
    "a module": ("from helper import SHIFT", {"helper": "SHIFT = 0.0"}),
    "a module of a package": ("from lib.consts import SHIFT", {"lib____init": "", "lib__consts": "SHIFT = 0.0"}),
    "a package": ("from lib import SHIFT", {"lib____init": "SHIFT = 0.0"}),
    "a folder without __init__": ("from lib.consts import SHIFT", {"lib__consts": "SHIFT = 0.0"}),
    "a submodule by name": (
        "from lib import consts; SHIFT = consts.SHIFT",
        {"lib____init": "", "lib__consts": "SHIFT = 0.0"},
    ),
    "import as": ("import lib.sub.consts as c; SHIFT = c.SHIFT", {"lib__sub__consts": "SHIFT = 0.0"}),
    "a relative import further down": (
        "from lib.a import SHIFT",
        {
            "lib____init": "",
            "lib__a": "from .b import SHIFT",
            "lib__b": "from .c.d import SHIFT",
            "lib__c__d": "SHIFT = 0.0",
        },
    ),
    "a star": (
        "from lib import *; SHIFT = consts.SHIFT",
        {"lib____init": "__all__ = ['consts']", "lib__consts": "SHIFT = 0.0"},
    ),
    "an import inside an if": ("if True:\n    from helper import SHIFT", {"helper": "SHIFT = 0.0"}),
}


@pytest.mark.parametrize("how", IMPORTS)
def test_the_source_hash_and_the_import_cover_what_lies_beside_the_model(how, tmp_path):
    """Files of the same size, written within a second: neither the hash nor stored bytecode may take one for the other."""
    imports, files = IMPORTS[how]
    path = a_model(tmp_path / "mine", imports, **files)
    hashes = set()
    for value in (0.0, 5.0, 7.0):
        a_model(tmp_path / "mine", imports, **{name: text.replace("0.0", str(value)) for name, text in files.items()})
        entry = find("model", str(path))
        hashes.add(source_sha256(entry))
        assert registry.load_entry(entry)().shift() == value
    assert len(hashes) == 3


def test_two_models_with_a_helper_each_get_their_own_and_leave_no_name(tmp_path):
    before = set(sys.modules)
    ours = [a_model(tmp_path / name, "from helper import SHIFT", helper=f"SHIFT = '{name}'") for name in ("a", "b")]
    assert [registry.load("model", str(path))().shift() for path in ours] == ["a", "b"]
    left = {name for name in set(sys.modules) - before if not name.startswith(registry.OWN_FILE)}
    assert "helper" not in left
    assert not any(str(tmp_path) in place for place in sys.path)


def test_a_helper_hides_a_module_of_the_same_name_only_while_it_is_loaded(tmp_path, monkeypatch):
    (tmp_path / "helper.py").write_text("SHIFT = 'of the notebook'")
    monkeypatch.syspath_prepend(tmp_path)
    import helper

    path = a_model(tmp_path / "mine", "from helper import SHIFT", helper="SHIFT = 'mine'")
    assert registry.load("model", str(path))().shift() == "mine"
    assert sys.modules["helper"] is helper


def test_an_installed_library_is_not_hidden_by_a_folder_of_its_name(tmp_path):
    (tmp_path / "mine" / "numpy").mkdir(parents=True)
    path = a_model(tmp_path / "mine", "import numpy\nSHIFT = numpy.float64(3)")
    assert registry.load("model", str(path))().shift() == 3.0


def test_the_libraries_of_a_model_are_those_that_it_or_its_neighbours_import(tmp_path):
    path = a_model(
        tmp_path / "mine",
        "from helper import SHIFT",
        helper="import numpy as np\ndef late():\n    from scipy import linalg",
    )
    assert set(libraries(find("model", str(path)))) == {"numpy", "scipy"}
    assert set(libraries(find("model", "gmm"))) == {"scikit-learn"}
    assert libraries(find("model", "made")) == {}


def test_an_error_names_the_line_of_the_file_that_raised_it(tmp_path):
    path = a_model(tmp_path / "mine", "from helper import SHIFT", helper="import math\n\nSHIFT = math.sqrt(-1)")
    with pytest.raises(registry.Broken, match=r"model 'sub' \(.*helper\.py:3\): ValueError"):
        registry.load("model", str(path))


def test_a_class_that_is_no_dataclass_is_told_so(tmp_path):
    path = a_model(tmp_path / "mine", "SHIFT = 1")
    path.write_text(path.read_text().replace("@dataclass(kw_only=True, eq=False)\n", ""))
    with pytest.raises(
        registry.Broken, match=r"class Sub is no dataclass.*write @dataclass\(kw_only=True, eq=False\) above it"
    ):
        registry.load("model", str(path))


def test_metric_names_are_one_for_each_space():
    assert "fid_lenet" in entries("metric")
    assert entries("metric")["fid_lenet"].attribute == "fid"


def test_a_dataset_with_a_table_of_files_is_downloadable(tmp_path):
    """A table that is annotated, or built by a call, counts; one inside a function, and one that is only read, do not."""
    path = tmp_path / "things.py"
    for line, expected in {
        "FILES = make()": True,
        "FILES: dict = {}": True,
        "print(FILES)": False,
        "def other():\n    FILES = {}": False,
        "COPY = FILES": False,
    }.items():
        path.write_text(f"{line}\ndef things(): ...\n")
        assert read_entry("dataset", path, "things").downloads == expected, line


def test_every_downloadable_dataset_of_the_suite_has_its_table():
    from importlib import import_module

    assert set(downloadable()) >= {"cifar10", "fashion_mnist", "mnist"}
    for name in entries("dataset"):
        assert hasattr(import_module(find("dataset", name).module), "FILES") == (name in downloadable())


def test_a_measure_is_a_file_with_a_function_measure(tmp_path):
    assert load("measure", "collapse").__module__ == "bench.reproductions.measures.collapse"
    assert all(not entry.error for entry in entries("measure").values())
    path = tmp_path / "empty.py"
    path.write_text('"""Nothing."""\n')
    assert read_entry("measure", path, "empty").error == "no function 'measure' in it"
