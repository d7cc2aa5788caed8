"""What the calls of features would cost on other models: the question behind `make whatif MODELS=file`.

The file is a CSV with a line per feature, model and model instead of it: feature_id, model, to_model, and where it is
needed to_provider, share (of the calls, 0 to 1; empty is all), cached (keep, the default, or none: what was read from
and written to a prompt cache is plain input), and what tokens are multiplied by: input_factor, output_factor,
reasoning_factor (1 where empty). The SQL beside this file does the work, over the real usage of production calls and
the price book of their day; nothing is built.
"""

from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import duckdb
import yaml

import company
from paths import quoted
from terminal import plain

SQL = Path(__file__).with_suffix(".sql")
COLUMNS = [
    "feature_id", "model", "to_provider", "to_model", "share", "cached", "input_factor", "output_factor",
    "reasoning_factor",
]  # fmt: skip
MOST_BYTES = 16_000_000
MOST_FACTOR = 1000
RULES = """
create temp table rules (
    line integer, feature_id varchar, model varchar, to_provider varchar, to_model varchar, share decimal(9, 6),
    is_cached boolean, input_factor decimal(12, 6), output_factor decimal(12, 6), reasoning_factor decimal(12, 6)
)
"""
# The cost of a correct answer is at book prices on both sides.
ROWS = """
select
    month,
    feature_id,
    model,
    to_model,
    to_provider,
    cast(share as decimal(9, 6)) as share,
    calls,
    priced_usd,
    billed_usd,
    accrued_usd,
    whatif_usd,
    difference_usd,
    reason,
    round(pass_rate, 12) as pass_rate,
    round(whatif_pass_rate, 12) as whatif_pass_rate,
    suites,
    whatif_suites,
    runs,
    whatif_runs,
    pass_rate_reason,
    feature_usd,
    whatif_feature_usd,
    feature_revenue_usd,
    feature_margin_usd,
    whatif_feature_margin_usd,
    feature_answers,
    round(feature_pass_rate, 12) as feature_pass_rate,
    round(whatif_feature_pass_rate, 12) as whatif_feature_pass_rate,
    cast(feature_usd / nullif(feature_answers * feature_pass_rate, 0) as decimal(38, 12)) as usd_per_correct_answer,
    cast(whatif_feature_usd / nullif(feature_answers * whatif_feature_pass_rate, 0) as decimal(38, 12))
        as whatif_usd_per_correct_answer
from compared
order by month, feature_id, line nulls last, model, reason nulls first
"""
# On what a month's answer rests: production of these features, and what no call explains.
BASIS = """
with moved as (

    select
        month, sum(accrued_usd) as accrued_usd, sum(billed_usd) as billed_usd
    from compared where line is not null and calls > 0 group by month

)

select
    strftime(moved.month, '%Y-%m') as month, moved.billed_usd, moved.accrued_usd, coalesce(sum(spend.borne_usd), 0)
from moved
left join ledger.marts.spend_daily as spend
    on date_trunc('month', spend.spent_on) = moved.month and spend.originating_feature_id = 'untraced'
group by all order by 1
"""
NEWEST_IDS = "select feature_id, newest_feature_id from ledger.staging.stg_catalog__feature_chains"
MODELS_OF = """
select distinct model from ledger.intermediate.int_current_feature_shares
where purpose = 'production' and originating_feature_id = $feature and model is not null
    and ($month is null or strftime(started_on, '%Y-%m') = $month)
order by model
"""
NOT_IN_BOOK = """
select line, to_model, to_provider from rules
where not exists (
    select 1 from ledger.intermediate.int_list_prices as book
    where lower(book.model) = rules.to_model and book.provider = coalesce(rules.to_provider, book.provider)
)
order by line limit 1
"""
BOOK_MODELS = (
    "select distinct model from ledger.intermediate.int_list_prices where coalesce($provider, provider) = provider"
)
SOLD_BY_SEVERAL = """
select targets.line, rules.to_model, targets.sellers, targets.provider
from targets inner join rules using (line)
where targets.provider is not null and targets.to_provider is null
order by all limit 1
"""
ALIASES = """
select provider, model from ledger.seeds.model_aliases
where lower($name) like pattern escape '\\' and coalesce($provider, provider) = provider
    and (provider, model) in (select (provider, model) from ledger.intermediate.int_list_prices)
qualify row_number() over (partition by provider order by length(pattern) desc, model) = 1
order by provider
"""


class Refused(Exception):
    """The file can't be answered; the message says which line, and what to write."""


class Answer(NamedTuple):
    """Columns and rows of models.csv, and sentences about them."""

    columns: list[str]
    rows: list[tuple]
    notes: list[str]


def answer(data: Path, path: Path, month: str | None) -> Answer:
    """Rows per month, line of the file and reason, in USD; Refused where the file or a line can't be answered."""
    with duckdb.connect() as engine:
        engine.execute("set TimeZone = 'UTC'")
        # As in profiles.yml.example: a fault of DuckDB 2.0 drops rows otherwise.
        engine.execute("set disabled_optimizers = 'statistics_propagation'")
        engine.execute(f"attach '{quoted(data / 'ledger.duckdb')}' as ledger (read_only)")
        # As in the P&L, a renamed feature goes by its newest id.
        newest = dict(engine.execute(NEWEST_IDS).fetchall())
        rules = rules_of(path, newest)
        engine.execute(RULES)
        engine.executemany("insert into rules values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rules)
        engine.execute("create temp table asked as select cast(? as varchar) as month", [month])
        check_models(engine, path)
        variables = yaml.safe_load((Path(__file__).parents[1] / "dbt_project.yml").read_text())["vars"]
        rate = {"worst": "min", "mean": "avg"}[variables["pass_rate_of_suites"]]
        engine.execute(SQL.read_text(encoding="utf-8").replace("{{pass_rate}}", rate))
        check_providers(engine, path)
        found = engine.execute(ROWS)
        columns, rows = [column[0] for column in found.description], found.fetchall()
        called = {row[1:3] for row in rows if row[6]}
        notes = [note_of(engine, path, month, *rule[:3]) for rule in rules if rule[1:3] not in called]
        for name, billed, accrued, untraced in engine.execute(BASIS).fetchall():
            notes.append(
                f"{name} rests on {billed:.6f} USD billed and {accrued:.6f} accrued at book prices for the calls that "
                f"move; the month's {untraced:.6f} untraced USD have no calls to move"
            )
    return Answer(columns, rows, notes)


def rules_of(path: Path, newest: dict[str, str]) -> list[tuple]:
    """Lines of the file as table `rules` has them; `newest` has the ids of renamed features."""
    if not path.is_file():
        raise Refused(f"{path} is no file; it would be a CSV with {','.join(COLUMNS)}")
    if path.stat().st_size > MOST_BYTES:
        raise Refused(f"{path} has more than {MOST_BYTES // 1_000_000} MB; it has a line per feature and model")
    rows, complaint = company.rows_of(path, COLUMNS)
    if complaint:
        raise Refused(f"{path}: {complaint}")
    if not rows:
        raise Refused(f"{path} has no line; it would have {','.join(COLUMNS)}")
    rules: list[tuple] = []
    shares: dict[tuple[str, str], Decimal] = {}
    for line, cells in rows:
        where = f"{path} line {line}"
        for column in ("feature_id", "model", "to_model"):
            if not cells[column]:
                raise Refused(f"{where}: {column} is empty")
        if cells["cached"] not in ("", "keep", "none"):
            raise Refused(f"{where}, cached: '{plain(cells['cached'])[:60]}' is none: write keep or none")
        share = number(where, "share", cells["share"], Decimal(1))
        factors = [number(where, f"{kind}_factor", cells[f"{kind}_factor"], Decimal(MOST_FACTOR))
                   for kind in ("input", "output", "reasoning")]  # fmt: skip
        key = (newest.get(cells["feature_id"], cells["feature_id"]), cells["model"])
        shares[key] = shares.get(key, Decimal(0)) + share
        if shares[key] > 1:
            raise Refused(
                f"{where}: shares of {plain(key[0])}, {plain(key[1])} add up to {shares[key]:f}; they are parts of 1"
            )
        target = (cells["to_provider"].lower() or None, cells["to_model"].lower())
        rules.append((line, *key, *target, share, cells["cached"] != "none", *factors))
    return rules


def number(where: str, column: str, cell: str, most: Decimal) -> Decimal:
    """A cell as a number of at most `most`; 1 where it is empty."""
    try:
        value = Decimal(cell or "1")
    except InvalidOperation:
        value = Decimal("nan")
    least = 0 if column != "share" else Decimal("0.000001")
    if not value.is_finite() or not least <= value <= most or value != round(value, 6):
        raise Refused(
            f"{where}, {column}: '{plain(cell)[:60]}' is none: write a number from {least} to {most}, with at most 6 "
            "digits behind the point"
        )
    return value


def check_models(engine: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuses a model that the price book does not know, with the names that it may go by there."""
    if not (found := engine.execute(NOT_IN_BOOK).fetchone()):
        return
    line, model, provider = found
    asked = {"provider": provider}
    aliases = engine.execute(ALIASES, {"name": model, **asked}).fetchall()
    models = [name for (name,) in engine.execute(BOOK_MODELS, asked).fetchall()]
    near = [f"{name} of {seller}" for seller, name in aliases] or get_close_matches(model, models)
    hint = f"; it may be {' or '.join(near[:5])}" if near else ""
    at = f" at provider {plain(provider)}" if provider else ""
    raise Refused(f"{path} line {line}: the price book has no model {plain(model)}{at}{plain(hint)}")


def check_providers(engine: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuses a model that several providers serve, where the call's own provider is none of them."""
    if found := engine.execute(SOLD_BY_SEVERAL).fetchone():
        line, model, sellers, provider = found
        raise Refused(
            f"{path} line {line}: {plain(model)} is served by {plain(sellers)}, and the calls go to {plain(provider)}; "
            "say which in column to_provider"
        )


def note_of(
    engine: duckdb.DuckDBPyConnection, path: Path, month: str | None, line: int, feature: str, model: str
) -> str:
    """A sentence on a line of the file that moves nothing: what its feature calls instead."""
    models = [name for (name,) in engine.execute(MODELS_OF, {"feature": feature, "month": month}).fetchall()]
    calls = f"its models are {', '.join(models)}" if models else "it has no production calls"
    return plain(f"{path} line {line}: {feature} has no production calls to {model} in {month or 'any month'}; {calls}")
