# SPDX-License-Identifier: GPL-2.0
# make trace: from a fresh clone to the report of a real program.
# make test:  everything is checked, in guests with the real module, too;
# make guest: only those; KERNELS=7.2 make guest: on another kernel.
# make test-slow: packages on clean machines, the view in a browser and in a guest.
# make test-kernels, make build-kernels: on every kernel, or on those of KERNELS="6.12 7.2".
#
# The module itself is built by Kbuild, which kbuild prefers to this file.

export TRACECTL_CACHE ?= $(CURDIR)/.cache
BIN := .venv/bin
PROGRAM ?= ls -lR /etc/apt
CAPTURE ?= build/first.trace
EACH_KERNEL := $(or $(KERNELS),5.10 6.1 6.12 6.12-cloud 6.12-rt 7.2 7.3)

# Two test runs with pytest's own base directory remove each other's results.
BESIDE := --basetemp="$$(mktemp -d)/pytest"
# A guest has a CPU's worth of work, and a GiB or two of memory.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist worksteal

.PHONY: all setup trace test guest test-slow test-kernels build-kernels fast lint man screenshots deb wheel clean

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
	clang-format --dry-run -Werror kmod/*.c kmod/*.h kmod/arch/*.h kmod/compat/linux/*.h tracectl/walk/*.[ch]

# What every commit passes, without a guest.
fast: lint
	$(BIN)/pytest -q -m "not guest and not slow"

test: lint
	$(BIN)/pytest -m "not slow" $(SIDE_BY_SIDE)

# Only what boots a guest.
guest: setup
	$(BIN)/pytest -m "guest and not slow" $(SIDE_BY_SIDE) $(BESIDE)

# Packages and the wheel on clean machines, the view in a browser: many minutes.
test-slow: export SLOW := 1
test-slow: lint
	$(BIN)/pytest -m slow

# Man pages and shell completion, as below /usr/share.
man: setup
	rm -rf build/share
	$(BIN)/python packaging/man.py build/share

# The guest tests on each kernel, with the module by DKMS in a root of its suite; writes
# docs/support-matrix.md.
test-kernels: setup
	$(BIN)/python tests/matrix.py $(EACH_KERNEL)

build-kernels: setup
	KERNELS="$(EACH_KERNEL)" $(BIN)/pytest tests/kmod $(BESIDE)

# The pictures in docs/images.
screenshots: setup
	$(BIN)/python tests/tui/screenshots.py docs/images

# For users: two Debian packages; a wheel and an sdist. All in dist/.
# Made by root, the directories would be root's, and closed to the user's other targets.
deb: man
	@mkdir -p dist "$(TRACECTL_CACHE)/roots"
	@root=; [ "$$(id -u)" = 0 ] || root="sudo --preserve-env=TRACECTL_CACHE,DEBFULLNAME,DEBEMAIL"; \
	$$root $(BIN)/python -B packaging/deb.py dist

wheel: setup
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
