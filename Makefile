# Targets for people and for CI alike. `make demo` and `make test` need nothing but Python 3.11 and this checkout.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
COLLECTION := $(VENV)/collections/ansible_collections/hyperv/mobility
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(VENV)/collections
export PYTHONPATH := $(CURDIR)/tests/lab
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible

.PHONY: help setup demo check unit integration sanity matrix test soak bench build docs clean

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## Build the virtual environment and link the checkout as a collection

$(VENV)/.ready: requirements.txt requirements-dev.txt tests/setup_environment.sh
	@bash tests/setup_environment.sh "$(PYTHON)" "$(VENV)"

demo: setup ## Start the lab with six hosts, prepare them and move their VMs
	@$(BIN)/python tests/demo/run.py

check: setup ## Static checks and unit tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/mypy plugins tests/lab tests/unit tests/integration tests/bench tests/demo
	$(BIN)/yamllint -s .
	$(BIN)/ansible-lint --profile production --offline -q
	$(BIN)/antsibull-changelog lint
	$(BIN)/pytest tests/unit

unit: setup ## Unit tests only
	$(BIN)/pytest tests/unit

integration: setup ## Real ansible-playbook runs against the lab
	$(BIN)/pytest tests/integration -n 2 --dist loadfile

sanity: setup ## validate-modules and its neighbours, documentation build
	@bash tests/sanity.sh "$(BIN)"

matrix: setup ## The integration suite on the oldest and the newest ansible-core
	@bash tests/matrix.sh "$(VENV)"

test: check sanity integration matrix build ## Everything that CI runs
	@echo "all checks passed"

soak: setup ## All seeds of the kill, drop and restart tests
	HYPERV_MOBILITY_SEEDS=100 $(BIN)/pytest tests/integration -n 2 --dist worksteal -m soak

bench: setup ## Measure bytes, CPU and memory; docs/performance.md holds the figures
	@$(BIN)/python tests/bench/run.py

build: setup ## Build the collection and run it from outside the checkout
	@bash tests/build.sh "$(BIN)"

docs: setup ## Regenerate the module reference under docs/
	@bash tests/docs.sh "$(BIN)"

clean: ## Remove everything the targets made
	rm -rf $(VENV) .venv-* .cache build .mypy_cache .ruff_cache .pytest_cache .hypothesis
