# The front door. Needs python3 (3.11 or newer) and make; every target installs what it needs into .venv.
DATA ?= data
INBOX ?= $(DATA)/inbox
COMPANY ?= seeds/company
PYTHON ?= python3
BIN := .venv/bin
export DATA
export DBT_PROFILES_DIR := $(CURDIR)
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help demo build export verify check-focus test lint bench company prices lock clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

.venv/.synced: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("ERROR: Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "installing the locked tools into .venv (about a minute, once)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[^ ]+' requirements.txt)"
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --compile-bytecode requirements.txt || { \
	  echo "uv could not install (see above); trying pip, which takes longer"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt; }
	@touch $@

profiles.yml: profiles.yml.example
	@cp profiles.yml.example profiles.yml

demo: DATA := data/demo
demo: .venv/.synced profiles.yml ## the main job on the sample company, ending with a five-row answer
	@cat scripts/make_sample.py scripts/sample_company.py | cmp -s - "$(DATA)/.made_by" || { \
	  rm -rf "$(DATA)"; $(BIN)/python scripts/make_sample.py "$(DATA)/inbox" && \
	  cat scripts/make_sample.py scripts/sample_company.py > "$(DATA)/.made_by"; }
	@$(BIN)/python scripts/build.py "$(DATA)/inbox" "$(DATA)" seeds/company
	@$(BIN)/python scripts/export.py 2026-10 "$(DATA)"
	@$(BIN)/python scripts/answer.py "$(DATA)"

build: .venv/.synced profiles.yml ## land what is in INBOX, then dbt build (INBOX= DATA= COMPANY=)
	@mkdir -p "$(DATA)/inbox"
	@$(BIN)/python scripts/build.py "$(INBOX)" "$(DATA)" "$(COMPANY)"

export: .venv/.synced ## finance's files for MONTH, with control totals, checked
	@$(BIN)/python scripts/export.py "$(MONTH)" "$(DATA)"

verify: .venv/.synced profiles.yml ## re-add MONTH's exported files from themselves alone; every test over the whole ledger
	@$(BIN)/python scripts/export.py verify "$(MONTH)" "$(DATA)"
	@$(BIN)/python scripts/build.py --verify "$(INBOX)" "$(DATA)" "$(COMPANY)"

check-focus: .venv/.synced ## hold MONTH's exported FOCUS file against focus-validator (Python 3.12)
	@$(BIN)/python scripts/focus.py "$(MONTH)" "$(DATA)"

test: lint ## all that CI runs
	@$(BIN)/python scripts/focus.py install || echo "the tests of the FOCUS validator are skipped"
	@$(BIN)/python -m pytest
	@echo "lint, unit, property, dbt and end-to-end tests hold; what each holds: tests/, README.md"

lint: .venv/.synced profiles.yml ## ruff and sqlfluff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/python scripts/company.py complete seeds/company "$(DATA)"
	@$(BIN)/sqlfluff lint --processes 0 --disable-progress-bar models tests/identities tests/catalog

company: .venv/.synced ## a commented starting set of company seeds (DIR=)
	@test -n "$(DIR)" || { echo "ERROR: say where: make company DIR=<folder>"; exit 2; }
	@$(BIN)/python scripts/company.py start "$(DIR)"

bench: .venv/.synced ## measure, as ratios in one run, into data/bench.md (ROWS=)
	@$(BIN)/python scripts/bench.py "$(DATA)/bench.md" --rows $(or $(ROWS),1000000)

prices: .venv/.synced ## rebuild the list price book from genai-prices
	@$(BIN)/python scripts/make_prices.py

lock: .venv/.synced ## compile requirements.txt and requirements-focus.txt from their .in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --override overrides.txt requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
	  requirements-focus.in -o requirements-focus.txt

clean: ## remove what make made, except data
	@rm -rf .venv .venv-focus target logs .company profiles.yml
