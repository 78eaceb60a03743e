"""Kept values: the same bits as computed ones, named by all that decides them, and never in the way."""

import pytest
import torch

from bench.metrics import _cache
from bench.metrics._evaluation import Evaluation
from bench.metrics.frechet import fid, moments, reference_moments
from bench.metrics.prdc import coverage
from bench.registry import load


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder in which everything is worth keeping."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(_cache, "WORTH_SECONDS", 0.0)
    return tmp_path / "genbench" / "reference"


ROWS = torch.randn(50, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def count_calls(values):
    calls = []

    def compute():
        calls.append(1)
        return values

    return calls, compute


def test_a_value_is_computed_once_and_comes_back_bit_for_bit(cache):
    calls, compute = count_calls({"a": ROWS * 3, "b": torch.tensor(0.1, dtype=torch.float64)})
    first, second = (_cache.kept("step/1", ROWS, compute) for _ in range(2))
    assert len(calls) == 1
    assert all(torch.equal(first[name], second[name]) and first[name].dtype == second[name].dtype for name in first)


@pytest.mark.parametrize("what, rows", [("step/2", ROWS), ("step/1", ROWS + 1e-15), ("step/1", ROWS.view(25, 12))])
def test_another_step_or_other_rows_are_another_value(cache, what, rows):
    calls, compute = count_calls({"a": ROWS})
    _cache.kept("step/1", ROWS, compute)
    _cache.kept(what, rows, compute)
    assert len(calls) == 2


def test_the_digest_reads_every_row_of_a_large_tensor():
    rows = torch.zeros(2**21 + 3, 16, dtype=torch.uint8)
    before = _cache.digest_of(rows)
    rows[-1, -1] = 1
    assert _cache.digest_of(rows) != before


def test_a_damaged_file_is_computed_anew_and_replaced(cache):
    calls, compute = count_calls({"a": ROWS})
    _cache.kept("step/1", ROWS, compute)
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    assert torch.equal(_cache.kept("step/1", ROWS, compute)["a"], ROWS)
    _cache.kept("step/1", ROWS, compute)
    assert len(calls) == 2


def test_what_is_quick_is_not_kept_and_off_means_off(cache, monkeypatch):
    monkeypatch.setattr(_cache, "WORTH_SECONDS", 60.0)
    _cache.kept("step/1", ROWS, lambda: {"a": ROWS})
    monkeypatch.setattr(_cache, "WORTH_SECONDS", 0.0)
    monkeypatch.setenv("GENBENCH_REFERENCE_CACHE", "off")
    _cache.kept("step/1", ROWS, lambda: {"a": ROWS})
    assert not cache.exists()


def test_a_folder_that_cannot_be_made_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / "genbench").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(_cache, "WORTH_SECONDS", 0.0)
    assert torch.equal(_cache.kept("step/1", ROWS, lambda: {"a": ROWS})["a"], ROWS)


def test_moments_come_back_bit_for_bit(cache):
    first, second, direct = reference_moments(ROWS), reference_moments(ROWS), moments(ROWS)
    for found in (first, second):
        assert torch.equal(found.mean, direct.mean) and torch.equal(found.factor, direct.factor)
        assert found.trace == direct.trace
    assert len(list(cache.iterdir())) == 1


def test_scores_with_an_empty_and_a_full_folder_are_the_same(cache, monkeypatch):
    data = load("dataset", "digits")()
    samples = data.train.x[: len(data.valid)].flip(0)

    def scores():
        ev = Evaluation(data, {"samples": samples}, board="public")
        return fid(ev, "lenet"), coverage(ev, "lenet")

    empty, full = scores(), scores()
    assert len(list(cache.iterdir())) == 3, "features, moments, radii"
    monkeypatch.setenv("GENBENCH_REFERENCE_CACHE", "off")
    assert empty == full == scores()


def test_a_gpus_card_and_cudnn_are_part_of_the_name(monkeypatch):
    cards = ["A100"]
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: cards[0])
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91000)
    first = _cache._device(torch.device("cuda", 0))
    assert first == "cuda, A100, cudnn 91000" and _cache._device(ROWS.device) == "cpu"
    cards[0] = "H200"
    assert _cache._device(torch.device("cuda", 0)) != first
