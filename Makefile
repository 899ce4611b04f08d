# Pantile: `make demo` shows it, `make test` checks it. Everything is set up in .venv by the first of them.
SHELL := /bin/bash
BIN := .venv/bin
STAMP := .make/installed
VIEWER := .make/viewer
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c
MINIO := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pantile/minio-$(MINIO_VERSION)/minio
VIEWER_SOURCES := $(shell find services/pantile/web/viewer -path '*/node_modules' -prune -o -type f -print)

.PHONY: help setup demo test check helm alerts compose format unit integration e2e minio faults chaos bench bench-scale bench-web bench-analysis bench-whole-slide screenshots fuzz lock audit clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) $(VIEWER) ## make .venv with everything in it, and the scoring page

$(STAMP): infra/setup/install.sh pyproject.toml requirements/dev.txt requirements/torch.txt
	@infra/setup/install.sh
	@mkdir -p $(@D) && touch $@

$(VIEWER): infra/setup/build_viewer.sh $(VIEWER_SOURCES) | $(STAMP)
	@infra/setup/build_viewer.sh
	@touch $@

demo: $(STAMP) $(VIEWER) ## run three small cohorts through the whole system, show what came out, and set up a study to score
	@$(BIN)/pantile demo

check: $(STAMP) $(VIEWER) ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests infra/setup
	$(BIN)/lint-imports
	$(BIN)/python infra/setup/service_types.py --check
	services/pantile/web/viewer/node_modules/.bin/tsc -p services/pantile/web/viewer

unit: $(STAMP) $(VIEWER) ## the tests that need no servers
	$(BIN)/pytest tests/unit

integration: $(STAMP) $(VIEWER) ## the tests against real PostgreSQL, Redis and S3
	$(BIN)/pytest tests/integration

e2e: $(STAMP) $(VIEWER) ## the main job through the whole stack
	$(BIN)/pytest tests/e2e

minio: $(MINIO) ## build MinIO's server with the Go toolchain, for the tests of the bucket; once, in ~/.cache/pantile

# The last commit of the community repository, as infra/docker/minio has it.
$(MINIO):
	CGO_ENABLED=0 GOBIN=$(@D) go install -trimpath "github.com/minio/minio@$(MINIO_VERSION)"

faults: $(STAMP) ## every fault against the whole stack, 300 jobs a cohort
	$(BIN)/pytest tests/faults --all-faults

chaos: $(STAMP) ## two minutes of random faults; SEED=n repeats a run
	SEED=$${SEED:-$$RANDOM} $(BIN)/pytest tests/faults/test_chaos.py --all-faults

fuzz: $(STAMP) ## ten times as many made-up requests of each of the API's operations as in `make test`
	PANTILE_FUZZ_EXAMPLES=200 $(BIN)/pytest tests/integration/web/test_description.py

screenshots: $(STAMP) $(VIEWER) ## pictures of the scoring app for docs, from a demo that runs (it is scored for them)
	$(BIN)/python -m tests.screenshots

bench: $(STAMP) ## speed and memory beside the pipeline that Pantile replaces, on an ROI of 12,500 x 10,000 px
	$(BIN)/python tests/benchmarks/speed.py

bench-scale: $(STAMP) ## what the queue costs at the study's size, segmenters that only sleep; ARGS=--quick for a look
	$(BIN)/python -m tests.benchmarks.scale $(ARGS)

bench-web: $(STAMP) ## what scoring takes at the study's size; ARGS=--quick for a look
	$(BIN)/python -m tests.benchmarks.web $(ARGS)

bench-whole-slide: $(STAMP) ## memory and time of a slide of 60,000 x 60,000 px, generated
	$(BIN)/python tests/benchmarks/whole_slide.py $(ARGS)

bench-analysis: $(STAMP) ## time and memory of an analysis of 54,560 scores with 2,000 draws
	$(BIN)/python tests/benchmarks/analysis.py

# Two at a time; those that drive a browser or a whole stack have the machine to themselves, in a process of their own:
# Playwright leaves a running event loop behind.
test: check ## everything that has to pass
	$(BIN)/pytest --numprocesses 2 --dist loadfile tests/unit tests/integration
	$(BIN)/pytest tests/e2e tests/faults

helm: $(STAMP) ## the Helm chart against Kubernetes' own schemas; builds helm, which takes Go
	infra/setup/helm_tools.sh
	$(BIN)/pytest tests/unit/infra/test_helm.py

alerts: $(STAMP) ## alerts and dashboards against Prometheus' own checks; builds promtool, which takes Go
	infra/setup/promtool.sh
	$(BIN)/pytest tests/unit/infra/test_alerts.py

compose: $(STAMP) ## docker-compose.yml as compose's own library loads it; builds that, which takes Go
	infra/setup/compose_config.sh
	$(BIN)/pytest tests/unit/infra/test_compose.py

format: $(STAMP) ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## renew the lock files
	infra/setup/lock.sh

audit: $(STAMP) ## look the locked versions up in the database of known weaknesses
	infra/setup/audit.sh

clean: ## remove what was installed and built
	rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
	    services/pantile/web/viewer/node_modules services/pantile/web/static/viewer
