# Targets for people and for CI alike. `make demo` and `make test` need nothing but Python 3.11 and this checkout.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STEP := @bash tests/step.sh
PACKAGES := openssh-server openssh-client busybox-static sudo uidmap util-linux openssl sshpass samba
TYPED := plugins tests/lab tests/unit tests/integration tests/bench tests/demo tests/reference.py tests/asr_errors_page.py
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(VENV)/collections
export PYTHONPATH := $(CURDIR)/tests/lab
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup packages demo check unit integration seeds sanity matrix versions test soak bench build docs picture clean

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## Build the virtual environment and link the checkout as a collection

$(VENV)/.ready: requirements.txt requirements-dev.txt tests/setup_environment.sh
	$(STEP) "virtual environment (once)" bash tests/setup_environment.sh "$(PYTHON)" "$(VENV)"

packages: # Programs that the lab's Linux machines are made of; needs root or sudo only where one is missing
	@bash tests/install_packages.sh $(PACKAGES)

demo: setup packages ## Start the lab: prepare six hosts and move their VMs, install the agent on ten machines
	@$(BIN)/python tests/demo/run.py

check: setup ## Static checks and unit tests: about a minute
	$(STEP) "code style" $(BIN)/ruff check .
	$(STEP) "formatting" $(BIN)/ruff format --check -q .
	$(STEP) "types" $(BIN)/mypy $(TYPED)
	$(STEP) "YAML" $(BIN)/yamllint -s .
	$(STEP) "playbooks and roles" $(BIN)/ansible-lint --profile production --offline -q
	$(STEP) "changelog" $(BIN)/antsibull-changelog lint
	$(STEP) "generated pages" $(BIN)/python tests/reference.py --check
	$(STEP) "unit tests" $(BIN)/pytest tests/unit -n 2 --dist loadfile

unit: setup ## Unit tests only
	$(STEP) "unit tests" $(BIN)/pytest tests/unit -n 2 --dist loadfile

integration: setup packages ## Real ansible-playbook runs against the lab
	$(STEP) "integration tests" $(BIN)/pytest tests/integration -n 4 --dist loadfile --no-loadscope-reorder -m "not soak"

seeds: setup packages ## A tenth of the seeds of `make soak`
	$(STEP) "nothing lost, a tenth of the seeds" $(BIN)/pytest tests/integration -n 3 --dist worksteal -m soak

sanity: setup ## validate-modules and its neighbours, lint of the documentation
	$(STEP) "ansible-test sanity" bash tests/sanity.sh "$(BIN)"

matrix: setup packages ## The integration suite on the oldest and the newest ansible-core
	$(STEP) "matrix of versions" bash tests/matrix.sh "$(VENV)" "not soak and not lab"

versions: setup packages ## The part of it that may hang on the version of ansible-core
	$(STEP) "versions" bash tests/matrix.sh "$(VENV)" "not soak and not lab and not exhaustive"

test: ## Everything that CI runs, what fails fastest first; goes on after a failure, to show them all
	$(STEP) "everything" $(MAKE) --no-print-directory --keep-going check sanity build integration seeds versions

soak: setup packages ## All seeds of the kill, drop and restart tests
	HYPERV_MOBILITY_SEEDS=100 $(BIN)/pytest tests/integration -n 3 --dist worksteal -m soak

bench: setup packages ## Measure bytes, CPU and memory; docs/performance.md holds the figures
	@$(BIN)/python tests/bench/run.py

build: setup ## Build the collection, install it elsewhere and run it from there
	$(STEP) "build and install" bash tests/build.sh "$(BIN)"

docs: setup ## Write docs/reference.md from the documentation in the code
	@$(BIN)/python tests/reference.py

picture: setup ## Draw docs/images/run.svg from a run of the demo
	@$(BIN)/python tests/demo/picture.py

clean: ## Remove everything the targets made
	rm -rf $(VENV) .venv-* .cache build .mypy_cache .ruff_cache .pytest_cache .hypothesis
