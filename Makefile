# One door. `make help` lists the targets.
SHELL := /bin/bash
# The first that is new enough; one that can make an environment before one that cannot. Each is asked, for a name alone may
# be a version manager's stub. The system's own comes first: distributions build theirs with optimizations that a version
# manager leaves out by default, which is a seventh of a request's CPU.
PYTHON ?= $(shell for needs in ensurepip sys; do for name in /usr/bin/python3.11 python3.11 python3 python3.12 python3.13 python3.14; do \
  $$name -c "import sys, $$needs; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$name && exit; done; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install

.DEFAULT_GOAL := help
.PHONY: help install demo serve test check format lock bench clean

help: ## What can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Locked dependencies into .venv

# Debian splits venv out of its python3 package; where it is missing we bring it. An environment that was made without
# pip, or whose Python is gone, is made again.
$(STAMP): requirements-dev.lock pyproject.toml
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Quarry needs Python 3.11 or newer, and '$(or $(PYTHON),python3)' is not. Name another: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || .ci/bring $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the locked dependencies into $(VENV): a minute, once"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## Real chat completions through the official client, over the sandbox
	@$(BIN)/python docs/examples/demo.py

serve: $(STAMP) ## The gateway over the sandbox, until Ctrl-C
	@echo "The key is sandbox; README.md shows what to ask, and Ctrl-C stops it. Each line is one event:" >&2
	@exec $(BIN)/quarry serve --sandbox

check: $(STAMP) ## Format, lint, types, floors, deployment files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python deploy/check.py

test: check ## Every check and every test
	@.ci/bring curl openssl
	$(BIN)/pytest --numprocesses auto --dist loadfile

format: $(STAMP) ## Let ruff rewrite what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## CPU per request beside nginx (PEERS=litellm adds LiteLLM)
	@$(BIN)/python benchmarks/run.py --peers "$(PEERS)"

# Hosts and machine paths stay out of the locks; hashes stay in.
lock: $(STAMP) ## Resolve the dependencies again
	$(PIP) uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	echo hatchling | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate -c requirements-dev.lock - -o deploy/requirements-build.lock

clean: ## Remove what the targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
