"""Close a month of the ledger: its entries and exports are frozen in DATA/closed, and no build changes them again.

Usage: close.py MONTH DATA COMPANY [--force] [--reopen]. Months close in order, on a good build of all that landed.
--force closes although too much of the month is unexplained or lines of its bills were rejected, or closes a closed
month again; --reopen takes the last closed month back. Both leave a line in DATA/closed/log.jsonl, which is a link of
the chain of closings (chain.py); with LEDGER_SIGNING_KEY in the environment it is signed. Exit 1 where a month can't be
closed (it says why), 2 where the call is wrong.
"""

import argparse
import json
import re
import shutil
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

import build
import chain
import closed
import company
import ending
import export
import land
import state
from landing import missing
from landing.store import Store
from paths import quoted
from terminal import plain, print

# What the month's providers bill and what of it nobody traced; what accrued; what corrects earlier months.
SIZES = """
select
    coalesce(sum(amount_usd) filter (where account = 'ai_cost'), 0) as net_charge_usd,
    coalesce(sum(amount_usd) filter (where kind = 'bill' and side = 'debit'), 0) as billed_usd,
    coalesce(sum(amount_usd) filter (where kind = 'accrual' and side = 'debit'), 0) as accrued_usd,
    coalesce(sum(amount_usd) filter (where account = 'ai_cost' and corrects_month is not null), 0) as corrections_usd,
    coalesce(-sum(amount_usd) filter (where account = 'provider_payable'), 0) as provider_payable_usd,
    coalesce(-sum(amount_usd) filter (where account = 'accrued_payable'), 0) as accrued_payable_usd,
    coalesce(sum(amount_usd) filter (where kind = 'bill' and side = 'debit' and feature_id = 'untraced'), 0)
        as untraced_usd,
    (select coalesce(sum(abs(unexplained_usd)), 0) from marts.invoice_tie_out_monthly
        where date_trunc('month', period_end) = $month) as invoices_unexplained_usd
from marts.ledger_entries where posted_month = $month
"""
NEWEST = """
select max(day) from (
    select max(spent_on) as day from marts.spend_daily
    union all select max(usage_on) from marts.invoice_reconciliation_daily
) as days
"""
TEAMS = """
select team_id, net_charge_booked_usd, billed_booked_usd, accrued_booked_usd, corrections_usd::decimal(38, 2)
from marts.team_chargeback_monthly where month = $month and (net_charge_usd != 0 or paid_usd != 0)
order by net_charge_usd desc, team_id
"""


def refuse(reason: str, code: int = 1) -> int:
    print(f"ERROR: {reason}", file=sys.stderr)
    return code


def close(month: str, data: Path, force: bool) -> int:
    before = closed.months(data)
    if month in before:
        if not force:
            return refuse(f"{month} is closed; FORCE=1 says so once more, REOPEN=1 takes it back")
        what = {**closed.trace_of(closed.manifest(data, month)), "flags": ["FORCE"]}
        what["overruled"] = what["overruled"] + closed.unsigned(data)
        link = closed.trace(data, month, "closed", what, (data / "closed" / month,) * 2)
        print(f"{month} was closed already; its entries are as they were. Closing hash: {link['closing_hash']}")
        return 0
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        months = [f"{row[0]:%Y-%m}" for row in engine.execute(
            "select distinct posted_month from marts.ledger_entries order by posted_month").fetchall()]  # fmt: skip
        still_open = [name for name in months if name not in before]
        if month in months and month not in still_open[:1]:
            return refuse(f"months close in order; the next one is {still_open[0]}")
        if month not in months:
            return refuse(f"the ledger has no entry in {month}; it has {', '.join(months) or 'no month'}")
        [(newest,)] = engine.execute(NEWEST).fetchall()
        sizes, until = sizes_of(engine, month), str(newest)
        gaps = gaps_of(sizes) + bills_lacking(month, data) + build.unsettled(engine, f"{month}-01")
        gaps += closed.unsigned(data)
        show(engine, month, sizes, until)
        if gaps and not force:
            for gap in gaps:
                print(f"ERROR: {gap}", file=sys.stderr)
            return refuse(f"{month} stays open; explain what is named above, or close it as it is with FORCE=1")
        what = {"data_until": until, "flags": ["FORCE"] if force else [], "overruled": gaps}
        totals = {name: f"{amount:f}" for name, amount in sizes.items()}
        part, written = freeze(engine, month, data, what, totals)
    if part is None:
        return 1
    folder = data / "closed" / month
    link = closed.trace(data, month, "closed", closed.trace_of(written), (part, folder))
    print(
        f"closed {month}: {written['entries']['rows']:,} entries and the month's exports are in {folder}; what comes "
        "later is booked in the next month, as corrections"
    )
    print(
        f"closing hash: {link['closing_hash']} ({chain.said_of_signatures(closed.links(data))}). Keep it outside of "
        f"{data}: make verify HEAD=<it> tells whether closed months were made anew"
    )
    return 0


def sizes_of(engine, month: str) -> dict[str, Decimal]:
    found = engine.execute(SIZES, {"month": f"{month}-01"})
    return dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))


def gaps_of(sizes: dict[str, Decimal]) -> list[str]:
    """What asks for a second thought before the month is booked."""
    most, billed = Decimal(str(land.project_variables()["close_unexplained_pct"])), sizes["billed_usd"]
    unexplained = abs(sizes["untraced_usd"]) + sizes["invoices_unexplained_usd"]
    if unexplained <= abs(billed) * most:
        return []
    share = f"{unexplained / abs(billed):.1%} of {billed:.2f} billed" if billed else "nothing is billed"
    return [
        f"{unexplained:.2f} USD are untraced, or on invoices that no charge explains: {share}, over "
        f"close_unexplained_pct ({most:.0%})"
    ]


def bills_lacking(month: str, data: Path) -> list[str]:
    """Bills of which lines of the month were rejected, or lines of which nobody knows the month."""
    return [
        f"{bill['source_file']} lacks lines that may be of {month}: {bill['what']}"
        for bill in missing.known(data).bills
        if not bill["days"] or any(first[:7] <= month <= last[:7] for first, last in bill["days"])
    ]


def show(engine, month: str, sizes: dict[str, Decimal], until: str) -> None:
    teams = engine.execute(TEAMS, {"month": f"{month}-01"}).fetchall()
    names = ("net_charge_usd", "billed_usd", "accrued_usd")
    sums = {name: sum((row[place] for row in teams), Decimal(0)) for place, name in enumerate(names, 1)}
    sizes = {**sizes, **sums}  # as they are shown
    print(f"{month}, in USD, as of data until {until}:\n")
    for name, text in (
        ("billed_usd", "billed"),
        ("accrued_usd", "accrued, less accruals that bills took the place of"),
        ("net_charge_usd", "borne by teams"),
        ("corrections_usd", "of which corrections to closed months"),
        ("untraced_usd", "of which untraced"),
        ("invoices_unexplained_usd", "on invoices, unexplained"),
    ):
        print(f"  {text:52}{sizes[name]:>14,.2f}")
    if until < str((date.fromisoformat(f"{month}-01") + timedelta(31)).replace(day=1) - timedelta(1)):
        print("\n  The data end before the month does: what its last days bring will be corrections.")
    print(f"\n  {'team':24}{'net charge':>14}{'billed':>14}{'accrued':>14}{'corrections':>14}")
    for team, *amounts in teams:
        print(f"  {plain(team):24}" + "".join(f"{amount:>14,.2f}" for amount in amounts))
    print()


def freeze(engine, month: str, data: Path, what: dict, totals: dict) -> tuple[Path | None, dict]:
    """The month's folder, beside those that are closed, and its manifest. Nothing where an export is refused."""
    part = data / "closed" / closed.PARTS / month
    shutil.rmtree(part.parent, ignore_errors=True)
    part.mkdir(parents=True)
    path = part / closed.ENTRIES
    rows = engine.execute(
        f"copy (select * from marts.ledger_entries where posted_month = date '{month}-01' order by entry_id) "
        f"to '{quoted(path)}' (format parquet, compression zstd)"
    ).fetchone()[0]
    entries = {"rows": rows, "sha256": closed.hash_of(path), "totals": totals}
    closing = closed.next_closing(data, month, closed.trace_of({**what, "entries": entries}))
    closings = chain.listed([*closed.links(data), closing])
    rests_on = export.inputs(engine, data)
    if not export.write_month(engine, month, part / closed.EXPORTS, "closed", closings, rests_on):
        return None, {}
    manifest = {
        "month": month,
        # The ledger holds what is closed here: it can be built on as it is.
        "build_id": build.last_build(data).get("build_id"),
        **what,
        "entries": entries,
        "exports_sha256": closed.hash_of(part / closed.EXPORTED),
        "closing_hash": closing["closing_hash"],
    }
    state.write(part / closed.MANIFEST, json.dumps(manifest, indent=1) + "\n")
    for path in (*part.rglob("*"), part):
        state.sync(path)
    return part, manifest


def reopen(month: str, data: Path, force: bool) -> int:
    before = closed.months(data)
    if month not in before:
        return refuse(f"{month} is not closed; closed are {', '.join(before) or 'none'}")
    if month != before[-1]:
        return refuse(f"only the last closed month can be reopened: {before[-1]}")
    if retired := retired_since(month, data):
        return refuse(
            f"{month} was closed when {retired} was retired, whose entries in closed months stand in for its spans; "
            "what changed is booked in the next open month"
        )
    if (gaps := closed.unsigned(data)) and not force:
        return refuse(f"{gaps[0]}; {month} stays closed, or FORCE=1 REOPEN=1 takes it back all the same")
    folder = data / "closed"
    times = sum(path.name.startswith(f"{month}.") for path in (folder / ".reopened").glob("*"))
    kept = f".reopened/{month}.{times + 1}"
    what = {**closed.trace_of(closed.manifest(data, month)), "kept": kept}
    what |= {"flags": ["REOPEN", *(["FORCE"] if force else [])], "overruled": what["overruled"] + gaps}
    link = closed.trace(data, month, "reopened", what, (folder / month, folder / kept))
    print(f"reopened {month}; its files are kept in {folder / kept}. Now `make build`, then close it again")
    print(f"closing hash: {link['closing_hash']}")
    return 0


def retired_since(month: str, data: Path) -> str | None:
    """The newest retired month whose entries stand in for its spans with this one closed."""
    return max((act["month"] for act in Store(data).retired if f"{month}-01" <= act["closed_through"]), default=None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("month")
    parser.add_argument("data")
    parser.add_argument("company", type=Path)
    parser.add_argument("--force", action="store_true", help="close although something is named that speaks against it")
    parser.add_argument("--reopen", action="store_true", help="take the last closed month back")
    arguments = parser.parse_args()
    month, data = arguments.month, Path(arguments.data)
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        return refuse("say which month: MONTH=2026-10", 2)
    if code := company.complete(arguments.company, str(data)):
        return code
    if not arguments.reopen and not (data / "ledger.duckdb").exists():
        return refuse(f"{data}/ledger.duckdb is not there; run make build first", 2)
    data.mkdir(parents=True, exist_ok=True)
    with state.holding(data) as is_held:
        if not is_held:
            return 1
        if complaints := closed.complaints(data):
            return refuse("; ".join(complaints))
        if arguments.reopen:
            return reopen(month, data, arguments.force)
        try:
            if build.files_built(data) != build.files_landed(data):
                return refuse(f"{data}/ledger.duckdb is not a good build of what is there now; run make build first")
            return close(month, data, arguments.force)
        except duckdb.IOException as error:
            return refuse(ending.sentence(error) or str(error))


if __name__ == "__main__":
    sys.exit(ending.of(main))
