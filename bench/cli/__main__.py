"""`python -m bench.cli` is `bench`."""

from bench.cli.app import main

main("python -m bench.cli")
