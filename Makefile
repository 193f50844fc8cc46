# Everything runs from a virtual environment in this folder, which the first verb makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SUITE ?= mini
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help bench smoke test test-all lint throughput tensorboard leaderboard clean

help: ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bench: $(READY) ## run the benchmark (SUITE=mini) and print its leaderboard
	$(BIN)/python -m benchmark run --suite $(SUITE) $(ARGS)

smoke: $(READY) ## the whole pipeline in under a minute, without any download
	$(BIN)/python -m benchmark run --suite smoke $(ARGS)

test: $(READY) ## run the tests (under 10 minutes on two cores)
	$(BIN)/python -m pytest -m "not slow and not data" -n 2 $(ARGS)

test-all: $(READY) ## run the slow tests and those that need CIFAR-10, too
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(READY) ## check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

throughput: $(READY) ## measure training and batch preparation against a bare loop and per-image transforms
	$(BIN)/python -m benchmark.throughput $(ARGS)

tensorboard: $(READY) ## look at everything that was run, in a browser (SUITE=mini)
	$(BIN)/tensorboard --logdir output/$(SUITE)/tensorboard $(ARGS)

leaderboard: $(READY) ## print the leaderboard of SUITE from its entries
	$(BIN)/python -m leaderboard render --entries output/$(SUITE)/entries $(ARGS)

clean: ## remove results and caches of this checkout; the environment and fetched data stay
	rm -rf output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path "./$(VENV)/*" -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("make: Python >= 3.11 is needed, $(PYTHON) is " + sys.version.split()[0] + "; name another with PYTHON=...")'
	@echo "setting up $(VENV): the first time takes a few minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)
