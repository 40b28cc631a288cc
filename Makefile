# `make help` lists what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# A Python of 3.11 or later; PYTHON=… names another.
PYTHON ?= $(shell for candidate in python3.11 python3.12 python3.13 python3; do \
	command -v $$candidate >/dev/null 2>&1 && \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	echo $$candidate && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?=
EMAIL ?= admin@example.com
ARGUMENTS ?=
DEMO_FOLDER := var/demo
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# Throw-away values, so that the checks of production can run anywhere.
PRODUCTION_ENVIRONMENT = \
	CSMS_READ_DOTENV=0 \
	CSMS_VAR_DIR="$$(mktemp -d)" \
	DJANGO_SETTINGS_MODULE=csms.settings.production \
	DJANGO_SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	DJANGO_ALLOWED_HOSTS=csms.example.co.th \
	FIELD_ENCRYPTION_KEYS="$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
	DATABASE_URL=postgres://csms:throw-away@127.0.0.1:1/csms \
	REDIS_URL=redis://127.0.0.1:1/0 \
	EMAIL_URL=smtp+tls://csms:throw-away@127.0.0.1:1 \
	SMS_BACKEND=throw_away.Sms

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | \
		awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# --- Installing -----------------------------------------------------------------------------------
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: install it, or make PYTHON=/path/to/python …"; exit 1; }
	@echo "Creating $(VENV) with $(PYTHON) …"
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing (Debian: apt install python3-venv)."; exit 1; }

$(VENV)/.runtime: requirements.txt | $(BIN)/python
	@echo "Installing the pinned packages …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.development: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing the pinned packages and tools …"
	@$(PIP) -r requirements-dev.txt
	@touch $(VENV)/.runtime $@

.PHONY: install
install: $(VENV)/.development ## Install everything for development into .venv

# --- Running --------------------------------------------------------------------------------------
.PHONY: demo
demo: $(VENV)/.runtime ## Run everything with 20 simulated chargers, no service needed (PORT=…)
	@exec $(BIN)/python -m simulators.demo $(if $(PORT),--port $(PORT)) $(ARGUMENTS)

.PHONY: demo-smoke
demo-smoke: $(VENV)/.runtime ## Run the demo without a person until a session is priced; 0 or 1
	@exec $(BIN)/python -m simulators.demo --smoke --chargers 6 $(if $(PORT),--port $(PORT)) $(ARGUMENTS)

.PHONY: demo-code
demo-code: $(VENV)/.runtime ## Print the demo's one-time code now (EMAIL=…)
	@CSMS_READ_DOTENV=0 DATABASE_URL= REDIS_URL= CSMS_VAR_DIR=$(DEMO_FOLDER) LOG_LEVEL=WARNING \
		$(BIN)/python manage.py demo_code --email $(EMAIL)

.PHONY: serve
serve: $(VENV)/.runtime ## Migrate, then serve web and gateway on 127.0.0.1:8000 (PORT=…)
	@$(BIN)/python manage.py migrate --no-input
	@exec $(BIN)/python manage.py serve --host 127.0.0.1 --port $(or $(PORT),8000)

.PHONY: worker
worker: $(VENV)/.runtime ## Run the Celery worker and beat
	@exec $(BIN)/python -m celery -A csms worker --beat --concurrency 2 -l INFO \
		--schedule "$${CSMS_VAR_DIR:-var}/celerybeat-schedule"

# --- Testing --------------------------------------------------------------------------------------
.PHONY: test
test: $(VENV)/.development ## Run all tests: with PostgreSQL and Redis where they answer, else embedded
	@eval "$$($(BIN)/python -m tests.support.services)" && exec $(BIN)/python -m pytest $(ARGUMENTS)

.PHONY: test-embedded
test-embedded: $(VENV)/.development ## Run all tests with SQLite, in memory
	@DATABASE_URL= REDIS_URL= exec $(BIN)/python -m pytest $(ARGUMENTS)

.PHONY: test-services
test-services: $(VENV)/.development ## Run all tests with PostgreSQL and Redis, and fail without
	@eval "$$($(BIN)/python -m tests.support.services)" && \
		REQUIRE_POSTGRESQL=1 REQUIRE_REDIS=1 exec $(BIN)/python -m pytest $(ARGUMENTS)

.PHONY: conformance
conformance: $(VENV)/.development ## Show message by message and case by case what the tests prove
	@eval "$$($(BIN)/python -m tests.support.services)" && \
		exec $(BIN)/python -m tests.conformance $(ARGUMENTS)

.PHONY: faults
faults: $(VENV)/.development ## Kill, stop and flood what runs, and print which fault it survives
	@eval "$$($(BIN)/python -m tests.support.services)" && \
		exec $(BIN)/python -m tests.faults $(ARGUMENTS)

.PHONY: api-fuzz
api-fuzz: $(VENV)/.development ## Send the API thousands of odd requests as every kind of caller, and print a table
	@eval "$$($(BIN)/python -m tests.support.services)" && \
		exec $(BIN)/python -m tests.api.fuzzing $(ARGUMENTS)

.PHONY: api-table
api-table: $(VENV)/.development ## Print every path of the specification and what it answers
	@DATABASE_URL= REDIS_URL= $(BIN)/python -m tests.api.specification

.PHONY: bench-api
bench-api: $(VENV)/.development ## Measure the API with 50,000 stations and 1,000,000 sessions (needs PostgreSQL)
	@eval "$$($(BIN)/python -m tests.support.services)" && \
		exec $(BIN)/python -m benchmarks.api $(ARGUMENTS)

.PHONY: bench-live
bench-live: $(VENV)/.development ## Measure how soon those who watch see what 1,000 chargers say
	@eval "$$($(BIN)/python -m tests.support.services)" && \
		exec $(BIN)/python -m benchmarks.live $(ARGUMENTS)

.PHONY: bench
bench: $(VENV)/.development ## Measure the gateway, on PostgreSQL where it answers (ARGUMENTS=--help says what)
	@eval "$$($(BIN)/python -m tests.support.services)" && \
		exec $(BIN)/python -m benchmarks $(ARGUMENTS)

.PHONY: check
check: $(VENV)/.development ## Format, lint, types, import rules, migrations, deploy checks, OpenAPI
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy with csms.settings.production"
	@$(PRODUCTION_ENVIRONMENT) $(BIN)/python manage.py check --deploy --fail-level WARNING
	@echo "manage.py spectacular --fail-on-warn --validate"
	@$(BIN)/python manage.py spectacular --fail-on-warn --validate --file /dev/null
	@echo "docs/openapi.json: what breaks clients"
	@$(BIN)/python -m tests.api.compatibility check

.PHONY: openapi
openapi: $(VENV)/.development ## Write docs/openapi.json; what breaks clients only with BREAKING=1
	@$(BIN)/python -m tests.api.compatibility accept $(if $(BREAKING),--breaking)

.PHONY: api-client
api-client: $(VENV)/.development ## Make the TypeScript client from docs/openapi.json and compile it (needs Node.js)
	@cd clients/typescript && npm ci --no-audit --no-fund --loglevel=error && \
		npm run --silent generate && npm run --silent check && \
		echo "clients/typescript compiles."

.PHONY: format
format: $(VENV)/.development ## Format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: messages
messages: $(VENV)/.development ## Compile the translations (needs gettext)
	$(BIN)/python manage.py compilemessages --ignore $(VENV)
