# Targets for people and CI. Each installs what it needs into .venv, or names the command that does.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

help:  ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

venv: $(STAMP)-dev  ## make .venv with all that development needs

demo: $(STAMP)-run  ## a guest and a web server in it: no root, no libvirt
	@$(BIN)/reconcile -C examples/quickstart
	@$(BIN)/python -c 'import urllib.request as u; print("http://127.0.0.1:18080 says:", u.urlopen("http://127.0.0.1:18080", timeout=10).read().decode().strip())'

demo-stop: $(STAMP)-run  ## stop all that the demo started
	@$(BIN)/reconcile -C examples/quickstart stop-all

check: $(STAMP)-dev  ## format, lint, types, import contracts, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/architecture

test: $(STAMP)-dev  ## everything; as root with real libvirt, QEMU, LXC and stock Pacemaker, on Debian
	@.ci/lab $(BIN)
	@.ci/test $(BIN)

bench: $(STAMP)-dev  ## print the benchmarks; CIB_GENERATOR=FILE adds the planner beside crm_simulate
	@for name in agent_footprint start_up commit_to_running; do echo "== $$name"; $(BIN)/python -m tests.benchmarks.$$name || exit 1; done
	@if [ "$$(id -u)" = 0 ] && command -v libvirtd >/dev/null; then echo "== wire_speed"; $(BIN)/python -m tests.benchmarks.wire_speed; else echo "wire_speed is left out: it needs root and the lab's packages"; fi
	@if [ -n "$(CIB_GENERATOR)" ]; then echo "== planner_speed"; $(BIN)/python -m tests.benchmarks.planner_speed --generator "$(CIB_GENERATOR)"; fi

soak: $(STAMP)-dev  ## fuzz both ends of the wire for long: a million messages each, and led by coverage for SECONDS (300)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-soak.lock
	FUZZ_EXAMPLES=20000 $(BIN)/python -m pytest -q tests/fuzz
	$(BIN)/python -m tests.fuzz --frames 1000000
	@for end in server client; do $(BIN)/python -m tests.fuzz.guided $$end -max_total_time=$(or $(SECONDS),300) -max_len=4000 -print_final_stats=1 || exit 1; done

valgrind: $(STAMP)-dev  ## the binding of GnuTLS under valgrind: no memory is used that is not ours
	@$(BIN)/python -m tests.valgrind

conformance: $(STAMP)-dev  ## compare our decisions with Pacemaker's on its own cases: SUITE=DIR
	@test -n "$(SUITE)" || { echo "usage: make conformance SUITE=DIR, with DIR's xml/, summary/ and levels.json"; exit 64; }
	@$(BIN)/python -m tests.conformance "$(SUITE)"

lock:  ## write the lock files anew: versions and hashes, no addresses
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra libvirt --extra dev pyproject.toml -o requirements-lab.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra soak pyproject.toml -o requirements-soak.lock

needs:
	@.ci/needs $(VENV)

$(STAMP)-run: pyproject.toml requirements.lock | needs
	@.ci/venv $(VENV) requirements.lock
	@touch $@

$(STAMP)-dev: pyproject.toml requirements-dev.lock | needs
	@.ci/venv $(VENV) requirements-dev.lock
	@touch $@ $(STAMP)-run

.PHONY: help needs venv demo demo-stop check test bench soak valgrind conformance lock
