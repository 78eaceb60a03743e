# make run: environment, install, the core suite, boards.   make test: the tests.   make lint: ruff and mypy.
# make speed: ratios to the peers.
# All work on a fresh checkout.
PYTHON ?= python3
VENV := .venv
BENCH := $(VENV)/bin/bench

.PHONY: run test lint speed readme reference clean

run: $(VENV)/.installed
	$(BENCH) run --all

test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

speed: $(VENV)/.installed-test
	$(VENV)/bin/python -m tests.speed

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build *.egg-info

readme: $(VENV)/.installed
	$(VENV)/bin/python -m bench.render.readme
	$(VENV)/bin/python -m bench.render.chapter

# what bench gate compares with: results/ as it is, and the smoke suite run anew with three seeds; read the diff before you commit it
reference: $(VENV)/.installed
	$(BENCH) gate --accept
	fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(BENCH) run --all --suite smoke --seeds 3 --out "$$fresh" && $(BENCH) gate --accept --results "$$fresh"
