"""Experiments about the suite itself; README.md lists them."""
