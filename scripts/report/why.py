"""Why does this cost what it costs? One trace as a tree: money, rule, bearer, payer, and the charge on the bill.

Usage: python -m report.why DATA --trace ID              ID of a trace, or of one of its calls
       python -m report.why DATA --feature ID --day DATE the costliest traces of a day, then the costliest one's tree
"""

import argparse
import sys
from pathlib import Path

import duckdb

import ending
from report.trees import Trace, rows
from terminal import plain, print

BY_CALL = "select trace_id from marts.attributed_calls where call_id = $trace or trace_id = $trace limit 1"
SIMILAR = """
select distinct trace_id, levenshtein(trace_id, $trace) as distance from marts.attributed_calls
where starts_with(trace_id, $trace) or levenshtein(trace_id, $trace) <= length(trace_id) // 4
order by starts_with(trace_id, $trace) desc, distance, trace_id limit 3
"""
FEATURE_DAY = """
with borne as (

    select calls.trace_id, calls.call_id, sum(shares.borne_usd) as borne_usd
    from marts.attributed_calls as calls
    inner join marts.call_shares as shares on calls.call_id = shares.call_id
    where calls.started_on = $day and shares.originating_feature_id = $feature
    group by all

)

select trace_id, count(*) as calls, sum(borne_usd) as borne_usd, count(*) filter (where borne_usd is null) as unpriced,
    grouping(trace_id) = 1 as is_total
from borne group by rollup (trace_id)
order by is_total, borne_usd desc nulls last, trace_id
"""
FEATURES = """
select distinct originating_feature_id as feature_id from marts.spend_daily
where originating_feature_id is not null order by levenshtein(originating_feature_id, $feature), feature_id limit 3
"""
DAYS_OF = """
select cast(min(spent_on) as varchar) as first_day, cast(max(spent_on) as varchar) as last_day
from marts.spend_daily where originating_feature_id = $feature
"""
TOP = 10


class Unknown(Exception):
    """What was asked for isn't there."""


def usd(amount) -> str:
    """Exact, so that parts add up to their sum; six decimals at least."""
    if amount is None:
        return "unpriced"
    text = f"{amount:,.12f}"
    return f"{text[:-6]}{text[-6:].rstrip('0')} USD"


def of_call(row: dict) -> list[str]:
    rule = row["attribution_rule"] + (f", {row['hops']} hops up" if row["hops"] else "")
    money = f"{usd(row['attributed_usd'])} {row['basis']}"
    if row["attributed_usd"] is None:
        money = f"unpriced: {row['unpriced_reason']}"
    return [
        f"{row['provider']} {row['model']}: {money}, {row['purpose']}",
        f"feature {row['originating_feature_id']} (rule {rule}); path {row['team_path']}",
        f"borne by {row['bearers']}; paid by {row['payer_team_id']}",
    ]


def of_charge(charge: dict) -> str:
    """The line of a bill, and how much of it the call used, where the bill says a quantity at all."""
    used = f"{charge['used']:,} " if charge["used"] is not None else ""
    if charge["meter"] == "capacity":
        what = f"own capacity that calls share by use, {usd(charge['billed_usd'])}"
    elif charge["quantity"]:
        what = f"{used}{'of its ' if used else ''}{charge['quantity']:,} {charge['meter']}, {usd(charge['billed_usd'])}"
    elif used:
        what = (
            f"{used}{charge['meter']}, priced at the book; the line states {usd(charge['billed_usd'])} and no quantity"
        )
    else:
        what = f"{charge['meter']}, {usd(charge['billed_usd'])}"
    return (
        f"billed on {charge['charge_id']} ({charge['match_level']}): {charge['charged_on']}, {what}; "
        f"{charge['source_file']} line {charge['source_line']}"
    )


def tree_lines(trace: Trace) -> list[str]:
    found = trace.tree()
    if not found:
        raise Unknown
    charges: dict[str, list[str]] = {}
    for charge in trace.lines():
        charges.setdefault(charge["call_id"], []).append(of_charge(charge))
    (total,) = rows(
        trace.engine,
        "select count(*) as calls, sum(attributed_usd) as usd from marts.attributed_calls where trace_id = $trace",
        trace.parameters,
    )
    lines = [
        f"trace {plain(trace.parameters['trace'])}, {found[0]['started_at']}: {len(found)} spans,"
        f" {total['calls']} calls, {usd(total['usd']) if total['calls'] else 'no money'}"
    ]
    trails: list[str] = []  # for each depth above: does that span have more siblings below?
    for row in found:
        trails = [*trails[: row["depth"]], "   " if row["is_last"] else "│  "]
        stem = "".join(trails[:-1])
        branch = "└─ " if row["is_last"] else "├─ "
        carried = f"  {usd(row['carried_usd'])} below" if row["carried_calls"] and not row["call_id"] else ""
        team = f" [{row['owner_team_id']}]" if row["owner_team_id"] else ""
        lines.append(plain(f"{stem}{branch}{row['service_name'] or 'no service'}: {row['span_name']}{team}{carried}"))
        notes = []
        if row["call_id"]:
            notes = of_call(row) + charges.get(row["call_id"], [])
            if row["basis"] == "accrued":
                notes.append("not billed yet: accrues at the price book")
        elif row["same_call_id"]:
            notes = [f"the same call as {row['same_call_id']}, counted once, elsewhere"]
        under = "│  " if row["carried_calls"] > bool(row["call_id"]) else "   "
        lines += [plain(f"{''.join(trails)}{under}{note}") for note in notes]
    causes = trace.causes()
    lines += [
        plain(f"{cause['how']} trace {cause['trace_id']}: {cause['calls']} calls, {usd(cause['attributed_usd'])}")
        for cause in causes[:TOP]
    ]
    return lines + ([f"and {len(causes) - TOP} traces more by links"] if len(causes) > TOP else [])


def of_trace(engine, data: Path, asked: str) -> list[str]:
    found = rows(engine, BY_CALL, {"trace": asked})
    trace = found[0]["trace_id"] if found else asked
    try:
        return tree_lines(Trace(engine, data, trace))
    except Unknown:
        near = ", ".join(plain(row["trace_id"]) for row in rows(engine, SIMILAR, {"trace": asked}))
        raise Unknown(f"no trace or call {plain(asked)}" + (f"; similar: {near}" if near else "")) from None


def of_feature(engine, data: Path, feature: str, day: str) -> list[str]:
    *found, total = rows(engine, FEATURE_DAY, {"feature": feature, "day": day})
    if not found:
        (days,) = rows(engine, DAYS_OF, {"feature": feature})
        if days["first_day"]:
            raise Unknown(
                f"no call of {plain(feature)} that day; it has spend from {days['first_day']} to {days['last_day']}"
            )
        near = ", ".join(plain(row["feature_id"]) for row in rows(engine, FEATURES, {"feature": feature}))
        raise Unknown(f"no feature {plain(feature)}" + (f"; similar: {near}" if near else ""))
    lines = [
        f"{plain(feature)} on {plain(day)}: {total['calls']} calls in {len(found)} traces, {usd(total['borne_usd'])}"
    ]
    lines += [f"  {plain(row['trace_id'])}  {row['calls']:>5} calls  {usd(row['borne_usd'])}" for row in found[:TOP]]
    if len(found) > TOP:
        lines.append(f"  and {len(found) - TOP} cheaper traces")
    return [*lines, "", *of_trace(engine, data, found[0]["trace_id"])]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="why", description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--trace")
    parser.add_argument("--feature")
    parser.add_argument("--day")
    asked = parser.parse_args(words)
    if not asked.trace and not (asked.feature and asked.day):
        print("ERROR: ask make why TRACE=<id>, or make why FEATURE=<id> DAY=<yyyy-mm-dd>", file=sys.stderr)
        return 2
    database = asked.data / "ledger.duckdb"
    if not database.exists():
        print(f"ERROR: there is no {database}; run make build first", file=sys.stderr)
        return 2
    try:
        with duckdb.connect(str(database), read_only=True) as engine:
            if asked.trace:
                lines = of_trace(engine, asked.data, asked.trace)
            else:
                lines = of_feature(engine, asked.data, asked.feature, asked.day)
    except Unknown as unknown:
        print(f"ERROR: {unknown}", file=sys.stderr)
        return 2
    except duckdb.ConversionException:
        print(f"ERROR: {plain(asked.day)} is no day; write it as 2026-10-31", file=sys.stderr)
        return 2
    except duckdb.CatalogException as broken:
        print(f"ERROR: the ledger is not built whole; run make build ({str(broken).splitlines()[0]})", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(main))
