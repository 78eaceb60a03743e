"""The file system is the registry; a broken plugin is one listed error, an unknown name is told the nearest."""

import pytest

from bench import registry
from bench.models import source
from bench.models.source import source_sha256
from bench.registry import NotFound, downloadable, entries, find, read_entry


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
    with_blocks = source._with_siblings(registry.ROOT / "gan_models" / "dcgan.py")
    assert {p.name for p in with_blocks} >= {"dcgan.py", "_blocks.py"}
    assert source._with_siblings(registry.ROOT / "baselines" / "oracle.py") == {
        registry.ROOT / "baselines" / "oracle.py"
    }
    assert source_sha256(find("model", "dcgan")) != source_sha256(find("model", "made"))


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
