# Pantile: `make demo` shows it, `make test` checks it. Everything is set up in .venv by the first of them.
SHELL := /bin/bash
BIN := .venv/bin
STAMP := .make/installed

.PHONY: help setup demo test check format unit integration e2e faults chaos bench lock clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## make .venv with everything in it

$(STAMP): infra/setup/install.sh pyproject.toml requirements/dev.txt requirements/torch.txt
	@infra/setup/install.sh
	@mkdir -p $(@D) && touch $@

demo: $(STAMP) ## run two small cohorts through the whole system, on real servers, and show what came out
	@$(BIN)/pantile demo

check: $(STAMP) ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(STAMP) ## the tests that need no servers
	$(BIN)/pytest tests/unit

integration: $(STAMP) ## the tests against real PostgreSQL, Redis and S3
	$(BIN)/pytest tests/integration

e2e: $(STAMP) ## the main job through the whole stack
	$(BIN)/pytest tests/e2e

faults: $(STAMP) ## every fault against the whole stack, 300 jobs a cohort
	$(BIN)/pytest tests/faults --all-faults

chaos: $(STAMP) ## two minutes of random faults; SEED=n repeats a run
	SEED=$${SEED:-$$RANDOM} $(BIN)/pytest tests/faults/test_chaos.py --all-faults

bench: $(STAMP) ## speed and memory beside the pipeline that Pantile replaces, on an ROI of 12,500 x 10,000 px
	$(BIN)/python tests/benchmarks/speed.py

test: check ## everything that has to pass
	$(BIN)/pytest

format: $(STAMP) ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## renew the lock files
	infra/setup/lock.sh

clean: ## remove what was installed and built
	rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
