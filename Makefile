# SPDX-License-Identifier: GPL-2.0
# make trace: from a fresh clone to the report of a real program.
# make test:  everything is checked, in guests with the real module, too.
#
# The module itself is built by Kbuild, which kbuild prefers to this file.

export TRACECTL_CACHE ?= $(CURDIR)/.cache
BIN := .venv/bin
PROGRAM ?= ls -lR /etc/apt
CAPTURE ?= build/first.trace

.PHONY: all setup trace test fast lint man clean

all: test

setup:
	@packaging/setup.sh

trace: setup
	@mkdir -p $(dir $(CAPTURE))
	$(BIN)/tracectl record --vm -o $(CAPTURE) -- $(PROGRAM) >/dev/null
	$(BIN)/tracectl report $(CAPTURE)
	@echo
	@echo "Every call of it: $(BIN)/tracectl print $(CAPTURE)"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	clang-format --dry-run -Werror kmod/*.c kmod/*.h kmod/arch/*.h kmod/compat/linux/*.h

# What every commit passes, without a guest.
fast: lint
	$(BIN)/pytest -q -m "not guest"

test: lint
	$(BIN)/pytest

# Man pages and shell completion, as below /usr/share.
man: setup
	$(BIN)/python packaging/man.py build/share

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
