"""Finance's files for a month, from the marts alone; and their check from the files alone.

Usage: export.py MONTH DATA    writes DATA/exports/MONTH/: team_chargeback.csv, statements/<team> as .csv, .xlsx and
                               .html, journal.csv, invoices.csv, focus.csv and .parquet, manifest.json (rows, control
                               totals, sha256, what it rests on); of a closed month, the files as closed
       export.py verify MONTH DATA    re-adds everything from the exported files, and holds them against the chain of
                               closings; exit 1 where something is off
       export.py verify MONTH DATA --manifest=FILE --head=HASH    holds the chain against a manifest or a closing hash
                               that somebody else has; MONTH may then be empty
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import yaml

import chain
import check
import closed
import ending
import environment
import focus
import state
import statements
from paths import AS_WRITTEN, pattern, quoted
from terminal import print

# A cell that a spreadsheet would run as a formula gets an apostrophe: =, +, -, @ begin one, also in their full width,
# and after a tab, the end of a line, or what shows as nothing. A cell that begins with an apostrophe gets one more, so
# that an importer has every value back by taking one off each cell that begins with one.
MARKS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
BEGINS = f"^(''|[\\t\\r\\n]|[\\s\\pZ\\pC]*[{MARKS}])"
SAFE = f"case when regexp_matches({{0}}, '{BEGINS}') then '''' || {{0}} else {{0}} end"
NEUTRAL = f"{SAFE} as {{0}}"
# Names that Windows keeps for devices, with any ending.
DEVICE = r"con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]"
MOST_READABLE = 60  # characters of an id before its hash
CHARGEBACK = "select * from marts.team_chargeback_monthly where month = ? order by team_id"
JOURNAL = "select * from marts.erp_journal_monthly where month = ? order by journal_no, leg_no"
INVOICES = """
select date_trunc('month', period_end) as month, * from marts.invoice_tie_out_monthly
where date_trunc('month', period_end) = ?::date order by provider, invoice_id
"""
# One file per month each; statements have one per team.
FILES = {"team_chargeback.csv": CHARGEBACK, "journal.csv": JOURNAL, "invoices.csv": INVOICES}
# Columns of which a sum says nothing: prices per unit, rates, and parts of a whole.
NO_SUM = ("unitprice", "unit_price", "unit_price_usd", "_per_unit", "ratio", "rate", "_pct")
# The last closing that the figures rest on, in a closed month its own: whoever has the file can ask for it.
STATEMENT = """
select lines.*, heads.statement_id, heads.company, heads.team_name, heads.cost_center, heads.currency,
    {status} as status, {closing_hash} as closing_hash
from marts.team_statements_monthly as lines left join marts.team_statement_summaries_monthly as heads
    on lines.month = heads.month and lines.team_id is not distinct from heads.team_id
where lines.month = ? and lines.team_id is not distinct from ?
order by section, corrects_month, item
"""
# Teams that are charged, and those that only pass on what others owe.
TEAMS = """
select team_id from marts.team_statements_monthly where month = $month
union select debtor_team_id from marts.team_transfers_monthly where month = $month and amount_booked_usd != 0
union select creditor_team_id from marts.team_transfers_monthly where month = $month and amount_booked_usd != 0
order by 1
"""
RATE = """
select distinct reporting_currency as currency, reporting_usd_per_unit::varchar as usd_per_unit,
    reporting_rate_on::varchar as rate_on
from marts.team_chargeback_monthly where month = ?
"""


def write_csv(engine, query: str, parameters: list, path: Path, is_converted: bool = True) -> dict:
    """One CSV, text cells neutralised; returns its manifest entry: rows, sums, sha256. Figures in the reporting
    currency leave if it is another than USD.
    """
    engine.execute("create or replace temp table part as " + query, parameters)
    columns = engine.execute("select column_name, column_type from (describe part)").fetchall()
    columns = [column for column in columns if is_converted or "reporting" not in column[0]]
    cells = [NEUTRAL.format(name) if kind == "VARCHAR" else name for name, kind in columns]
    order = query.rsplit("order by", 1)[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    engine.execute(f"copy (select {', '.join(cells)} from part order by {order}) to '{quoted(path)}' (header)")
    money = [name for name, kind in columns if kind.startswith("DECIMAL") and not name.lower().endswith(NO_SUM)]
    sums = engine.execute(f"select {', '.join(['count(*)', *(f'sum({name})' for name in money)])} from part").fetchone()
    totals = {name: str(total or 0) for name, total in zip(money, sums[1:], strict=True)}
    return {"rows": sums[0], "totals": totals, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def safe(engine, texts: set[str]) -> dict[str, str]:
    """Texts as they stand in cells: what a spreadsheet would run begins with an apostrophe."""
    cells = f"select text, {SAFE.format('text')} from (select unnest($texts::varchar[]) as text)"
    return dict(engine.execute(cells, {"texts": sorted(texts)}).fetchall())


def file_name(team: str | None) -> str:
    """A team's id as a file's name, which no other id shares, also where case or composition of letters don't count.

    It is made of the id alone, so that a team keeps its file whoever else there is. An id of lower-case letters,
    digits, - and _ stands as it is, unless it is long, a device's name, or like a name of the other sort; else its
    letters and digits stand before a hash of it.
    """
    team = "\0" if team is None else team  # a team without a name is not the one whose name is empty
    is_plain = re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,99}", team) and not re.fullmatch(DEVICE, team)
    if is_plain and not re.search(r"-[0-9a-f]{16}$", team):
        return team
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", team)[:MOST_READABLE].strip("_-")
    return f"{readable or 'team'}-{hashlib.sha256(team.encode()).hexdigest()[:16]}"


def export(month: str, data: Path) -> int:
    database, folder = data / "ledger.duckdb", data / "exports" / month
    if complaints := closed.complaints(data):
        return say(complaints)
    part = folder.with_name(f".{month}.part")
    shutil.rmtree(part, ignore_errors=True)
    if month in closed.months(data):
        shutil.copytree(data / "closed" / month / closed.EXPORTS, part)
    else:
        if not database.exists():
            return fail(f"{database} is not there; run make build first")
        with duckdb.connect(str(database), read_only=True) as engine:
            months = [f"{row[0]:%Y-%m}" for row in engine.execute(
                "select distinct month from marts.team_chargeback_monthly order by month").fetchall()]  # fmt: skip
            # A month without a booking between two with some has files without rows.
            if not months or not months[0] <= month <= months[-1]:
                return fail(f"the ledger has no month {month}; it has {', '.join(months) or 'none'}")
            if not write_month(engine, month, part, "open", chain.listed(closed.links(data)), inputs(engine, data)):
                return 1
    state.exchange(part, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    net, files = manifest["files"]["team_chargeback.csv"]["totals"]["net_charge_usd"], len(manifest["files"])
    print(f"exported {files} files for {month} ({manifest['status']}) to {folder}: net charge {net} USD over all teams")
    if unmapped := manifest.get("accounts_without_gl_account"):
        legs = manifest["legs_without_gl_account"]
        print(
            f"{legs} legs of the journal have no row in gl_accounts: their ledger account's name stands as GL account "
            f"({', '.join(unmapped)})"
        )
    if Decimal(by_default := manifest.get("eval_pool_by_default_usd", "0")):
        print(f"the quality pool pays {by_default} USD of its evals by default, no eval_funding row")
    return verify(month, data)


def write_month(engine, month: str, folder: Path, status: str, closings: list[dict], rests_on: dict) -> bool:
    """A month's files and their manifest into a new folder; False, and why, where they may not leave.

    `rests_on`: what the ledger was built of, as `inputs` has it.
    """
    day, closing_hash = f"{month}-01", closings[-1]["closing_hash"] if closings else None
    stated_hash = f"'{quoted(closing_hash)}'" if closing_hash else "cast(null as varchar)"
    statement = STATEMENT.format(status=f"'{status}'", closing_hash=stated_hash)
    rate = engine.execute(RATE, [day]).fetchone()
    is_converted = rate is not None and rate[0] != "USD"
    files = {name: write_csv(engine, query, [day], folder / name, is_converted) for name, query in FILES.items()}
    for (team,) in engine.execute(TEAMS, {"month": day}).fetchall():
        name = f"statements/{file_name(team)}"
        stated = statements.read(engine, day, team, status, closing_hash)
        if stated.lines:
            files[f"{name}.csv"] = {
                "team_id": team,
                **write_csv(engine, statement, [day, team], folder / f"{name}.csv", is_converted),
            }
        for path, entry in statements.write(stated, folder / name, safe(engine, stated.texts)).items():
            files[str(path.relative_to(folder))] = {"team_id": team, **entry}
    files |= focus.write(engine, day, folder, write_csv)
    complaints = check.exit_door(folder, _table)
    for complaint in complaints:
        print(f"ERROR at the exit: {complaint}", file=sys.stderr)
    manifest: dict[str, object] = {"month": month, "currency": "USD", "status": status, "files": files}
    manifest |= {"closing_hash": closing_hash, "closings": closings}
    if is_converted:
        manifest["reporting"] = dict(zip(("currency", "usd_per_unit", "rate_on"), rate, strict=True))
    manifest["eval_pool_by_default_usd"] = str(engine.execute(BY_DEFAULT, [day]).fetchone()[0])
    legs, accounts = engine.execute(WITHOUT_GL_ACCOUNT, [day]).fetchone()
    manifest |= {"legs_without_gl_account": legs, "accounts_without_gl_account": accounts or []}
    manifest |= {"control_totals": control_totals(folder), "notes": NOTES, **rests_on}
    state.write(folder / "manifest.json", json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return not complaints


def inputs(engine, data: Path) -> dict:
    """Identify the ledger's inputs: the project's version, and one hash each of the files' contents (names and order
    don't count) and of the company's seeds.
    """
    project = yaml.safe_load((environment.PROJECT / "dbt_project.yml").read_text())
    built = {"version": str(project["version"])}
    if not engine.execute("from duckdb_tables() where table_name = 'ledger_builds'").fetchall():
        return built
    landing_no, fingerprint = engine.execute("select landing_no, fingerprint from main.ledger_builds").fetchone()
    landed = f"read_parquet('{pattern(data)}/landed/files/*/*.parquet', union_by_name = true)"
    query = f"select distinct file_id from {landed} where landing_no <= ? order by file_id"
    is_landed = any((data / "landed" / "files").glob("*/*.parquet"))
    files = engine.execute(query, [landing_no]).fetchall() if is_landed else []
    hashed = hashlib.sha256("".join(f"{file_id}\n" for (file_id,) in files).encode()).hexdigest()
    return built | {"inputs": {"files": len(files), "sha256": hashed, "seeds_md5": fingerprint.split()[1]}}


def control_totals(folder: Path) -> dict:
    """Totals that finance compares between the exported files."""
    tables = {name: _table(folder, place) for name, place in PLACES.items()}
    is_converted = "net_charge_reporting" in (folder / PLACES["chargeback"]).read_text().partition("\n")[0]
    with duckdb.connect() as engine:

        def total(what: str, of: str) -> str:
            query = f"select cast(coalesce(sum({what}), 0) as decimal(38, 2)) from {of}"
            [(usd,)] = engine.execute(query).fetchall()
            return str(usd)

        def totals_by(key: str, what: str, of: str) -> dict:
            by_key = (
                f"select coalesce({key}, ''), cast(sum({what}) as decimal(38, 2)) from {of} group by all order by all"
            )
            return {name: str(usd) for name, usd in engine.execute(by_key).fetchall()}

        cost = "{journal} where account = 'ai_cost'".format(**tables)
        return {
            "net_charge_by_team_usd": totals_by("team_id", "net_charge_booked_usd", tables["chargeback"]),
            "team_chargeback_usd": total("net_charge_booked_usd", tables["chargeback"]),
            "statements_usd": total("amount_usd", tables["statements"]),
            "journal_usd": total("debit_usd - credit_usd", cost),
            "journal_by_gl_account_usd": totals_by("gl_account", "debit_usd - credit_usd", tables["journal"]),
            "transfers_usd": total("transfers_out_booked_usd", tables["chargeback"]),
            **(
                {"team_chargeback_reporting": total("net_charge_reporting", tables["chargeback"])}
                if is_converted
                else {}
            ),
            "tax_of_invoices_usd": total("tax_usd", _table(folder, "invoices.csv")),
            "tax_in_charges_usd": total("EffectiveCost", f"{_table(folder, 'focus.csv')} where ChargeCategory = 'Tax'"),
        }


# Notes for readers of the files.
NOTES = {
    "amounts": "USD. Charges are net of tax that only invoices state (invoices.csv, tax_usd; tax_of_invoices_usd). Tax "
    "that a bill lists as a line of its own is part of the charges, as invoice_only (tax_in_charges_usd).",
    "one_figure": "A team's net charge is one figure in cents: team_chargeback.csv (net_charge_booked_usd), its "
    "statement, and its legs on ai_cost in journal.csv. Amounts without `booked` there have twelve decimals.",
    "journal": "Kind accrual is all that is still open at the end of the month, per month of use; reversal takes it "
    "back on the first day of the next month that has a journal. document_no stays when the month is exported again.",
    "focus": list(focus.NOTES),
}
WITHOUT_GL_ACCOUNT = """
select count(*), list(distinct account order by account) from marts.erp_journal_monthly
where month = ? and is_default_gl_account
"""
# Evals of the month's days that the quality pool pays because no row of eval_funding says who does.
BY_DEFAULT = """
select coalesce(sum(eval_pool_by_default_usd), 0) from marts.eval_coverage_monthly where month = ?
"""
# Each finds rows that should not be; {chargeback}, {journal} and {statements} are the exported files.
CHECKS = {
    "a team's lines, cash and bases each add up to its net charge": """
        select team_id, net_charge_usd from {chargeback}
        where net_charge_usd != production_usd + evaluation_usd - eval_pool_credit_usd + development_usd
            + shared_usd + unattributed_usd
        or net_charge_usd != paid_usd + transfers_out_usd - transfers_in_usd
        or net_charge_usd != billed_usd + accrued_usd""",
    "transfers out equal transfers in": """
        select sum(transfers_out_usd), sum(transfers_in_usd) from {chargeback}
        having sum(transfers_out_usd) != sum(transfers_in_usd)""",
    "each journal's debits equal its credits": """
        select journal_no, sum(debit_usd), sum(credit_usd) from {journal}
        group by journal_no having sum(debit_usd) != sum(credit_usd)""",
    "each statement adds up to the team's booked net": """
        with booked as (
            select team_id, sum(debit_usd - credit_usd) as net from {journal} where account = 'ai_cost' group by team_id
        ), stated as (select team_id, sum(amount_usd) as net from {statements} group by team_id)
        select coalesce(booked.team_id, stated.team_id), booked.net, stated.net
        from booked full join stated on booked.team_id is not distinct from stated.team_id
        where coalesce(booked.net, 0) != coalesce(stated.net, 0)""",
    "corrections are of earlier months, and as many cents in statements as booked": """
        with lines as (
            select corrects_month, 0 as booked, amount_usd as stated from {statements}
            union all select corrects_month, debit_usd - credit_usd, 0 from {journal} where account = 'ai_cost'
        )
        select corrects_month, sum(booked), sum(stated) from lines where corrects_month is not null
        group by corrects_month
        having corrects_month >= date '{day}'
        or abs(sum(booked) - sum(stated)) > 0.01 * (select count(*) + 1 from {journal})""",
    "all rows are of the month": """
        select month from {chargeback} where month != date '{day}'
        union all select month from {journal} where month != date '{day}'
        union all select month from {statements} where month != date '{day}'""",
}
# Checks of exports whose chargeback has cents; months that earlier releases closed have none.
IN_CENTS = {
    "a team's figure in cents is one, and its parts add up to it": """
        with booked as (
            select team_id, sum(debit_usd - credit_usd) as net from {journal} where account = 'ai_cost' group by team_id
        )
        select charged.team_id, charged.net_charge_booked_usd, booked.net
        from {chargeback} as charged full join booked on charged.team_id is not distinct from booked.team_id
        where coalesce(net_charge_booked_usd, 0) != coalesce(booked.net, 0)
        or net_charge_booked_usd != production_booked_usd + evaluation_booked_usd - eval_pool_credit_booked_usd
            + development_booked_usd + shared_booked_usd + unattributed_booked_usd
        or net_charge_booked_usd != paid_booked_usd + transfers_out_booked_usd - transfers_in_booked_usd
        or net_charge_booked_usd != billed_booked_usd + accrued_booked_usd""",
    "each figure in cents is the one at full scale, rounded up or down": """
        select team_id, net_charge_usd, net_charge_booked_usd from {chargeback}
        where abs(net_charge_usd - net_charge_booked_usd) >= 0.01""",
}
# Checks of exports in a reporting currency.
IN_REPORTING = {
    "in the reporting currency a team's parts and its statement add up to its figure": """
        with stated as (select team_id, sum(amount_reporting) as stated from {statements} group by team_id)
        select charged.team_id, charged.net_charge_reporting, stated.stated
        from {chargeback} as charged left join stated on charged.team_id is not distinct from stated.team_id
        where net_charge_reporting != coalesce(stated.stated, 0)
        or net_charge_reporting != production_reporting + evaluation_reporting - eval_pool_credit_reporting
            + development_reporting + shared_reporting + unattributed_reporting
        or net_charge_reporting != billed_reporting + accrued_reporting""",
}
NO_STATEMENT = {
    "month": "date",
    "team_id": "varchar",
    "amount_usd": "decimal(38, 12)",
    "amount_reporting": "decimal(38, 2)",
    "corrects_month": "date",
}
PLACES = {"chargeback": "team_chargeback.csv", "journal": "journal.csv", "statements": "statements/*.csv"}


def verify(month: str, data: Path) -> int:
    """Every check on the exported files alone; names what is off, in which file."""
    folder = data / "exports" / month
    if not (folder / "manifest.json").exists():
        return fail(f"{folder}/manifest.json is not there; run make export MONTH={month}")
    if complaints := closed.complaints(data):
        return say(complaints)
    manifest = json.loads((folder / "manifest.json").read_text())
    frozen = data / "closed" / month / closed.EXPORTS / "manifest.json"
    if frozen.exists() and frozen.read_bytes() != (folder / "manifest.json").read_bytes():
        return fail(f"{folder} is not what was closed; run make export MONTH={month} again")
    kinds = {".csv", ".parquet", *statements.ENDINGS}
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in kinds}
    wrong = [f"{name}: in the manifest, not in the folder" for name in sorted(set(manifest["files"]) - found)]
    wrong += [f"{name}: in the folder, not in the manifest" for name in sorted(found - set(manifest["files"]))]
    with duckdb.connect() as engine:
        for name, entry in manifest["files"].items():
            if name in found:
                wrong += _recount(engine, folder, name, entry)
        if not wrong:
            tables = {name: _table(folder, place) for name, place in PLACES.items()}
            head = (folder / PLACES["chargeback"]).read_text().partition("\n")[0]
            checks = CHECKS | (IN_CENTS if "net_charge_booked_usd" in head else {})
            checks |= IN_REPORTING if "net_charge_reporting" in head else {}
            for check, query in checks.items():
                rows = engine.execute(query.format(**tables, day=f"{month}-01")).fetchall()
                wrong += (
                    [f"{check}: {len(rows)} times not, first {tuple(str(cell) for cell in rows[0])}"] if rows else []
                )
            wrong += focus.complaints(engine, month, folder, _table)
            wrong += _against_control_totals(folder, manifest)
    if not wrong:
        held = len(checks | focus.CHECKS)
        print(f"verified {month} from its files alone: {len(found)} files, {held} checks, sums and sha256 agree")
        if links := closed.links(data):
            print(
                f"{len(links)} closings, {chain.said_of_signatures(links)}; closing hash: {links[-1]['closing_hash']}"
            )
    return say(wrong)


def _against_control_totals(folder: Path, manifest: dict) -> list[str]:
    """Months that earlier releases closed have none."""
    if not (stated := manifest.get("control_totals")):
        return []
    added = control_totals(folder)
    wrong = [
        f"manifest.json: control total {name} is {stated.get(name)}, the files add up to {added[name]}"
        for name in added
        if added[name] != stated.get(name)
    ]
    three = {name: added[name] for name in ("team_chargeback_usd", "statements_usd", "journal_usd")}
    if len(set(three.values())) > 1:
        wrong.append(f"chargeback, statements and journal are not one total: {three}")
    return wrong


def _recount(engine, folder: Path, name: str, entry: dict) -> list[str]:
    wrong = []
    if hashlib.sha256((folder / name).read_bytes()).hexdigest() != entry["sha256"]:
        wrong.append(f"{name}: its bytes are not those that were exported (sha256)")
    if name.endswith(statements.ENDINGS):
        total, lines, added = entry["totals"]["amount_usd"], str(Path(name).with_suffix(".csv")), Decimal(0)
        if (stated := statements.stated_total(folder / name)) != Decimal(total):
            wrong.append(f"{name}: its total is {stated}, the manifest says {total}")
        if (folder / lines).exists():
            added = engine.execute(f"select sum(amount_usd) from {_table(folder, lines)}").fetchone()[0]
        if added != Decimal(total):
            wrong.append(f"{name}: its total is {total}, the team's lines add up to {added:.2f}")
        return wrong
    for column, total in entry["totals"].items():
        try:
            summed = f"select count(*), coalesce(sum({column}), 0) from {_table(folder, name, (column,))}"
            rows, added = engine.execute(summed).fetchone()
        except duckdb.Error:
            wrong.append(f"{name}: {column} can't be added up")
            continue
        if rows != entry["rows"]:
            wrong.append(f"{name}: {rows} rows, the manifest says {entry['rows']}")
        if Decimal(str(added)) != Decimal(total):
            wrong.append(f"{name}: {column} adds up to {added}, the manifest says {total}")
    if "team_id" in entry:
        own = SAFE.format("cast($team as varchar)")
        # In a CSV an empty id and none are alike.
        others = f"select count(*) from {_table(folder, name)} where coalesce(team_id, '') != coalesce({own}, '')"
        if engine.execute(others, {"team": entry["team_id"]}).fetchone()[0]:
            wrong.append(f"{name}: it has rows of another team than the manifest says")
    return wrong


def _table(folder: Path, name: str, decimals: tuple[str, ...] = ()) -> str:
    """An exported file, or all whose names fit; of a CSV money as exact decimals, months as days, and all else as text:
    nothing in a cell has a say in how the file is read.
    """
    files = f"{pattern(folder)}/{quoted(name)}"
    if name.endswith(".parquet"):
        return f"read_parquet('{files}')"
    head = next(iter(sorted(folder.glob(name))), None)
    if head is None:  # a month of which no team has a statement
        columns = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in NO_STATEMENT.items())
        return f"(select {columns} where false)"
    present = head.read_text().split("\n", 1)[0].split(",")
    kinds = {
        name: "decimal(38, 12)" if name.endswith(("_usd", "_reporting", *focus.DECIMALS)) or name in decimals
        else "date" if name.endswith(("month", "Month"))
        else "varchar"
        for name in present
    }  # fmt: skip
    return f"read_csv('{files}', {AS_WRITTEN}, parallel = false, types = {kinds})"


def compare(data: Path, path: Path | None, head: str) -> int:
    """Whether the closed months here are those that a manifest lists, or that a closing hash was printed of."""
    complaints = closed.complaints(data)
    links, log = closed.links(data), f"{data}/closed/{closed.LOG}"
    hashes = [link.get("closing_hash") for link in links]
    print(f"{log}: {len(links)} closings" + (f", {chain.said_of_signatures(links)}" if links else ""))
    wrong = complaints + (_compared(path, links, log) if path else [])
    if head and head not in hashes:
        wrong.append(
            f"no closing in {log} has the hash {head}: the months closed here are others than those it stands for; "
            "the manifest of an export that states it (MANIFEST=) says from which month on"
        )
    elif head:
        link = links[hashes.index(head)]
        print(f"{head} is the closing hash of {chain.named(link)}, {hashes.index(head) + 1} of {len(links)}")
    return say(wrong)


def _compared(path: Path, links: list[dict], log: str) -> list[str]:
    try:
        manifest = json.loads(path.read_text())
        month, status = str(manifest["month"]), manifest["status"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"{path} can't be read as the manifest of an export (manifest.json)"]
    theirs, sums = closed.exported_chain(path), hashlib.sha256(path.read_bytes()).hexdigest()
    if parting := chain.parted(theirs or [], chain.listed(links)):
        return [f"{path} and {log} are of two chains: {parting}"]
    if status == "closed" and sums not in [link.get("exports_sha256") for link in links if link["month"] == month]:
        return [f"{path} and {log} part at {month}: the exports that were closed here have another manifest (sha256)"]
    if not theirs and status != "closed":
        print(f"{path} lists no closing: none was made before {month} was exported, or an earlier release exported it")
        return []
    upto = f" up to {chain.named(theirs[-1])}, {theirs[-1]['closing_hash']}" if theirs else f" on {month}"
    since = ", ".join(chain.named(link) for link in links[len(theirs) :]) if theirs else ""
    print(f"{path} and {log} agree{upto}" + (f"; since then: {since}" if since else ""))
    return []


def say(complaints: list[str]) -> int:
    for complaint in complaints:
        print(f"ERROR: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def fail(reason: str) -> int:
    print(f"ERROR: {reason}", file=sys.stderr)
    return 2


def main() -> int:
    words = sys.argv[1:]
    action = verify if words[:1] == ["verify"] else export
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("month", nargs="?", default="")
    parser.add_argument("data", nargs="?", default="")
    parser.add_argument("--manifest", default="", help="an export's manifest.json that somebody else has")
    parser.add_argument("--head", default="", help="a closing hash that somebody else has")
    given = parser.parse_args(words[1:] if action is verify else words)
    data, is_compared = Path(given.data), action is verify and bool(given.manifest or given.head)
    if not given.data or not (re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", given.month) or (is_compared and not given.month)):
        return fail("say which month: MONTH=2026-10")
    if is_compared and (code := compare(data, Path(given.manifest) if given.manifest else None, given.head.strip())):
        return code
    if not given.month:
        return 0
    if action is verify or not data.exists():
        return action(given.month, data)
    with state.holding(data) as is_held:
        return action(given.month, data) if is_held else 2


if __name__ == "__main__":
    sys.exit(ending.of(main))
