"""Describe what a cell gave: the record, its shape, its place on disk, its machine and its cost."""
