# The front door. Needs python3 (3.11 or newer) and make; every target installs what it needs into .venv.
DATA ?= data
INBOX ?= $(DATA)/inbox
COMPANY ?= seeds/company
PYTHON ?= python3
BIN := .venv/bin
# Variables that people set are text: make expands nothing in them, and no shell reads them. Recipes say "$$NAME".
GIVEN := DATA INBOX COMPANY MONTH TRACE FEATURE DAY METRICS BY WHERE SPANS POLICIES EVAL_FUNDING SHARING \
  PRICES REVENUE MODELS MONTHS DIR ROWS BASE CASES DECIMAL DATE_ORDER STRICT FORCE REOPEN MANIFEST HEAD SPARK FILE UNDO FROM EVERY PULL_EVERY TO SCHEMA ALERTS PAGES QUIET DRY_RUN EVALS PULL
DEMO := $(if $(filter command,$(firstword $(origin DATA))),$(value DATA),data/demo)
as_text = $(eval override export $(1) := $$(value $(1)))
$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(call as_text,$(name))))
$(foreach name,$(GIVEN),$(if $(filter environment,$(firstword $(origin $(name)))),$(call as_text,$(name))))
export DATA INBOX COMPANY
export DBT_PROFILES_DIR := $(CURDIR)
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help demo pull build watch alerts check check-labels check-evals export estimate report why explain-difference metrics bi publish docs verify check-focus whatif close forget test test-spark lint bench compare company prices lock sbom audit clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 27

.venv/.synced: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("ERROR: Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "installing the locked tools into .venv (about a minute, once)"
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/# via/p' requirements.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.txt || { \
	  echo "uv could not install (see above); trying pip, which takes longer"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt; }
	@touch $@

profiles.yml: profiles.yml.example
	@cp profiles.yml.example profiles.yml

demo: DATA := $(DEMO)
demo: .venv/.synced profiles.yml ## the main job on the sample company, ending with a five-row answer
	@test -e "$$DATA/.made_by" || test -z "$$(ls -A "$$DATA" 2>/dev/null)" || { \
	  echo "ERROR: $$DATA holds something else than the sample; name a folder of its own"; exit 2; }
	@cat scripts/make_sample.py scripts/sample_*.py | cmp -s - "$$DATA/.made_by" || { \
	  rm -rf "$$DATA"; mkdir -p "$$DATA" && touch "$$DATA/.made_by" && \
	  $(BIN)/python scripts/make_sample.py "$$DATA/inbox" && \
	  cat scripts/make_sample.py scripts/sample_*.py > "$$DATA/.made_by"; }
	@$(BIN)/python scripts/company.py remember seeds/company "$$DATA"
	@$(BIN)/python scripts/build.py "$$DATA/inbox" "$$DATA" seeds/company
	@$(BIN)/python scripts/export.py 2026-10 "$$DATA"
	@$(BIN)/python scripts/answer.py "$$DATA"
	@PYTHONPATH=scripts $(BIN)/python -m report.site "$$DATA"

# Keys come from the environment, or from the commands that it names: never from make's command line, which anybody sees.
pull: .venv/.synced ## fetch providers' pages into INBOX, for whose keys the environment has (PULL=openai_costs,... FROM=2026-10-01)
	@mkdir -p "$$DATA/inbox"
	@$(BIN)/python scripts/pull.py "$$INBOX" "$$DATA"

# INBOX is a folder, s3://bucket/prefix, gs://, az:// or abfss://, or several of them with a semicolon between two.
build: .venv/.synced profiles.yml ## land INBOX (folders, s3://, gs://, az://), then dbt build (INBOX= DATA= COMPANY= DECIMAL=comma DATE_ORDER=dmy; STRICT=1: a WARNING fails it)
	@mkdir -p "$$DATA/inbox"
	@$(BIN)/python scripts/company.py remember "$$COMPANY" "$$DATA"
	@$(BIN)/python scripts/build.py "$$INBOX" "$$DATA" "$$COMPANY"

check: .venv/.synced ## is COMPANY's folder right? every rule of its seeds that needs no data, in seconds
	@$(BIN)/python scripts/check_company.py "$$COMPANY"

check-labels: .venv/.synced profiles.yml ## would a billable call in SPANS be unlabelled? (SPANS= COMPANY=)
	@test -n "$$SPANS" || { echo "ERROR: say which spans: make check-labels SPANS=<file>"; exit 2; }
	@$(BIN)/python scripts/check_labels.py "$$SPANS" "$$COMPANY"

check-evals: .venv/.synced profiles.yml ## would SPANS (staging's) bring a model or prompt version to production that nobody evaluated? (EVALS= COMPANY=)
	@test -n "$$SPANS" || { echo "ERROR: say which spans: make check-evals SPANS=<file>"; exit 2; }
	@$(BIN)/python scripts/check_evals.py "$$SPANS" "$$COMPANY" $(if $(EVALS),"$$EVALS")

export: .venv/.synced ## finance's files for MONTH, with control totals, checked
	@$(BIN)/python scripts/export.py "$$MONTH" "$$DATA"

# A build, and with TO= a warehouse, each time that files have changed; with PULL_EVERY= the providers' pages before it.
watch: .venv/.synced profiles.yml ## lands and builds as files arrive, until it is stopped (EVERY= seconds, PULL_EVERY= minutes, TO=)
	@mkdir -p "$$DATA/inbox"
	@$(BIN)/python scripts/company.py remember "$$COMPANY" "$$DATA"
	@exec $(BIN)/python scripts/watch.py $(if $(EVERY),--every="$$EVERY") $(if $(PULL_EVERY),--pull="$$PULL_EVERY") \
	  $(if $(QUIET)$(PAGES),--alerts="$(if $(QUIET),--quiet=$$QUIET) $(if $(PAGES),--pages=$$PAGES)") \
	  -- "$$INBOX" "$$DATA" "$$COMPANY"

alerts: .venv/.synced ## budgets, anomalies, unlabelled spend, lost coverage, missing bills, rejects to chat, mail, webhooks (ALERTS=file, PAGES=, QUIET=22-7, DRY_RUN=1)
	@$(BIN)/python scripts/alerts.py $(if $(PAGES),--pages="$$PAGES") $(if $(QUIET),--quiet="$$QUIET") \
	  $(if $(filter-out 0,$(DRY_RUN)),--dry-run) "$$DATA"

estimate: .venv/.synced ## what the newest day and month are expected to cost, by provider and team
	@$(BIN)/python scripts/estimate.py "$$DATA"

report: .venv/.synced ## the site to look at, in DATA/report
	@PYTHONPATH=scripts $(BIN)/python -m report.site "$$DATA"

why: .venv/.synced ## one trace as a tree: money, rule, bearer, charge (TRACE=, or FEATURE= DAY=)
	@PYTHONPATH=scripts $(BIN)/python -m report.why "$$DATA" $(if $(TRACE),--trace="$$TRACE") \
	  $(if $(FEATURE),--feature="$$FEATURE") $(if $(DAY),--day="$$DAY")

explain-difference: .venv/.synced ## why a team's own figures differ from the ledger's, by cause (FILE=CSV or XLSX, MONTH=)
	@test -n "$$FILE" || { echo "ERROR: say which: make explain-difference FILE=<CSV or XLSX>"; exit 2; }
	@$(BIN)/python scripts/explain_difference.py "$$FILE" "$$DATA" $(if $(MONTH),--month="$$MONTH")

metrics: .venv/.synced profiles.yml ## METRICS of the ledger by MetricFlow (BY=, WHERE=); without METRICS, which there are
	@$(BIN)/python scripts/metrics.py "$$DATA" $(if $(METRICS),query --quiet --metrics "$$METRICS" \
	  --group-by "$${BY:-metric_time__month}" --order "$${BY:-metric_time__month}" $(if $(WHERE),--where "$$WHERE"),list metrics)

bi: .venv/.synced ## copies of the marts for dashboards and sheets in DATA/bi, which each build then renews
	@$(BIN)/python scripts/bi.py "$$DATA"

publish: .venv/.synced ## the marts into PostgreSQL (TO=postgresql://user@host/database, SCHEMA=) or a folder or bucket (TO=, TO=delta:...); DRY_RUN=1
	@test -n "$$TO" || { echo "ERROR: say where: make publish TO=postgresql://user@host/database, or TO=<folder>"; exit 2; }
	@$(BIN)/python scripts/publish.py "$$DATA"

docs: .venv/.synced profiles.yml ## dbt's docs as one page in DATA/docs: models, columns, lineage, metrics, exposures
	@$(BIN)/python scripts/dbt_docs.py "$$DATA" "$$COMPANY"

verify: .venv/.synced profiles.yml ## re-add MONTH's exported files from themselves alone; every test over the whole ledger (MANIFEST=, HEAD=: closed months against what finance holds)
	@$(BIN)/python scripts/export.py verify "$$MONTH" "$$DATA" $(if $(MANIFEST),--manifest="$$MANIFEST") $(if $(HEAD),--head="$$HEAD")
	@$(if $(and $(MANIFEST)$(HEAD),$(if $(MONTH),,1)),true,$(BIN)/python scripts/build.py --verify "$$INBOX" "$$DATA" "$$COMPANY")

whatif: .venv/.synced profiles.yml ## months under other POLICIES=, EVAL_FUNDING=, SHARING=, PRICES=, REVENUE= or MODELS= files beside today's (MONTH=, MONTHS=)
	@$(BIN)/python scripts/whatif.py $(if $(MONTH),--month="$$MONTH") $(if $(MONTHS),--months="$$MONTHS") \
	  $(if $(POLICIES),--policies="$$POLICIES") $(if $(EVAL_FUNDING),--funding="$$EVAL_FUNDING") \
	  $(if $(SHARING),--sharing="$$SHARING") $(if $(PRICES),--prices="$$PRICES") $(if $(REVENUE),--revenue="$$REVENUE") \
	  $(if $(MODELS),--models="$$MODELS") "$$DATA" "$$COMPANY"

close: .venv/.synced profiles.yml ## close MONTH: freeze its entries and exports (FORCE=1 over what is named, REOPEN=1 takes it back)
	@$(BIN)/python scripts/close.py "$$MONTH" "$$DATA" "$$COMPANY" $(if $(filter-out 0,$(FORCE)),--force) $(if $(filter-out 0,$(REOPEN)),--reopen)

# USER is the login name in every shell's environment: it counts where make is told it.
forget: .venv/.synced ## take FILE out of what landed (UNDO=1 lets it land again), the spans up to a closed MONTH, or the id USER
	@$(BIN)/python scripts/forget.py "$$DATA" $(if $(FILE),--file="$$FILE") $(if $(filter-out 0,$(UNDO)),--undo) $(if $(MONTH),--month="$$MONTH" --company="$$COMPANY") \
	  $(if $(filter-out 0,$(FORCE)),--force) \
	  $(if $(filter override command,$(firstword $(origin USER))),--user="$$USER")

check-focus: .venv/.synced ## hold MONTH's exported FOCUS file against focus-validator (Python 3.12)
	@$(BIN)/python scripts/focus.py "$$MONTH" "$$DATA"

# What tests need from elsewhere is installed while the linters run.
test: .venv/.synced profiles.yml ## all that CI runs
	@{ $(BIN)/python scripts/focus.py install || echo "the tests of the FOCUS validator are skipped"; \
	  $(BIN)/python scripts/dev/peers.py install || echo "tests that need these servers are skipped"; } & \
	  $(MAKE) --no-print-directory lint; code=$$?; wait; exit $$code
	@$(BIN)/python -m pytest
	@echo "lint, unit, property, dbt and end-to-end tests hold; what each holds: tests/, CONTRIBUTING.md"

test-spark: .venv/.synced profiles.yml ## the same models on Spark's executors, every mart equal to DuckDB's (needs Java 17)
	@$(BIN)/python scripts/spark.py install
	@mkdir -p "$$DATA" && rm -f "$$DATA/spark_equality.md"
	@SPARK_REPORT="$$(realpath -m "$$DATA")/spark_equality.md" $(BIN)/python -m pytest -n 0 tests/python/test_spark.py
	@cat "$$DATA/spark_equality.md"

lint: .venv/.synced profiles.yml ## run the commit hooks (ruff, mypy) and sqlfluff
	@$(BIN)/pre-commit run --all-files --color never
	@$(BIN)/python scripts/company.py complete seeds/company "$$DATA"
	@$(BIN)/sqlfluff lint --processes 0 --disable-progress-bar models tests/identities tests/catalog tests/alerts

company: .venv/.synced profiles.yml ## a commented starting set of company seeds (DIR=); FROM=<exports>: with what the files show, for a person to own
	@test -n "$$DIR" || { echo "ERROR: say where: make company DIR=<folder>"; exit 2; }
	@$(BIN)/python $(if $(FROM),scripts/propose_company.py "$$FROM",scripts/company.py start) "$$DIR"

bench: .venv/.synced ## measure, as ratios in one run, into data/bench.md (ROWS=); SPARK=1 holds Spark against DuckDB
	@$(BIN)/python scripts/bench.py "$$DATA/bench$(if $(SPARK),_spark).md" --rows "$${ROWS:-1000000}" $(if $(SPARK),--spark)

compare: .venv/.synced profiles.yml ## every mart and export of every test data set under commit BASE and as it is now (CASES=folders,...)
	@test -n "$$BASE" || { echo "ERROR: say against which commit: make compare BASE=<commit>"; exit 2; }
	@$(BIN)/python scripts/dev/compare.py "$$DATA" "$$BASE" "$$CASES"

prices: .venv/.synced ## rebuild the list price book from genai-prices
	@$(BIN)/python scripts/make_prices.py

lock: .venv/.synced ## compile requirements.txt and those of -focus, -spark and -peers from their .in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --override overrides.txt requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
	  requirements-focus.in -o requirements-focus.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --override overrides.txt requirements-spark.in -o requirements-spark.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  requirements-peers.in -o requirements-peers.txt

sbom: .venv/.synced ## a bill of materials (CycloneDX) of each lock, in DATA/sbom; the licences, in docs/licences.md
	@$(BIN)/python scripts/dev/sbom.py "$$DATA/sbom"

audit: .venv/.synced ## ask an advisory database about every locked package; says so where none can be reached
	@$(BIN)/python scripts/dev/audit.py

clean: ## remove what make made, except data
	@rm -rf .venv .venv-focus .venv-spark .venv-peers target logs .company .env profiles.yml
