"""What the company decides, as CSV seeds: complete a company's folder for dbt, or write a commented starting set."""

import argparse
import csv
import os
import re
import sys
from datetime import date
from functools import cache
from hashlib import md5
from pathlib import Path

import yaml

import company_guide
import ending
import state
from terminal import plain, print

PROJECT = Path(__file__).resolve().parent.parent
YAML = PROJECT / "models" / "staging" / "catalog" / "_catalog__seeds.yml"
SAMPLE = "seeds/company"  # dbt reads these where they lie
MADE_OF = ".made_of"
VALID = ["valid_from", "valid_to"]
# seed: (columns, what it decides, an example row)
SEEDS: dict[str, tuple[list[str], str, str]] = {
    "teams": (["team_id", "name", "cost_center"], "The teams that bear and pay.", "search,Search Team,CC-100"),
    "services": (
        ["service_name", "owner_team_id", *VALID],
        "Who runs a service (service.name of its spans).",
        "search-api,search,,",
    ),
    "feature_catalog": (
        ["feature_id", "name", "owner_team_id", "launched_on", "continues_feature_id", *VALID],
        "The features that spans are labelled with, and who owns each from when; a renamed one names its old id.",
        "summarize-feedback,Summarize my feedback,search,2026-01-15,,,",
    ),
    "feature_rules": (
        ["priority", "service", "route", "prompt_template", "span_name", "feature_id", "purpose"],
        "Features for calls that nothing labels; SQL LIKE patterns, empty matches all, lowest priority wins.",
        "10,search-api,/chat,,%,summarize-feedback,production",
    ),
    "api_keys": (
        ["provider", "account_id", "api_key", "owner_team_id", "feature_id", *VALID],
        "Who pays for an account or key: each is an id, or with a % a pattern (SQL LIKE), and empty matches all.",
        "openrouter,default,prod-key,search,,,",
    ),
    "charge_tags": (
        ["provider", "tag_key", "tag_value", "owner_team_id", "feature_id", *VALID],
        "Who pays for tagged charges whose key names nobody; the feature labels what no call explains. LIKE patterns.",
        "aws,team,search%,search,,,",
    ),
    "bill_sources": (
        ["provider", "account_id", "file_kind", "priority", "source_file", "covers", "date_order", "decimal"],
        "Which kind of file is the bill where several cover one account and day (lowest priority wins), whether a file "
        "(LIKE pattern of its name) covers its account or the keys that it lists (account, listed), and how its "
        "cells are read where they don't say it (date_order mdy or dmy, decimal point or comma).",
        "openai,,openai_costs,,only_key_a%,listed,,",
    ),
    "account_aliases": (
        ["provider", "alias", "account_id"],
        "Other names of an account, as bills, usage, invoices, spans or api_keys write them: one account, one bill.",
        "openai,Acme production,org-1",
    ),
    "charge_rules": (
        ["priority", "provider", "service_name", "sku", "description", "treatment", "model", "meter"],
        "What a bill line that names no model is: call, shared, invoice_only or out_of_scope.",
        "10,aws,AmazonEC2,,,out_of_scope,,",
    ),
    "cost_drivers": (
        [
            "priority",
            "provider",
            "service_name",
            "sku",
            "description",
            "service",
            "model",
            "tool_name",
            "driver",
            "capacity_per_unit",
        ],
        "Bill lines (patterns, empty matches all) that pay for calls on own capacity, by service, model or tool; "
        "shared by tokens, seconds or requests; of them one billed unit serves so many. Empty: nothing of it is idle.",
        "10,aws,AmazonEC2,%p5.%,,vllm,,,seconds,3600",
    ),
    "billable_tools": (
        ["service", "tool_name", "provider", "meter"],
        "Tool spans that a provider bills (search, code execution). Service and tool are ids, or with a % patterns.",
        "search-api,web_search,tavily,request",
    ),
    "sampling_rates": (
        ["service_name", "rate", *VALID],
        "The share of its traces that a service keeps, 0.1 for 10 %, where its spans do not say so themselves.",
        "checkout-agent,0.1,,",
    ),
    "chargeback_policies": (
        ["scope", "scope_id", "policy", "bearer_team_id", "weight", *VALID],
        "Who bears: origin_pays (default), caller_pays, owner_pays, split; scope default, team, service or feature.",
        "default,,origin_pays,,,,",
    ),
    "sharing_rules": (
        ["pool", "method", "team_id", "weight", *VALID],
        "Who shares untraced, unlabelled, idle, invoice_only and shared money: none (default), even or weighted.",
        "untraced,none,,,,",
    ),
    "eval_requirements": (
        ["feature_id", "suite", "min_pass_rate", "fresh_days", "min_cases", "min_low_bound", *VALID],
        "The eval suites that a feature's production configurations must have passed. Optional: the fewest cases, and "
        "the least low bound of the pass rate's 95 % interval.",
        "summarize-feedback,faithfulness,0.9,30,40,0.8,,",
    ),
    "coverage_targets": (
        ["feature_id", "target_pct", *VALID],
        "The share of a feature's production money, 0.95 for 95 %, that should run covered by evals each month.",
        "summarize-feedback,0.95,,",
    ),
    "eval_funding": (
        ["scope", "scope_id", "share", "cap_pct", "cap_floor_usd", *VALID],
        "What the quality pool pays: share of eval spend up to max(cap_pct x production, cap_floor_usd). By default, "
        "no eval_funding row, it pays evals whole: the first row below says so, the second ends it, the third caps it.",
        "default,,1,,,,\n# default,,0,,,,\n# default,,1,0.1,50,,",
    ),
    "negotiated_prices": (
        ["provider", "account_id", "model", "meter", "unit_price_usd", "discount_pct", *VALID],
        "Prices and discounts (0..1) that overlay the list; SQL LIKE patterns, empty matches all.",
        "openai,,gpt-5%,,,0.15,2026-01-01,",
    ),
    "model_deployments": (
        ["provider", "account_id", "deployment", "model", *VALID],
        "Which model a deployment, profile, endpoint or gateway alias is; an id, or with a % a pattern.",
        "azure,,chat-prod%,gpt-5,,",
    ),
    "revenue_rules": (
        ["feature_id", "method", "weight", *VALID],
        "How revenue that names no feature is spread: usage (default), value, even; a blank feature is for all others.",
        "summarize-feedback,usage,1,,",
    ),
    "budgets": (
        ["scope", "scope_id", "month", "budget_usd"],
        "Monthly budgets of teams, features, accounts and segments.",
        "team,search,2026-10-01,5000",
    ),
    "fx_rates": (
        ["currency", "rate_on", "usd_per_unit", "source"],
        "Exchange rates for bills in other currencies.",
        "EUR,2026-10-31,1.0712,ECB reference rate",
    ),
    "gl_accounts": (
        ["account", "purpose", "team_id", "gl_account", "cost_center"],
        "GL account and cost center of the journal's legs, by ledger account (ai_cost, provider_payable, "
        "accrued_payable, prepaid, rounding); an empty purpose or team matches all, the row with most of the two "
        "filled wins. Without a row the ledger account's name is the GL account. quality_pool and unattributed are "
        "teams too.",
        "ai_cost,evaluation,,610200,\n# ai_cost,,quality_pool,,CC-490",
    ),
    "adjustments": (
        ["month", "from_team", "to_team", "amount_usd", "reason", "approved_by"],
        "Cost that teams agreed to move after a dispute: from_team bears less of the month, to_team more.",
        "2026-10-01,search,web,120.50,Traffic of the web test counted as search,Head of Finance",
    ),
}


def seeds_of(data: str) -> Path:
    """Where dbt_project.yml looks for the company's seeds of a data folder."""
    place = data if "://" in data else os.path.abspath(data)  # however it is spelled
    name = md5(place.encode(), usedforsecurity=False).hexdigest()  # a folder's own name may hold what SQL can't read
    return PROJECT / ".company" / name


def digest(files: dict[str, Path]) -> str:
    """One number for names and contents of files, as the macro `files_digest` has it."""
    text = "".join(
        name + md5(path.read_bytes(), usedforsecurity=False).hexdigest() for name, path in sorted(files.items())
    )
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def remember(company: Path, data: str) -> int:
    """Writes .env, which dbt reads before it parses; what else stands in it stays. The shell goes before it."""
    if code := complete(company, data):
        return code
    copies = {path.name: path.read_bytes() for path in seeds_of(data).glob("*.csv")}
    stated = {path.name: path.read_bytes() for path in company.glob("*.csv")}
    is_read_in_place = company.resolve() == PROJECT / SAMPLE and stated == copies
    places = {"LEDGER_DATA": os.path.abspath(data)}
    places["LEDGER_COMPANY"] = SAMPLE if is_read_in_place else os.path.abspath(company)
    path = PROJECT / ".env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines = [line for line in lines if line.partition("=")[0].strip() not in places]
    for name, place in places.items():
        quoted = place.replace("\\", "\\\\").replace("'", "\\'")
        lines.append(f"{name}='{quoted}'")
    state.write(path, "\n".join(lines) + "\n")
    return 0


@cache
def described() -> dict[str, dict]:
    """The company's seeds as their YAML has them."""
    return {seed["name"]: seed for seed in yaml.safe_load(YAML.read_text())["seeds"] if seed["name"] in SEEDS}


def fault(kind: str, cell: str, is_pattern: bool) -> str | None:
    """Why a cell is no value of its column, with what to write instead."""
    if kind == "string":
        ends_alone = is_pattern and (len(cell) - len(cell.rstrip("\\"))) % 2
        return "a LIKE pattern does not end with a single \\; write \\\\ for the letter" if ends_alone else None
    if kind == "boolean":
        return None if cell in ("true", "false") else "write true or false"
    if kind == "date":
        try:
            is_day = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell) and date.fromisoformat(cell)
        except ValueError:
            is_day = None
        return None if is_day else "write a day as year-month-day, 2026-10-06"
    if not re.fullmatch(r"-?[0-9]+", cell) and kind in ("integer", "bigint"):
        return "write a whole number, without separators"
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell):
        return "write a number with a point and without separators or signs of currency, 1234.56"
    digits, places = map(int, re.findall(r"\d+", kind)) if kind.startswith("decimal") else (9, 0)
    whole, _, behind = cell.lstrip("-").partition(".")
    if len(behind.rstrip("0")) > places:
        return f"at most {places} digits stand behind the point"
    return (
        f"at most {digits - places} digits stand before the point" if len(whole.lstrip("0")) > digits - places else None
    )


def read(source: Path, name: str) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """(rows of a file as rows_of has them, what is wrong with it or its cells as this seed); no file has no rows."""
    if not source.exists():
        return [], []
    rows, complaint = rows_of(source, SEEDS[name][0])
    if complaint:
        return [], [f"{source}: {complaint}"]
    seed = described()[name]
    types, are_patterns = seed["config"]["column_types"], "LIKE" in seed["description"]
    return rows, [
        f"{source} line {line}, {column}: '{plain(cell)[:60]}' is none: {why}"
        for line, cells in rows
        for column, cell in cells.items()
        if cell and (why := fault(types[column], cell, are_patterns))
    ]


def complete(company: Path, data: str) -> int:
    if not company.is_dir():
        print(f"ERROR: {company} is no folder; `make company DIR={company}` writes a starting set", file=sys.stderr)
        return 2
    if strange := strangers(company):
        print(f"ERROR: {strange[0]}", file=sys.stderr)
        return 2
    target = seeds_of(data)
    target.mkdir(parents=True, exist_ok=True)
    errors = 0
    for name in SEEDS:
        text, complaints = completed(company / f"{name}.csv", name)
        for complaint in complaints:
            print(f"ERROR: {complaint}", file=sys.stderr)
        errors += len(complaints)
        written = target / f"{name}.csv"
        if complaints:
            continue
        if not written.exists() or written.read_text(encoding="utf-8") != text:
            state.write(written, text)
    made_of = digest({path.name: path for path in company.glob("*.csv")})
    if not errors and (not (target / MADE_OF).exists() or (target / MADE_OF).read_text() != made_of):
        state.write(target / MADE_OF, made_of)
    return 2 if errors else 0


def strangers(company: Path) -> list[str]:
    """Complaints of CSV files that are no seed."""
    names = sorted(path.name for path in company.glob("*.csv") if path.stem not in SEEDS)
    return [f"{company}/{name} is no company seed; known: {', '.join(SEEDS)}" for name in names]


def completed(source: Path, name: str) -> tuple[str, list[str]]:
    """(CSV text with exactly the columns of a seed, complaints): comments go, absent columns and files are blank."""
    rows, complaints = read(source, name)
    out = [SEEDS[name][0], *(list(cells.values()) for _, cells in rows)]
    return "".join(",".join(written(cell) for cell in row) + "\n" for row in out), complaints


def rows_of(source: Path, columns: list[str]) -> tuple[list[tuple[int, dict[str, str]]], str | None]:
    """((line in the file, cells by column) per row, complaint): comments are left out, absent columns are blank."""
    try:
        text = source.read_text(encoding="utf-8-sig")
        lines = _lines_of(text)
        reader, ends, rows = csv.reader(line for _, line in lines), [0], []
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except UnicodeDecodeError as error:
        return [], f"it is no UTF-8 text (byte {error.start}); save it as CSV in UTF-8"
    except OSError as error:
        return [], f"it can't be read ({error.strerror})"
    except csv.Error as error:
        is_long = "field limit" in str(error)
        why = "a cell has more than 131,072 characters; is a quote left open?" if is_long else f"{error}; save it again"
        return [], f"it can't be read as CSV: {why}"
    if "\0" in text:
        return [], "it holds a NUL, which no text has; save it as CSV in UTF-8"
    if not rows:
        return [], None
    header = [cell.strip() for cell in rows[0]]
    strange = [name for name in header if name not in columns]
    if strange or columns[0] not in header:
        mark = next((mark for mark in ";\t|" if columns[0] in rows[0][0].split(mark)), None)
        tell = f"; its cells are separated by {mark!r}, save it with commas" if mark and len(rows[0]) == 1 else ""
        return [], f"header {header} is not {columns}{tell}"
    if twice := sorted({name for name in header if header.count(name) > 1}):
        return [], f"header {header} has {', '.join(twice)} more than once"
    found = []
    for row, end in zip(rows[1:], ends[1:], strict=False):
        line = lines[end][0]
        if len(row) != len(header):
            return [], f"line {line} has {len(row)} cells where the header has {len(header)}: {','.join(row)[:80]}"
        cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
        found.append((line, {name: cells.get(name, "") for name in columns}))
    return found, None


def _lines_of(text: str) -> list[tuple[int, str]]:
    """(number, line) of those that are neither blank nor a comment; within quotes all of them are of the cell.

    They end as a CSV's do: other marks, such as U+2028, may stand in a name.
    """
    lines, is_open = [], False
    for number, line in enumerate(text.split("\n"), 1):
        if is_open or (line.strip() and line[0] != "#"):
            lines.append((number, f"{line}\n"))
            is_open ^= line.count('"') % 2 == 1
    return lines


def written(cell: str) -> str:
    """A cell as a seed's file holds it."""
    is_odd = any(mark in cell for mark in ',"\r\n') or cell.startswith("#")
    return '"' + cell.replace('"', '""') + '"' if is_odd else cell


def start(folder: Path, is_guided: bool = True) -> int:
    """Writes a commented file of each seed that the folder lacks, and says what is needed first."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (columns, meaning, example) in sorted(
        SEEDS.items(), key=lambda seed: seed[0] not in company_guide.NEEDED
    ):
        path = folder / f"{name}.csv"
        if path.exists():
            print(f"  kept    {path}")
            continue
        is_needed = name in company_guide.NEEDED
        dated = "valid_from is inclusive, valid_to exclusive, empty is open. " if "valid_from" in columns else ""
        path.write_text(
            f"# {'Needed' if is_needed else 'May wait'}. {meaning} {dated}Lines that begin with # are comments.\n"
            f"{','.join(columns)}\n# {example}\n",
            encoding="utf-8",
        )
        print(f"  written {path} ({'needed' if is_needed else 'may wait'})")
    if is_guided:
        company_guide.tell()
        print(
            f"\nFill in {', '.join(company_guide.NEEDED)} (FROM=<exports> proposes their rows), then: make check "
            f"COMPANY={folder}, and make build INBOX=<exports> DATA=<data> COMPANY={folder}"
        )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, meaning in (
        ("complete", complete, "COMPANY -> .company/<md5 of DATA>: no comments, absent seeds header-only"),
        ("remember", remember, "the same, and .env names both: where `dbt` in the checkout finds them"),
    ):
        words = actions.add_parser(name, help=meaning)
        words.add_argument("company", type=Path)
        words.add_argument("data")
        words.set_defaults(run=run)
    words = actions.add_parser("start", help="a commented starting set, nothing overwritten")
    words.add_argument("folder", type=Path)
    words.set_defaults(run=start)
    given = vars(parser.parse_args())
    return given.pop("run")(**given)


if __name__ == "__main__":
    sys.exit(ending.of(main))
