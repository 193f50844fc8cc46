# Everything runs from a virtual environment in this folder, which the first verb makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SUITE ?= mini
UNLEARNER ?=
ENTRY ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help bench smoke submit verify publish page test test-all lint throughput tensorboard leaderboard report clean

help: ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bench: $(READY) ## run the benchmark (SUITE=mini) and print its leaderboard
	$(BIN)/python -m benchmark run --suite $(SUITE) $(ARGS)

smoke: $(READY) ## the whole pipeline in under a minute, without any download
	$(BIN)/python -m benchmark run --suite smoke $(ARGS)

submit: $(READY) ## check and run UNLEARNER=path/to/my_method.py:MyMethod on SUITE (mini), and add its rows to the board
	@test -n "$(UNLEARNER)" || { echo "make: name a method: make submit UNLEARNER=path/to/my_method.py:MyMethod"; exit 2; }
	$(BIN)/python -m benchmark submit --unlearner=$(UNLEARNER) --suite $(SUITE) $(ARGS)

verify: $(READY) ## run ENTRY=leaderboard/entries/.../my_method.json again, and say whether it agrees
	@test -n "$(ENTRY)" || { echo "make: name an entry: make verify ENTRY=leaderboard/entries/SCENARIO/METHOD.json"; exit 2; }
	$(BIN)/python -m benchmark verify $(ENTRY) $(ARGS)

publish: $(READY) ## take the entries of output/SUITE into leaderboard/entries, and render the board
	$(BIN)/python -m benchmark publish --output output/$(SUITE) $(ARGS)

page: $(READY) ## render table and page of the published board anew
	$(BIN)/python -m leaderboard render --entries leaderboard/entries --output leaderboard/LEADERBOARD.md
	$(BIN)/python -m leaderboard render --html --entries leaderboard/entries --output leaderboard/leaderboard.html

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

report: $(READY) ## the paper's analysis of SUITE as an HTML page with verdicts, figures and data
	$(BIN)/python -m benchmark report --output output/$(SUITE) $(ARGS)

clean: ## remove results and caches of this checkout; the environment and fetched data stay
	rm -rf output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path "./$(VENV)/*" -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("make: Python >= 3.11 is needed, $(PYTHON) is " + sys.version.split()[0] + "; name another with PYTHON=...")'
	@echo "setting up $(VENV): the first time takes a few minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)
