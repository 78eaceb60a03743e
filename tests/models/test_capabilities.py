"""The protocols: each is one method, and asking for them needs no torch."""

import subprocess
import sys

import pytest

from bench.models import CAPABILITIES, Classifier, Density, Sampler, Selective, Trainable
from bench.registry import entries, find, load


@pytest.mark.parametrize("method", CAPABILITIES)
def test_a_capability_is_one_method_of_its_protocol(method):
    stub = type("Stub", (), {method: lambda self: None})()
    assert [name for name, capability in CAPABILITIES.items() if isinstance(stub, capability.protocol)] == [method]


@pytest.mark.parametrize("name", sorted(entries("model")))
def test_every_method_that_a_listing_sees_is_a_capability_of_the_class(name):
    cls = load("model", name)
    assert all(
        issubclass(cls, CAPABILITIES[method].protocol)
        for method in find("model", name).methods
        if method in CAPABILITIES
    )


def test_a_classifier_that_is_a_density_is_both():
    lda = load("model", "lda")()
    assert (
        isinstance(lda, Classifier)
        and isinstance(lda, Density)
        and isinstance(lda, Sampler)
        and isinstance(lda, Selective)
    )
    assert not isinstance(lda, Trainable)


def test_the_protocols_import_no_torch():
    code = "import sys, bench.models; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
