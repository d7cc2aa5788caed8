"""`make forget MONTH=`: closed months lose their spans and keep their figures, and nothing that comes later is lost."""

import re
from pathlib import Path

from conftest import run_build
from exports import batch
from test_close import TOTALS, World, draft, find, money
from test_forget import call, landed, log_of, whole
from test_sample import hashes

import export

OPENAI_COSTS = """
    select corrects_month, account, basis, sum(amount_usd) from marts.ledger_entries
    where provider = 'openai' and corrects_month is not null and account != 'ai_cost'
    group by all order by all
"""
MARTS = "select table_name from duckdb_tables() where schema_name = 'marts' order by table_name"


def marts_of(built, month: str) -> dict[str, list[tuple]]:
    """Rows of every mart that has a day or a month, from this month on."""
    found = {}
    for (name,) in built.rows(MARTS):
        columns = {column for (column,) in built.rows(f"select column_name from (describe marts.{name})")}
        dated = columns & {"month", "posted_month", "spent_on", "usage_on", "started_on", "burned_on", "covered_on"}
        if dated:
            found[name] = built.rows(f"from marts.{name} where {min(dated)} >= '{month}' order by all")
    return found


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


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
        built.rows(TOTALS.format("2026-10-01")),
        "from marts.ledger_entries order by all",
    )
    entries, later = built.rows(ledger), marts_of(built, "2026-11-01")
    statements = built.rows("from marts.team_statements_monthly where month = '2026-10-01' order by all")
    chargeback = built.rows("from marts.team_chargeback_monthly where month = '2026-10-01' order by all")
    assert later["spend_daily"]
    capsys.readouterr()
    assert call(world.data, "--month=2026-10") == 0
    said = capsys.readouterr().out
    assert "took out 6 rows of spans, 1 rows of usage_events" in said
    assert "corrections" in said
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
    assert built.rows(TOTALS.format("2026-10-01")) == before
    assert built.rows(ledger) == entries  # no correction reverses what was closed
    assert built.rows("from marts.team_statements_monthly where month = '2026-10-01' order by all") == statements
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
    _what_comes_later_is_money_or_named(world, built, capsys)


def _again_is_nothing(world: World, capsys) -> None:
    files, log = files_of(world.data / "landed"), log_of(world.data)
    capsys.readouterr()
    assert call(world.data, "--month=2026-10") == 0
    assert "retired already, and nothing of it is left" in capsys.readouterr().out
    assert (files_of(world.data / "landed"), log_of(world.data)) == (files, log)
    assert "nothing new" in run_build(world.inbox, world.data, world.company).output


def _what_comes_later_is_money_or_named(world: World, built, capsys) -> None:
    # Spans are refused by name, and the build is good, however many they are.
    (world.inbox / "late.jsonl").write_text(batch([*draft(6, 21, "gen-9"), *find(7, 34)], "web-api"))
    built = world.build()
    assert re.search(r"rejected 1x in late.jsonl: .*month 2026-10 is retired", built.output)
    assert landed(world.data, "spans", "trace_id") == [(f"{5:032x}",), (f"{7:032x}",)]
    # A line of 0.10 is 0.12 in a newer download: 0.02 on the account's owner.
    world.bill("0.12", "activity_2026-11-04.csv")
    built = world.build()
    expected = money(search="0.32")
    assert dict(built.rows(TOTALS.format("2026-11-01"))) == expected
    [(team, feature, amount, month)] = built.rows("""
        select team_id, feature_id, sum(amount_usd), corrects_month from marts.ledger_entries
        where corrects_month is not null and account = 'ai_cost' group by all
    """)
    assert (team, feature, f"{amount:.2f}", f"{month}") == ("search", "untraced", "0.02", "2026-10-01")
