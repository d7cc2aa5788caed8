"""Would a model or prompt version reach production that nobody evaluated? A product team's CI asks before a release.

Usage: check_evals.py SPANS COMPANY [EVALS]. SPANS is a file, or a folder of files, of a staging run in any span format
that `make build` reads; EVALS is the eval tools' results (files of SPANS's folder are read as well). They land in a
folder of their own and go through the ledger's own models as if staging were production and the release came after all
runs, so that coverage is what eval_coverage_daily will say. Exit 0 when each configuration (feature, model, prompt
version) has a fresh passing run of every suite that the feature requires; 1 when one has not: each is named with the
suite, why, what the run would cost and who would pay it; 2 when nothing could be checked, or the call is wrong.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

import build
import check_labels
import company
import ending
import land
from landing.tables import TABLES
from paths import pattern, quoted
from terminal import plain, print

MODELS = ("+eval_coverage_daily", "+int_eval_run_calls", "eval_funding", "feature_catalog")
# The release comes after the runs, so a day's runs cover that day's calls.
RELEASED = {"runs_cover_their_day": True}
SELECTION = ("--select", *MODELS, "--resource-type", "model", "--resource-type", "seed", "--vars", json.dumps(RELEASED))
COVERAGE = """
with newest as (

    select *, row_number() over (partition by feature_id, model, prompt_version order by covered_on desc) as place
    from marts.eval_coverage_daily

)

select feature_id, model, prompt_version, production_calls, is_covered, reason, covered_on
from newest where place = 1 order by feature_id, model, prompt_version
"""
# Suites that do not cover a configuration on a day. A suite's name may hold any text, so that a list of names in one
# cell can't be taken apart again.
MISSING = """
select suite, reason from intermediate.int_suite_coverage_daily
where feature_id = $feature and model = $model and prompt_version is not distinct from $prompt and covered_on = $day
    and reason is not null
order by suite
"""
# A suite's cost per case: as the tools of its runs state it, else their calls at the price book.
COSTS = """
with calls as (

    select runs.run_id, runs.suite, sum(costs.priced_usd) as usd
    from intermediate.int_eval_run_calls as runs join intermediate.int_call_costs as costs using (call_key)
    group by all

)

select
    sum(coalesce(runs.stated_usd, calls.usd)) / nullif(sum(runs.cases), 0) as case_usd, max(runs.cases) as cases
from staging.stg_evals__runs as runs left join calls using (run_id, suite)
where runs.suite = $suite and coalesce(runs.stated_usd, calls.usd) > 0
"""
FUNDING = """
select coalesce(funding.share, 1) as share, catalog.owner_team_id
from (select $feature as feature_id, $day::date as day) as asked
left join seeds.feature_catalog as catalog
    on asked.feature_id = catalog.feature_id
    and coalesce(catalog.valid_from <= asked.day, true) and coalesce(asked.day < catalog.valid_to, true)
left join seeds.eval_funding as funding
    on coalesce(funding.valid_from <= asked.day, true) and coalesce(asked.day < funding.valid_to, true)
    and (
        funding.scope = 'default' or (funding.scope = 'team' and catalog.owner_team_id = funding.scope_id)
        or (funding.scope = 'feature' and asked.feature_id = funding.scope_id)
    )
order by case funding.scope when 'feature' then 1 when 'team' then 2 else 3 end, funding.valid_from desc limit 1
"""


# Environments but those of evals are production's, and runs are as old as the newest span at the latest.
AS_RELEASED = {
    "spans": """
        case when lower(environment) not like 'eval%' and lower(environment) not like 'langfuse-%' then 'production'
            else environment end as environment,
        case when lower(purpose) != 'development' then purpose end as purpose""",
    "eval_runs": "least(started_at, $newest) as started_at",
}


def as_released(data: Path) -> None:
    """Rewrite what landed from staging as it would be after a release."""
    spans = f"read_parquet('{pattern(data)}/landed/spans/*/*.parquet', union_by_name = true)"
    [(newest,)] = duckdb.execute(f"select max(started_at) from {spans}").fetchall()
    with duckdb.connect() as engine:
        for table, changed in AS_RELEASED.items():
            for path in sorted(data.glob(f"landed/{table}/*/*.parquet")):
                part = path.with_suffix(".part")
                rows = engine.sql(
                    f"select * replace ({changed}) from read_parquet('{quoted(path)}', hive_partitioning = false)",
                    params={"newest": newest} if "$newest" in changed else {},
                ).to_arrow_table()
                pq.write_table(rows.cast(TABLES[table]), part)
                part.replace(path)


def run_cost(engine: duckdb.DuckDBPyConnection, suite: str, feature: str, day: str) -> str:
    """What a run of a suite would cost and who would pay it, in words."""
    [(case_usd, cases)] = engine.execute(COSTS, {"suite": suite}).fetchall()
    [(share, owner)] = engine.execute(FUNDING, {"feature": feature, "day": day}).fetchall()
    cost = f"about {case_usd * cases:,.4f} USD for {cases:,} cases" if case_usd else "no run of it shows its cost"
    payers = [f"{share:.0%} by quality_pool"] if share else []
    payers += [f"{1 - share:.0%} by {owner or 'the owner'}"] if share < 1 else []
    return f"{cost}, paid {' and '.join(payers)}"


def check(spans: Path, companies: Path, evals: Path | None, data: Path) -> int:
    inbox = data / "inbox"
    uncopied = check_labels.copied(spans, inbox)
    if evals:
        uncopied += check_labels.copied(evals, inbox / "evals of this check")
    if code := company.complete(companies, str(data)):
        return code
    if land.run(inbox, data, strict=False):
        return 2
    if not check_labels.landed(data, "spans"):
        print(f"ERROR: no span in {spans}; formats: docs/inputs.md", file=sys.stderr)
        return 2
    as_released(data)
    passed, troubled = build.dbt("build", str(data), selection=SELECTION)
    if not passed:
        build.explain(troubled, data / "ledger.duckdb")
        return 2
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        rows = engine.execute(COVERAGE).fetchall()
        for feature, model, prompt, calls, is_covered, reason, day in rows:
            if is_covered or reason == "no_requirement":
                continue
            seen = f"{feature}: model {model}, prompt version {prompt or 'none'} ({calls:,} calls)"
            key = {"feature": feature, "model": model, "prompt": prompt, "day": day}
            for suite, why in engine.execute(MISSING, key).fetchall():
                cost = run_cost(engine, suite, feature, str(day))
                print(f"  MISSING {plain(seen)}: suite {plain(suite)} ({plain(why)}); {plain(cost)}")
    if rejected := check_labels.landed(data, "rejects") + uncopied:
        print(f"ERROR: {rejected} lines or files can't be read (see above): they were not checked")
        return 2
    if not rows:
        print(
            f"ERROR: no call of {spans} has a feature, so nothing was checked; see make check-labels", file=sys.stderr
        )
        return 2
    unasked = sorted({feature for feature, *_, reason, _ in rows if reason == "no_requirement"})
    for feature in unasked:
        print(f"  note: {plain(feature)} requires no suite (seed eval_requirements): it was not checked")
    asked = [row for row in rows if row[5] != "no_requirement"]
    if uncovered := [row for row in asked if not row[4]]:
        print(
            f"ERROR: {len(uncovered)} of {len(asked)} configurations would serve production without a fresh passing "
            "run of each required suite. Run the suites named on these configurations; their results go to EVALS="
        )
        return 1
    print(f"{len(asked)} configurations, each covered by a fresh passing run of every required suite")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("spans", "company"):
        parser.add_argument(name, type=Path, metavar=name.upper())
    parser.add_argument("evals", type=Path, nargs="?", metavar="EVALS")
    given = parser.parse_args()
    for name, path in (("SPANS", given.spans), ("EVALS", given.evals)):
        if path and not path.exists():
            print(f"ERROR: {path} is not there; say which: make check-evals {name}=<file>", file=sys.stderr)
            return 2
    evals = given.evals.resolve() if given.evals else None
    with tempfile.TemporaryDirectory(prefix="check-evals-") as folder:
        try:
            return check(given.spans.resolve(), given.company.resolve(), evals, Path(folder))
        finally:
            shutil.rmtree(company.seeds_of(folder), ignore_errors=True)


if __name__ == "__main__":
    sys.exit(ending.of(main))
