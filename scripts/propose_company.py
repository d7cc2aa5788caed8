"""Propose a company's seeds from its exports: services, features, keys, deployments, tools and teams.

Usage: propose_company.py INBOX DIR. The inbox (a folder or bucket, or several as INBOX has them) lands in a folder of
its own and goes through the ledger's own models, as if the company had decided nothing; what is found becomes rows of
the seeds in DIR, each with its counts and money in a comment above it. Nobody's owner is guessed: `make check` names
each row without one. Seeds that would be invalid without more cells (deployments, tools, rules) are commented out.
Nothing is overwritten. Exit 2 where nothing can be read, 1 where a bucket did not give what it holds.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb

import build
import check_company
import company
import company_guide
import ending
import land
from terminal import plain, print

MODELS = (
    *("--select", "+int_call_shares", "+int_classified_charges"),
    *("+stg_evals__runs", "+stg_product__usage_events", "+stg_product__revenue"),
    *("--resource-type", "model", "--resource-type", "seed"),
)
SERVICES = """
with calls as (
    select service_name, count(distinct call_key) as calls, sum(borne_usd) as usd
    from intermediate.int_call_shares group by service_name
)
select service_name, count(*) as spans, any_value(coalesce(calls, 0)) as calls, any_value(coalesce(usd, 0)) as usd
from intermediate.int_spans left join calls using (service_name)
where service_name is not null group by service_name order by usd desc, spans desc, service_name
"""
FEATURES = """
with seen as (
    select originating_feature_id as feature_id, 'calls' as kind, count(distinct call_key) as rows_seen,
        sum(borne_usd) as usd
    from intermediate.int_call_shares group by all
    union all select feature_id, 'spans', count(*), 0 from intermediate.int_spans group by all
    union all select feature_id, 'spans of their traces', count(*), 0 from (
        select trace_feature_id as feature_id from intermediate.int_spans where feature_id is null
    ) group by all
    union all select feature_id, 'eval runs', count(*), 0 from staging.stg_evals__runs group by all
    union all select feature_id, 'usage events', count(*), 0 from staging.stg_product__usage_events group by all
    union all
    select feature_id, 'lines of revenue', count(*), 0 from staging.stg_product__revenue where is_standing group by all
)
select feature_id, string_agg(format('{} {:,}', kind, rows_seen), ', ' order by kind), sum(usd) as usd
from seen where feature_id not in {{ reserved_names('feature') }} group by feature_id order by usd desc, feature_id
"""
KEYS = """
with seen as (
    select provider, account_id, api_key, 0 as calls, count(*) as lines, coalesce(sum(billed_usd), 0) as billed_usd,
        count(*) filter (where billed_usd is null) as unrated, 0 as accrued_usd
    from intermediate.int_classified_charges where treatment in ('call', 'shared', 'invoice_only', 'own_capacity')
    group by all
    union all
    select provider, account_id, api_key, count(*), 0, 0, 0, coalesce(sum(accrued_usd), 0)
    from intermediate.int_call_costs where provider is not null group by all
)
select provider, nullif(account_id, 'default') as account_id, api_key, sum(lines)::bigint as lines,
    sum(billed_usd) as billed, sum(unrated)::bigint as unrated, sum(calls)::bigint as calls, sum(accrued_usd) as accrued
from seen group by provider, nullif(account_id, 'default'), api_key
order by billed + accrued desc, unrated desc, provider, account_id nulls last, api_key nulls last
"""
DEPLOYMENTS = """
select costs.provider, costs.account_id, calls.model_name, count(*) as calls,
    sum(calls.input_tokens + calls.output_tokens)::bigint as tokens
from intermediate.int_call_costs as costs inner join intermediate.int_calls as calls using (call_key)
where costs.unpriced_reason in ('model_not_in_price_book', 'provider_not_known') and calls.model_name is not null
group by all order by tokens desc, calls desc, costs.provider, calls.model_name
"""
TOOLS = """
select service_name, called_tool, count(*) as spans from intermediate.int_spans
where called_tool is not null group by all order by spans desc, service_name, called_tool
"""
TEAMS = """
select owner_team_id, count(*) as spans from intermediate.int_spans
where owner_team_id is not null group by all order by spans desc, owner_team_id
"""
RULES = """
select shares.service_name, walked.route, walked.prompt_template,
    case when coalesce(walked.route, walked.prompt_template) is null then calls.span_name end as span_name,
    count(distinct shares.call_key) as calls, sum(shares.borne_usd) as usd
from intermediate.int_call_shares as shares
inner join intermediate.int_calls as calls using (call_key)
left join intermediate.int_span_attribution as walked
    on calls.trace_key = walked.trace_key and calls.span_key = walked.span_key
where shares.originating_feature_id = 'unlabelled' group by all
order by usd desc nulls last, calls desc, shares.service_name, route, prompt_template, span_name
"""


class Proposal(NamedTuple):
    """Rows of a seed: cells, and what the files say of them; `is_open` rows stand, others are commented out."""

    seed: str
    is_open: bool
    rows: list[tuple[list[str | None], str]]


def dollars(amount: Decimal | None) -> str:
    amount = amount or Decimal(0)
    return f"{amount:,.2f} USD" if amount == 0 or abs(amount) >= Decimal("0.01") else f"{amount:,.6f} USD"


def literal(cell: str | None) -> str | None:
    """The cell for a column of ids, in which only a cell with a % is a pattern."""
    return plainly(cell) if cell and "%" in cell else cell


def plainly(cell: str | None) -> str | None:
    r"""The cell for a column of patterns: escapes \, % and _, so that it matches only itself."""
    return cell and cell.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def billed_and_used(key: str | None, lines: int, billed: Decimal, unrated: int, calls: int, accrued: Decimal) -> str:
    """What the files show of a key."""
    without_rate = f", {unrated:,} lines in a currency without a rate (seed fx_rates)" if unrated else ""
    without_key = "" if key else "; no key is stated: this row is of all that have no row of their own"
    return (
        f"lines of bills {lines:,}, {dollars(billed)}{without_rate}; calls {calls:,}, {dollars(accrued)} not billed yet"
        f"{without_key}"
    )


def proposed(engine: duckdb.DuckDBPyConnection) -> list[Proposal]:
    """What the files show, by seed, the dearest first."""

    def asked(query: str) -> list[tuple]:
        return engine.execute(query).fetchall()

    def rows(query: str, row: Callable) -> list[tuple[list[str | None], str]]:
        return [row(*values) for values in asked(query)]

    features = check_company.rendered(FEATURES, *check_company.project())
    return [
        Proposal("teams", False, rows(TEAMS, lambda team, spans: ([team, team, ""], f"a tag on spans: {spans:,}"))),
        Proposal("services", True, rows(SERVICES, lambda service, spans, calls, usd: (
            [service, "", "", ""], f"spans {spans:,}, calls {calls:,}, {dollars(usd)}"))),
        Proposal("feature_catalog", True, rows(features, lambda feature, seen, usd: (
            [feature, feature, "", "", "", "", ""], f"{seen}, {dollars(usd)}"))),
        Proposal("api_keys", True, rows(KEYS, lambda provider, account, key, *seen: (
            [provider, literal(account), literal(key), "", "", "", ""], billed_and_used(key, *seen)))),
        Proposal("model_deployments", False, rows(DEPLOYMENTS, lambda provider, account, name, calls, tokens: (
            [provider, literal(account), literal(name), "", "", ""],
            f"calls {calls:,}, tokens without a price {tokens or 0:,}; which model is it?"))),
        Proposal("billable_tools", False, rows(TOOLS, lambda service, tool, spans: (
            [literal(service), literal(tool), "", "request"], f"spans {spans:,}; which provider bills it, if any?"))),
        Proposal("feature_rules", False, rows(RULES, lambda service, route, prompt, name, calls, usd: (
            ["10", *map(plainly, (service, route, prompt, name)), "", ""],
            f"calls without a label {calls:,}, {dollars(usd)}; of which feature are they?"))),
    ]  # fmt: skip


def written(folder: Path, found: Proposal, is_new: bool) -> None:
    """Rows beneath a seed's header, which a person then fills in."""
    path = folder / f"{found.seed}.csv"
    if not found.rows:
        return
    if not is_new:
        print(f"  {path} is kept as it is; the files show {len(found.rows)}")
        return
    lines = []
    for cells, words in found.rows:
        row = ",".join(company.written(plain(cell or "")) for cell in cells)
        # Control characters are written as escapes, and blanks around a cell are cut: the row would name another id.
        is_told = all(plain(cell).strip() == cell for cell in cells if cell)
        words += "" if is_told else "; its name holds signs that a seed can't hold"
        lines += [f"# {plain(words)}\n", f"{row}\n" if found.is_open and is_told else f"# {row}\n"]
    head, columns, *_ = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f"{head}\n{columns}\n{''.join(lines)}", encoding="utf-8")
    how = "write their owners" if found.is_open else "take the # off those that count, and fill them in"
    print(f"  {path} ({len(found.rows)}): {how}")


def propose(inbox: str, folder: Path, data: Path) -> int:
    nobodys = data / "company"
    nobodys.mkdir(parents=True)
    if code := company.complete(nobodys, str(data)):
        return code
    if code := land.run(inbox, data, strict=False):
        return code
    if not any(data.glob("landed/*/*/*.parquet")):
        print(f"ERROR: nothing of {inbox} can be read; formats: docs/inputs.md", file=sys.stderr)
        return 2
    passed, troubled = build.dbt("build", str(data), selection=MODELS)
    if not passed:
        build.explain(troubled, data / "ledger.duckdb")
        return 1
    existing = {path.stem for path in folder.glob("*.csv")}
    company.start(folder, is_guided=False)
    print("\nWhat the files show, the dearest first, with counts and money above each row:")
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        for found in proposed(engine):
            written(folder, found, found.seed not in existing)
    company_guide.tell()
    print(f"\nName the teams in {folder}/teams.csv, then: make check COMPANY={folder}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inbox", help="a folder, or s3://, gs://, az:// or abfss://; a semicolon between several")
    parser.add_argument("dir", type=Path)
    given = parser.parse_args()
    inbox, folder = given.inbox, given.dir.resolve()
    with tempfile.TemporaryDirectory(prefix="company-") as place:
        try:
            return propose(inbox, folder, Path(place))
        finally:
            shutil.rmtree(company.seeds_of(place), ignore_errors=True)


if __name__ == "__main__":
    sys.exit(ending.of(main))
