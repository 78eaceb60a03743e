"""The proofs ask for capabilities: here it is said whom they reach, and that a third party's model is reached too."""

from dataclasses import replace

from bench.models import proofs
from bench.registry import find


def test_the_proofs_reach_every_exact_density_of_codes():
    names = [name for name, _ in proofs.small_densities(proofs.binary_images(), proofs.SMALL)]
    assert set(names) == {"marginals", "class_marginals", "logistic_chain", "made", "nade", "pixelcnn", "pixelrnn"}
    assert {name for name, _ in proofs.chain_rules()} == {"made", "nade", "pixelcnn", "pixelrnn"}


UNIFORM = '''"""Uniform over all binary images, times e^-off."""
from dataclasses import dataclass

@dataclass(kw_only=True, eq=False)
class Uniform:
    family: str = "extension"
    levels: int | None = None
    def fit(self, x, y=None, *, seed):
        return self
    def log_prob(self, x):
        return -x[0].numel() * x.new_ones(len(x)).log1p() - {off}
'''


def test_a_density_that_was_dropped_in_is_proven_too(tmp_path, monkeypatch):
    for off, told in (("0", []), ("0.5", ["its probabilities of all 2^12 images sum to 0.606"])):  # e^-0.5
        path = tmp_path / f"uniform_{len(told)}.py"
        path.write_text(UNIFORM.replace("{off}", off))
        entry = replace(find("model", str(path)), name="uniform")
        monkeypatch.setattr(proofs, "entries", lambda kind, entry=entry: {"uniform": entry})
        assert [fault[: len(told[0])] for _, fault in proofs.density_faults()] == told


def test_a_network_that_looks_at_nothing_is_named(monkeypatch):
    from baselines import nade

    monkeypatch.setattr(nade._Net, "logits", lambda self, features, b: b.expand(*features.shape[:-1], -1))
    assert dict(proofs.order_faults()) == {"nade": "no conditional depends on any value"}
