"""`make company FROM=`: what the files show becomes rows that a person owns, and nobody's owner is guessed."""

import re
import subprocess
import sys
from decimal import Decimal

import duckdb
import pytest
from conftest import GOLDEN, PROJECT
from exports import COSTS, batch, cost, span, write
from rendering import macro_sql

import check_company
import company
import company_guide
import propose_company

OWNERS = {
    "feedback-web": "insights", "feedback-agent": "insights", "search-api": "search", "rerank-api": "search",
    "batch-worker": "mail", "legacy-cron": "mail", "mail-web": "mail", "llm-gateway": "platform",
    "summarize-feedback": "insights", "draft-email": "mail", "openai": "platform", "openrouter": "platform",
    "key-search": "search", "key-platform": "platform",
}  # fmt: skip


def filled(path, by: int, owner_at: int) -> int:
    """Write the owners into a seed's open rows, each found by one of its cells; how many."""
    lines, count = path.read_text().splitlines(), 0
    for place, line in enumerate(lines[2:], 2):
        if not line.startswith("#"):
            cells = line.split(",")
            cells[owner_at] = OWNERS[cells[by] or cells[0]]
            lines[place], count = ",".join(cells), count + 1
    path.write_text("\n".join(lines) + "\n")
    return count


def test_a_company_of_its_files_is_owned_by_a_person(build, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "ours"
    monkeypatch.setattr(sys, "argv", ["propose_company.py", str(GOLDEN / "inbox"), str(folder)])
    assert propose_company.main() == 0
    printed = capsys.readouterr().out
    for name in company.SEEDS:
        head = (folder / f"{name}.csv").read_text()
        assert head.startswith("# Needed. " if name in company_guide.NEEDED else "# May wait. ")
        rows, complaints = company.read(folder / f"{name}.csv", name)
        assert complaints == []
        assert [cells for _, cells in rows if cells.get("owner_team_id")] == []
    services = (folder / "services.csv").read_text()
    assert "# spans 4, calls 2, 0.002562 USD\nfeedback-agent,,,\n" in services
    assert services.index("feedback-agent") < services.index("search-api") < services.index("llm-gateway")
    assert (
        "calls 5, eval runs 2, lines of revenue 1, spans 1, usage events 2, 0.003663 USD\nsummarize-feedback,"
        in (folder / "feature_catalog.csv").read_text()
    )
    assert "# a tag on spans: 1\n# mail,mail,\n" in (folder / "teams.csv").read_text()
    assert "set_attribute" in printed
    assert "setAttributes" in printed
    assert "trace_statements" in printed

    assert check_company.main(folder) == 0
    said = capsys.readouterr().err
    owned = ("services", 0, 1), ("feature_catalog", 0, 2), ("api_keys", 2, 3)
    rows = {name: len(company.read(folder / f"{name}.csv", name)[0]) for name, _, _ in owned}
    assert {name: said.count(f"{folder}/{name}.csv line") for name in rows} == rows
    assert f"WARNING: {folder}/services.csv line 4: owner_team_id is empty; write a team of teams.csv" in said

    (folder / "teams.csv").write_text("team_id,name\ninsights,I\nsearch,S\nmail,M\nplatform,P\n")
    for name, by, owner_at in owned:
        assert filled(folder / f"{name}.csv", by, owner_at) == rows[name] > 1
    rules = (folder / "feature_rules.csv").read_text()
    assert "# 10,legacy-cron,,,chat deepseek/deepseek-chat,,\n" in rules
    (folder / "feature_rules.csv").write_text(
        rules.replace(
            "# 10,legacy-cron,,,chat deepseek/deepseek-chat,,", "10,legacy-cron,,,chat deepseek%,draft-email,"
        )
    )
    assert check_company.main(folder) == 0
    assert capsys.readouterr().err == ""
    built = build(GOLDEN / "inbox", folder)
    assert built.code == 0, built.output
    assert built.rows("select service, sum(borne_usd) from marts.unlabelled_spend_daily group by 1") == []
    ((unowned,),) = built.rows(
        "select sum(net_charge_usd) from marts.team_chargeback_monthly where team_id = 'unattributed'"
    )
    assert unowned == 0

    monkeypatch.setattr(sys, "argv", ["propose_company.py", str(tmp_path / "nowhere"), str(folder)])
    assert propose_company.main() == 2
    assert "nowhere is no folder; create it, or name another" in capsys.readouterr().err


def test_files_without_rates_and_files_that_repeat(tmp_path, monkeypatch):
    """A key billed in euros is named, names of the ledger's own rows are none of features, rows count once."""
    inbox, spans, folder = tmp_path / "inbox", tmp_path / "collector", tmp_path / "ours"
    spans.mkdir()
    rows = [cost(6, "0.50", api_key_id="key_usd"), *(cost(day, "2.00", api_key_id="key_eur") for day in (6, 7))]
    for row in rows[1:]:
        row["amount_currency"] = "eur"
    write(inbox / "costs.csv", COSTS, rows)
    (spans / "spans.jsonl").write_text(batch([span(1, 1, None, 0, app__feature="draft")], "web-api"))
    head = "event_id,occurred_at,feature_id,user_id,account_id,trace_id,request_id,answers\n"
    events = [
        f"e{number},2026-10-05T10:00:00Z,{name},ann,acme,,,1\n"
        for number, name in enumerate(("draft", "Unlabelled", "adjustment"))
    ]
    (inbox / "usage_events.csv").write_text(head + "".join(events[:2]))
    (inbox / "usage_events_again.csv").write_text(head + "".join(events))
    monkeypatch.setattr(sys, "argv", ["propose_company.py", f"{inbox};{spans}", str(folder)])
    assert propose_company.main() == 0
    keys = (folder / "api_keys.csv").read_text()
    assert "# lines of bills 1, 0.50 USD; calls 0, 0.00 USD not billed yet\nopenai,org,key_usd," in keys
    assert (
        "# lines of bills 2, 0.00 USD, 2 lines in a currency without a rate (seed fx_rates); calls 0, 0.00 USD not "
        "billed yet\nopenai,org,key_eur,"
    ) in keys
    features, complaints = company.read(folder / "feature_catalog.csv", "feature_catalog")
    assert complaints == []
    assert [cells["feature_id"] for _, cells in features] == ["draft"]
    assert "# spans 1, usage events 1, 0.00 USD\ndraft," in (folder / "feature_catalog.csv").read_text()


@pytest.mark.xdist_group("sample")
def test_counts_and_money_are_the_ledgers(sample):
    with duckdb.connect(str(sample.data / "ledger.duckdb"), read_only=True) as engine:
        found = {one.seed: one for one in propose_company.proposed(engine)}
        services = engine.execute("""
            select service_name, count(distinct call_key), sum(borne_usd) from intermediate.int_calls
            inner join intermediate.int_cost_shares using (call_key) group by 1 order by 3 desc""").fetchall()
        keys = engine.execute("select sum(billed_usd) from intermediate.int_charges").fetchall()
    names = [cells[0] for cells, _ in found["services"].rows]
    assert names[: len(services)] == [name for name, _, _ in services]
    for (_, calls, usd), (_, words) in zip(services, found["services"].rows, strict=False):
        assert words.endswith(f"calls {calls:,}, {usd:,.2f} USD")
    of_keys = (
        r"lines of bills [\d,]+, ([\d,]+\.\d\d) USD; calls [\d,]+, [\d,.]+ USD not billed yet"
        "(?:; no key is stated: this row is of all that have no row of their own)?"
    )
    assert len(found["api_keys"].rows) >= 4
    assert f"{keys[0][0]:,.2f}" == f"{sum(numbers(of_keys, found['api_keys'])):,.2f}"
    of_rules = r"calls without a label ([\d,]+), [\d,.]+ USD; of which feature are they\?"
    assert sum(numbers(of_rules, found["feature_rules"])) == sample.rows(
        "select count(distinct call_id) from marts.call_shares where originating_feature_id = 'unlabelled'"
    )[0][0]  # fmt: skip


def numbers(pattern: str, found: propose_company.Proposal) -> list[Decimal]:
    """The number in what is said of each row, all of which is as the pattern says."""
    return [Decimal(re.fullmatch(pattern, words)[1].replace(",", "")) for _, words in found.rows]


def test_what_there_is_stays(tmp_path, capsys):
    (tmp_path / "services.csv").write_text("service_name,owner_team_id\nours,us\n")
    proposal = propose_company.Proposal("services", True, [(["new", "", "", ""], "spans 1")])
    propose_company.written(tmp_path, proposal, is_new=False)
    assert (tmp_path / "services.csv").read_text() == "service_name,owner_team_id\nours,us\n"
    assert "is kept as it is; the files show 1" in capsys.readouterr().out


def test_names_of_others_are_cells(tmp_path):
    """Whatever a file calls a service or key, a row is one row, a comment no row; what no seed can hold is none."""
    company.start(tmp_path, is_guided=False)
    odd = ["a,b", 'a"b', "a\nb", "#a", "a\x1b[31m", " a", "=1+1"]
    rows = [([propose_company.literal(name), "", "", ""], f"spans of {name}") for name in odd]
    propose_company.written(tmp_path, propose_company.Proposal("services", True, rows), is_new=True)
    read, complaints = company.read(tmp_path / "services.csv", "services")
    assert complaints == []
    assert [cells["service_name"] for _, cells in read] == ["a,b", 'a"b', "#a", "=1+1"]
    text = (tmp_path / "services.csv").read_text()
    for shown in (r"a\x0ab", r"a\x1b[31m", " a"):
        assert f"# spans of {shown}; its name holds signs that a seed can't hold\n# {shown},,,\n" in text


@pytest.mark.parametrize(("name", "others"), [
    ("100%_x", ["100%ax", "100ab_x", "100%_xy"]), ("A\\B%", ["A\\Bx", "AB%", "A\\B"]), ("a_b", ["axb", r"a\_b"]),
    (r"CORP\_svc", [r"CORP\xsvc", "CORPxsvc"]), ("a\\b", ["ab", "a\\\\b"]), ("%", ["", "a", r"\%"]),
])  # fmt: skip
def test_an_id_fits_itself_alone(name, others):
    """As a cell of ids by the macro that reads it, and as a cell of patterns by LIKE."""
    ids = macro_sql("select {{ is_id('$value', '$stated') }}, {{ is_like('$value', '$pattern') }}")
    stated = {"stated": propose_company.literal(name), "pattern": propose_company.plainly(name)}
    with duckdb.connect() as engine:
        fits = {value: engine.execute(ids, {"value": value, **stated}).fetchone() for value in (name, *others)}
    assert fits == {name: (True, True), **dict.fromkeys(others, (False, False))}


def test_the_starting_set_says_what_is_needed(tmp_path):
    shown = subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "company.py"), "start", str(tmp_path / "ours")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert [line.split("/")[-1] for line in shown.splitlines()[:4]] == [
        f"{name}.csv (needed)" for name in company_guide.NEEDED
    ]
    assert shown.count("(may wait)") == len(company.SEEDS) - 4
    for words in ("key_...", "ARN of the inference profile", "app.feature", "app.team", "gen_ai.evaluation.run.id"):
        assert words in shown
