"""Closed months: what comes later is booked in the open month, step by step and to the last digit."""

import csv
import json
import re
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Built, run_build
from exports import COSTS, DAY, activity, batch, chat, cost, span, write
from test_increments import differences
from test_sample import hashes

import chain
import close
import closed
import export

SEEDS = {
    "teams": "team_id,name\nweb,\nmail,\nsearch,\nplatform,\n",
    "services": "service_name,owner_team_id\nweb-api,web\nsearch-api,search\n",
    "feature_catalog": "feature_id,owner_team_id,valid_from,valid_to\ndraft,web,,{0}\ndraft,mail,{0},\nfind,search,,\n",
    "api_keys": "provider,account_id,api_key,owner_team_id\nopenrouter,,,search\nopenai,,,platform\n",
}
TOTALS = """
    select team_id, sum(amount_usd) from marts.ledger_entries
    where account = 'ai_cost' and posted_month = '{}' group by team_id having sum(amount_usd) != 0
"""


def at(day: int) -> float:
    """Noon of a day of October, as `exports.span` counts."""
    return (day - DAY.day) * 86400 + 12 * 3600


def draft(trace: int, day: int, response: str, **values) -> list[dict]:
    return [span(trace, 1, None, at(day), app__feature="draft", **values),
            chat(trace, 2, 1, at(day) + 0.5, response)]  # fmt: skip


def find(trace: int, day: int, **values) -> list[dict]:
    """A million input tokens of gpt-4o-mini, 0.15 at list price."""
    usage = {"gen_ai__usage__input_tokens": 10**6, "gen_ai__usage__output_tokens": 0}
    asked = {"gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o-mini"}
    return [chat(trace, 1, None, at(day), app__feature="find", **asked, **usage, **values)]


def unbilled(built: Built) -> list[str]:
    return [line for line in built.output.splitlines() if "is on no bill yet" in line]


def money(**amounts: str) -> dict[str, Decimal]:
    return {team: Decimal(amount) for team, amount in amounts.items()}


class World:
    """A company of four teams, built on, closed, and built on again."""

    def __init__(self, folder: Path):
        self.inbox, self.data, self.company = folder / "inbox", folder / "data", folder / "company"
        self.inbox.mkdir()
        self.company.mkdir()
        for name, text in SEEDS.items():
            self.seed(name, text.format("2026-10-15"))
        (self.inbox / "web.jsonl").write_text(batch([*draft(1, 6, "gen-1"), *draft(2, 20, "gen-2")], "web-api"))
        calls = [*find(3, 6), *find(4, 6, app__purpose="evaluation"), *find(5, 33)]
        (self.inbox / "search.jsonl").write_text(batch(calls, "search-api"))
        self.bill("0.10")

    def seed(self, name: str, text: str) -> None:
        (self.company / f"{name}.csv").write_text(text)

    def bill(self, first: str, name: str = "activity_2026-10-22.csv") -> None:
        rows = [("gen-1", 6, first), ("gen-2", 20, "0.20"), ("gen-9", 21, "0.05")]
        lines = [(response, f"2026-10-{day:02d} 12:00:00", amount) for response, day, amount in rows]
        activity(lines, self.inbox / name)

    def build(self, how: str = "on, from") -> Built:
        built = run_build(self.inbox, self.data, self.company)
        assert built.code == 0, built.output
        assert f"ledger.duckdb {how}" in built.output
        return built

    def close(self, month: str, *flags: str) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["close.py", month, str(self.data), str(self.company), *flags])
            return close.main()

    def frozen(self) -> dict[str, bytes]:
        folder = self.data / "closed"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("2*/**/*") if path.is_file()}


def test_what_comes_later_is_booked_in_the_open_month(tmp_path, capsys):
    """Each build is a run of every identity; the amounts are added up by hand."""
    world = World(tmp_path)
    built = world.build("anew")
    # search: 0.15 accrued and 0.05 untraced; what its evals accrue is the pool's.
    october = money(web="0.10", mail="0.20", search="0.20", quality_pool="0.15")
    assert dict(built.rows(TOTALS.format("2026-10-01"))) == october
    assert dict(built.rows(TOTALS.format("2026-11-01"))) == money(search="0.15")
    assert unbilled(built) == [
        f"  {month}: {usd} USD of openai is on no bill yet and stands at book prices"
        for month, usd in (("2026-11", "0.15"), ("2026-10", "0.30"))
    ]
    assert world.close("2026-11") == 1
    assert "the next one is 2026-10" in capsys.readouterr().err
    assert world.close("2026-10") == 1
    assert "0.05 USD are untraced, or on invoices that no charge explains: 14.3% of 0.35" in capsys.readouterr().err
    assert not closed.months(world.data)
    assert world.close("2026-10", "--force") == 0
    said = capsys.readouterr().out
    assert re.search(r"\n  mail +0\.20 +0\.20 +0\.00 +0\.00\n", said)
    assert f"closing hash: {closed.links(world.data)[-1]['closing_hash']} (not signed)" in said
    assert world.close("2026-10") == 1
    assert "2026-10 is closed" in capsys.readouterr().err
    frozen, before = world.frozen(), built.rows("from marts.ledger_entries order by all")
    assert {"2026-10/entries.parquet", "2026-10/manifest.json", "2026-10/exports/journal.csv"} <= set(frozen)
    assert "nothing new" in run_build(world.inbox, world.data, world.company).output

    def late_spans_and_price():
        """What was untraced is mail's; gen-1 costs 0.12 in the newer download."""
        (world.inbox / "late.jsonl").write_text(batch(draft(6, 21, "gen-9"), "web-api"))
        world.bill("0.12", "activity_2026-11-04.csv")

    def late_bill(credit: str | None = None):
        """0.16 a million where the book says 0.15, for two; a note that takes back 0.02 of it is the payer's."""
        rows = [cost(6, "0.32", quantity="2000000", quantity_unit="tokens", project_id="p", api_key_id="k")]
        rows += [cost(6, credit, "Service credit", project_id="p", api_key_id="k")] if credit else []
        write(world.inbox / f"openai_costs_2026-11-0{3 if credit else 2}.csv", COSTS, rows)

    def other_seeds():
        """The pool funds half of the evals, 0.08 of 0.16, and find's owner the rest; the draft was mail's from the 2nd,
        not the 15th: gen-1 too."""
        world.seed("eval_funding", "scope,share\ndefault,0.5\n")
        world.seed("feature_catalog", SEEDS["feature_catalog"].format("2026-10-02"))

    steps = [
        (late_spans_and_price, "on, from", money(mail="0.05", search="-0.05", web="0.02")),
        (late_bill, "on, from", money(search="0.01", quality_pool="0.01")),
        (lambda: late_bill("-0.02"), "on, from", money(platform="-0.02")),
        (other_seeds, "anew", money(search="0.08", quality_pool="-0.08", web="-0.12", mail="0.12")),
    ]  # fmt: skip
    expected = money(search="0.15")
    for change, how, moved in steps:
        change()
        built = world.build(how)
        for team, amount in moved.items():
            expected[team] = expected.get(team, 0) + amount
        assert dict(built.rows(TOTALS.format("2026-11-01"))) == {team: usd for team, usd in expected.items() if usd}
        assert dict(built.rows(TOTALS.format("2026-10-01"))) == october
        assert world.frozen() == frozen
    # October's accrual is closed, and what takes it back is posted in November.
    assert unbilled(built) == ["  2026-11: 0.15 USD of openai is on no bill yet and stands at book prices"]
    assert expected == money(search="0.19", quality_pool="-0.07", mail="0.17", web="-0.10", platform="-0.02")
    _the_open_month_says_what_it_corrects(world, built, before)
    _closed_corrections_are_not_booked_again(world, tmp_path / "anew")
    _closed_files_that_changed_stop_the_build(world)
    _reopened_is_as_if_never_closed(world, capsys)


def _the_open_month_says_what_it_corrects(world: World, built: Built, before: list[tuple]) -> None:
    # The accrual of both calls is taken back on the account that held it, and the bill stands on its own.
    payables = "select account, sum(amount_usd) from marts.ledger_entries where corrects_month is not null group by all"
    assert dict(built.rows(payables)) == {
        "accrued_payable": Decimal("0.30"), "provider_payable": Decimal("-0.32"), "ai_cost": Decimal("0.02"),
    }  # fmt: skip
    wrong = """
        select * from marts.ledger_entries as entries
        left join marts.ledger_entries as corrected on entries.corrects_entry_id = corrected.entry_id
        where entries.corrects_month is not null and (entries.posted_month != '2026-11-01'
            or entries.corrects_month != '2026-10-01' or corrected.posted_month is distinct from date '2026-10-01'
            or corrected.incurred_on != entries.incurred_on)
            and (entries.feature_id, entries.kind) != ('invoice_only', 'bill')
    """
    assert built.rows(wrong) == []
    held = set(built.rows("from marts.ledger_entries where posted_month = '2026-10-01'"))
    assert held == {row for row in before if row[2].month == 10}
    lines = built.rows("""
        select item, amount_usd, why from marts.team_statements_monthly
        where team_id = 'mail' and month = '2026-11-01' and section = '6 corrections' and corrects_month = '2026-10-01'
    """)
    why = "what came after 2026-10 was closed: bills, spans or owners known later"
    assert lines == [("draft", Decimal("0.17"), why)]
    assert built.rows("select sum(corrections_usd) from marts.team_chargeback_monthly") == [(Decimal("0.02"),)]
    assert built.rows("select sum(borne_usd) from marts.spend_daily where month(spent_on) = 10") == [(Decimal("0.67"),)]


def _closed_corrections_are_not_booked_again(world: World, data: Path) -> None:
    """Another folder with the same inbox and closed files is the same ledger, whatever the order of landing was."""
    assert world.close("2026-11", "--force") == 0
    for month in ("2026-10", "2026-11"):
        assert export.export(month, world.data) == 0
        exports, kept = world.data / "exports" / month, world.data / "closed" / month / "exports"
        assert hashes(exports) == hashes(kept)
    _exports_state_the_closing_that_they_are_of(world)
    shutil.copytree(world.data / "closed", data / "closed")
    anew = run_build(world.inbox, data, world.company)
    assert anew.code == 0, anew.output
    assert differences(world.data, data) == {}
    assert "2026-12" not in anew.output


def _exports_state_the_closing_that_they_are_of(world: World) -> None:
    links = closed.links(world.data)
    for link in links:
        folder = world.data / "exports" / link["month"]
        stated = json.loads((folder / "manifest.json").read_text())
        assert stated["closing_hash"] == link["closing_hash"]
        assert stated["closings"] == chain.listed(links[: links.index(link) + 1])
        for path in folder.glob("statements/*.csv"):
            with path.open(newline="") as lines:
                assert {row["closing_hash"] for row in csv.DictReader(lines)} == {link["closing_hash"]}
            page = path.with_suffix(".html").read_text()
            assert link["closing_hash"] in page
            assert "<dd>closed</dd>" in page
        assert export.compare(world.data, folder / "manifest.json", link["closing_hash"]) == 0


def _closed_files_that_changed_stop_the_build(world: World) -> None:
    folder = world.data / "closed" / "2026-11"
    for name, change, complaint in (
        ("entries.parquet", lambda whole: whole[:-1], "2026-11/entries.parquet is not what was closed"),
        ("exports/manifest.json", lambda _: b"mine", "exports/manifest.json is not what was closed"),
        ("manifest.json", lambda _: b"", "manifest.json can't be read"),
    ):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(change(whole))
        spoilt = run_build(world.inbox, world.data, world.company)
        assert spoilt.code == 1
        assert complaint in spoilt.output
        (folder / name).write_bytes(whole)
    statement = folder / "exports" / "statements" / "mail.csv"
    whole = statement.read_bytes()
    statement.write_bytes(b"mine\n")
    assert export.export("2026-11", world.data) == 1
    statement.write_bytes(whole)
    folder.rename(folder.with_name("away"))
    assert "2026-11 is gone" in closed.complaints(world.data)[0]
    folder.with_name("away").rename(folder)
    log, link = world.data / "closed" / "log.jsonl", closed.links(world.data)[-1]
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:-1]))
    assert "its end was cut" in closed.complaints(world.data)[0]
    chain.write_stamp(world.data, closed.links(world.data), link)  # as a kill between a month's folder and its line
    assert closed.complaints(world.data) == []
    assert [line["month"] for line in closed.log(world.data)] == ["2026-10", "2026-11"]


def _reopened_is_as_if_never_closed(world: World, capsys) -> None:
    assert world.close("2026-10", "--reopen") == 1
    assert "only the last closed month" in capsys.readouterr().err
    for month in ("2026-11", "2026-10"):
        assert world.close(month, "--reopen") == 0
    assert world.close("2026-10") == 1
    assert "run make build first" in capsys.readouterr().err
    built = world.build("anew")
    assert built.rows("select count(*) from marts.ledger_entries where corrects_month is not null") == [(0,)]
    teams = money(mail="0.37", search="0.24", quality_pool="0.08", platform="-0.02")
    assert dict(built.rows(TOTALS.format("2026-10-01"))) == teams
    actions = [(line["month"], line["action"], line["flags"]) for line in closed.log(world.data)]
    assert actions == [("2026-10", "closed", ["FORCE"]), ("2026-11", "closed", ["FORCE"]),
                       ("2026-11", "reopened", ["REOPEN"]), ("2026-10", "reopened", ["REOPEN"])]  # fmt: skip
    assert len(list((world.data / "closed" / ".reopened").glob("*/entries.parquet"))) == 2


def test_an_invoice_is_of_the_month_that_its_period_ends_in():
    """Closing and `invoices.csv` have the same invoices."""
    with duckdb.connect() as engine:
        engine.execute("""
            create schema marts;
            create table marts.ledger_entries (
                posted_month date, account varchar, kind varchar, side varchar, feature_id varchar, corrects_month date,
                amount_usd decimal(38, 12)
            );
            create table marts.invoice_tie_out_monthly as
                select * from (values
                    ('i1', 'p', date '2026-09-16', date '2026-10-15', 7.00),
                    ('i2', 'p', date '2026-10-16', date '2026-11-15', -2.00)
                ) as invoices (invoice_id, provider, period_start, period_end, unexplained_usd)
        """)
        for month, invoice, unexplained in (("2026-10", "i1", 7), ("2026-11", "i2", 2)):
            assert close.sizes_of(engine, month)["invoices_unexplained_usd"] == unexplained
            exported = engine.execute(export.INVOICES, [f"{month}-01"]).fetchall()
            assert [row[1] for row in exported] == [invoice]


def test_gaps_above_a_share_ask_for_a_word():
    sizes = {"untraced_usd": Decimal(10), "invoices_unexplained_usd": Decimal(0), "billed_usd": Decimal(100)}
    assert close.gaps_of(sizes) == []
    assert len(close.gaps_of(sizes | {"invoices_unexplained_usd": Decimal(1)})) == 1
    assert "nothing is billed" in close.gaps_of(sizes | {"billed_usd": Decimal(0)})[0]
