"""Generative adversarial networks and their neighbours, one model a file."""
