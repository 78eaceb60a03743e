"""Every model keeps the promises of the protocol: what `bench check` tries, on every model of the repository."""

import dataclasses

import pytest

from bench.models.check import check_model
from bench.models.template import new_model
from bench.registry import entries, find, load


@pytest.mark.parametrize("name", sorted(set(entries("model")) - {"oracle"}))
def test_a_model_keeps_the_protocol(name):
    broken = [f"{r.dataset}: {r.promise}: {r.detail}" for r in check_model(name) if not r.kept]
    assert not broken


@pytest.mark.parametrize("name", sorted(entries("model")))
def test_what_the_syntax_tree_says_is_what_the_class_says(name):
    """Listings read the file without importing it; they must not differ from the class."""
    entry, cls = find("model", name), load("model", name)
    assert entry.constants["family"] == cls.family
    assert entry.constants["paper"] == cls.paper
    assert entry.constants["uses_labels"] == cls.uses_labels
    assert all(field.kw_only for field in dataclasses.fields(cls))


def test_a_new_model_passes_as_it_is_written(tmp_path):
    path = new_model("my_flow", tmp_path)
    assert all(r.kept for r in check_model(str(path)))


BROKEN = {
    "sample shape": ("reshape(n, *self.shape_)", "reshape(n, -1)[:, :1]"),
    "same seed, same samples": ("generator = torch.Generator(self.mean_.device).manual_seed(seed)", "generator = None"),
    "global random state untouched": ("self.shape_ = tuple", "torch.rand(1); self.shape_ = tuple"),
    "sampling at a yield changes nothing": ("noise = torch.randn(", "self.mean_.data.add_(1.0); noise = torch.randn("),
    "yields name `examples`": ('"examples": len(batch), ', ""),
    "ends after `steps`": ("range(self.steps)", "range(self.steps + 1)"),
}


@pytest.mark.parametrize("promise", BROKEN)
def test_a_broken_promise_is_named(promise, tmp_path):
    path = new_model("my_flow", tmp_path)
    text = path.read_text()
    old, new = BROKEN[promise]
    assert old in text
    path.write_text(text.replace(old, new))
    assert promise in {r.promise for r in check_model(str(path)) if not r.kept}
