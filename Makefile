# Two commands do everything: `make run` the main job on the examples, `make test` all checks and tests.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --constraint constraints.txt --editable
SOURCES := schemas annotators pipelines tools data_cards

EXAMPLE := examples/quickstart.yaml
REVIEW ?= 1

.PHONY: run review test test-slow lint bench clean

ifeq ($(REVIEW),0)
run: .venv/core  ## the same without Label Studio
	$(BIN)/cairn run $(EXAMPLE)
	@echo "Left out: the review. make run starts Label Studio and shows people the proposals."
else
run: .venv/review  ## run the examples recipe from recordings to a dataset, and show its proposals in Label Studio
	$(BIN)/cairn run $(EXAMPLE)
	$(BIN)/cairn review up
	$(BIN)/cairn review push $(EXAMPLE)
endif

test: .venv/all lint  ## install everything, then lint, type-check and test
	$(BIN)/python -m pytest -m "not slow" -n 4 --dist loadfile --no-loadscope-reorder --durations 15 $(PYTEST)

test-slow: .venv/all  ## the tests that take minutes
	$(BIN)/python -m pytest -m slow -s $(PYTEST)

lint: .venv/all
	$(BIN)/ruff check $(SOURCES) tests examples
	$(BIN)/ruff format --check $(SOURCES) tests examples
	$(BIN)/mypy

bench: .venv/all  ## what Beam costs against a plain loop of the same functions
	$(BIN)/python -m tools.bench.beam_tax

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Cairn needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

.venv/core: .venv/bin/python setup.cfg constraints.txt
	$(INSTALL) ".[load]"
	@touch $@

.venv/review: .venv/core
	$(INSTALL) ".[review]"
	@touch $@

.venv/all: .venv/review
	$(INSTALL) ".[test]"
	@touch $@

clean:
	rm -rf .venv examples/out
