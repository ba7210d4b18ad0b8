# Everything this project does, one target each. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# uv trusts its own list of certificates unless told to trust the machine's, as pip does.
UV = $(BIN)/uv --system-certs pip
READY := .venv/.ready

help:  ## list what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "overbuild needs Python 3.11 or newer; set PYTHON=..." >&2; exit 1; }
	@echo "Setting up .venv from requirements.lock (once; about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# uv installs in a third of pip's time, and pip installs uv from the lock. uv reads no pip.conf: where packages come
	@# from a mirror that only pip knows of, pip does it all.
	@awk '/^[^ #]/ {on = /^uv==/} on' requirements.lock > .venv/uv.lock
	@$(PIP) --require-hashes -r .venv/uv.lock
	@$(UV) sync --quiet --python $(BIN)/python --require-hashes requirements.lock || \
		$(PIP) --require-hashes -r requirements.lock
	@$(UV) install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@# Bytecode halves the time to import; compileall writes it even where the environment says not to.
	@$(BIN)/python -m compileall -q -j 0 -x '/tests/' .venv/lib flows warehouse >/dev/null || true
	@touch $(READY)

setup: $(READY)  ## create .venv from the lock file (the other targets do this too)

run: $(READY)  ## ingest the reference snapshot, check it, build the answer, publish it
	@$(BIN)/overbuild run

# One process a core: a second thread in each would wait for a core, and burn time while it does. Processes share the
# bytecode of rewritten tests, also where the environment says that nobody writes any.
PYTEST = PYTHONDONTWRITEBYTECODE= POLARS_MAX_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test: $(READY)  ## the tests of a build: all but those that repeat another, or break servers once more (tests/repeats.py)
	@$(PYTEST) -m "not repeats and not breaks"

test-all: $(READY)  ## every test that needs no network
	@$(PYTEST)

lint: $(READY)  ## style, types, the arrows between the rooms, and generated text that is stale
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/checks_table.py --check
	@$(BIN)/python tools/architecture.py --check
	@$(BIN)/python tools/generate_docs.py --check
	@$(BIN)/python tools/command_reference.py --check
	@$(BIN)/python tools/supply_chain.py --check
	@$(BIN)/python tools/env_example.py --check
	@$(BIN)/python tools/reliability.py --check
	@$(BIN)/python tools/benchmarks.py --check
	@$(BIN)/python tools/docs_site.py --strict

supply-chain: $(READY)  ## what it is built of: hashes, licences, and known vulnerabilities where they can be asked for
	@$(BIN)/python tools/supply_chain.py --check --audit

sbom: $(READY)  ## the bill of materials of a release (CycloneDX) in build/sbom.json
	@$(BIN)/python tools/supply_chain.py --sbom build/sbom.json

checks: $(READY)  ## corrupt the snapshot in every known way and print which check catches each
	@$(BIN)/python tools/checks_table.py

bench: $(READY)  ## speed and memory as ratios, each side by side with what it is held against; ten minutes
	@failed=0; $(BIN)/python -m bench || failed=1; $(BIN)/python tools/benchmarks.py; exit $$failed

bench-full: $(READY)  ## the same at full size, which takes hours
	@failed=0; $(BIN)/python -m bench --full || failed=1; $(BIN)/python tools/benchmarks.py; exit $$failed

torture: $(READY)  ## try to break it for some minutes: spoiled documents, hostile hosts, kills; counts into docs/reliability.md
	@failed=0; $(BIN)/python -m torture || failed=1; $(BIN)/python tools/reliability.py; exit $$failed

site: $(READY)  ## build the documentation as a site in build/docs; a link that leads nowhere fails
	@$(BIN)/python tools/docs_site.py --strict
	@echo "build/docs/index.html"

docs: $(READY)  ## regenerate README.md's figures, the data dictionary, the commands, the checks and the architecture
	@$(BIN)/python tools/architecture.py
	@$(BIN)/python tools/command_reference.py
	@$(BIN)/python tools/env_example.py
	@$(BIN)/python tools/checks_table.py --write
	@$(BIN)/python tools/reliability.py
	@$(BIN)/python tools/benchmarks.py
	@$(BIN)/python tools/generate_docs.py

LOCKED = --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock: $(READY)  ## renew requirements.lock from pyproject.toml, and the locks of what runs and of what builds from it
	@$(UV) compile pyproject.toml --all-extras --group dev $(LOCKED) --upgrade --output-file requirements.lock
	@$(UV) compile pyproject.toml --all-extras $(LOCKED) --constraint requirements.lock --output-file requirements-runtime.lock
	@$(UV) compile --group build $(LOCKED) --constraint requirements.lock --output-file requirements-build.lock

release: $(READY)  ## a wheel and a source archive with changes, bill of materials, data version and SHA-256, in dist/
	@$(BIN)/python tools/release.py

release-check: $(READY)  ## the same, installed where nothing else is; the main job runs there, and DuckDB 2 reads its answer
	@$(BIN)/python tools/release.py --check

deploy-check: $(READY)  ## look at what is in deploy/ with what this machine has for it, and say what it lacks
	@$(BIN)/python tools/deploy_check.py

clean:  ## remove .venv and what was built
	@rm -rf .venv dist build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help setup run test test-all lint checks bench torture supply-chain sbom site docs lock release release-check deploy-check clean
