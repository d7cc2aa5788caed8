"""`make forget MONTH=`: closed months lose their spans and keep their figures, and nothing that comes later is lost."""

import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import fail_last_build, run_build
from exports import COSTS, batch, chat, cost, write
from landings import inline, killed_after
from test_close import TOTALS, World, at, draft, find, money
from test_forget import call, landed, log_of, whole
from test_sample import hashes

import export
import land
from landing import removal
from landing.store import Store

PAYABLES = """
    select account, sum(amount_usd) from marts.ledger_entries
    where corrects_month is not null and account != 'ai_cost' group by all
"""
UNTRACED = """
    select provider, team_id, sum(amount_usd), incurred_on from marts.ledger_entries
    where corrects_month = '2026-10-01' and account = 'ai_cost' and feature_id = 'untraced' group by all order by all
"""
MARTS = "select table_name from duckdb_tables() where schema_name = 'marts' order by table_name"


# Their rows of a month hang on the months before it: what was usual, what was known, what has grown.
LOOKING_BACK = {
    "budget_burn_daily", "spend_anomalies_daily", "eval_coverage_monthly", "cost_variance_monthly",
    "cost_variance_by_model_monthly", "coverage_targets_monthly", "eval_budget_monthly", "eval_precision_monthly",
    "forecast_accuracy_monthly",
    "margin_forecasts_monthly",
}  # fmt: skip


def marts_of(built, month: str) -> dict[str, list[tuple]]:
    """Rows of every mart that has a day or a month and looks back on no other, from this month on."""
    found = {}
    for (name,) in built.rows(MARTS):
        if name in LOOKING_BACK:
            continue
        columns = {column for (column,) in built.rows(f"select column_name from (describe marts.{name})")}
        dated = columns & {"month", "posted_month", "spent_on", "usage_on", "started_on", "burned_on", "covered_on"}
        if dated:
            found[name] = built.rows(f"from marts.{name} where {min(dated)} >= '{month}' order by all")
    return found


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


ACT = {
    "month": "2026-10",
    "at": "2026-11-05T00:00:00Z",
    "retired_from": "1970-01-02",
    "retired_before": "2026-11-01",
    "closed_through": "2026-10-01",
    "bills": [["2026-10-05", "openai", "org", "0.300000000000", "0.000000000000"]],
}


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def retire(data: Path) -> dict[str, int]:
    return removal.retire(Store(data), ACT, ACT["retired_before"], {"month": "2026-10"})


def test_late_spans_are_rejected_by_month_and_toward_no_share(inbox, tmp_path, capsys, monkeypatch):
    """Of 40 spans 20 are late, one has no time, and one began before midnight; the share allows 5 %."""
    inline(monkeypatch)
    stated = {**land.project_variables(), "max_reject_share": 0.05, "max_reject_share_min_rows": 10}
    monkeypatch.setattr(land, "project_variables", lambda: stated)
    data = tmp_path / "data"
    (inbox / "first.jsonl").write_text(batch([chat(1, 1, at=at(6)), chat(2, 1, at=at(32))]))
    assert land.run(inbox, data) == 0
    assert retire(data) == {"spans": 1}
    assert landed(data, "spans", "trace_id") == [(f"{2:032x}",)]
    untimed = chat(9, 1)
    untimed["startTimeUnixNano"] = untimed["endTimeUnixNano"] = ""
    late = [chat(trace, 1, at=at(20)) for trace in range(100, 120)]
    kept = [chat(trace, 1, at=at(33)) for trace in range(200, 218)]
    over = chat(300, 1, at=at(32) - 12 * 3600 - 0.5)
    (inbox / "late.jsonl").write_text(batch([*late, *kept, untimed, over]))
    for _ in range(2):
        assert land.run(inbox, data) == 0  # an error on no run
    said = capsys.readouterr().out
    assert re.search(r"rejected 21x in late.jsonl: .*month 2026-10 is retired", said)
    assert len(landed(data, "spans", "trace_id")) == 20
    counts = "source_file, rows_read, rows_rejected, rows_retired"
    assert landed(data, "files", counts)[:2] == [("first.jsonl", 2, 0, 1), ("late.jsonl", 40, 21, None)]
    reasons = {reason.partition(": ")[2] for (reason,) in landed(data, "rejects", "reason")}
    assert reasons == {"month 2026-10 is retired (make forget MONTH=), its spans are not kept"}
    # A file that is read again loses the same spans: they are rejected now, not retired.
    store = Store(data)
    for entry in store.files.values():
        entry["reading"] = ""
    store.seal([], [])
    assert land.run(inbox, data) == 0
    assert landed(data, "files", counts)[:2] == [("first.jsonl", 2, 1, None), ("late.jsonl", 40, 21, None)]


def test_a_kill_between_any_two_steps_leaves_all_or_nothing(inbox, tmp_path, monkeypatch):
    inline(monkeypatch)
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, at=at(6)), chat(2, 1, at=at(7)), chat(3, 1, at=at(32))]))
    assert land.run(inbox, tmp_path / "landed_once") == 0
    (tmp_path / "landed_once" / "ledger.duckdb").write_text("{}")
    outcomes = set()
    for steps in range(99):
        data = tmp_path / str(steps)
        shutil.copytree(tmp_path / "landed_once", data)
        try:
            with killed_after(monkeypatch, steps):
                is_done = retire(data) == {"spans": 2}
        except KeyboardInterrupt:
            is_done = False
        store = Store(data)  # which any next step begins with
        left = landed(data, "spans", "trace_id")
        bills = landed(data, "retired_bills", "charged_on::varchar, provider, account_id, billed_usd::varchar")
        assert store.verify() == []
        assert bool(store.retired) == (len(left) == 1) == bool(bills) == (not (data / "ledger.duckdb").exists())
        if store.retired:
            assert bills == [("2026-10-05", "openai", "org", "0.300000000000")]
            assert [act["act"] for act in log_of(data)] == ["month"]
        outcomes.add(str((left, bills)))
        if is_done:
            break
    assert is_done
    assert steps > 3
    assert len(outcomes) == 2


def test_a_retired_month_stands_as_it_was_closed(tmp_path, capsys):
    world = World(tmp_path)
    (world.inbox / "events.csv").write_text(
        "event_id,occurred_at,feature_id,user_id,account_id\ne1,2026-10-20T12:00:02Z,draft,ann,acme\n"
    )
    (world.inbox / "revenue.csv").write_text(
        "month,account_id,plan,revenue_usd\n2026-10,acme,pro,10\n2026-11,acme,pro,10\n"
    )
    built = world.build("anew")
    for month, said in (("2026-10", "2026-10 is not closed"), ("2026-13", "say up to which month")):
        assert call(world.data, f"--month={month}") in (1, 2)
        assert said in capsys.readouterr().err
    assert world.close("2026-10", "--force") == 0
    frozen, before, ledger = (
        world.frozen(),
        dict(built.rows(TOTALS.format("2026-10-01"))),
        "from marts.ledger_entries order by all",
    )
    entries, later = built.rows(ledger), marts_of(built, "2026-11-01")
    # The rule by which the pool paid is known as long as the month's evals are; frozen files keep it.
    stated = "select * exclude (why) from marts.team_statements_monthly where month = '2026-10-01' order by all"
    # Causes need the calls of both months; what they add up to does not.
    changed = "select month, team_id, sum(change_usd) from marts.cost_variance_monthly group by all order by all"
    statements, changes = built.rows(stated), built.rows(changed)
    chargeback = built.rows("from marts.team_chargeback_monthly where month = '2026-10-01' order by all")
    assert later["spend_daily"]
    capsys.readouterr()
    assert call(world.data, "--month=2026-10") == 1
    assert re.search(r"0.30 USD with openai accrued there.* FORCE=1 retires 2026-10 all", capsys.readouterr().err)
    assert landed(world.data, "spans", "trace_id")[0] != (f"{5:032x}",)
    assert call(world.data, "--month=2026-10", "--force") == 0
    said = capsys.readouterr().out
    assert "took out 6 rows of spans, 1 rows of usage_events" in said
    assert "is a correction in an open month" in said
    assert "traces" not in said
    # What is left is November's call, and no id of the month's traces is in any landed file.
    assert landed(world.data, "spans", "trace_id") == [(f"{5:032x}",)]
    gone = [f"{trace:032x}".encode() for trace in (1, 2, 3, 4)]
    assert not [path for path in (world.data / "landed").rglob("*.parquet") if any(one in whole(path) for one in gone)]
    assert not (world.data / "ledger.duckdb").exists()
    assert [(act["act"], act["month"], act["rows"]) for act in log_of(world.data)] == [
        ("month", "2026-10", {"spans": 6, "usage_events": 1})
    ]
    built = world.build("anew")
    assert "2026-10 (closed, retired): billed" in built.output
    assert dict(built.rows(TOTALS.format("2026-10-01"))) == before
    assert built.rows(ledger) == entries  # no correction reverses what was closed
    assert built.rows(stated) == statements
    pool = "team_id != 'quality_pool' and section = '3 quality pool' and month = '2026-10-01'"
    assert built.rows(f"select distinct why from marts.team_statements_monthly where {pool}") == [
        (
            "what the quality pool pays of evals (the month is retired; its statement as closed has the rule) "
            "(not yet billed in part or whole)",
        )
    ]
    assert built.rows(changed) == changes != []
    assert built.rows("from marts.team_chargeback_monthly where month = '2026-10-01' order by all") == chargeback
    assert marts_of(built, "2026-11-01") == later
    for mart, day in (
        ("spend_daily", "spent_on"),
        ("feature_pnl_monthly", "month"),
        ("attributed_calls", "started_on"),
    ):
        assert built.rows(f"select * from marts.{mart} where {day} < '2026-11-01'") == []
    assert world.frozen() == frozen
    assert export.export("2026-10", world.data) == 0
    assert hashes(world.data / "exports" / "2026-10") == hashes(world.data / "closed" / "2026-10" / "exports")
    assert run_build(world.inbox, world.data, world.company, "--verify").code == 0
    _again_is_nothing(world, capsys)
    _what_comes_later_is_money_or_named(world, capsys)


def _again_is_nothing(world: World, capsys) -> None:
    files, log = files_of(world.data / "landed"), log_of(world.data)
    capsys.readouterr()
    assert call(world.data, "--month=2026-10") == 0
    assert "retired already, and nothing of it is left" in capsys.readouterr().out
    assert (files_of(world.data / "landed"), log_of(world.data)) == (files, log)
    assert "nothing new" in run_build(world.inbox, world.data, world.company).output


def _what_comes_later_is_money_or_named(world: World, capsys) -> None:
    # Spans are refused by name. A line of 0.10 is 0.12 in a newer file: 0.02 on the account's owner. What accrued, 0.15
    # of search and of the pool, gives way to 0.32: as much of it to the same, 0.02 to the owner of the account.
    (world.inbox / "late.jsonl").write_text(batch([*draft(6, 21, "gen-9"), *find(7, 34)], "web-api"))
    world.bill("0.12", "activity_2026-11-04.csv")
    rows = [cost(6, "0.32", quantity="2000000", quantity_unit="tokens", project_id="p", api_key_id="k")]
    write(world.inbox / "openai_costs_2026-11-02.csv", COSTS, rows)
    built = world.build()
    assert re.search(r"rejected 1x in late.jsonl: .*month 2026-10 is retired", built.output)
    assert landed(world.data, "spans", "trace_id") == [(f"{5:032x}",), (f"{7:032x}",)]
    november = money(search="0.32", platform="0.02")
    assert dict(built.rows(TOTALS.format("2026-11-01"))) == november
    assert built.rows(UNTRACED) == [
        ("openai", "platform", Decimal("0.02"), date(2026, 10, 6)),
        ("openrouter", "search", Decimal("0.02"), date(2026, 10, 6)),
    ]
    assert dict(built.rows(PAYABLES)) == {"accrued_payable": Decimal("0.30"), "provider_payable": Decimal("-0.34")}
    ledger = built.rows("from marts.ledger_entries order by all")
    fail_last_build(world.data)
    assert world.build("anew").rows("from marts.ledger_entries order by all") == ledger
    # Once booked, it is not booked again; the line is 0.11 in the end.
    assert world.close("2026-11", "--force") == 0
    world.bill("0.11", "activity_2026-12-04.csv")
    built = world.build()
    assert dict(built.rows(TOTALS.format("2026-11-01"))) == november
    assert dict(built.rows(TOTALS.format("2026-12-01"))) == money(search="-0.01")
    capsys.readouterr()
    assert world.close("2026-11", "--reopen") == 0
    assert world.close("2026-10", "--reopen") == 1
    assert "2026-10 was closed when 2026-10 was retired" in capsys.readouterr().err
