"""Finance's files for a month, from the marts alone; and their check from the files alone.

Usage: export.py MONTH DATA    writes DATA/exports/MONTH/: team_chargeback.csv, statements/<team>.csv, journal.csv,
                               focus.csv and .parquet, manifest.json (rows, control totals, sha256); of a closed
                               month, the files as closed
       export.py verify MONTH DATA    re-adds everything from the exported files; exit 1 where something is off
"""

import hashlib
import json
import os
import re
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import duckdb

import check
import closed
import focus
from paths import AS_WRITTEN, pattern, quoted
from report.why import shown

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
# One file per month each; statements have one per team.
FILES = {"team_chargeback.csv": CHARGEBACK, "journal.csv": JOURNAL}
STATEMENT = """
select * from marts.team_statements_monthly where month = ? and team_id = ? order by section, corrects_month, item
"""
TEAMS = "select distinct team_id from marts.team_statements_monthly where month = ? order by team_id"


def write_csv(engine, query: str, parameters: list, path: Path) -> dict:
    """One CSV, text cells neutralised; returns its manifest entry: rows, control totals, sha256."""
    engine.execute("create or replace temp table part as " + query, parameters)
    columns = engine.execute("select column_name, column_type from (describe part)").fetchall()
    cells = [NEUTRAL.format(name) if kind == "VARCHAR" else name for name, kind in columns]
    order = query.rsplit("order by", 1)[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    engine.execute(f"copy (select {', '.join(cells)} from part order by {order}) to '{quoted(path)}' (header)")
    money = [name for name, kind in columns if kind.startswith("DECIMAL")]
    sums = engine.execute(f"select count(*), {', '.join(f'sum({name})' for name in money)} from part").fetchone()
    totals = {name: str(total or 0) for name, total in zip(money, sums[1:], strict=True)}
    return {"rows": sums[0], "totals": totals, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


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
            if month not in months:
                return fail(f"the ledger has no month {month}; it has {', '.join(months) or 'none'}")
            if not write_month(engine, month, part, "open"):
                return 1
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(part, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    net, files = manifest["files"]["team_chargeback.csv"]["totals"]["net_charge_usd"], len(manifest["files"])
    print(f"exported {files} files for {month} ({manifest['status']}) to {folder}: net charge {net} USD over all teams")
    return verify(month, data)


def write_month(engine, month: str, folder: Path, status: str) -> bool:
    """A month's files and their manifest into a new folder; False, and why, where they may not leave."""
    day = f"{month}-01"
    files = {name: write_csv(engine, query, [day], folder / name) for name, query in FILES.items()}
    for (team,) in engine.execute(TEAMS, [day]).fetchall():
        name = f"statements/{file_name(team)}.csv"
        files[name] = {"team_id": team, **write_csv(engine, STATEMENT, [day, team], folder / name)}
    files |= focus.write(engine, day, folder, write_csv)
    complaints = check.exit_door(folder, _table)
    for complaint in complaints:
        print(f"ERROR at the exit: {shown(complaint)}", file=sys.stderr)
    manifest = {"month": month, "currency": "USD", "status": status, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return not complaints


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
        from booked full join stated using (team_id) where coalesce(booked.net, 0) != coalesce(stated.net, 0)""",
    "the journal is within a cent per line of the full-scale charge": """
        with booked as (
            select team_id, sum(debit_usd - credit_usd) as net, count(*) as lines from {journal}
            where account = 'ai_cost' group by team_id
        )
        select charged.team_id, charged.net_charge_usd, booked.net, booked.lines
        from {chargeback} as charged left join booked using (team_id)
        where abs(charged.net_charge_usd - coalesce(booked.net, 0)) > 0.01 * (coalesce(booked.lines, 0) + 1)""",
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
PLACES = {"chargeback": "team_chargeback.csv", "journal": "journal.csv", "statements": "statements/*.csv"}


def verify(month: str, data: Path) -> int:
    """Every check on the exported files alone; names what is off, in which file."""
    folder = data / "exports" / month
    if not (folder / "manifest.json").exists():
        return fail(f"{folder}/manifest.json is not there; run make export MONTH={month}")
    manifest = json.loads((folder / "manifest.json").read_text())
    frozen = data / "closed" / month / closed.EXPORTS / "manifest.json"
    if frozen.exists() and frozen.read_bytes() != (folder / "manifest.json").read_bytes():
        return fail(f"{folder} is not what was closed; run make export MONTH={month} again")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in (".csv", ".parquet")}
    wrong = [f"{name}: in the manifest, not in the folder" for name in sorted(set(manifest["files"]) - found)]
    wrong += [f"{name}: in the folder, not in the manifest" for name in sorted(found - set(manifest["files"]))]
    with duckdb.connect() as engine:
        for name, entry in manifest["files"].items():
            if name in found:
                wrong += _recount(engine, folder, name, entry)
        if not wrong:
            tables = {name: _table(folder, place) for name, place in PLACES.items()}
            for check, query in CHECKS.items():
                rows = engine.execute(query.format(**tables, day=f"{month}-01")).fetchall()
                wrong += (
                    [f"{check}: {len(rows)} times not, first {tuple(str(cell) for cell in rows[0])}"] if rows else []
                )
            wrong += focus.complaints(engine, month, folder, _table)
    for complaint in wrong:
        print(f"ERROR: {shown(complaint)}", file=sys.stderr)
    if not wrong:
        checks = len(CHECKS | focus.CHECKS)
        print(f"verified {month} from its files alone: {len(found)} files, {checks} checks, sums and sha256 agree")
    return 1 if wrong else 0


def _recount(engine, folder: Path, name: str, entry: dict) -> list[str]:
    wrong = []
    if hashlib.sha256((folder / name).read_bytes()).hexdigest() != entry["sha256"]:
        wrong.append(f"{name}: its bytes are not those that were exported (sha256)")
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
        others = f"select count(*) from {_table(folder, name)} where team_id is distinct from {own}"
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
    present = head.read_text().split("\n", 1)[0].split(",") if head else []
    kinds = {
        name: "decimal(38, 12)" if name.endswith(("_usd", *focus.DECIMALS)) or name in decimals
        else "date" if name.endswith(("month", "Month"))
        else "varchar"
        for name in present
    }  # fmt: skip
    return f"read_csv('{files}', {AS_WRITTEN}, parallel = false, types = {kinds})"


def fail(reason: str) -> int:
    print(f"ERROR: {reason}", file=sys.stderr)
    return 2


def main() -> int:
    words = sys.argv[1:]
    action = verify if words[:1] == ["verify"] else export
    words = words[1:] if action is verify else words
    if len(words) != 2 or not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", words[0]):
        return fail("say which month: MONTH=2026-10")
    return action(words[0], Path(words[1]))


if __name__ == "__main__":
    sys.exit(main())
