# `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard service wallet_client tests bench examples docs)
LEDGER_TESTS := tests/database tests/isolation tests/model
HTTP_TESTS := tests/http
# Two halves of about the same length.
HTTP_FIRST_TESTS := $(wildcard tests/http/test_[a-l]*.py)
FAULT_TESTS := tests/faults tests/recovery
LOCK := uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "make %-8s %s\n", $$1, $$2}'

.PHONY: run
run: $(VENV)/.installed ## Serve the wallet on http://127.0.0.1:3000, with a PostgreSQL of its own unless DATABASE_URL is set
	@exec $(BIN)/wallet serve

# The parts run side by side: much of a test is waiting. Tests of this file call make, and must not take part in its jobs.
TEST_PARTS := test-ledger test-http-first test-http-last test-faults test-rest
.PHONY: test
test: lint audit ## Check style, types and advisories, then run the whole test suite
	@$(MAKE) --no-print-directory -j $(words $(TEST_PARTS)) $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) $(TEST_PARTS)

.PHONY: $(TEST_PARTS)
test-ledger: $(VENV)/.installed-dev
	env -u MAKEFLAGS $(BIN)/pytest $(LEDGER_TESTS)
	@other=$$($(BIN)/python -m tests.support.other_server); \
	if [ -n "$$other" ]; then \
		echo "The SQL tests again, on the PostgreSQL in $$other"; \
		WALLET_TEST_PG_BIN=$$other $(BIN)/pytest tests/database tests/isolation; \
	fi

test-http-first: $(VENV)/.installed-dev
	env -u MAKEFLAGS $(BIN)/pytest $(HTTP_FIRST_TESTS)

test-http-last: $(VENV)/.installed-dev
	env -u MAKEFLAGS $(BIN)/pytest $(HTTP_TESTS) $(addprefix --ignore=,$(HTTP_FIRST_TESTS))

test-faults: $(VENV)/.installed-dev
	env -u MAKEFLAGS $(BIN)/pytest $(FAULT_TESTS)

test-rest: $(VENV)/.installed-dev browser
	env -u MAKEFLAGS $(BIN)/pytest $(addprefix --ignore=,$(LEDGER_TESTS) $(HTTP_TESTS) $(FAULT_TESTS))

.PHONY: browser
browser: $(VENV)/.installed-dev ## Install a browser for the tests of the console
	@$(BIN)/python -m tests.support.browser

.PHONY: model
model: $(VENV)/.installed-dev ## Try long random histories (a quarter of an hour)
	MODEL_EXAMPLES=$${MODEL_EXAMPLES:-1000} MODEL_STEPS=$${MODEL_STEPS:-100} $(BIN)/pytest tests/model/test_histories.py

.PHONY: bench
bench: $(VENV)/.installed ## Measure the wallet beside its rivals (a quarter of an hour, on a quiet machine)
	$(BIN)/python -m bench

.PHONY: docs
docs: $(VENV)/.installed-dev ## Build the documentation's site in build/docs
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs
	@echo "The site is there: build/docs/index.html"

.PHONY: lint
lint: $(VENV)/.installed-dev ## Check style and types of the Python and SQL files
	$(BIN)/ruff check $(SOURCES) db
	$(BIN)/ruff format --check $(SOURCES) db
	$(BIN)/mypy $(SOURCES)
	$(BIN)/sqlfluff lint db seed.sql
	$(BIN)/squawk --assume-in-transaction --pg-version 15 --exclude prefer-bigint-over-smallint,require-timeout-settings $(filter-out %.rollback.sql,$(wildcard db/migrations/*.sql))

.PHONY: audit
audit: $(VENV)/.installed-dev ## Look for known vulnerabilities in the pinned versions
	$(BIN)/python -m tests.packaging.audit

.PHONY: format
format: $(VENV)/.installed-dev ## Rewrite the Python and SQL files in the common style
	$(BIN)/ruff check --fix $(SOURCES) db
	$(BIN)/ruff format $(SOURCES) db
	$(BIN)/sqlfluff fix db seed.sql

.PHONY: lock
lock: $(VENV)/.installed-dev ## Choose the newest allowed versions again and write them to requirements*.txt
	$(BIN)/$(LOCK) --upgrade --extra client --extra docs --extra embedded --output-file requirements.txt pyproject.toml
	$(BIN)/$(LOCK) --upgrade --extra dev --constraints requirements.txt --output-file requirements-dev.txt pyproject.toml

.PHONY: clean
clean: ## Remove what was installed and built; the data folder .wallet-data stays
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: a second run installs nothing. Every version and file hash is in the requirements files.
$(VENV)/.installed: requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
