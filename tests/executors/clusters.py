"""A real Ray cluster for tests, on loopback addresses: a head without processors, nodes of one, and a token of its own."""

import os
import secrets
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
NODE = {"num_cpus": 1, "memory": 6 * 2**30, "object_store_memory": 150 * 2**20, "include_dashboard": False}
LOUD = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}


@contextmanager
def variables(**changed):
    """Set variables of the environment for the time of the block."""
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class Machines:
    """The cluster, and its nodes by the process id of their raylet."""

    def __init__(self, cluster):
        self.cluster, self.address = cluster, cluster.address
        self._next = 3

    def add(self, **options):
        """Start a node; returns the process id of its raylet."""
        with variables(**options.pop("variables", {})):
            # a folder of its own for what is shipped, as on a machine of its own: a node that starts empties it
            own = {"node_ip_address": f"127.0.0.{self._next}", "runtime_env_dir_name": f"shipped-{self._next}"}
            node = self.cluster.add_node(**NODE | own | options)
        self._next += 1
        return raylet_of(node)

    def remove(self, raylet):
        """Kill a node without a warning, and reap it: a raylet that is a zombie seems alive to its workers."""
        (node,) = (node for node in self.cluster.worker_nodes if raylet_of(node) == raylet)
        self.cluster.remove_node(node, allow_graceful=False)


def raylet_of(node):
    return node.all_processes["raylet"][0].process.pid


@contextmanager
def machines(nodes=2):
    """Run a cluster for the time of the block."""
    with variables(**LOUD, RAY_AUTH_TOKEN=secrets.token_hex(32)):
        from ray.cluster_utils import Cluster  # reads the variables once, when it is imported

        head = NODE | {"num_cpus": 0, "memory": 2**28, "node_ip_address": "127.0.0.2"}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            running = Machines(cluster)
            running.without_nodes = bench(
                "run", "-m", "kde", "-d", "iris", "--executor", "ray", "--address", cluster.address
            )
            for _ in range(nodes):
                running.add()
            yield running
        finally:
            cluster.shutdown()


def processes(word):
    """Return the ids of this cluster's processes whose command line has a word in it; they carry the cluster's token."""
    token, seen = os.environ["RAY_AUTH_TOKEN"].encode(), set()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word in (path / "cmdline").read_bytes() and token in (path / "environ").read_bytes():
                seen.add(int(path.name))
    return seen


def bench(*words, **options):
    """Run the command line from another folder, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bench.cli", *words], cwd="/", capture_output=True, text=True, check=False, **options
    )
