"""Carry cells out: an executor takes tasks and yields how they ended."""
