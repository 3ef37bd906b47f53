# make setup   the environment in .venv, from requirements.lock and this checkout
# make demo    sandbox, main run on real input, summary; stops what it started
# make test    lint, types and all tests
# make bench   benchmarks, results in benchmarks/results.md
# make lock    pin the packages anew · make hub: write hub/ anew from meltano.yml
# make clean   remove the environments and everything runs have left here
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
DISTRIBUTIONS := $(wildcard libs/*/pyproject.toml */pyproject.toml)

export MELTANO_SEND_ANONYMOUS_USAGE_STATS := false
export MELTANO_CLI_DISABLE_VERSION_CHECK := true

.PHONY: help setup lock hub lint types unit test demo bench clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: .venv/installed

.venv/installed: requirements.lock meltano.yml $(DISTRIBUTIONS) scripts/setup
	@PYTHON=$(PYTHON) scripts/setup

lock:
	for input in requirements.in tests/interop/*.in; do \
	  $(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --python-version 3.10 \
	    --custom-compile-command 'make lock' $$input -o $${input%.in}.lock || exit 1; \
	done

hub: setup
	$(BIN)/python scripts/hub.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy libs/*/src */src benchmarks

unit: setup
	$(BIN)/pytest -n auto --dist loadgroup

test: lint types unit

demo: setup
	@$(BIN)/python scripts/demo.py

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .venv-interop* .meltano .s2p sandbox/.data
