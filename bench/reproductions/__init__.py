"""Published results run again, and ten questions answered by experiment: `bench reproduce`.

published/*.toml   a paper's numbers with their protocol; questions/*.toml   arms that differ in one thing, and comparisons
measures/*.py      what is read off a fitted model beyond the suite's metrics; models/*.py   models that only an experiment needs
"""
