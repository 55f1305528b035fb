# Two commands matter: `make lab` to learn, `make test` to check. `make help` lists the rest.

VENV  := .venv
PY    := $(VENV)/bin/python
STAMP := $(VENV)/.installed
BENCH := $(VENV)/.installed-bench

# PYTHON=/path/to/python3 chooses the interpreter of a new .venv; otherwise the first that will do.
PYTHON       ?=
LAB_FLAGS    ?=
PYTEST_FLAGS ?=
COMPARE_FLAGS ?=
ROUNDS       ?=

# What checks the types and the form of the live view's scripts; nothing else here needs Node.js.
TSC      := npx --yes --package typescript@5.9.3 tsc
PRETTIER := npx --yes prettier@3.6.2 --print-width 100 --log-level warn

CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lab test notebooks screenshots bench compare fuzz soak faults flake lint clean python

help:  ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

lab: $(STAMP)  ## Open the start page in JupyterLab (LAB_FLAGS="--no-browser")
	$(VENV)/bin/jupyter lab notebooks/00_start_here.ipynb $(LAB_FLAGS)

test: $(STAMP)  ## Run all tests and all notebooks (PYTEST_FLAGS="-k worker")
	$(PY) -m pytest $(PYTEST_FLAGS)

notebooks: $(STAMP)  ## Run every notebook and save it with its outputs
	$(PY) tools/run_notebooks.py

screenshots: $(STAMP)  ## Take pictures of the live view: every state, and the one in the README
	$(PY) tools/screenshots.py states readme

bench: $(STAMP)  ## Measure what the stopwatch costs
	$(PY) -m benchmarks

# Six minutes, on a machine that does nothing else.
compare: $(BENCH)  ## Measure PUSH/PULL beside queues, HTTP, Redis, ... (COMPARE_FLAGS="--quick")
	$(PY) -m benchmarks.comparison $(COMPARE_FLAGS)

# Four minutes at the most for the first, about one for the second.
fuzz: $(STAMP)  ## Try millions of random inputs, then more histories of the log than the tests do
	$(PY) tests/stress/fuzzing.py
	PUSHPULL_EXAMPLES=4 $(PY) -m pytest tests/test_properties.py tests/browser/test_log_names.py

# Ten minutes, or longer on a slow machine, but no more than twenty-five.
soak: $(STAMP)  ## Push a hundred million messages under a live view: flat, and exact
	$(PY) tests/stress/soaking.py

faults: $(STAMP)  ## Kill, stop and cut off processes, send rubbish, fill the disk
	$(PY) -m pytest tests/stress/faults

# Half an hour or more.
flake: $(STAMP)  ## Run all notebooks 20 times beside busy cores (ROUNDS=5)
	$(PY) tests/stress/flake.py $(ROUNDS)

lint: $(STAMP)  ## Check format, style, types, spelling and imports
	$(PY) -m ruff format --check
	$(PY) -m ruff check
	$(PY) -m mypy
	$(VENV)/bin/codespell
	$(VENV)/bin/lint-imports
	@command -v npx >/dev/null || { echo "Types in JavaScript need npx (Node.js) to be checked." \
	    "On Debian or Ubuntu: sudo apt-get install npm" >&2; exit 1; }
	$(TSC)
	$(PRETTIER) --check "pushpull_kit/views/timeline/**/*.{js,css}"

clean:  ## Remove .venv, caches and build results
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

# Print the interpreter that a new .venv would use, or say what is missing.
python:
	@for python in $(CANDIDATES); do \
	    if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	            2>/dev/null; then \
	        echo "$$python"; exit 0; \
	    fi; \
	done; \
	echo "No Python 3.11 or newer with venv and ensurepip among: $(CANDIDATES)." \
	    "Install one (on Debian or Ubuntu: sudo apt-get install python3-venv)," \
	    "or name one: make PYTHON=/path/to/python3." >&2; \
	exit 1

# Done again only when a bound or a pin changes. A .venv without a working pip is made anew.
$(STAMP): pyproject.toml constraints.txt
	@if ! $(PY) -m pip --version >/dev/null 2>&1; then \
	    python=$$($(MAKE) --silent --no-print-directory python) || exit 1; \
	    echo "Making $(VENV) with $$python"; \
	    "$$python" -m venv --clear $(VENV) || exit 1; \
	fi
	@echo "Installing into $(VENV); the first time takes a minute or two"
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[test]' -c constraints.txt
	@touch $(STAMP)

$(BENCH): $(STAMP)
	@echo "Installing what the comparison compares with"
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[test,bench]' -c constraints.txt
	@touch $(BENCH)
