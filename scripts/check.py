"""Great Expectations at the doors: landed rows on their way in, exported files on their way out.

What a row must be for the models to mean anything; the identities of the ledger are dbt's tests, not repeated here.
A broken expectation is named with table, column, count and examples. On the way in it costs a row, not a landing: what
can't be is rejected by file and line, and what is unlikely lands with a warning that says where it stands.
"""

import atexit
import gc
import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import duckdb
import pyarrow.parquet as pq

from landing.tables import BILLS, DAY_OF, NO_DAY, TABLES
from paths import pattern, quoted

os.environ["GX_ANALYTICS_ENABLED"] = "false"
EXAMPLES = 3
# Per table: kind of expectation and its arguments. Bounds with severity `warning` are far outside what honest files
# hold: a wrong unit, a wrong column. They may be true, so such rows land. Any other expectation must hold.
ACCOUNTS = ["ai_cost", "provider_payable", "accrued_payable", "prepaid", "rounding"]
COUNT, TOKENS = {"min_value": 0}, {"max_value": 100_000_000, "severity": "warning"}


def _within(amount: int) -> dict:
    return {"min_value": -amount, "max_value": amount, "severity": "warning"}


DOOR: dict[str, list[tuple[str, dict]]] = {
    "spans": [
        ("ColumnValuesToNotBeNull", {"column": "trace_key"}),
        ("ColumnValuesToNotBeNull", {"column": "span_key"}),
        ("ColumnValuesToBeBetween", {"column": "input_tokens", **COUNT}),
        ("ColumnValuesToBeBetween", {"column": "input_tokens", **TOKENS}),
        ("ColumnValuesToBeBetween", {"column": "output_tokens", **COUNT}),
        ("ColumnValuesToBeBetween", {"column": "output_tokens", **TOKENS}),
        ("ColumnValuesToBeBetween", {"column": "stated_usd", "min_value": 0}),
        ("ColumnValuesToBeBetween", {"column": "stated_usd", "max_value": 10_000, "severity": "warning"}),
    ],
    **{table: [("ColumnValuesToBeBetween", {"column": amount, **_within(10_000_000)})]
       for table, (amount, _) in BILLS.items()},
    "openrouter_activity": [
        ("ColumnValuesToBeBetween", {"column": "cost_total", **_within(10_000)}),
        ("ColumnValuesToBeBetween", {"column": "tokens_prompt", **COUNT}),
        ("ColumnValuesToBeBetween", {"column": "tokens_prompt", **TOKENS}),
    ],
    "openai_costs": [
        ("ColumnPairValuesAToBeGreaterThanB", {"column_A": "end_time", "column_B": "start_time"}),
        ("ColumnValuesToBeBetween", {"column": "amount_value", **_within(10_000_000)}),
    ],
    "eval_runs": [
        ("ColumnValuesToBeBetween", {"column": "passed", **COUNT}),
        ("ColumnValuesToBeBetween", {"column": "passed", **TOKENS}),
    ],
    "usage_events": [
        ("ColumnValuesToBeBetween", {"column": "answers", **COUNT}),
        ("ColumnValuesToBeBetween", {"column": "answers", "max_value": 1_000_000, "severity": "warning"}),
    ],
    "revenue": [("ColumnValuesToBeBetween", {"column": "revenue_usd", **_within(100_000_000)})],
}  # fmt: skip
EXIT: dict[str, list[tuple[str, dict]]] = {
    "team_chargeback": [
        ("ColumnValuesToNotBeNull", {"column": "net_charge_usd"}),
        ("ColumnValuesToBeUnique", {"column": "team_id"}),
        ("ColumnValuesToNotMatchRegex", {"column": "team_id", "regex": r"^[=+\-@]"}),
    ],
    "journal": [
        ("ColumnValuesToBeInSet", {"column": "account", "value_set": ACCOUNTS}),
        ("ColumnValuesToNotBeNull", {"column": "gl_account"}),
        ("ColumnValuesToNotBeNull", {"column": "document_no"}),
        ("ColumnValuesToBeBetween", {"column": "debit_usd", "min_value": 0}),
        ("ColumnValuesToBeBetween", {"column": "credit_usd", "min_value": 0}),
        ("ColumnValuesToNotMatchRegex", {"column": "team_id", "regex": r"^[=+\-@]"}),
    ],
    "statements": [
        ("ColumnValuesToNotBeNull", {"column": "why"}),
        ("ColumnValuesToNotMatchRegex", {"column": "item", "regex": r"^[=+\-@]"}),
    ],
}


class Judged(NamedTuple):
    """Rows of one file that break one expectation: how many, the first line, and what is said of them."""

    table: str
    file_id: str
    rows: int
    line: int
    said: str
    is_rejected: bool


def door(staging: Path, name: str) -> list[Judged]:
    """What breaks an expectation among the rows that are about to land, by file; rows that break one that must hold go
    from the staged files to the rejects (as files of this name).

    An expectation is asked of each column's extreme rows, so of any number of rows; only where one is broken are its
    rows sought.
    """
    judged = []
    for table, rules in DOOR.items():
        files = sorted((staging / table).glob("*/*.parquet"))
        if not files:
            continue
        source = f"from read_parquet('{pattern(staging)}/{table}/*/*.parquet', hive_partitioning = false)"
        measures = {" - ".join(_columns(rule)) for _, rule in rules}
        extremes = [
            f"(select {_columns_of(rules)} {source} order by {measure} {direction} limit {EXAMPLES})"
            for measure in sorted(measures)
            for direction in ("asc nulls first", "desc nulls last")
        ]
        broken = _broken(table, rules, f"({' union all '.join(extremes)})")
        must = [(_breaks(rule), _reason(rule)) for rule in broken if not _is_soft(rule)]
        if must:
            judged += _rejected(table, files, source, must, name)
        for rule in broken:
            if _is_soft(rule):
                judged += _doubtful(table, files, rule)
    return judged


def _is_soft(rule) -> bool:
    return rule.severity.value == "warning"


def _breaks(rule) -> str:
    """The condition, in SQL, of rows that break an expectation."""
    if rule.expectation_type.endswith("not_be_null"):
        return f"{rule.column} is null"
    if hasattr(rule, "column_A"):
        return f"not coalesce({rule.column_A} > {rule.column_B}, true)"
    bounds = [f"{rule.column} {sign} {bound}" for sign, bound in (("<", rule.min_value), (">", rule.max_value))
              if bound is not None]  # fmt: skip
    return f"coalesce({' or '.join(bounds)}, false)"


def _reason(rule) -> str:
    if rule.expectation_type.endswith("not_be_null"):
        return f"{rule.column} is missing"
    if hasattr(rule, "column_A"):
        return f"{rule.column_A} is not after {rule.column_B}"
    return f"{rule.column} is out of range"


def _rejected(table: str, files: list[Path], source: str, must: list[tuple[str, str]], name: str) -> list[Judged]:
    """Move the rows that break an expectation that must hold from the staged files to the rejects."""
    is_broken = " or ".join(f"({condition})" for condition, _ in must)
    reasons = " ".join(f"when {condition} then '{said}'" for condition, said in must)
    reason = f"case {reasons} end"
    day = f"cast({DAY_OF[table]} as date)" if table in BILLS else "null"
    amount, currency = BILLS.get(table, ("null", None))
    origin = "source_file, file_id, source_line"
    with duckdb.connect() as engine:
        rows = engine.sql(
            f"""select {origin}, source_line as line, '{table}' as kind, {reason} as reason, {day} as stated_on,
                {amount} as amount, {currency or ("'USD'" if table in BILLS else "null")} as currency
            {source} where {is_broken} order by file_id, source_line"""
        ).to_arrow_table()
        folder = files[0].parent.parent.parent / "rejects" / f"day={NO_DAY}"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows.cast(TABLES["rejects"]), folder / f"{name}-door-{table}.parquet")
        for path in files:
            one = f"read_parquet('{quoted(path)}', hive_partitioning = false)"
            if engine.execute(f"select 1 from {one} where {is_broken} limit 1").fetchall():
                part = path.with_suffix(".part")
                engine.execute(
                    f"copy (from {one} where not ({is_broken})) to '{quoted(part)}' (format parquet, compression zstd)"
                )
                if pq.read_metadata(part).num_rows:
                    part.replace(path)
                else:
                    part.unlink()
                    path.unlink()
        engine.register("rows", rows)
        found = engine.execute(
            "select file_id, reason, count(*), min(line) from rows group by all order by all"
        ).fetchall()
    return [Judged(table, file_id, number, line, said, True) for file_id, said, number, line in found]


def _doubtful(table: str, files: list[Path], rule) -> list[Judged]:
    """By file, the rows that break an expectation which truth may break; they land."""
    left = [path for path in files if path.exists()]
    if not left:
        return []
    parts = ", ".join(f"'{quoted(path)}'" for path in left)
    found = duckdb.execute(
        f"""select file_id, any_value(source_file), count(*), min(source_line),
            arg_min({rule.column}, source_line)
        from read_parquet([{parts}], hive_partitioning = false) where {_breaks(rule)}
        group by file_id order by file_id"""
    ).fetchall()
    judged = []
    for file_id, name, number, line, value in found:
        is_above = rule.max_value is not None and value > rule.max_value
        bound = f"above {rule.max_value:,.0f}" if is_above else f"below {rule.min_value:,.0f}"
        more = f", and {number - 1:,} more rows" if number > 1 else ""
        said = (
            f"{name}: line {line:,} has {rule.column} {_plain(value)} ({table}), {bound}{more}: it lands, since it "
            "may be true; look whether its unit and column are right"
        )
        judged.append(Judged(table, file_id, number, line, said, False))
    return judged


def _plain(value) -> str:
    text = f"{value:,f}" if not isinstance(value, int) else f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


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


def great_expectations() -> ModuleType:
    """Loads Great Expectations, which takes seconds; what it makes stays, so that nothing is collected meanwhile.

    Until Python ends: engines that are then still held complain of it on the screen.
    """
    gc.disable()
    try:
        import great_expectations
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(gc.unfreeze)
    return great_expectations


def _columns(rule: dict) -> list[str]:
    return [value for key, value in rule.items() if key.startswith("column")]


def _columns_of(rules: list[tuple]) -> str:
    return ", ".join(sorted({column for _, rule in rules for column in _columns(rule)}))


@cache
def _batches():
    """What any data frame is validated as; Great Expectations writes its settings anew for each that is made."""
    warnings.filterwarnings("ignore")
    gx = great_expectations()  # only when there is something to check
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = gx.data_context.types.base.ProgressBarsConfig(globally=False)
    return (
        context.data_sources.add_pandas("rows").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
    )


def _results(table: str, rules: list[tuple], source: str, shape: str) -> list:
    """What Great Expectations says of a suite of expectations: one result each; `shape` is its result_format."""
    batches, expected = _batches(), great_expectations().expectations
    with duckdb.connect() as engine:
        frame = engine.execute(f"select {_columns_of(rules)} from {source}").df()
    suite = great_expectations().ExpectationSuite(
        table, [getattr(expected, f"Expect{kind}")(**rule) for kind, rule in rules]
    )
    return batches.get_batch({"dataframe": frame}).validate(suite, result_format=shape).results


def _validate(table: str, rules: list[tuple], source: str) -> list[str]:
    return [_complaint(table, result) for result in _results(table, rules, source, "BASIC") if not result.success]


def _broken(table: str, rules: list[tuple], source: str) -> list:
    """The expectations that do not hold."""
    return [
        result.expectation_config.to_domain_obj()
        for result in _results(table, rules, source, "BOOLEAN_ONLY")
        if not result.success
    ]


def _complaint(table: str, result) -> str:
    rule = result.expectation_config
    what = {name: value for name, value in rule.kwargs.items() if name != "batch_id"}
    examples = result.result.get("partial_unexpected_list", [])[:EXAMPLES]
    return f"{table}: {rule.type} {what} does not hold, such as for {examples}"
