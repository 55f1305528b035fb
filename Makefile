# Two commands matter: `make lab` to learn, `make test` to check. `make help` lists the rest.

VENV    := .venv
PY      := $(VENV)/bin/python
INSTALL := $(VENV)/bin/uv pip install --quiet --python $(PY) --constraint constraints.txt
PIP     := -m pip --disable-pip-version-check --quiet

# A stamp for each set of dependencies. Each set contains the one before it.
RUNTIME := $(VENV)/.installed-runtime
TEST    := $(VENV)/.installed-test
BENCH   := $(VENV)/.installed-bench
DROPIN  := $(VENV)/.installed-dropin

# PYTHON=/path/to/python3 sets the interpreter of a new .venv. The default is the first suitable one.
PYTHON       ?=
LAB_FLAGS    ?=
PYTEST_FLAGS ?=
COMPARE_FLAGS ?=
ROUNDS       ?=

# Type check and format check of the live view's JavaScript. Nothing else here needs Node.js.
TSC      := npx --yes --package typescript@5.9.3 tsc
PRETTIER := npx --yes prettier@3.6.2 --print-width 100 --log-level warn

CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3)

# uv does not compile modules. If Python may not store them compiled either, each kernel and each
# worker compiles all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lab test notebooks screenshots bench compare dropin fuzz soak faults flake lint clean python venv

help:  ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

lab: $(RUNTIME)  ## Open the start page in JupyterLab (LAB_FLAGS="--no-browser")
	$(VENV)/bin/jupyter lab notebooks/00_start_here.ipynb $(LAB_FLAGS)

# The tests mostly wait, so four workers suit two cores. The cells of a notebook share a kernel and
# the tests of a module share fixtures, so each file runs on one worker; conftest.py sorts the files.
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder

test: $(TEST)  ## Run all tests and all notebooks (PYTEST_FLAGS="-k worker")
	$(PY) -m pytest $(PARALLEL) $(PYTEST_FLAGS)

notebooks: $(TEST)  ## Run every notebook and save it with its outputs
	$(PY) tools/run_notebooks.py

screenshots: $(TEST)  ## Save pictures of the live view: every state, and the one in the README
	$(PY) tools/screenshots.py states readme

bench: $(BENCH)  ## Measure what timing costs
	$(PY) -m benchmarks

# Takes six minutes on an idle machine.
compare: $(BENCH)  ## Compare PUSH/PULL with queues, HTTP, Redis, ... (COMPARE_FLAGS="--quick")
	$(PY) -m benchmarks.comparison $(COMPARE_FLAGS)

# pip downloads pyzmq's tests once. Two files run at a time; more would make timing tests fail.
dropin: $(DROPIN)  ## Run pyzmq's own tests with the kit's Context in the place of pyzmq's
	$(PY) tests/dropin/sdist.py
	$(PY) -m pytest -n 2 --dist worksteal tests/dropin/suite.py $(PYTEST_FLAGS)

# The first command takes at most four minutes, the second about one.
fuzz: $(TEST)  ## Try millions of random inputs, then more examples of the property tests
	$(PY) tests/stress/fuzzing.py
	PUSHPULL_EXAMPLES=4 $(PY) -m pytest tests/test_properties.py tests/browser/test_log_names.py

# Takes 10 to 25 minutes, depending on the machine.
soak: $(TEST)  ## Send a hundred million messages under a live view; check counts and memory
	$(PY) tests/stress/soaking.py

faults: $(TEST)  ## Kill, stop and cut off processes, send invalid bytes, fill the disk
	$(PY) -m pytest tests/stress/faults

# Takes half an hour or more.
flake: $(TEST)  ## Run all notebooks 20 times on busy cores (ROUNDS=5)
	$(PY) tests/stress/flake.py $(ROUNDS)

lint: $(TEST)  ## Check format, style, types, spelling and imports
	$(PY) -m ruff format --check
	$(PY) -m ruff check
	$(PY) -m mypy
	$(VENV)/bin/codespell
	$(VENV)/bin/lint-imports
	@command -v npx >/dev/null || { echo "Checking the types in JavaScript needs npx (Node.js)." \
	    "On Debian or Ubuntu: sudo apt-get install npm" >&2; exit 1; }
	$(TSC)
	$(PRETTIER) --check "pushpull_kit/views/timeline/**/*.{js,css}"

clean:  ## Remove .venv, caches and build results
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

# Print the interpreter for a new .venv, or say what is missing.
python:
	@for python in $(CANDIDATES); do \
	    "$$python" -c 'import ensurepip, sys, venv; \
	        sys.exit("too old") if sys.version_info < (3, 11) else print(sys.executable)' \
	        2>/dev/null && exit 0; \
	done; \
	echo "No Python 3.11 or newer with venv and ensurepip among: $(CANDIDATES)." \
	    "Install one (on Debian or Ubuntu: sudo apt-get install python3-venv)," \
	    "or name one: make PYTHON=/path/to/python3." >&2; \
	exit 1

# Make a new .venv that contains uv. An installed pip 22.3 or newer does this in a third of the time;
# without one, venv installs a pip of its own.
venv:
	@python=$$($(MAKE) --silent --no-print-directory python) || exit 1; \
	echo "Making $(VENV) with $$python"; \
	{ "$$python" -m venv --clear --without-pip $(VENV) && \
	  "$$python" $(PIP) --python $(PY) install --constraint constraints.txt uv 2>/dev/null; } || \
	{ "$$python" -m venv --clear $(VENV) && \
	  $(PY) $(PIP) install --constraint constraints.txt uv; }

# Run again when a bound or a pin changes. A .venv without a working Python or uv is replaced.
$(RUNTIME): pyproject.toml constraints.txt
	@{ $(PY) --version && $(VENV)/bin/uv --version; } >/dev/null 2>&1 || \
	    $(MAKE) --silent --no-print-directory venv
	@echo "Installing what the notebooks need into $(VENV)"
	@$(INSTALL) --editable . uv pip
	@touch $@

$(TEST): $(RUNTIME)
	@echo "Installing what the tests need into $(VENV)"
	@$(INSTALL) --editable '.[test]'
	@touch $@

$(BENCH): $(TEST)
	@echo "Installing what the benchmarks need into $(VENV)"
	@$(INSTALL) --editable '.[test,bench]'
	@touch $@

$(DROPIN): $(TEST)
	@echo "Installing what pyzmq's own tests need into $(VENV)/dropin"
	@$(INSTALL) --no-deps --target $(VENV)/dropin --group dropin
	@touch $@
