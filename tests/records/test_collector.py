"""The collector is held back inside and left as it was found, also after an error."""

from __future__ import annotations

import gc

import pytest

from bench.records.store import collector_paused


def test_the_collector_rests_inside_and_runs_again_afterwards():
    assert gc.isenabled()
    with collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            pass
        assert not gc.isenabled(), "an inner pause must not end the outer one"
    assert gc.isenabled()


def test_an_error_inside_leaves_it_running():
    with pytest.raises(ValueError), collector_paused():
        raise ValueError
    assert gc.isenabled()
