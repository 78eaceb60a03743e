"""Metrics: one file each, a pure function of arrays plus an adapter marked by @metric."""
