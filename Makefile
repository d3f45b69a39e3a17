# Everything a person or CI runs. Each target does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:

# uv brings Python packages; a machine without it gets it in a folder of its own.
TANDEM_CACHE ?= $(HOME)/.cache/tandem
UV := $(shell command -v uv 2>/dev/null || echo $(TANDEM_CACHE)/uv/bin/uv)
RUN := $(UV) run --no-sync
PYTEST := $(RUN) pytest

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.synced: pyproject.toml uv.lock
	@hack/bootstrap $(TANDEM_CACHE)/uv
	$(UV) sync --quiet --frozen --group dev
	@touch $@

.PHONY: setup
setup: .venv/.synced ## the Python environment of the project

.PHONY: format
format: setup ## format the code
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

.PHONY: lint
lint: setup
	$(RUN) ruff format --check .
	$(RUN) ruff check .

.PHONY: types
types: setup
	$(RUN) mypy -p tandem_operator -p tandem_runtime

.PHONY: contracts
contracts: setup
	$(RUN) lint-imports

.PHONY: verify
verify: lint types contracts ## format, lint, types, import contracts, regenerated files unchanged

.PHONY: unit
unit: setup ## the tests of the inner loop (under a minute)
	$(PYTEST) tests/unit -n 2

.PHONY: test
test: setup ## every test of the main job
	$(PYTEST) tests/unit -n 2
