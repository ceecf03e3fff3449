# Everything a developer or CI needs. `make demo` and `make test` set up what they need by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-quick lint docs bench bench-kubernetes bench-paper packages clean

demo: $(VENV)/.installed
	$(BIN)/lbproxy demo $(if $(SECONDS_TO_RUN),--seconds $(SECONDS_TO_RUN))

test: $(VENV)/.installed-dev packages
	$(BIN)/pytest $(PYTEST_ARGS)

# For the daily work: without root, guest, browser, image and real programs; a minute or so.
QUICK := admin cli config console control dataplanes docs doctor house ipvs kubernetes sources userspace
test-quick: $(VENV)/.installed-dev
	$(BIN)/pytest -m 'not kernel' $(QUICK:%=tests/%) $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(VENV)/.installed-dev
	$(BIN)/python -m docs.generate

bench: $(VENV)/.installed-dev packages
	$(BIN)/python -m bench relay $(BENCH_ARGS)

bench-kubernetes: $(VENV)/.installed-dev packages
	$(BIN)/python -m bench kubernetes $(BENCH_ARGS)

bench-paper: $(VENV)/.installed-dev packages
	$(BIN)/python -m bench paper $(if $(QUICK),--quick) $(if $(GUEST),--in-guest) $(BENCH_ARGS)

packages:
	@.ci/packages

$(VENV)/bin/python:
	@.ci/virtual-environment $(PYTHON) $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[dev,bench]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
