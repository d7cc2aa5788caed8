"""Land the inbox, check it, and `dbt build`: the one command behind `make build` and `make demo`.

Usage: build.py [--verify] [--first MODEL] INBOX DATA COMPANY. What landed since the last good build is built on top of
it; where models, seeds or settings changed, or the last build failed, all is built anew. With --first a build that goes
on makes that model before others, and lets readers of the database in before it makes and tests the rest. With --verify
nothing lands and nothing is built: every test runs over all rows. Exit 0 when every identity and test holds, rejected
lines included; 1 when a landing, model or test failed (it says which, on which rows, and what to do), and with STRICT=1
also where the summary ends with a WARNING; 2 when the call is wrong.
"""

import argparse
import os
import re
import shlex
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

import bi
import closed
import company
import ending
import land
import state
from landing import missing
from landing.store import Store
from landing.tables import NO_DAY
from paths import pattern
from terminal import plain, print, progress_bar

PROJECT = Path(__file__).resolve().parent.parent
# Evals that the quality pool pays because no row of eval_funding says who does.
POOL_BY_DEFAULT = """
select month, sum(eval_pool_by_default_usd) as usd from marts.eval_coverage_monthly
group by month having sum(eval_pool_by_default_usd) != 0 order by month
"""
# Reservations about calls that a build's summary counts: a column of attributed_calls, and how to put it.
DOUBTS = {
    "is_price_assumed": "priced at an assumed tier price: the price book has none of their tier for their day; seed "
    "negotiated_prices can say it",
    "is_ambiguous_usage": "priced by counts of which more than one reading fits: seed usage_conventions can say what "
    "they include",
    "is_suspected_copy": "like another of their trace but for the response id: one request reported twice, or two; "
    "turn off the second reporter",
}
TOTALS = """
select month, sum(billed_usd), sum(accrued_usd), sum(net_charge_usd), sum(unattributed_usd)
from marts.team_chargeback_monthly group by month order by month
"""
# Usage that stands at book prices because no bill has come for it, by month and provider. What a later bill takes back
# of a closed month is posted in an open one.
UNBILLED = """
select strftime(coalesce(corrects_month, posted_month), '%Y-%m') as month, provider, sum(amount_usd) as usd
from marts.ledger_entries
where account = 'ai_cost' and basis = 'accrued'
group by all having abs(sum(amount_usd)) >= 0.005 order by month desc, usd desc, provider
"""
COSTLIEST = """
select spent_on, originating_feature_id from marts.spend_daily
where calls > 0 and originating_feature_id != 'unlabelled' group by spent_on, originating_feature_id
order by date_trunc('month', spent_on) desc, sum(borne_usd) desc, spent_on, originating_feature_id limit 1
"""
TEAMS = """
select team_id, net_charge_booked_usd from marts.team_chargeback_monthly
where month = $month and net_charge_booked_usd != 0 order by net_charge_booked_usd desc, team_id
"""
UNEXPLAINED = """
select {} as name, sum(spans)::bigint as spans, sum(tokens)::bigint as tokens
from marts.unexplained_usage_daily where reason = $reason
group by all order by spans desc, name
"""
UNSETTLED = """
select source_file, newer_file, unlisted_keys, min(first_on), max(last_on), sum(lines)::bigint, sum(billed_usd)
from marts.bill_overlaps_unsettled where $month is null or month = $month::date
group by all order by sum(abs(billed_usd)) desc, 1, 2, 3
"""
REPLACED = """
select replaced_file, replaced_by_file, sum(lines)::bigint, sum(billed_usd) from marts.provider_bills_monthly
where replaced_file is not null group by all order by sum(abs(billed_usd)) desc, 1, 2
"""
REVENUE_REPLACED = """
select revenue_source, source_file, replaced_by_file, count(*), sum(revenue_usd) from staging.stg_product__revenue
where not is_standing group by all order by sum(abs(revenue_usd)) desc nulls last, 1, 2, 3
"""
SAMPLED = """
select count(*), count(*) filter (where adjusted_count > 1), sum(adjusted_count) filter (where adjusted_count > 1),
    count(*) filter (where is_tail_sampled)
from read_parquet('{}/landed/spans/*/*.parquet', union_by_name = true, hive_partitioning = false)
"""
# Per reason: one span, several, and what to do about it. Rejected lines were named as they landed.
SAID = {
    "not_a_call": (
        "span states tokens and is no call",
        "spans state tokens and are no call",
        "have the span state its model (gen_ai.request.model); if its operation is a wrapper's, export the calls "
        "beneath it too; a gateway's reads of what is stored repeat the tokens of calls",
    ),
    "unexplained_total": (
        "span states more tokens in total than its counts or its calls make up",
        "spans state more tokens in total than their counts or their calls make up",
        "the rest is not priced; compare it with the provider's usage file",
    ),
    "executed_code": (
        "span states code that its provider ran",
        "spans state code that their provider ran",
        "it is billed by the hour of a container, so that no call is priced for it; the bill's line of it has no calls",
    ),
    "unreadable_count": (
        "span has a count that can't be read",
        "spans have a count that can't be read",
        "landed/rejects says which; without its input or output count a call is not priced",
    ),
}
# Two accounts of one provider whose bills, from files of their own, come to much the same for the days that both cover,
# or on most days that both have: the same dollar may be there under two names. Half a cent a day is rounding.
TWICE_BILLED = """
with lines as (
    select charges.provider, charges.bill_account_id as account, sorted.file_id, sorted.source_file, charges.file_kind,
        charges.charged_on as day, charges.billed_usd
    from intermediate.int_charges as charges
    inner join intermediate.int_classified_charges as sorted using (line_id)
    where charges.billed_usd != 0
),
accounts as (
    select provider, account, list(distinct file_id) as files, min(day) as first_day, max(day) as last_day,
        string_agg(distinct file_kind, ', ' order by file_kind) || ': '
        || min(source_file) || case when count(distinct source_file) > 1 then ' and others' else '' end as named
    from lines group by all
),
told as (
    select provider, account_id from seeds.bill_sources
    where coalesce(date_order, decimal) is null or coalesce(cast(priority as varchar), covers) is not null
),
pairs as (
    select one.provider, one.account as account, two.account as other, one.named as named, two.named as other_named,
        greatest(one.first_day, two.first_day) as first_day, least(one.last_day, two.last_day) as last_day
    from accounts as one
    inner join accounts as two on one.provider = two.provider and one.account < two.account
    where greatest(one.first_day, two.first_day) <= least(one.last_day, two.last_day)
    and not list_has_any(one.files, two.files)
    -- Rows for both of them say that they are two; how a file writes its cells says nothing of that.
    and not (
        (one.provider, one.account) in (select (provider, account_id) from told)
        and (two.provider, two.account) in (select (provider, account_id) from told)
    )
),
days as (
    select pairs.provider, pairs.account, pairs.other, lines.day,
        coalesce(sum(billed_usd) filter (where lines.account = pairs.account), 0) as usd,
        coalesce(sum(billed_usd) filter (where lines.account = pairs.other), 0) as other_usd
    from pairs
    inner join lines
        on lines.provider = pairs.provider and lines.account in (pairs.account, pairs.other)
        and lines.day between pairs.first_day and pairs.last_day
    group by all
),
compared as (
    select provider, account, other, sum(usd) as usd, sum(other_usd) as other_usd,
        count(*) filter (where usd > 0.01 and other_usd > 0.01) as days,
        count(*) filter (
            where usd > 0.01 and other_usd > 0.01
            and abs(usd - other_usd) <= greatest(0.01 * greatest(usd, other_usd), least(0.005, 0.1 * usd))
        ) as like_days
    from days group by all
)
select provider, account, named, other, other_named, first_day, last_day, usd, other_usd
from pairs inner join compared using (provider, account, other)
where usd > 0.01 and other_usd > 0.01
and (abs(usd - other_usd) <= 0.01 * greatest(usd, other_usd) or (days > 1 and 2 * like_days > days))
order by all
"""

# Lines that no rule of the company decides: services that look like AI, and taxes, fees and credits on their own.
LEFT_OUT = """
select provider, coalesce(service_name, nullif(sku, ''), description, 'lines of no service') as name,
    coalesce(category, 'usage') in ('usage', 'purchase') as is_use, sum(billed_usd) as usd, count(*) as lines,
    list(distinct source_file order by source_file) as files
from intermediate.int_classified_charges where is_left_out and treatment = 'out_of_scope'
group by all having bool_or(billed_amount != 0) order by abs(usd) desc nulls last, provider, name
"""


# Files of the project that a build depends on, as the macro `build_inputs` lists them.
INPUTS = (
    "dbt_project.yml", "profiles.yml", "models/**/*.sql", "models/**/*.yml", "macros/**/*.sql", "seeds/reference/*",
    "tests/alerts/*.sql", "tests/catalog/*.sql", "tests/generic/*.sql", "tests/identities/*.sql",
)  # fmt: skip
# Seeds without which the models that follow them have no rows: what meta.follows_seed of models names.
FOLLOWED = ("cost_drivers",)
LOOKS = 5  # a second apart, whether another program has closed the database
# Errors of the engine, in dbt's results, that no query of this project causes on a sound database.
DAMAGED = re.compile(r"Corrupt database file|not match stored checksum|Could not read enough bytes from file")


class Damaged(state.Unreadable):
    """The database's own bytes are wrong."""


class Progress:
    """A bar over dbt's nodes, fed by its events; failures are kept for the end."""

    def __init__(self):
        self.bar: Any = None

    def __call__(self, event) -> None:
        if event.info.name == "LogStartLine" and self.bar is None:
            self.bar = progress_bar(total=event.data.total, unit="node", desc="dbt", mininterval=land.pace())
        elif event.info.name == "NodeFinished" and self.bar is not None:
            self.bar.update(1)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def fingerprint(data: Path) -> str:
    """What a build depends on beside what has landed and what is closed, as the macro `build_inputs` has it: project,
    seeds, and the landing's last change of rows that had landed before.
    """
    files = {str(path.relative_to(PROJECT)): path for parts in INPUTS for path in PROJECT.glob(parts) if path.is_file()}
    seeds = {path.name: path for path in company.seeds_of(str(data)).glob("*.csv")}
    return f"{company.digest(files)} {company.digest(seeds)} {_manifest(data).get('rewritten', 0)}"


def files_landed(data: Path) -> int:
    """The number of the newest file; as many as there are, unless some were taken out."""
    return max((entry["landing_no"] for entry in _manifest(data).get("files", {}).values()), default=0)


def _kinds_landed(data: Path, after: int) -> set[str]:
    """The kinds of the files that landed after that number."""
    return {entry["kind"] for entry in _manifest(data).get("files", {}).values() if entry["landing_no"] > after}


def _manifest(data: Path) -> dict:
    manifest = data / "landed" / "manifest.json"
    return state.read(manifest, "run make build, which says what to do") if manifest.exists() else {}


def last_build(data: Path) -> dict:
    """What the database says that it was built of (macros/ledger_builds.sql); nothing where it can't say it."""
    database = data / "ledger.duckdb"
    if not database.exists():
        return {}
    try:
        with duckdb.connect(str(database), read_only=True) as engine:
            found = engine.execute("from main.ledger_builds")
            names = [column[0] for column in found.description]
            return dict(zip(names, found.fetchone() or (), strict=False))
    except duckdb.Error as error:
        if ending.is_locked(error):
            raise
        return {}


def files_built(data: Path) -> int | None:
    """How many landed files the database holds, if the last build was good and can be built on; else None."""
    last = last_build(data)
    if not last.get("is_good") or last["fingerprint"] != fingerprint(data):
        return None
    # A month that was closed since froze what this very build holds.
    months = [month + digest for month, digest, build_id in closed.digests(data) if build_id != last["build_id"]]
    return last["landing_no"] if last["closed"] == " ".join(months) else None


def declare_good(data: Path) -> None:
    """For a bench, which builds models without their tests: what stands is a good build of all that is there."""
    months = " ".join(month + digest for month, digest, _ in closed.digests(data))
    with duckdb.connect(str(data / "ledger.duckdb"), config={"storage_compatibility_version": "v1.4.0"}) as engine:
        engine.execute(
            "update main.ledger_builds set is_good = true, parts = '', landing_no = ?, fingerprint = ?, closed = ?",
            [files_landed(data), fingerprint(data), months],
        )


def whole_path(data: str) -> str:
    """However a folder is spelled, and wherever one stands, it is one."""
    return os.path.abspath(data)


def dbt(verb: str, data: str, built: int | None = None, selection: tuple[str, ...] = ()) -> tuple[bool, list]:
    """`build` every seed, model and test, on top of `built` files if any, `test` all that is built, or write `docs`.

    `selection`: options of dbt for less than all. Returns (all passed, results that did not).
    """
    data = whole_path(data)
    os.chdir(PROJECT)
    os.environ["LEDGER_DATA"] = data
    os.environ["LEDGER_COMPANY"] = ""  # its seeds are those that were completed a moment ago
    os.environ.setdefault("DBT_PROFILES_DIR", str(PROJECT))
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # two seconds, not needed when landing fails
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    folders = ["--target-path", str(Path(data, "target")), "--log-path", str(Path(data, "logs"))]
    command = ["--quiet", verb, *selection, *folders]
    if verb == "build" and built is None:
        command += ["--full-refresh"]
    if verb != "docs":
        command += ["--exclude-resource-type", "unit_test"]  # they test the models, not the data: `make test` runs them
    progress = Progress()
    outcome = dbtRunner(callbacks=[progress]).invoke(command)
    progress.close()
    DuckDBConnectionManager.close_all_connections()
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise KeyboardInterrupt
    results = outcome.result.results if isinstance(outcome.result, RunExecutionResult) else []
    messages = [str(outcome.exception), *(str(result.message) for result in results if str(result.status) == "error")]
    if damage := next((line.strip() for text in messages for line in text.splitlines() if DAMAGED.search(line)), None):
        raise Damaged(f"{data}/ledger.duckdb is damaged ({damage[:160]}); remove it and run make build")
    if outcome.exception:
        said = ending.sentence(outcome.exception) or f"dbt could not start: {outcome.exception}"
        print(f"ERROR: {said}", file=sys.stderr)
        return False, []
    troubled = [result for result in results if str(result.status) not in ("success", "pass", "no-op")]
    return outcome.success, troubled


def explain(results: list, database: Path) -> None:
    """Name each failed or warning node, and of a failed test the first rows."""
    if no_room := [result for result in results if "No space left on device" in str(result.message)]:
        print(
            f"  ERROR: the disk is full ({len(no_room)} nodes could not write to {database} or beside it); make room "
            "and run again"
        )
        results = [result for result in results if result not in no_room and str(result.status) == "error"]
    skipped = sum(str(result.status) == "skipped" for result in results)
    for result in results:
        status = str(result.status)
        if status == "skipped":
            continue
        label = "warning" if status == "warn" else "ERROR"
        node = result.node
        message = str(result.message).strip()[:600]
        if figure := node.config.meta.get("figure"):
            message = f"{result.failures} {figure} ({message})"
        print(f"  {label}: {node.resource_type} {node.name} ({node.original_file_path}): {message}")
        if node.resource_type == "test" and getattr(node, "compiled_code", None):
            for row in _first_rows(node.compiled_code, database):
                print(f"      {row}")
    if skipped:
        print(f"  {skipped} nodes downstream were skipped")


def _first_rows(query: str, database: Path) -> list[str]:
    try:
        with duckdb.connect(str(database), read_only=True) as engine:
            found = engine.execute(f"select * from ({query}) limit 3")
            names = [column[0] for column in found.description]
            rows = [zip(names, row, strict=True) for row in found.fetchall()]
            return [", ".join(f"{name}={value}" for name, value in row) for row in rows]
    except duckdb.Error as error:
        return [f"(its rows can't be shown: {error})"]


def unexplained(engine: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Per reason a line on usage that no call covers: how many spans, of which operations and files, what to do."""
    lines = {}
    for reason, (one, many, remedy) in SAID.items():
        found = engine.execute(UNEXPLAINED.format("operation"), {"reason": reason}).fetchall()
        if not found:
            continue
        files = engine.execute(UNEXPLAINED.format("source_file"), {"reason": reason}).fetchall()
        spans, tokens = (sum(row[place] for row in found) for place in (1, 2))
        operations = [f"operation {name} {count:,}" if name else f"no operation {count:,}" for name, count, _ in found]
        where = listed([name or "an unknown file" for name, _, _ in files])
        where = f"{tokens:,} tokens in {where}" if tokens else f"in {where}"
        lines[reason] = f"{spans:,} {one if spans == 1 else many}: {listed(operations)} ({where}); {remedy}"
    return lines


def sampled(engine: duckdb.DuckDBPyConnection, data: Path) -> list[str]:
    """A line on spans that stand for others which their sampler dropped, and one on those of which nobody says it."""
    [(spans, counted, stand_for, tail)] = engine.execute(SAMPLED.format(pattern(data))).fetchall()
    lines = []
    if counted:
        states, stands = ("s", "s") if counted == 1 else ("", "")
        lines.append(
            f"{counted:,} of {spans:,} spans state{states} an adjusted count above 1 and stand{stands} for "
            f"{stand_for:,.0f}: their traces are sampled"
        )
    if tail:
        was = "was" if tail == 1 else "were"
        lines.append(f"{tail:,} of {spans:,} spans {was} kept by a tail sampler that states no count: not scaled")
    return lines


def unsettled(engine: duckdb.DuckDBPyConnection, month: str | None = None) -> list[str]:
    """A line per two files of a bill of which nothing says whether the newer covers what only the older lists."""
    lines = [
        f"{newer} spans days of {older} and does not list {keys}: {lines:,} lines of {older} stand ({billed:.6f} USD, "
        f"{first} to {last}); a row of seed bill_sources with source_file {newer} says whether it covers the whole "
        "account (covers: account) or what it lists (covers: listed)"
        for older, newer, keys, first, last, lines, billed in engine.execute(UNSETTLED, {"month": month}).fetchall()
    ]
    more = len(lines) - land.SHOWN
    return lines[: land.SHOWN] + ([f"{more:,} more pairs of files are in marts.bill_overlaps_unsettled"] * (more > 0))


def replaced(engine: duckdb.DuckDBPyConnection) -> list[str]:
    """A line per two files of which the newer took the place of lines of the older."""
    return [
        f"{newer or 'a newer part of it'} replaces {lines:,} lines of {older} ({billed or 0:.6f} USD)"
        for older, newer, lines, billed in engine.execute(REPLACED).fetchall()
    ]


def revenue_replaced(engine: duckdb.DuckDBPyConnection) -> list[str]:
    """A line per two revenue files of one source of which the newer states again what the older did."""
    return [
        f"revenue of {source}: {newer} replaces {lines:,} line{'s' * (lines > 1)} of {older} ({usd or 0:.2f} USD)"
        for source, older, newer, lines, usd in engine.execute(REVENUE_REPLACED).fetchall()
    ]


def left_out(engine: duckdb.DuckDBPyConnection) -> list[str]:
    """A warning per service that may be AI, or tax that may be on it, and is out of scope: its sum, and what to do."""
    warnings = []
    for provider, name, is_use, usd, lines, files in engine.execute(LEFT_OUT).fetchall():
        money = "an unknown sum (no rate in seed fx_rates)" if usd is None else f"{usd:.6f} USD"
        why = "looks like AI" if is_use else "is on a bill without other lines, so nothing says whether it is on AI,"
        warnings.append(
            f"{provider}, {name}: {money} ({lines:,} lines of {listed(files)}) {why} and is out of scope; a row of "
            f"seed charge_rules with provider {provider} takes it in (treatment call, shared or invoice_only), or says "
            "out_of_scope"
        )
    return warnings


def listed(names: list[str]) -> str:
    more = len(names) - land.SHOWN
    return ", ".join(names[: land.SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def by_team(engine: duckdb.DuckDBPyConnection, month: date) -> str:
    """The teams that bear most of a month, in the cents that are booked; nothing where all are below half a cent."""
    teams = engine.execute(TEAMS, {"month": month}).fetchall()
    if not teams:
        return ""
    shown = [(plain(team), usd) for team, usd in teams[: land.SHOWN]]
    if rest := teams[land.SHOWN :]:
        shown.append((f"{len(rest)} more", sum(usd for _, usd in rest)))
    total = sum(usd for _, usd in teams)
    return ", ".join(f"{team} {usd:,.2f}" for team, usd in shown) + f"; together {total:,.2f} USD"


def report(data: Path) -> None:
    state = dict.fromkeys(closed.months(data), " (closed)")
    retired_before = max((act["retired_before"] for act in Store(data).retired), default="")
    state |= {month: " (closed, retired)" for month in state if f"{month}-01" < retired_before}
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        months = engine.execute(TOTALS).fetchall()
        for month, billed, accrued, net, unattributed in months:
            print(
                f"  {month:%Y-%m}{state.get(f'{month:%Y-%m}', '')}: billed {billed:.6f} + accrued {accrued:.6f} "
                f"= borne by teams {net:.6f} USD ({unattributed:.6f} of it unattributed, visible by team)"
            )
        if months and (teams := by_team(engine, months[-1][0])):
            print(f"  {months[-1][0]:%Y-%m} by team: {teams}")
        unbilled = engine.execute(UNBILLED).fetchall()
        for month, provider, usd in unbilled[: land.SHOWN]:
            print(f"  {month}: {usd:,.2f} USD of {plain(provider)} is on no bill yet and stands at book prices")
        if len(unbilled) > land.SHOWN:
            print(
                f"  and {len(unbilled) - land.SHOWN:,} more of a month and a provider: marts.ledger_entries, basis "
                "accrued"
            )
        for month, usd in engine.execute(POOL_BY_DEFAULT).fetchall():
            print(f"  {month:%Y-%m}: the quality pool pays {usd:.6f} USD of evals by default, no eval_funding row")
        for column, words in DOUBTS.items():
            counted = f"select count(*), coalesce(sum(priced_usd), 0) from marts.attributed_calls where {column}"
            [(calls, priced)] = engine.execute(counted).fetchall()
            if calls:
                print(f"  {calls:,} calls ({priced:.6f} USD) are {words} (attributed_calls.{column})")
        if lines := replaced(engine):
            print("  " + "\n  ".join(lines[: land.SHOWN]))
            if len(lines) > land.SHOWN:
                print(f"  and {len(lines) - land.SHOWN:,} more: marts.provider_bills_monthly")
        if lines := revenue_replaced(engine):
            print("  " + "\n  ".join(lines[: land.SHOWN]))
            if len(lines) > land.SHOWN:
                print(f"  and {len(lines) - land.SHOWN:,} more: staging.stg_product__revenue")
        for line in sampled(engine, data):
            print(f"  {line}")
        if services := unexplained(engine):
            print("  " + "\n  ".join(services.values()) + "\n  by day and service: marts.unexplained_usage_daily")


def twice_billed(engine: duckdb.DuckDBPyConnection) -> list[str]:
    """A warning per two accounts of a provider that may be one."""
    return [
        f"{provider} accounts {account} ({named}) and {other} ({other_named}) bill near-equal totals for {first} to "
        f"{last}: {usd:.2f} and {other_usd:.2f} USD, which may be one bill under two names; if so, seed "
        "account_aliases says which account the other is; if they are two, give each a row of seed bill_sources"
        for provider, account, named, other, other_named, first, last, usd, other_usd in engine.execute(
            TWICE_BILLED
        ).fetchall()
    ]


def conclude(data: Path) -> int:
    """End a summary with what may be missing from the ledger, or in it twice, and with what to look at next.

    Exit code 1 where STRICT=1 asks for no warnings.
    """
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        lines = missing.known(data).warnings + unsettled(engine) + left_out(engine) + twice_billed(engine)
        costliest = engine.execute(COSTLIEST).fetchall()
        [(month,)] = engine.execute("select max(month) from marts.team_chargeback_monthly").fetchall()
    land.warn(lines)
    print("  " + "\n  ".join(not_in_figures(data, len(lines))))
    where = "" if str(data) == "data" else f" DATA={shlex.quote(str(data))}"
    print(f"Look at next:\n  make report{where}: every team's month, its features and gaps, as pages")
    if month:
        print(f"  make export MONTH={month:%Y-%m}{where}: finance's files, a statement per team")
    for day, feature in costliest:
        named = shlex.quote(plain(feature))
        print(f"  make why FEATURE={named} DAY={day}{where}: one request, down to the line of its bill")
    print(f"  schema marts in {data}/ledger.duckdb (any DuckDB client), with queries in docs/analyst.md")
    return land.failed_as_strict(len(lines)) if lines and land.is_strict() else 0


def not_in_figures(data: Path, warnings: int) -> list[str]:
    """In plain sentences: what of the inbox is in no figure, and what the warnings above mean."""
    rejected = [entry for entry in _manifest(data).get("files", {}).values() if entry["rows_rejected"]]
    unread = data / "landed" / "rejects" / f"day={NO_DAY}" / "unread.parquet"
    files = pq.read_metadata(unread).num_rows if unread.exists() else 0
    found = []
    if rejected:
        lines, names = sum(entry["rows_rejected"] for entry in rejected), [entry["source_file"] for entry in rejected]
        found.append(
            f"{lines:,} {'lines were' if lines > 1 else 'line was'} rejected and "
            f"{'are' if lines > 1 else 'is'} in no figure ({listed(names)}): {data}/landed/rejects says why"
        )
    if files:
        how = "files were not read and are" if files > 1 else "file was not read and is"
        found.append(f"{files:,} {how} in no figure: {data}/landed/rejects says why")
    if warnings:
        found.append(
            f"{warnings:,} warning{'s' * (warnings > 1)} above: until settled, the money that they name may be missing "
            "from these figures, or be in them twice"
        )
    return found or ["no file or line was left out, and no bill is known to lack lines or to stand twice"]


def unusable(database: Path) -> str | None:
    """Why a build can't write to the database now: another program has it, or its disk fails. Damaged ones go away."""
    if not database.exists():
        return None
    try:
        with duckdb.connect(str(database), config={"storage_compatibility_version": "v1.4.0"}):
            return None
    except (duckdb.Error, OSError) as error:
        if not ending.is_damage(error):
            return ending.sentence(error) or str(error).splitlines()[0]
        discard(database, error)
        return None


def discard(database: Path, why: Exception) -> None:
    """Removes a damaged database: everything in it comes from what has landed, and is built anew."""
    reason = re.sub(r"^.*is damaged \((.*)\);.*$", r"\1", str(why).splitlines()[0])[:160]
    print(f"{database} is damaged; make build builds it anew from what has landed ({reason})")
    for path in (database, database.with_name(f"{database.name}.wal")):
        state.remove(path)


def verify(data: str) -> int:
    """Every identity and test over the whole ledger: a build that goes on tests only what it read anew."""
    database = Path(data, "ledger.duckdb")
    if not database.exists():
        print(f"{database}: no ledger here, its tests were not run")
        return 0
    if damages := Store(Path(data)).verify():
        for line in damages:
            print(f"  ERROR: {line}")
        print("make build lands damaged files again, where the inbox still holds them")
        return 1
    if said := unusable(database):
        print(f"ERROR: {said}", file=sys.stderr)
        return 1
    if not database.exists():  # it was damaged
        return 1
    passed, troubled = dbt("test", data)
    explain(troubled, database)
    print(f"{database}: {'every identity and test holds, over all rows' if passed else 'FAILED, see above'}")
    return 0 if passed else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inbox", help="a folder, or s3://, gs://, az:// or abfss://; a semicolon between several")
    parser.add_argument("data", type=lambda stated: str(Path(stated)))  # one spelling: `data/` is `data`
    parser.add_argument("company", type=Path)
    parser.add_argument("--first", metavar="MODEL", help="of a build that goes on, make this model before others")
    parser.add_argument("--verify", action="store_true", help="build nothing; run every test over all that is built")
    arguments = parser.parse_args()
    if arguments.first and not list(PROJECT.glob(f"models/**/{arguments.first}.sql")):
        parser.error(f"--first {arguments.first}: there is no such model")
    if set(arguments.data) & {"#", "?"}:
        print(
            f"ERROR: DATA={arguments.data}: dbt reads a # or ? as the end of a path; name another folder",
            file=sys.stderr,
        )
        return 2
    if code := company.complete(arguments.company, arguments.data):
        return code
    with state.holding(Path(arguments.data)) as is_held:  # until all is built, so that two builds don't mix
        return make(arguments) if is_held else 2


def build_on(data: str, built: int | None, first: str | None, began: float) -> tuple[bool, list]:
    """All nodes at once, or in two parts of one build (macros/ledger_builds.sql): a model with what it is made of, and
    then the others and every test. Returns as `dbt` does.
    """
    if not first or built is None:
        return dbt("build", data, built)
    made = parts_of(first, _kinds_landed(Path(data), built))
    skipped = [f"config.meta.follows_seed:{seed}" for seed in FOLLOWED if is_empty(Path(data), seed)]
    part = ("--select", *made, *(["--exclude", *skipped] if skipped else []), "--exclude-resource-type", "test")
    passed, troubled = dbt("build", data, built, (*part, "--exclude-resource-type", "seed", "--no-write-json"))
    if not passed:
        return passed, troubled
    print(f"  {first} is up to date after {time.monotonic() - began:.1f} s; the other models, and every test, follow")
    rest = [f"resource_type:{kind}" for kind in ("seed", "model", "test", "exposure")]
    done = names_built(Path(data))
    return dbt("build", data, built, ("--select", *rest, "--exclude", *done, "--indirect-selection", "empty"))


def _asked(data: Path, query: str) -> list[tuple]:
    try:
        with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
            return engine.execute(query).fetchall()
    except duckdb.Error as error:
        if ending.is_damage(error):
            raise Damaged(str(error)) from error
        raise


def is_empty(data: Path, seed: str) -> bool:
    """Whether a seed had no rows at the last build: after a change of seeds all is built at once."""
    return not _asked(data, f"select 1 from seeds.{seed} limit 1")


def names_built(data: Path) -> list[str]:
    """Models that the parts of this build have made."""
    ((parts,),) = _asked(data, "select parts from main.ledger_builds")
    return [part.rsplit(".", 1)[-1] for part in parts.split() if part.startswith("model.")]


def parts_of(first: str, kinds: set[str]) -> list[str]:
    """dbt's words for a model with what it is made of, but for what would come out as it is: the views of staging, and,
    where only spans have landed, tables that are kept until other files come. The macro `_parts_before` holds this.
    """
    held = ["table", "incremental"] if kinds == {"spans"} else ["table", "incremental", "kept"]
    views = [f"+{first},config.materialized:view,path:models/{folder}" for folder in ("intermediate", "marts")]
    return [*views, *(f"+{first},config.materialized:{kind}" for kind in held)]


def make(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    if complaints := closed.complaints(Path(arguments.data)):
        print("ERROR: " + "\nERROR: ".join(complaints), file=sys.stderr)
        return 1
    if arguments.verify:
        return verify(arguments.data)
    if code := land.run(arguments.inbox, Path(arguments.data), strict=False, seeds=company.seeds_of(arguments.data)):
        return code
    data = Path(arguments.data)
    database, landed = data / "ledger.duckdb", files_landed(data)
    try:
        built = files_built(data)
    except duckdb.IOException as error:  # another program has the database
        print(f"ERROR: {ending.sentence(error)}", file=sys.stderr)
        return 1
    if built == landed:
        print(f"nothing new since {database} was built: same inputs, seeds and models")
        try:
            report(data)
            return conclude(data)
        except duckdb.Error as error:
            if not ending.is_damage(error):
                raise
            discard(database, error)
    for _ in range(LOOKS):
        if not (said := unusable(database)):
            break
        time.sleep(1)
    else:
        print(f"ERROR: {said}", file=sys.stderr)
        return 1
    built = files_built(data)
    try:
        passed, troubled = build_on(arguments.data, built, arguments.first, began)
    except Damaged as why:
        discard(database, why)
        built = None
        passed, troubled = dbt("build", arguments.data, built)
    explain(troubled, database)
    if not passed:
        print(
            f"FAILED: the ledger is not to be used. Inputs: {arguments.inbox}, {arguments.company}. Correct what is "
            f"named above and run again; compiled SQL in {arguments.data}/target, log in {arguments.data}/logs/dbt.log"
        )
        return 1
    how = "anew" if built is None else f"on, from {landed - built} new files,"
    print(f"built {database} {how} in {time.monotonic() - began:.0f} s; every identity and test holds")
    report(data)
    if (data / "bi").exists() and bi.main(data):
        return 1
    return conclude(data)


if __name__ == "__main__":
    sys.exit(ending.of(main))
