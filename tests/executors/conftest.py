"""Executors for the tests of this folder. GENBENCH_TEST_RAY=required: a machine where Ray cannot be tested is a failure, not a skip."""

import importlib.util
import os

import pytest

from tests.executors.clusters import machines


@pytest.fixture(scope="session")
def cluster():
    """A Ray cluster of a head and two nodes of one processor each."""
    if importlib.util.find_spec("ray") is None:
        reason = "ray is not installed: pip install 'genbench[ray]'"
        if os.environ.get("GENBENCH_TEST_RAY") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with machines() as running:
        yield running


@pytest.fixture(scope="session")
def ray_executor(cluster):
    """An executor that is connected to the cluster; `said` holds its lines."""
    from bench.executors._ray_cluster import connect
    from bench.executors.ray import RayExecutor

    said = []
    with RayExecutor(connect(cluster.address), say=said.append) as running:
        running.said = said
        yield running
