"""Every model keeps the promises of the protocol: what `bench check` tries, on every model of the repository."""

import dataclasses
import re

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


GAUSSIAN = """\"\"\"A Gaussian of each class, to be spoilt.\"\"\"
from dataclasses import dataclass
from typing import ClassVar

import torch


@dataclass(kw_only=True, eq=False)
class Spoilt:
    \"\"\"Diagonal Gaussians with exact densities.\"\"\"

    family: ClassVar[str] = "statistical"
    paper: ClassVar[str] = "none"
    uses_labels: ClassVar[bool] = True
    measure: ClassVar[str] = "lebesgue"

    def supports(self, dataset):
        return "" if len(dataset.shape) == 1 else "tables only"

    def fit(self, x, y=None, *, seed):
        y = torch.zeros(len(x)).long() if y is None else y
        self.means_ = torch.stack([x[y == k].mean(dim=0) for k in range(int(y.max()) + 1)])
        self.stds_ = torch.stack([x[y == k].std(dim=0) for k in range(int(y.max()) + 1)])
        return self

    def sample(self, n, *, seed):
        generator = torch.Generator().manual_seed(seed)
        return self.sample_given(torch.randint(len(self.means_), (n,), generator=generator), seed=seed)

    def sample_given(self, y, *, seed):
        generator = torch.Generator().manual_seed(seed)
        return self.means_[y] + self.stds_[y] * torch.randn(len(y), self.means_.shape[1], generator=generator)

    def walk(self, n, *, seed):
        ends = self.sample(2, seed=seed)
        return torch.lerp(ends[0], ends[1], torch.linspace(0, 1, n)[:, None])

    def log_prob(self, x):
        parts = torch.distributions.Normal(self.means_, self.stds_).log_prob(x[:, None]).sum(dim=2)
        return parts.logsumexp(dim=1) - torch.tensor(float(len(self.means_))).log()
"""
SPOILT = {  # promise -> (what is replaced, by what, what the message says)
    "the density integrates to one": ("- torch.tensor(float", "+ 0.6931 - torch.tensor(float", r"off by \+0\.[67]"),
    "samples come in random order": (
        "torch.randint(len(self.means_), (n,), generator=generator)",
        "torch.arange(n) * len(self.means_) // n",
        r"return samples\[torch\.randperm",
    ),
    "sample_given: same seed, same samples": (
        "generator=generator)\n\n    def walk",
        ")\n\n    def walk",
        "they differ",
    ),
    "sample_given: another seed, other samples": (
        "torch.randn(len(y), self.means_.shape[1], generator=generator)",
        "0",
        "equal",
    ),
    "sample_given: other labels, other samples": ("self.means_[y] + self.stds_[y] *", "self.means_[0] +", "no effect"),
    "sample_given: samples are of their class": (
        "return self.means_[y]",
        "return self.means_[y.roll(1)]",
        "% of the samples",
    ),
    "walk shape": ("torch.linspace(0, 1, n)", "torch.linspace(0, 1, n + 1)", r"got \(6, 4\)"),
    "same seed, same walk": ("ends = self.sample(2, seed=seed)", "ends = torch.rand(2, 4)", "they differ"),
    "global random state untouched": (
        "        y = torch.zeros",
        "        torch.rand(1)\n        y = torch.zeros",
        r"with torch.random.fork_rng\(devices=\[\]\): torch.default_generator.manual_seed\(seed\)",
    ),
    "runs": ("        return self\n", "        return self.nothing\n", r"no attribute 'nothing' \(.*spoilt\.py:24\)"),
}


def spoilt(tmp_path, old="", new=""):
    path = tmp_path / "spoilt.py"
    assert old in GAUSSIAN
    path.write_text(GAUSSIAN.replace(old, new, 1) if old else GAUSSIAN)
    return path


def test_an_honest_density_and_an_honest_conditional_sampler_pass(tmp_path):
    results = check_model(str(spoilt(tmp_path)))
    assert [r for r in results if not r.kept] == []
    assert {p for p in SPOILT if p != "runs"} <= {r.promise for r in results if r.dataset == "iris"}


@pytest.mark.parametrize("promise", SPOILT)
def test_a_spoilt_promise_is_named_with_its_remedy(promise, tmp_path):
    old, new, message = SPOILT[promise]
    told = {r.promise: r.detail for r in check_model(str(spoilt(tmp_path, old, new))) if not r.kept}
    assert promise in told
    assert re.search(message, told[promise])


def test_a_density_of_codes_that_does_not_sum_to_one_is_found(tmp_path):
    path = tmp_path / "twice.py"
    text, line = find("model", "marginals").path.read_text(), "    def log_prob(self, x: Tensor) -> Tensor:"
    assert text.count(line) == 1
    path.write_text(
        text.replace(line, f"{line}\n        return self.honest(x) + 0.6931\n\n{line.replace('log_prob', 'honest')}")
    )
    told = {r.promise: r.detail for r in check_model(str(path)) if not r.kept}
    assert "sums to 1.99" in told["probabilities of all images sum to one"]


@pytest.mark.parametrize(
    "reason, message",
    [("dataset.dim", r"'Dataset' object has no attribute 'dim' \(.*spoilt\.py:18\)"), ("True", "expected the reason")],
)
def test_supports_that_raises_or_returns_no_string_is_named_with_its_line(reason, message, tmp_path):
    results = check_model(str(spoilt(tmp_path, '"" if len(dataset.shape) == 1 else "tables only"', reason)))
    assert {r.promise for r in results} == {"runs"}
    assert re.search(message, results[0].detail)
