"""The command line: a file a command; `main` is its entry point."""

from bench.cli.app import main

__all__ = ["main"]
