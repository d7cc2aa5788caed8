"""Missing money is loud: what a bill lacks ends each summary with a WARNING until it is there; one dollar under two
names does too."""

import gzip
import json
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import run_build
from exports import COSTS, FOCUS, activity, company, cost, focus, write

import build as build_script
import close
import land
from landing import missing
from landing.recognise import _csv
from landing.tables import BILLS, COUNTS_OF_USE, DISTINCTIVE, HEADERS, TABLES

GOOD = [(f"g{number}", f"2026-10-{number:02d} 10:00:00", "0.10") for number in range(1, 10)]
BAD = ("g10", "2026-10-10 10:00:00", "0.25")


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def spoilt(path: Path, line: int = 11) -> None:
    """A count that is none, which refuses one line of a bill; its day and amount can be read."""
    lines = path.read_text().splitlines()
    lines[line - 1] = lines[line - 1].replace(",100,10,", ",many,10,")
    path.write_text("\n".join(lines) + "\n")


def warnings(capsys) -> list[str]:
    out = capsys.readouterr().out.splitlines()
    return [line.removeprefix("  WARNING: ") for line in out if line.startswith("  WARNING: ")]


def test_a_rejected_line_is_named_by_every_landing_until_it_is_there(inbox, data, capsys):
    activity([*GOOD, BAD], inbox / "activity.csv")
    spoilt(inbox / "activity.csv")
    for _ in range(2):
        assert land.run(inbox, data) == 0
        (said,) = warnings(capsys)
        assert said.startswith(
            "activity.csv (openrouter_activity): 1 of 10 lines are rejected and missing from the bill (line 11), "
            "0.25 USD in all: tokens_prompt: text of 4 characters is not a count; correct"
        )
    activity([*GOOD, BAD], inbox / "activity.csv")
    assert land.run(inbox, data) == 0
    assert warnings(capsys) == []


def test_warnings_are_the_last_lines_and_strict_makes_them_failures(inbox, data, capsys, monkeypatch):
    (inbox / "notes.txt").write_text("these are no spans")
    assert land.run(inbox, data) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("  WARNING: notes.txt is not read: neither JSON nor a CSV with a known header; ")
    monkeypatch.setenv("STRICT", "1")
    assert land.run(inbox, data) == 1
    assert "STRICT=1, and 1 warning above" in capsys.readouterr().err
    (inbox / "notes.txt").unlink()
    assert land.run(inbox, data) == 0


def test_many_files_that_are_not_read_are_counted(inbox, data, capsys):
    for number in range(25):
        (inbox / f"note{number:02d}.txt").write_text(f"no span {number}")
    assert land.run(inbox, data) == 0
    said = warnings(capsys)
    assert len(said) == 11
    assert said[-1].startswith("15 more files are not read")


def test_what_rejected_lines_come_to_is_said_as_far_as_it_can_be_read(inbox, data, capsys):
    rows = [cost(day, "1.00") for day in range(1, 20)]
    rows += [
        {**cost(20, "2.50"), "end_time": "later"},
        {**cost(21, "3"), "end_time": "later", "amount_currency": "eur"},
    ]
    rows += [cost(22, "1.2.3")]
    write(inbox / "costs.csv", COSTS, rows)
    with (inbox / "costs.csv").open("a") as lines:
        lines.write("1,2,3\n")
    assert land.run(inbox, data) == 0
    (said,) = warnings(capsys)
    assert "4 of 23 lines are rejected and missing from the bill (lines 21, 22, 23, 24)" in said
    assert "3.00 EUR and 2.50 USD in all but for 2 whose amount can't be read: " in said


def test_the_share_is_asked_of_a_bill_from_its_first_line_and_holds(inbox, data, capsys):
    """Of usage the share is asked of a thousand rows."""
    activity([GOOD[0], BAD], inbox / "activity.csv")
    spoilt(inbox / "activity.csv", 3)
    (inbox / "litellm.csv").write_text("date,model,spend,successful_requests\n2026-10-01,m,1,2\nnever,m,1,2\n")
    for _ in range(2):
        assert land.run(inbox, data) == 1
        said = capsys.readouterr().out
        assert "ERROR: 1 of 2 rows of openrouter_activity rejected in activity.csv, over max_reject_share (20%)" in said
        assert "litellm.csv, over" not in said
    (inbox / "activity.csv").unlink()
    assert land.run(inbox, data) == 1  # what landed of it stands in the ledger
    activity([GOOD[0], BAD], inbox / "anew.csv")
    capsys.readouterr()
    assert land.run(inbox, data) == 0
    assert warnings(capsys) == []


def test_a_large_bill_does_not_hide_a_small_one(inbox, data, capsys):
    activity([(f"a{number}", "2026-10-05 10:00:00", "0.1") for number in range(500)], inbox / "large.csv")
    activity([GOOD[0]], inbox / "small.csv")
    spoilt(inbox / "small.csv", 2)
    assert land.run(inbox, data) == 1
    assert "1 of 1 rows of openrouter_activity rejected in small.csv" in capsys.readouterr().out
    (inbox / "small.csv").unlink()  # nothing of it landed
    assert land.run(inbox, data) == 0
    assert warnings(capsys) == []


def test_only_a_file_that_brings_the_lines_settles_them(inbox, data, capsys):
    """A download of other days under the same name does not, nor another account's; the same lines, revised, do."""
    rows = [cost(day, "1.00") for day in range(1, 10)]
    write(inbox / "costs.csv", COSTS, [*rows, {**cost(10, "2.50"), "end_time": "later"}])
    assert land.run(inbox, data) == 0
    write(inbox / "costs.csv", COSTS, [cost(day, "1.00") for day in range(15, 26)])
    write(inbox / "theirs.csv", COSTS, [{**cost(day, "1.00"), "organization_id": "org-2"} for day in range(1, 11)])
    write(inbox / "less.csv", COSTS, rows)
    capsys.readouterr()
    assert land.run(inbox, data) == 0
    (said,) = warnings(capsys)
    assert said.startswith("costs.csv (openai_costs): 1 of 10 lines")
    write(inbox / "revised.csv", COSTS, [cost(day, "1.01") for day in range(1, 11)])
    assert land.run(inbox, data) == 0
    assert warnings(capsys) == []


@pytest.mark.parametrize("lines", [40, 20_000])
def test_a_bill_that_is_refused_whole_fails_until_it_is_whole(inbox, data, capsys, lines):
    """A download that breaks off in its compressed bytes."""
    write(inbox / "costs.csv", COSTS, [cost(day % 28 + 1, f"{day}.001234") for day in range(lines)])
    whole = gzip.compress((inbox / "costs.csv").read_bytes())
    (inbox / "costs.csv").unlink()
    (inbox / "costs.csv.gz").write_bytes(whole[: len(whole) * 3 // 4])
    for _ in range(2):
        assert land.run(inbox, data) == 1
        said = capsys.readouterr().out
        assert "ERROR: costs.csv.gz is refused whole: every line of this bill (openai_costs) is missing" in said
        assert "WARNING: costs.csv.gz is not read: openai_costs that can't be read to its end" in said
    (inbox / "costs.csv.gz").write_bytes(whole)
    assert land.run(inbox, data) == 0


def test_lines_that_the_store_lost_are_landed_again_or_named(inbox, data, capsys):
    activity(GOOD, inbox / "activity.csv")
    assert land.run(inbox, data) == 0
    next((data / "landed" / "openrouter_activity" / "day=2026-10-05").glob("*-*.parquet")).unlink()
    assert land.run(inbox, data) == 0
    assert warnings(capsys) == []
    next((data / "landed" / "openrouter_activity" / "day=2026-10-05").glob("*-*.parquet")).unlink()
    (inbox / "activity.csv").unlink()
    assert land.run(inbox, data) == 1
    assert "rows of activity.csv in" in capsys.readouterr().out


def test_a_page_after_which_there_are_more_is_named_until_they_come(inbox, data, capsys):
    """In one file it is the last page that counts; a file that goes on from its end brings the rest."""

    def page(first: int, days: int, *, has_more: bool) -> str:
        results = [
            {"object": "organization.costs.result", "amount": {"value": 1.5, "currency": "usd"}, "line_item": "x"}
        ]
        buckets = [
            {"object": "bucket", "start_time": day * 86400, "end_time": (day + 1) * 86400, "results": results}
            for day in range(first, first + days)
        ]
        return json.dumps(
            {"object": "page", "data": buckets, "has_more": has_more, "next_page": "p" * has_more or None}
        )

    (inbox / "first.json").write_text(page(20000, 3, has_more=True) + "\n" + page(20003, 3, has_more=True))
    (inbox / "whole.json").write_text(page(19000, 3, has_more=True) + "\n" + page(19003, 3, has_more=False))
    for _ in range(2):
        assert land.run(inbox, data) == 0
        (said,) = warnings(capsys)
        assert "first.json (openai_costs) ends at 2024-10-10 00:00" in said
    assert missing.known(data).bills[0]["days"] == [["2024-10-10", "2024-10-10"]]
    (inbox / "next.json").write_text(page(20006, 1, has_more=False))
    assert land.run(inbox, data) == 0
    assert not warnings(capsys)


def test_every_kind_of_a_providers_file_is_a_bill_or_a_count():
    kinds = {table for table, schema in TABLES.items() if "row_no" in schema.names and table != "spans"}
    assert kinds == set(BILLS) | COUNTS_OF_USE | {"manifests"}
    for table, columns in BILLS.items():
        assert {column for column in columns if column} <= set(TABLES[table].names)


def test_every_kind_is_told_by_columns_of_its_own():
    """Each kind by a header with its required columns but one, which stays after any of the others is taken away."""
    assert set(DISTINCTIVE) == set(HEADERS) - {"manifests"}
    for table, marks in DISTINCTIVE.items():
        known = {name.lower() for column in HEADERS[table].values() for name in column.names}
        others = {"start_time_iso"}
        assert all(set(mark.lower().split("|")) <= known | others for mark in marks), table


@pytest.mark.parametrize(
    "header",
    [
        "date,model,amount", "Date,Slug,Title,Views", "date,model,spend,team", "model,input_tokens,output_tokens",
        "start_time,input_tokens,output_tokens,model", "user_id,account_id,plan,name", "month,account_id,plan,seats",
        "invoice_id,provider,amount,paid", "event_id,occurred_at,user_id,type", "request_id,spend,date",
        "Date,Requests,Usage,Team", "id,timestamp,duration,tags", "run_id,started_at,passed,failed,errored",
        "start_time,end_time,amount_value,amount_currency,employee", "period_start,period_end,amount,provider,customer",
    ],
)  # fmt: skip
def test_a_foreign_table_is_nearest_to_nothing(header):
    found = _csv(f"{header}\n{','.join('1' for _ in header.split(','))}\n")
    assert not found.table
    assert found.complaint == "neither JSON nor a CSV with a known header; see docs/inputs.md"


def ledger(tmp_path: Path, *accounts: tuple, sources: str = "") -> list[str]:
    """Warnings on charges of (account, kind, file, {day: usd})."""
    with duckdb.connect() as engine:
        engine.execute("create schema intermediate; create schema seeds")
        engine.execute(
            "create table seeds.bill_sources (provider text, account_id text, priority integer, covers text,"
            " date_order text, decimal text)"
        )
        for name in sources.split():
            engine.execute("insert into seeds.bill_sources values ('openai', ?, 10, null, null, null)", [name])
        engine.execute(
            "create table intermediate.int_classified_charges (line_id text, file_id text, source_file text);"
            "create table intermediate.int_charges (line_id text, provider text, bill_account_id text,"
            "    file_kind text, charged_on date, billed_usd decimal(38, 12))"
        )
        for number, (account, kind, file, days) in enumerate(accounts):
            for day, usd in days.items():
                line = [f"{number}:{day}", file, file]
                engine.execute("insert into intermediate.int_classified_charges values (?, ?, ?)", line)
                engine.execute(
                    "insert into intermediate.int_charges values (?, 'openai', ?, ?, ?, ?)",
                    [f"{number}:{day}", account, kind, date(2026, 10, day), usd],
                )
        return build_script.twice_billed(engine)


def test_one_bill_under_two_names_is_a_warning(tmp_path):
    month = {day: f"{day}.1234" for day in range(1, 29)}
    cents = {day: f"{day}.12" for day in range(1, 29)}
    (said,) = ledger(tmp_path, ("org-1", "openai_costs", "a.csv", month), ("Acme", "focus", "f.csv", cents))
    assert "openai accounts Acme (focus: f.csv) and org-1 (openai_costs: a.csv) bill near-equal totals" in said
    assert "2026-10-01 to 2026-10-28: 409.36 and 409.46 USD" in said
    assert "account_aliases" in said
    # The last week is not there yet; tax comes on top; a file of the whole month, spread over its days.
    for other in (
        {day: usd for day, usd in cents.items() if day < 22},
        {**cents, 28: "99.00"},
        dict.fromkeys(month, "14.62"),
    ):
        assert ledger(tmp_path, ("org-1", "openai_costs", "a.csv", month), ("Acme", "focus", "f.csv", other)), other


def test_two_accounts_that_spend_of_their_own_are_none(tmp_path):
    month = {day: f"{day}.1234" for day in range(1, 29)}
    one = ("org-1", "openai_costs", "a.csv", month)
    assert not ledger(tmp_path, one, ("org-2", "openai_costs", "b.csv", {day: f"{day}.40" for day in month}))
    assert not ledger(tmp_path, one, ("org-2", "openai_costs", "b.csv", dict.fromkeys(month, "20")))
    assert not ledger(tmp_path, one, ("org-2", "openai_costs", "b.csv", {30: "1.1234"}))
    # One file that lists both says that they are two; so do rows of bill_sources for both.
    assert not ledger(tmp_path, one, ("org-2", "openai_costs", "a.csv", month))
    two = ("org-2", "openai_costs", "b.csv", month)
    assert not ledger(tmp_path, one, two, sources="org-1 org-2")
    assert ledger(tmp_path, one, two, sources="org-1")
    # Sums below a cent are noise.
    assert not ledger(tmp_path, ("a", "k", "a.csv", {1: "0.004"}), ("b", "k", "b.csv", {1: "0.004"}))


def test_a_month_whose_bills_lack_lines_stays_open(tmp_path):
    """By the day of a line, else by its file's days, else any month."""
    (tmp_path / "landed").mkdir()

    def lacking(month: str, *days: list[str]) -> bool:
        found = missing.Missing([], [], [{"source_file": "f", "days": list(days), "what": "w"}])
        (tmp_path / "landed" / missing.NAME).write_text(missing.json.dumps(found._asdict()))
        return bool(close.bills_lacking(month, tmp_path))

    assert lacking("2026-10", ["2026-10-31", "2026-10-31"])
    assert not lacking("2026-10", ["2026-11-01", "2026-11-01"])
    assert lacking("2026-10", ["2026-09-30", "2026-11-01"])
    assert lacking("2026-10")


def test_builds_say_again_what_is_missing_and_twice_there(tmp_path, monkeypatch, capsys):
    """A bad line of October, and one bill under two names until a seed names them."""
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    companies = company(tmp_path)
    write(inbox / "costs.csv", COSTS, [{**cost(day, "1.00"), "organization_id": "org-1"} for day in range(1, 11)])
    lines = [focus(day, "1.00", BillingAccountId="Acme", ProviderName="OpenAI", ServiceName="OpenAI API",
                   SkuMeter="gpt-4o-mini input tokens", ConsumedQuantity="6666667", ConsumedUnit="Tokens")
             for day in range(1, 11)]  # fmt: skip
    write(inbox / "focus.csv", FOCUS, [*lines, {**focus(11, "7.00"), "ChargePeriodEnd": "later"}])
    billed = "select sum(billed_usd) from marts.invoice_reconciliation_daily"
    for how in ("built", "nothing new"):
        built = run_build(inbox, data, companies)
        assert built.code == 0, built.output
        assert how in built.output
        one, two = [line for line in built.output.splitlines() if "WARNING" in line][-2:]
        assert "WARNING: focus.csv (focus): 1 of 11 lines are rejected" in one
        assert "(line 12), 7.00 USD in all" in one
        assert "WARNING: openai accounts Acme (focus: focus.csv) and org-1 (openai_costs: costs.csv)" in two
    assert run_build(inbox, data, companies, STRICT="1").code == 1
    assert built.rows(billed)[0][0] == 20

    monkeypatch.setattr(sys, "argv", ["close.py", "2026-10", str(data), str(companies)])
    assert close.main() == 1
    assert "ERROR: focus.csv lacks lines that may be of 2026-10: focus.csv (focus): 1 of 11" in capsys.readouterr().err

    (companies / "account_aliases.csv").write_text("provider,alias,account_id\nopenai,Acme,org-1\n")
    write(inbox / "focus.csv", FOCUS, lines)
    built = run_build(inbox, data, companies, STRICT="1")
    assert built.code == 0, built.output
    assert "WARNING" not in built.output
    assert built.rows(billed)[0][0] == 10
    assert built.rows("select distinct account_id from marts.invoice_reconciliation_daily") == [("org-1",)]
