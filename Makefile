# Every path is relative: make cannot spell a folder with spaces, the shell can.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help venv demo test lint types imports bench features isolation-report openapi template migrate reset stop
PY := .venv/bin/python

help: ## Show these targets
	@echo "Palaestra. Usage: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

demo: venv ## Run the main job and leave everything up for a look (CHECK=1: verify, then exit)
	@$(PY) -m demo $(if $(filter-out 0,$(CHECK)),--check)

test: venv ## Run all tests on servers of their own (ARGS="-k seats")
	@$(PY) -m pytest -n 2 $(ARGS); status=$$?; \
	$(PY) -m config.embedded stop --data-dir .palaestra/test; exit $$status

lint: venv ## Check style and formatting
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

types: venv ## Check types strictly
	@$(PY) -m mypy .

imports: venv ## Check who may import whom
	@.venv/bin/lint-imports

bench: venv ## Run the benchmarks (ONLY=name for one)
	@$(PY) -m benchmarks $(ONLY)

features: venv ## List the features with the tests that prove them
	@$(PY) -m tests.features

isolation-report: venv ## Prove that organizations are kept apart, and write it down for an auditor
	@DJANGO_SETTINGS_MODULE=config.settings.test $(PY) -m tests.isolation.report; status=$$?; \
	$(PY) -m config.embedded stop --data-dir .palaestra/test; exit $$status

openapi: venv ## Write the OpenAPI documents of both hosts (CHECK=1: compare only)
	@$(PY) -m api.openapi $(if $(filter-out 0,$(CHECK)),--check)

template: venv ## Write the template a tenant's schema is made from
	@$(PY) manage.py migrate --verbosity 0 && $(PY) manage.py dump_template

migrate: venv ## Bring the local database up to date
	@$(PY) manage.py migrate && $(PY) manage.py migrate_tenants

stop: venv ## Stop the local servers, keep the data
	@$(PY) -m config.embedded stop
	@$(PY) -m config.embedded stop --data-dir .palaestra/test

reset: venv ## Stop the local servers and delete their data
	@$(PY) -m config.embedded reset

# The environment is made when it is missing and mended when the pinned requirements changed.
venv:
	@wanted=$$(sha256sum < requirements/dev.txt); \
	if [ -x $(PY) ] && [ "$$(cat .venv/.requirements 2>/dev/null)" = "$$wanted" ]; then exit 0; fi; \
	python=; for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or later is needed; found: $$(python3 --version 2>&1 | head -1)." >&2; \
	  echo "Install it, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
	if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "Python cannot make virtual environments here. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; fi; \
	if [ -e .venv ] && [ ! -w .venv ] || [ ! -w . ]; then \
	  echo "No permission to write in this folder, where .venv belongs. Run as the user who owns it." >&2; exit 1; fi; \
	if ! $(PY) -m pip --version >/dev/null 2>&1; then \
	  echo "Making the Python environment in .venv"; "$$python" -m venv --clear .venv || exit 1; fi; \
	echo "Installing the pinned packages (about a minute, once)"; \
	{ $(PY) -m pip install --disable-pip-version-check --no-input --progress-bar off --require-hashes \
	    -r requirements/dev.txt 2>.venv/install.err; echo $$? > .venv/install.status; } \
	  | awk '/^(Collecting|Requirement already)/ { n += 1; if (n % 20 == 0) { printf "  %d packages\n", n; fflush() } } \
	         /^Installing collected/ { print "  unpacking"; fflush() }'; \
	if [ "$$(cat .venv/install.status)" != 0 ]; then \
	  tail -n 12 .venv/install.err >&2; \
	  echo "The packages could not be installed. Is there a network connection to the package index?" >&2; exit 1; fi; \
	printf '%s\n' "$$wanted" > .venv/.requirements
