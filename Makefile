# Everything a fresh machine needs: python3 (3.11 or later, with venv), make and a package index.
#   make demo    the console on its own embedded control plane
#   make test    the whole test suite
#   make soak    an hour of random input against a plane with every fault (ARGS="--minutes 5 --seed 3")
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
ARGS ?=
# Twice the two cores: tests of screens and processes wait a good part of their time.
JOBS ?= 4

.PHONY: demo test coverage check soak format lint types imports bench docs pictures site constraints snapshots release clean

demo: $(VENV)/.runtime
	@$(BIN)/mogplex-tui demo $(ARGS)

# The workers find compiled what one of them has compiled, whatever the environment says of that.
# Who has nothing left to do takes from the others: one module is a minute of work by itself.
test: $(VENV)/.dev
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

# Lines and branches that no test runs, the largest gaps first. ARGS="tests/unit tests/api" runs some tests only.
coverage: $(VENV)/.dev
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report= $(ARGS)
	@$(BIN)/python -m coverage report

check: $(VENV)/.dev
	@echo "format"; $(BIN)/ruff format --check --quiet .
	@echo "lint"; $(BIN)/ruff check --quiet .
	@echo "types"; $(BIN)/mypy
	@echo "import rules"; $(BIN)/lint-imports --config pyproject.toml > .venv/imports.log || { cat .venv/imports.log; exit 1; }
	@$(MAKE) --no-print-directory test

# Options: --minutes N --seed N. It ends with 1 and the seed when anything is violated.
soak: $(VENV)/.dev
	@$(BIN)/python -m tests.hostile.soak $(ARGS)

format: $(VENV)/.dev
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

lint: $(VENV)/.dev
	@$(BIN)/ruff check .

types: $(VENV)/.dev
	@$(BIN)/mypy

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --config pyproject.toml

bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks $(ARGS)

# The documents that are made from the code; a test fails when they are not current.
docs: $(VENV)/.dev
	@$(BIN)/python -m tests.facts.write

# The pictures of the README and the documentation, drawn from the demo's data; a test fails when they are not current.
pictures: $(VENV)/.dev
	@$(BIN)/python -m tests.docs.images

# The documentation site, in docs/_build/index.html; a warning is an error, and nothing is fetched while it is built.
site: $(VENV)/.docs
	@$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build $(ARGS)
	@echo "docs/_build/index.html"

snapshots: $(VENV)/.dev
	@$(BIN)/python -m pytest tests/snapshots --snapshot-update $(ARGS)

# Dates the changelog, sets the version, commits and tags; nothing is pushed. VERSION=0.2.0
release:
	@$(PYTHON) scripts/release.py $(VERSION)

# The one command that refreshes constraints.txt: resolve everything anew in a throw-away environment.
constraints:
	@echo "resolving every dependency anew"
	@rm -rf .venv-constraints && $(PYTHON) -m venv .venv-constraints
	@.venv-constraints/bin/python -m pip --quiet --disable-pip-version-check install -e '.[dev,docs]' hatchling
	@{ echo "# Every version that the project is built and tested with. Refresh with: make constraints"; \
	   .venv-constraints/bin/python -m pip --disable-pip-version-check freeze --exclude-editable; } > constraints.txt
	@rm -rf .venv-constraints

$(VENV)/bin/python:
	@echo "creating $(VENV) (once)" >&2
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing mogplex-tui into $(VENV) (a minute the first time)" >&2
	@$(PIP) install -c constraints.txt -e .
	@$(BIN)/python -m compileall -q mogplex_tui
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing mogplex-tui and its test tools into $(VENV) (a minute or two the first time)" >&2
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@$(BIN)/python -m compileall -q mogplex_tui
	@touch $(VENV)/.runtime $@

$(VENV)/.docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing mogplex-tui and Sphinx into $(VENV) (a minute the first time)" >&2
	@$(PIP) install -c constraints.txt -e '.[docs]'
	@touch $(VENV)/.runtime $@

clean:
	@rm -rf $(VENV) docs/_build .venv-constraints .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage snapshot_report.html
