"""Great Expectations at the doors: landed rows on their way in, exported files on their way out.

What a row must be for the models to mean anything; the identities of the ledger are dbt's tests, not repeated here.
A broken expectation is named with table, column, count and examples.
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import duckdb

from paths import pattern

os.environ["GX_ANALYTICS_ENABLED"] = "false"
EXAMPLES = 3
# Per table: kind of expectation and its arguments. Bounds are far outside what honest files hold: a wrong unit, a
# wrong column. What is wrong row by row is rejected while landing.
ACCOUNTS = ["ai_cost", "provider_payable", "accrued_payable", "prepaid"]
COUNTS = {"min_value": 0, "max_value": 100_000_000}
DOOR = {
    "spans": [
        ("ColumnValuesToNotBeNull", {"column": "trace_key"}),
        ("ColumnValuesToNotBeNull", {"column": "span_key"}),
        ("ColumnValuesToBeBetween", {"column": "input_tokens", **COUNTS}),
        ("ColumnValuesToBeBetween", {"column": "output_tokens", **COUNTS}),
        ("ColumnValuesToBeBetween", {"column": "stated_usd", "min_value": 0, "max_value": 10_000}),
    ],
    "openrouter_activity": [
        ("ColumnValuesToBeBetween", {"column": "cost_total", "min_value": -10_000, "max_value": 10_000}),
        ("ColumnValuesToBeBetween", {"column": "tokens_prompt", **COUNTS}),
    ],
    "openai_costs": [
        ("ColumnPairValuesAToBeGreaterThanB", {"column_A": "end_time", "column_B": "start_time"}),
        ("ColumnValuesToBeBetween", {"column": "amount_value", "min_value": -10_000_000, "max_value": 10_000_000}),
    ],
    "eval_runs": [("ColumnValuesToBeBetween", {"column": "passed", **COUNTS})],
    "usage_events": [("ColumnValuesToBeBetween", {"column": "answers", "min_value": 0, "max_value": 1_000_000})],
    "revenue": [
        ("ColumnValuesToBeBetween", {"column": "revenue_usd", "min_value": -100_000_000, "max_value": 100_000_000})
    ],
}
EXIT = {
    "team_chargeback": [
        ("ColumnValuesToNotBeNull", {"column": "net_charge_usd"}),
        ("ColumnValuesToBeUnique", {"column": "team_id"}),
        ("ColumnValuesToNotMatchRegex", {"column": "team_id", "regex": r"^[=+\-@]"}),
    ],
    "journal": [
        ("ColumnValuesToBeInSet", {"column": "account", "value_set": ACCOUNTS}),
        ("ColumnValuesToBeBetween", {"column": "debit_usd", "min_value": 0}),
        ("ColumnValuesToBeBetween", {"column": "credit_usd", "min_value": 0}),
        ("ColumnValuesToNotMatchRegex", {"column": "team_id", "regex": r"^[=+\-@]"}),
    ],
    "statements": [
        ("ColumnValuesToNotBeNull", {"column": "why"}),
        ("ColumnValuesToNotMatchRegex", {"column": "item", "regex": r"^[=+\-@]"}),
    ],
}


def door(staging: Path) -> list[str]:
    """Complaints about rows that are about to land; asked of each column's extreme rows, so of any number of rows."""
    complaints = []
    for table, rules in DOOR.items():
        if list((staging / table).glob("*/*.parquet")):
            source = f"from read_parquet('{pattern(staging)}/{table}/*/*.parquet', hive_partitioning = false)"
            measures = {" - ".join(_columns(rule)) for _, rule in rules}
            extremes = [
                f"(select {_columns_of(rules)} {source} order by {measure} {direction} limit {EXAMPLES})"
                for measure in sorted(measures)
                for direction in ("asc nulls first", "desc nulls last")
            ]
            complaints += _validate(table, rules, f"({' union all '.join(extremes)})")
    return complaints


def exit_door(folder: Path, table_of: Callable[[Path, str], str]) -> list[str]:
    """Complaints about a month's exported files; `table_of` reads one."""
    files = {"team_chargeback": "team_chargeback.csv", "journal": "journal.csv", "statements": "statements/*.csv"}
    complaints = []
    for table, name in files.items():
        if list(folder.glob(name)):
            bounded = {rule["column"] for kind, rule in EXIT[table] if kind.endswith("ToBeBetween")}
            as_numbers = ", ".join(f"cast({column} as double) as {column}" for column in sorted(bounded))
            replaced = f"* replace ({as_numbers})" if bounded else "*"
            complaints += _validate(table, EXIT[table], f"(select {replaced} from {table_of(folder, name)})")
    return complaints


def warm() -> None:
    """Load Great Expectations, which takes seconds."""
    import great_expectations  # noqa: F401


def _columns(rule: dict) -> list[str]:
    return [value for key, value in rule.items() if key.startswith("column")]


def _columns_of(rules: list[tuple]) -> str:
    return ", ".join(sorted({column for _, rule in rules for column in _columns(rule)}))


def _validate(table: str, rules: list[tuple], source: str) -> list[str]:
    warnings.filterwarnings("ignore")
    import great_expectations as gx  # three seconds, only when there is something to check

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = gx.data_context.types.base.ProgressBarsConfig(globally=False)
    frame = duckdb.sql(f"select {_columns_of(rules)} from {source}").df()
    batch = (
        context.data_sources.add_pandas(table).add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
    )
    suite = gx.ExpectationSuite(table, [getattr(gx.expectations, f"Expect{kind}")(**rule) for kind, rule in rules])
    outcome = batch.get_batch({"dataframe": frame}).validate(suite)
    return [_complaint(table, result) for result in outcome.results if not result.success]


def _complaint(table: str, result) -> str:
    rule = result.expectation_config
    what = {name: value for name, value in rule.kwargs.items() if name != "batch_id"}
    examples = result.result.get("partial_unexpected_list", [])[:EXAMPLES]
    return f"{table}: {rule.type} {what} does not hold, such as for {examples}"
