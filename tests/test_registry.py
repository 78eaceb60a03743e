"""The file system is the registry; a broken plugin is one listed error, an unknown name is told the nearest."""

import pytest

from bench import registry
from bench.models import source
from bench.models.source import source_sha256
from bench.registry import NotFound, entries, find, load, read_entry


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
    with pytest.raises(registry.Broken, match="boom.py.*OSError: no disk"):
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


def test_a_measure_is_a_file_with_a_function_measure(tmp_path):
    assert load("measure", "collapse").__module__ == "bench.reproductions.measures.collapse"
    assert all(not entry.error for entry in entries("measure").values())
    path = tmp_path / "empty.py"
    path.write_text('"""Nothing."""\n')
    assert read_entry("measure", path, "empty").error == "no function 'measure' in it"
