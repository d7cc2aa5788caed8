"""What months would be under other policies, prices, revenue rules or models, beside today's; nothing changes.

Usage: whatif.py [--month 2026-10] [--months 6] [--policies FILE] [--funding FILE] [--sharing FILE] [--prices FILE]
[--revenue FILE] DATA COMPANY, or whatif.py [--month 2026-10] --models FILE DATA COMPANY. Files have the columns of the
seeds chargeback_policies, eval_funding, sharing_rules, negotiated_prices and revenue_rules; that of models is described
in whatif_models.py. Writes into DATA/whatif, in USD to the last digit: whatif.csv (a row per month and team), teams.csv
(team), prices.csv (month and provider), features.csv (month and feature), models.csv (month, line of the file and
reason). But for models, the answer is also a page of the report, DATA/report/whatif.html, which is made of
DATA/whatif/proposal.duckdb. Exit 0; 1 when a total changed that must not, or a file contradicts itself; 2 when the call
is wrong.
"""

import argparse
import csv
import io
import re
import shutil
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

import build
import company
import ending
import export
import state
import whatif_models
from paths import quoted
from report import site
from report.pages_whatif import RECORD, keep_shown
from terminal import plain, print

# Each option with the seed whose place its file takes.
SEEDS = {
    "policies": "chargeback_policies",
    "funding": "eval_funding",
    "sharing": "sharing_rules",
    "prices": "negotiated_prices",
    "revenue": "revenue_rules",
}
# The options as make has them, where that is not their name.
MAKE_NAMES = {"funding": "EVAL_FUNDING"}
# The models that are compared, which are built with all that depends on the seeds, and the queries of either side.
POSTINGS, PNL = "int_ledger_postings", "feature_pnl_monthly"
TAKEN = {
    POSTINGS: ("postings", "book", "own_charges", "calls", "prompts", "evals", "runs"),
    PNL: ("features", "costs", "sources"),
}
QUERY = dict(
    re.findall(
        r"^-- query: ([\w ]+)\n(.*?);$", Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), re.M | re.S
    )
)
MONTHS = 6  # of the comparison by team, where the call does not say it
MOST_BYTES = 16_000_000  # of a seed's file; a company's policies are thousands of rows at most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("company", type=Path)
    parser.add_argument("--month", help="only this one")
    parser.add_argument(
        "--months", type=int, default=MONTHS, help="of the comparison by team, up to --month or the newest"
    )
    for option, seed in SEEDS.items():
        parser.add_argument(f"--{option}", type=Path, metavar="FILE", help=f"instead of seed {seed}")
    parser.add_argument("--models", type=Path, metavar="FILE", help="other models for calls of features")
    arguments = parser.parse_args()
    given = {seed: getattr(arguments, option) for option, seed in SEEDS.items() if getattr(arguments, option)}
    if not given and not arguments.models:
        return fail("name a file: POLICIES=, EVAL_FUNDING=, SHARING=, PRICES=, REVENUE= or MODELS=")
    if given and arguments.models:
        return fail("MODELS= is a question of its own: ask it without the other files")
    if arguments.months < 1:
        return fail("MONTHS is how many months the comparison by team looks at, 1 or more")
    if arguments.month and not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", arguments.month):
        return fail("MONTH is a month, 2026-10")
    if code := company.complete(arguments.company, str(arguments.data)):
        return code
    if build.files_built(arguments.data) is None:
        return fail(f"{arguments.data} has no ledger of these seeds and models; run make build first")
    with state.holding(arguments.data) as is_held:  # a build would change what is copied
        if not is_held:
            return 2
        if arguments.models:
            return show_models(arguments.data, arguments.models, arguments.month)
        return compared(arguments, given)


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
        return compare(arguments, copy, given)
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


def compare(arguments: argparse.Namespace, copy: Path, given: dict[str, Path]) -> int:
    database, companies, month = copy / "ledger.duckdb", arguments.company, arguments.month
    # Revenue rules move no charge.
    seeds = {POSTINGS: [seed for seed in given if seed != SEEDS["revenue"]], PNL: [*given]}
    compared_models = [POSTINGS] * bool(seeds[POSTINGS]) + [PNL] * (SEEDS["revenue"] in given)
    # The view as a build from nothing has it: of all days. After an increment the models above hold what that read, and
    # are made anew too.
    last_build = build.last_build(copy)
    is_whole = last_build["is_whole"]
    today = [model for model in compared_models if model == POSTINGS]
    steps = {
        "today": ("empty", today if is_whole else [f"+{model}" for model in compared_models]),
        "other": ("buildable", [f"{seed}+,+{model}" for model in compared_models for seed in seeds[model]]),
    }
    with duckdb.connect() as engine:
        for name, (tests, models) in steps.items():
            if name == "today":  # by today's seeds, also where it is made anew
                company.complete(companies, str(copy))
            elif code := replace_seeds(companies, str(copy), given):
                return code
            selection = ("--indirect-selection", tests, "--select", *models)
            passed, troubled = build.dbt("build", str(copy), selection=selection) if models else (True, [])
            build.explain(troubled, database)
            if not passed:
                print(
                    f"FAILED: correct {', '.join(map(str, given.values()))}; the ledger is as it was", file=sys.stderr
                )
                return 1
            if not is_whole:  # what both sides are made of is whole from here on
                with duckdb.connect(str(database), config={"storage_compatibility_version": "v1.4.0"}) as written:
                    written.execute("update main.ledger_builds set is_whole = true")
            engine.execute(f"attach '{quoted(database)}' as copy (read_only)")
            for model in compared_models:
                for table in TAKEN[model]:
                    engine.execute(f"create table {name}_{table} as {QUERY[f'side {table}']}")
            for seed in given:
                engine.execute(f"create table {name}_{seed} as from copy.seeds.{seed}")
            if name == "today":
                engine.execute("create table today_days as select max(spent_on) as data_to from copy.marts.spend_daily")
            engine.execute("detach copy")
        code = 0
        if POSTINGS in compared_models:
            code = show_months(engine, SEEDS["prices"] in given, month, copy.parent)
            if code != 2:
                show_teams(engine, month, arguments.months, copy.parent)
        if PNL in compared_models:
            code = max(code, show_features(engine, month, copy.parent))
        if not code:
            keep(engine, arguments, given, copy, last_build["build_id"])
        print(f"\nThe ledger is as it was. To the last digit: {copy.parent}")
        if not code:
            print(f"Look at: {site.write_proposal(arguments.data)}")
            if not site.is_proposal_linked(arguments.data):
                print("No page of the report leads there yet: make report")
    return code


def keep(
    engine: duckdb.DuckDBPyConnection, arguments: argparse.Namespace, given: dict[str, Path], copy: Path, build_id: str
) -> None:
    """Keeps what the report's page is made of, in place of a former proposal's."""
    part = copy / RECORD.name
    is_of_teams = any(seed != SEEDS["revenue"] for seed in given)
    kept = {"months": QUERY["kept months"], "teams": QUERY["teams"]} if is_of_teams else {}
    if is_of_teams:
        kept["net_charges"] = of_months(QUERY["team_months"])
    if SEEDS["prices"] in given:
        kept["prices"] = of_months(QUERY["book"])
    if SEEDS["revenue"] in given:
        if not is_of_teams:
            engine.execute(QUERY["feature_window"], {"month": arguments.month, "months": arguments.months})
        kept |= {"feature_months": QUERY["kept feature_basis"], "features": of_months(QUERY["feature_months"])}
    kept |= {seed: QUERY["kept seed"].format(seed=seed) for seed in given}
    engine.execute(f"attach '{quoted(part)}' as kept")
    for table, query in kept.items():
        engine.execute(f"create table kept.{table} as {query}", {"month": None} if "$month" in query else None)
    if is_of_teams:
        keep_shown(engine, "kept")
    engine.execute(
        "create table kept.proposal as select ? as asked_at, ? as command, ? as build_id, data_to, "
        "(select min(month) from looked_at) as first_month, (select max(month) from looked_at) as last_month "
        "from today_days",
        [datetime.now(UTC).replace(tzinfo=None, microsecond=0), command_of(arguments), build_id],
    )
    engine.execute("detach kept")
    state.move(part, arguments.data / RECORD)


def of_months(query: str) -> str:
    """The rows of a query by month that are of the months that the comparison by team looks at."""
    return f"select * from ({query}) where month in (select month from looked_at)"


def command_of(arguments: argparse.Namespace) -> str:
    """The command as one would give it to make, with names of files and no folders."""
    files = [f"{MAKE_NAMES.get(option, option.upper())}={plain(getattr(arguments, option).name)}"
             for option in SEEDS if getattr(arguments, option)]  # fmt: skip
    month = [f"MONTH={arguments.month}"] if arguments.month else []
    return " ".join(
        ["make whatif", *files, *month, *([f"MONTHS={arguments.months}"] if arguments.months != MONTHS else [])]
    )


def show_months(engine: duckdb.DuckDBPyConnection, is_priced: bool, month: str | None, folder: Path) -> int:
    found = engine.execute(QUERY["team_months"], {"month": month})
    columns, rows = [column[0] for column in found.description], found.fetchall()
    if not rows:
        return fail(f"the ledger has no month {month}" if month else "the ledger has no month yet")
    write(engine, folder / "whatif.csv", columns, rows)
    lines = []
    for of_month in months_of(rows):
        lines += [(f"{row[0]:%Y-%m}", *row[1:5]) for row in of_month]
        lines.append((f"{of_month[0][0]:%Y-%m}", "all teams", *totals(of_month, 2, 5)))
    show(["month", "team", "today", "what if", "difference"], lines)
    print()
    for of_month in months_of(rows):
        billed, accrued, untraced = totals(of_month, 5, 8)
        print(
            f"{of_month[0][0]:%Y-%m} rests on {billed:.6f} USD billed and {accrued:.6f} accrued at book prices; "
            f"{untraced:.6f} of them are untraced"
        )
    if is_priced:
        show_book(engine, month, folder)
    unequal = any(sum(row[4] for row in of_month) for of_month in months_of(rows))
    if unequal and not is_priced:
        print("FAILED: totals differ; a policy moves money between teams, and makes none", file=sys.stderr)
        return 1
    code = 0
    for name, provider, usd, is_of_own_charges in engine.execute(QUERY["bills_moved"]).fetchall():
        if is_priced and is_of_own_charges:
            print(
                f"{name}: lines of charges.csv that state no amount are billed at negotiated prices, so bills of "
                f"{plain(provider)} change by {usd:+.6f} USD"
            )
            continue
        print(f"FAILED: {name}, {plain(provider)}: billed money changed by {usd:f} USD", file=sys.stderr)
        code = 1
    return code


def show_book(engine: duckdb.DuckDBPyConnection, month: str | None, folder: Path) -> None:
    """What the prices are worth: the ledger changes by the part of it that accrues, since bills are as they are."""
    found = engine.execute(QUERY["book"], {"month": month})
    columns, rows = [column[0] for column in found.description], found.fetchall()
    write(engine, folder / "prices.csv", columns, rows)
    print("\nA bill is a bill, so other prices change what accrues. What all calls should cost by them, billed or not:")
    lines = []
    for of_month in months_of(rows):
        lines += [(f"{row[0]:%Y-%m}", *row[1:]) for row in of_month]
        lines.append((f"{of_month[0][0]:%Y-%m}", "all providers", *totals(of_month, 2, 5)))
    show(["month", "provider", "book", "what if", "difference"], lines)


def show_teams(engine: duckdb.DuckDBPyConnection, month: str | None, months: int, folder: Path) -> None:
    """Who pays more, how far months differ, and what one more call or eval run costs its team."""
    engine.execute(QUERY["window"], {"month": month, "months": months})
    found = engine.execute(QUERY["teams"])
    columns, rows = [column[0] for column in found.description], found.fetchall()
    write(engine, folder / "teams.csv", columns, rows)
    [(first, last, looked_at)] = engine.execute("select min(month), max(month), count(*) from looked_at").fetchall()
    cells = [dict(zip(columns, row, strict=True)) for row in rows]
    print(f"\nBy team, {first:%Y-%m} to {last:%Y-%m}; volatility is the standard deviation of its {looked_at} months:")
    show(
        ["team", "today", "what if", "difference", "", "volatility", "what if"],
        [
            (row["team_id"], row["net_charge_usd"], row["whatif_usd"], row["difference_usd"], row["effect"],
             row["volatility_usd"], row["whatif_volatility_usd"])
            for row in cells
        ],
    )  # fmt: skip
    print(
        "\nThe next call that a team asks for, the next that it runs, the next run of its required evals: its cost, and"
    )
    print(
        "what the team pays of it, today and what if. Of what a cached prompt saves on a call it keeps the same part."
    )
    names = [
        name for role in ("asked_call", "run_call", "eval_run")
        for name in (f"{role}_usd", f"{role}_own_usd", f"whatif_{role}_own_usd")
    ]  # fmt: skip
    show(
        ["team", "asks for", "pays", "what if", "runs", "pays", "what if", "evals", "pays", "what if"],
        [(row["team_id"], *(row[name] for name in names)) for row in cells],
    )


def show_features(engine: duckdb.DuckDBPyConnection, month: str | None, folder: Path) -> int:
    found = engine.execute(QUERY["feature_months"], {"month": month})
    columns, rows = [column[0] for column in found.description], found.fetchall()
    if not rows:
        return fail(f"the ledger has no month {month}" if month else "the ledger has no month yet")
    write(engine, folder / "features.csv", columns, rows)
    lines = []
    for of_month in months_of(rows):
        lines += [(f"{row[0]:%Y-%m}", *row[1:7], "sign changes" if row[7] else "") for row in of_month]
        lines.append((f"{of_month[0][0]:%Y-%m}", "all features", *totals(of_month, 2, 7), ""))
    show(["month", "feature", "revenue", "what if", "margin", "what if", "difference", ""], lines, places=2)
    print()
    for name, stated, spread, unused, *costs in engine.execute(QUERY["revenue_basis"], {"month": month}).fetchall():
        print(
            f"{name} rests on revenue of {spread:.2f} USD that rules spread, {stated:.2f} that names its feature and "
            f"{unused:.2f} of accounts that used none;\n  on costs of {costs[0]:.6f} USD billed and {costs[1]:.6f} "
            f"accrued at book prices; {costs[2]:.6f} of them are untraced"
        )
    if any(sum(row[3] - row[2] for row in of_month) for of_month in months_of(rows)):
        print("FAILED: totals differ; a revenue rule moves revenue between features, and makes none", file=sys.stderr)
        return 1
    return 0


def show_models(data: Path, path: Path, month: str | None) -> int:
    try:
        columns, rows, notes = whatif_models.answer(data, path, month)
    except whatif_models.Refused as refused:
        return fail(str(refused))
    target = data / "whatif" / "models.csv"
    with duckdb.connect() as engine:
        write(engine, target, columns, rows)
    cells = [dict(zip(columns, row, strict=True)) for row in rows]
    show(
        ["month", "feature", "calls", "model", "what if", "share", "billed", "accrued", "book", "what if", ""],
        [
            (month_of(row), row["feature_id"], f"{row['calls']:,}", row["model"], row["to_model"],
             f"{row['share']:f}".rstrip("0").rstrip("."), row["billed_usd"], row["accrued_usd"], row["priced_usd"],
             row["whatif_usd"], row["reason"])
            for row in cells
        ],
    )  # fmt: skip
    moved = [row for row in cells if row["calls"] and row["reason"] != "stays"]
    if moved:
        show(
            ["month", "feature", "model", "passes", "what if", "passes", ""],
            [
                (month_of(row), row["feature_id"], row["model"], percent(row["pass_rate"]), row["to_model"],
                 percent(row["whatif_pass_rate"]), row["pass_rate_reason"])
                for row in moved
            ],
        )  # fmt: skip
        show(
            ["month", "feature", "costs", "what if", "revenue", "margin", "what if", "a correct answer", "what if"],
            [
                (month, feature, row["feature_usd"], row["whatif_feature_usd"], row["feature_revenue_usd"],
                 row["feature_margin_usd"], row["whatif_feature_margin_usd"], row["usd_per_correct_answer"],
                 row["whatif_usd_per_correct_answer"])
                for (month, feature), row in {(month_of(row), row["feature_id"]): row for row in moved}.items()
            ],
        )  # fmt: skip
    print()
    for note in notes:
        print(note)
    print(f"\nThe ledger is as it was. To the last digit: {target}")
    return 0


def month_of(row: dict) -> str:
    return f"{row['month']:%Y-%m}" if row["month"] else ""


def percent(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.1f} %"


def months_of(rows: list[tuple]) -> list[list[tuple]]:
    """Rows by their first cell, which is a month."""
    months: dict[date, list[tuple]] = {}
    for row in rows:
        months.setdefault(row[0], []).append(row)
    return list(months.values())


def totals(rows: list[tuple], first: int, end: int) -> list[Decimal]:
    return [sum((row[place] for row in rows), Decimal(0)) for place in range(first, end)]


def write(engine: duckdb.DuckDBPyConnection, target: Path, columns: list[str], rows: list[tuple]) -> None:
    """A CSV at full scale; ids that a spreadsheet would take for formulas get a mark, as in exports."""
    texts = sorted({cell for row in rows for cell in row if isinstance(cell, str)})
    safe = dict(
        engine.execute(f"select text, {export.SAFE.format('text')} from (select unnest(?) as text)", [texts]).fetchall()
    )
    text = io.StringIO(newline="")
    lines = [[cell_of(safe.get(cell, cell) if isinstance(cell, str) else cell) for cell in row] for row in rows]
    csv.writer(text, lineterminator="\n").writerows([columns, *lines])
    target.parent.mkdir(parents=True, exist_ok=True)
    state.write(target, text.getvalue())


def cell_of(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return f"{value:%Y-%m}"
    return f"{value:f}" if isinstance(value, Decimal) else value


def show(header: list[str], rows: list[tuple], places: int = 6) -> None:
    """Rows below their header: amounts with so many decimals to the right, other cells to the left."""
    amounts = [any(isinstance(row[place], Decimal) for row in rows) for place in range(len(header))]
    lines = [header] + [
        [plain("" if cell is None else f"{cell:.{places}f}" if isinstance(cell, Decimal) else cell) for cell in row]
        for row in rows
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    print()
    for line in lines:
        cells = [cell.rjust(width) if right else cell.ljust(width)
                 for cell, width, right in zip(line, widths, amounts, strict=True)]  # fmt: skip
        print("  ".join(cells).rstrip())


def fail(message: str) -> int:
    print(f"ERROR: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(ending.of(main))
