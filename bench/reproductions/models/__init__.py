"""Models that only an experiment needs: given by path, never on a board."""
