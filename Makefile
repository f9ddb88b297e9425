# smile-gate: `make` lists what can be made. Every target builds what it needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Python compiles what it imports; the rest would only take space.
PIP := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check
# The packages first, each by its hash; then the project, built by what is there.
FOLDER := import sys; print("3.11" if sys.version_info < (3, 12) else "3.13")
PACKAGES := $(PIP) --require-hashes --requirement "requirements/$$($(BIN)/python -c '$(FOLDER)')"
PROJECT := $(PIP) --no-deps --no-build-isolation --editable .
RECIPE := setup.cfg pyproject.toml $(wildcard requirements/*/*.txt)
TIMES ?= 50
BUSY ?= 4
# Tests that read a clock, start a thread or a process, or talk to one.
TESTS ?= $(shell grep -rlE --include='test_*.py' 'time\.monotonic|threading|socket\.socket|Popen|import .*\b(until|running|Gate|Jobs)\b' tests)

.PHONY: help demo check test test-training test-again faults fuzz rig power-cuts install lint types format docs requirements clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/python: $(RECIPE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "smile-gate needs Python 3.11 or newer: make PYTHON=python3.11 ..." >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@touch $@

$(VENV)/demo: $(VENV)/python
	@echo "installing what the demo needs into $(VENV): 0.3 GB, about a minute"
	@$(PACKAGES)/run.txt
	@$(PROJECT)
	@touch $@

$(VENV)/dev: $(VENV)/python
	@echo "installing what the tests need into $(VENV): 0.6 GB, some minutes"
	@$(PACKAGES)/dev.txt
	@$(PROJECT)
	@touch $@ $(VENV)/demo

demo: $(VENV)/demo ## run the whole gate on a rendered clip: one guest granted, one refused
	$(BIN)/smile-gate demo --out build/demo

$(VENV)/train: $(VENV)/dev
	@echo "installing TensorFlow into $(VENV)"
	@$(PACKAGES)/train.txt
	@touch $@

check: lint types ## lint, types and the quick tests: a minute, before each commit
	$(BIN)/pytest --numprocesses auto -m 'not slow and not tensorflow' --durations 5 --durations-min 2

test: $(VENV)/dev ## run all tests but those that need TensorFlow
	$(BIN)/pytest --numprocesses auto -m 'not tensorflow'

test-training: $(VENV)/train ## run the tests that need TensorFlow
	$(BIN)/pytest --numprocesses auto -m tensorflow

test-again: $(VENV)/dev ## repeat the tests that could pass by luck beside busy loops (TIMES=50, TESTS=files, BUSY=4)
	tests/beside.sh $(BUSY) $(BIN)/pytest --numprocesses auto -m 'not tensorflow' --times $(TIMES) $(TESTS)

faults: $(VENV)/dev ## harm a running gate in every way, fail every call of it, and print the tables
	$(BIN)/python -m tests.faults
	$(BIN)/python -m tests.faults.calls
	SMILE_GATE_KILLS=500 SMILE_GATE_CUTS=1000 $(BIN)/pytest --timeout 900 -v \
	  tests/faults/test_log_killed.py tests/faults/test_log_power_cut.py tests/faults/test_log_disk.py

fuzz: $(VENV)/dev ## try a million strange inputs at every way in (OPTIONS="--inputs 20000 --seed 7")
	$(BIN)/python -m tests.fuzz $(OPTIONS)

rig: $(VENV)/dev ## as root: the service under a real systemd, real lines, aarch64 (PART=service|operations|trixie|gpio|arm64)
	$(BIN)/python -m tests.rig $(PART)

power-cuts: $(VENV)/dev ## as root: cut a virtual machine's power 100 times in a hold, 20 in an emergency (OPTIONS=--help)
	$(BIN)/python -m tests.rig.power_cuts $(OPTIONS)

install: ## as root: install or upgrade the service (OPTIONS=--help)
	./systemd/install.sh $(OPTIONS)

lint: $(VENV)/dev ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev ## check types, strictly
	$(BIN)/mypy

format: $(VENV)/dev ## put the code into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/dev ## make what is made from the code: gate.yaml and its pages, man page, completion
	$(BIN)/python -m gate.config.generate
	$(BIN)/python -m gate.cli.manual > docs/smile-gate.1
	$(BIN)/python -m gate.cli.completion > systemd/smile-gate.bash-completion

requirements: ## write requirements/ anew from constraints.txt (PYTHON311=, PYTHON313=)
	./requirements/renew.sh

clean: ## remove what was built, the virtual environment too
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
