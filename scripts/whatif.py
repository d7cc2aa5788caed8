"""Each team's month under other policies beside today's, on a copy of the ledger that goes away again.

Usage: whatif.py [--month 2026-10] [--policies FILE] [--funding FILE] [--sharing FILE] DATA COMPANY
Files have the columns of the seeds chargeback_policies, eval_funding and sharing_rules. Writes DATA/whatif/whatif.csv.
Exit 0 when the totals are equal, 1 when they are not or a file contradicts itself, 2 when the call is wrong.
"""

import argparse
import csv
import io
import shutil
import sys
from pathlib import Path

import duckdb

import build
import company
import ending
import export
import state
from paths import quoted
from terminal import plain, print

SEEDS = {"policies": "chargeback_policies", "funding": "eval_funding", "sharing": "sharing_rules"}
# As if no month were closed: what is posted from today's inputs, not what has been frozen.
MONTHS = """
select posted_month as month, team_id, sum(amount_usd) as net_charge_usd
from {0}.intermediate.int_ledger_postings
where account = 'ai_cost'
group by all
"""
COMPARED = """
select coalesce(today.month, other.month) as month, coalesce(today.team_id, other.team_id) as team_id,
    cast(coalesce(today.net_charge_usd, 0) as decimal(38, 12)) as net_charge_usd,
    cast(coalesce(other.net_charge_usd, 0) as decimal(38, 12)) as whatif_usd,
    cast(coalesce(other.net_charge_usd, 0) - coalesce(today.net_charge_usd, 0) as decimal(38, 12)) as difference_usd
from today full outer join other on today.month = other.month and today.team_id = other.team_id
where ? is null or strftime(coalesce(today.month, other.month), '%Y-%m') = ?
order by month, team_id
"""
SAFE_TEAMS = f"select distinct team_id, {export.SAFE.format('team_id')} from (from today union all by name from other)"
MOST_BYTES = 16_000_000  # of a seed's file; a company's policies are thousands of rows at most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("company", type=Path)
    parser.add_argument("--month", help="only this one")
    for option, seed in SEEDS.items():
        parser.add_argument(f"--{option}", type=Path, metavar="FILE", help=f"instead of seed {seed}")
    arguments = parser.parse_args()
    given = {seed: getattr(arguments, option) for option, seed in SEEDS.items() if getattr(arguments, option)}
    if not given:
        return fail("name a file: POLICIES=, EVAL_FUNDING= or SHARING=")
    if code := company.complete(arguments.company, str(arguments.data)):
        return code
    if build.files_built(arguments.data) is None:
        return fail(f"{arguments.data} has no ledger of these seeds and models; run make build first")
    with state.holding(arguments.data) as is_held:  # a build would change what is copied
        return compared(arguments, given) if is_held else 2


def compared(arguments: argparse.Namespace, given: dict[str, Path]) -> int:
    copy = arguments.data / "whatif" / ".copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    try:
        if code := replace_seeds(arguments.company, str(copy), given):
            return code
        shutil.copyfile(arguments.data / "ledger.duckdb", copy / "ledger.duckdb")
        for name in ("landed", "closed"):
            (copy / name).symlink_to((arguments.data / name).resolve())
        return compare(copy, given, arguments.month)
    finally:
        shutil.rmtree(copy)
        shutil.rmtree(company.seeds_of(str(copy)), ignore_errors=True)


def replace_seeds(companies: Path, copy: str, given: dict[str, Path]) -> int:
    company.complete(companies, copy)
    for seed, path in given.items():
        if not path.is_file():
            return fail(f"{path} is no file; it would be a CSV with {','.join(company.SEEDS[seed][0])}")
        if path.stat().st_size > MOST_BYTES:
            return fail(f"{path} has more than {MOST_BYTES // 1_000_000} MB; a seed {seed} has a row per policy")
        text, complaints = company.completed(path, seed)
        if complaints:
            return fail(plain("; ".join(complaints)))
        (company.seeds_of(copy) / f"{seed}.csv").write_text(text, encoding="utf-8")
    return 0


def compare(copy: Path, given: dict[str, Path], month: str | None) -> int:
    database = copy / "ledger.duckdb"
    with duckdb.connect() as engine:
        # The view as a build from nothing has it: of all days. After an increment the views above it hold what that
        # read, and are made anew too.
        is_whole = build.last_build(copy)["is_whole"]
        steps = {
            "today": ("empty", ["int_ledger_postings" if is_whole else "+int_ledger_postings"]),
            "other": ("buildable", [f"{seed}+,+int_ledger_postings" for seed in given]),
        }
        if not is_whole:
            steps["other"] = ("buildable", ["+int_ledger_postings"])
        for name, (tests, models) in steps.items():
            selection = ("--indirect-selection", tests, "--select", *models)
            passed, troubled = build.dbt("build", str(copy), selection=selection)
            build.explain(troubled, database)
            if not passed:
                print(
                    f"FAILED: correct {', '.join(map(str, given.values()))}; the ledger is as it was", file=sys.stderr
                )
                return 1
            engine.execute(f"attach '{quoted(database)}' as copy (read_only)")
            engine.execute(f"create table {name} as {MONTHS.format('copy')}")
            engine.execute("detach copy")
        rows = engine.execute(COMPARED, [month, month]).fetchall()
        if not rows:
            return fail(f"the ledger has no month {month}")
        target = copy.parent / "whatif.csv"
        columns = [column[0] for column in engine.description]
        teams = dict(engine.execute(SAFE_TEAMS).fetchall())
        lines = [[f"{row[0]:%Y-%m}", teams[row[1]], *(f"{amount:f}" for amount in row[2:])] for row in rows]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows([columns, *lines])
        state.write(target, text.getvalue())
    return show(rows, target)


def show(rows: list[tuple], target: Path) -> int:
    width = max(12, *(len(plain(row[1])) for row in rows))
    print(f"\n{'month':8} {'team':{width}} {'today':>16} {'what if':>16} {'difference':>16}")
    unequal = 0
    for month in sorted({row[0] for row in rows}):
        of_month = [row[1:] for row in rows if row[0] == month]
        sums = [sum(row[place] for row in of_month) for place in (1, 2, 3)]
        unequal += sums[2] != 0
        for team, *amounts in [*of_month, ("all teams", *sums)]:
            print(f"{month:%Y-%m}  {plain(team):{width}} " + " ".join(f"{amount:16.6f}" for amount in amounts))
    print(f"\nThe ledger is as it was. To the last digit: {target}")
    if unequal:
        print("FAILED: totals differ; a policy moves money between teams, and makes none", file=sys.stderr)
    return 1 if unequal else 0


def fail(message: str) -> int:
    print(f"ERROR: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(ending.of(main))
