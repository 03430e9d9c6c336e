# Targets do all their own set-up: see scripts/setup.sh (a virtual environment) and scripts/setup-validators.sh.
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
FILES ?=

.PHONY: help demo test check lint golden docs kernels bench soak setup validators clean

help:
	@echo "make demo     compile the coding-agent policy, evaluate calls, show the kernel refuse a write"
	@echo "make test     everything that CI runs: set-up, validators, lint, types, floors, tests"
	@echo "make check    the same without installing validators: before you push"
	@echo "make golden   rewrite the expected artifacts of fixtures/ and the pages made from them"
	@echo "make docs     rewrite the generated parts of docs/"
	@echo "make kernels  put the fixture policies to real kernels and rewrite docs/kernels.md (some minutes)"
	@echo "make bench    speed, as ratios to bare floors"
	@echo "make soak     new policies on real kernels (MINUTES=60), then the laws over many more (EXAMPLES=20000)"
	@echo "make clean    remove what the targets made"

demo: setup
	@./scripts/demo.sh

test: validators check

check: lint
	$(PYTEST) $(FILES)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/python -m pytest -p no:cacheprovider -q tests/test_floors.py

golden: setup
	AVAKILL_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden/test_goldens.py tests/compiler/test_fixtures.py tests/source/test_explain.py
	$(BIN)/python scripts/docs.py

docs: setup
	$(BIN)/python scripts/docs.py

kernels: setup
	$(BIN)/python scripts/kernels.py

bench: setup
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench_guard.py

EXAMPLES ?= 20000
MINUTES ?= 60
soak: setup
	$(BIN)/python -m tests.lab.soak --minutes $(MINUTES)
	AVAKILL_FRESH=1 AVAKILL_EXAMPLES=$(EXAMPLES) AVAKILL_SOAK=20 AVAKILL_KERNEL_POLICIES=2000 $(PYTEST) tests/backends tests/contract tests/compiler tests/evaluator tests/kernel

setup:
	@./scripts/setup.sh

validators:
	@./scripts/setup-validators.sh

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
