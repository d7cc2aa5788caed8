"""The sample company: what is planted is found, finance's files are the same bytes each time, doors refuse nonsense."""

import csv
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal

import duckdb
import findings
import pytest
from conftest import PROJECT, fail_last_build, run_build
from exports import activity, batch, chat

import answer
import export
import land

pytestmark = pytest.mark.xdist_group("sample")


def hashes(folder) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_findings_in_the_docs_are_true(sample):
    pairs = findings.documented(findings.FINDINGS.read_text())
    assert len(pairs) >= 9
    with duckdb.connect(str(sample.data / "ledger.duckdb"), read_only=True) as engine:
        for query, output in pairs:
            assert findings.table(engine, query) == output, query


def test_the_answer_of_the_readme_is_true(sample, capsys):
    """What `make demo` ends with: the summary's months, then who owes what."""
    shown = (PROJECT / "README.md").read_text().split("$ make demo\n")[1].split("```")[0]
    answer.main(sample.data)
    said = sample.output + capsys.readouterr().out
    lines = [line for line in shown.splitlines() if line]
    assert len(lines) == 13
    assert [line for line in lines if line not in said.splitlines()] == []


def test_worked_example_of_the_gap_page_is_true(sample):
    page = (PROJECT / "models" / "marts" / "finance" / "_gap_causes.md").read_text().split("## The sample company")[1]
    columns = ("billed", "priced", "untraced", "credit", "price_gap", "overtraced", "timing_gap", "rounding")
    sums = ", ".join(f"sum({column}_usd)::decimal(18, 2)" for column in columns)
    september = f"select {sums} from marts.invoice_reconciliation_daily where provider = '{{}}' and month(usage_on) = 9"
    ((billed, priced, untraced, credit, *others),) = sample.rows(september.format("openai"))
    assert f"OpenAI billed {billed} USD; the calls we traced price at {priced}." in page
    assert f"| untraced | {untraced} |" in page
    assert f"| credit | {credit} |" in page
    assert others == [0, 0, 0, 0]
    ((billed, priced, untraced, _, price, *_),) = sample.rows(september.format("openrouter"))
    for figure in (billed, priced, untraced, price):
        assert str(figure) in page.split("OpenRouter billed")[1]


def test_worked_example_of_shrinking_coverage_is_true(sample):
    page = " ".join((PROJECT / "models" / "marts" / "quality" / "_shrinking_coverage.md").read_text().split())
    months = sample.rows("""
        select production_usd::decimal(18, 2), covered_usd_pct, evaluation_usd::decimal(18, 2), evaluation_usd_pct,
            eval_tax_usd::decimal(18, 2), marginal_eval_tax_usd::decimal(18, 2), production_usd_change::decimal(18, 2),
            answers, pass_rate, usd_per_correct_answer::decimal(18, 4), usd_per_correct_answer_low::decimal(18, 4),
            usd_per_correct_answer_high::decimal(18, 4), evaluated_usd::decimal(18, 2), pass_rate_usd_pct,
            round(correct_answers, 1), loaded_usd_per_correct_answer::decimal(18, 4)
        from marts.eval_coverage_monthly
        where feature_id = 'summarize-thread' and month >= '2026-09-01' order by month""")
    (before, share, evals, part, *_), (now, new_share, new_evals, new_part, tax, one_more, rise, *answers) = months
    assert f"rose from {before} to {now} USD (+{rise}, " in page
    assert f"fell from {share:.1%} to {new_share:.1%} (".replace("%", " %") in page
    assert (
        f"spent {evals} USD on evals in September, and {new_evals} in October: {part:.1%} of".replace("%", " %") in page
    )
    assert f"then {new_part:.1%}.".replace("%", " %") in page
    assert f"(`eval_tax_usd` {tax})" in page
    assert f"would cost the team {one_more} (`marg" in page
    count, rate, usd, low, high, evaluated, part, correct, loaded = answers
    assert f"served {evaluated} USD of October's production, {part:.1%} of it".replace("%", " %") in page
    bought = f"That money bought {correct} correct answers of {count} answers: {usd} USD each"
    assert f"pass rate of {rate}. {bought}" in page
    assert f"between {low} and {high} with" in page
    assert f"and {loaded} with the price of evals" in page
    releases = sample.rows("""
        select model, prompt_version, changed_usd::decimal(18, 2), unevaluated_usd::decimal(18, 2), changed_on::varchar,
            production_usd::decimal(18, 2), unevaluated_usd_pct, days_until_covered
        from marts.release_coverage where feature_id = 'summarize-thread' order by changed_usd desc""")
    assert len(releases) == 3
    for model, version, changed, unevaluated, day, production, _, until in releases:
        assert f"| {model}, {version} | {changed} | {unevaluated} | never |" in page
        assert until is None
        assert f"since {day}" in page
        assert f"the feature cost {production} USD" in page
    assert f"{sum(row[6] for row in releases):.1%} of the money".replace("%", " %") in page
    ((missing,),) = sample.rows("""
        select sum(production_usd)::decimal(18, 2) from marts.eval_coverage_daily
        where feature_id = 'summarize-thread' and reason = 'other_prompt_version' and covered_on >= '2026-10-01'""")
    assert f"on {missing} USD of the month" in page
    suites = "intermediate.int_eval_suites where feature_id = 'summarize-thread'"
    cost = f"select sum(run_usd)::decimal(18, 2) from {suites} group by month order by month"
    assert f"one more run of the suite, {sample.rows(cost)[-1][0]} USD" in page


def test_planted_sizes_are_found(sample):
    agency = "select bill_share, margin_usd from marts.segment_margin_monthly where segment = 'agency'"
    for share, margin in sample.rows(agency):
        assert 0.4 < share < 0.5
        assert margin < 0
    assert sample.rows(
        "select feature_id, month::varchar from marts.eval_coverage_monthly where is_bill_up_coverage_down"
    ) == [("summarize-thread", "2026-10-01")]
    # Its coverage target is missed soon after the release; a run of the new prompt covers most for its money.
    missed = "select feature_id, month::varchar, exhausted_on between '2026-10-06' and '2026-10-09'"
    assert sample.rows(f"{missed} from marts.coverage_targets_monthly where status != 'ok'") == [
        ("summarize-thread", "2026-10-01", True)
    ]
    assert sample.rows(
        "select feature_id, model, prompt_version from marts.eval_budget_monthly"
        " where month = '2026-10-01' and eval_rank = 1"
    ) == [("summarize-thread", "gpt-5", "v4")]
    # Adopters are half of the users and drop 40 % of their drafts: a fifth, with what chance adds.
    drafts = sample.rows(
        "select answers / users from marts.feature_pnl_monthly where feature_id = 'draft-email' order by month"
    )
    assert 0.6 < drafts[2][0] / drafts[0][0] < 0.9
    rise = "select sum(price_gap_usd) / sum(priced_usd - untraced_usd) from marts.invoice_reconciliation_daily where {}"
    inside = "provider = 'openrouter' and usage_on between '2026-09-16' and '2026-09-30'"
    assert 0.12 < sample.rows(rise.format(inside))[0][0] < 0.16
    # The sampler drops 15 in 16 of 100 attachments a day, which have 22,000 tokens each at 0.10 USD a million.
    dropped = "select low_usd, high_usd from marts.sampling_errors_monthly where scope_id = 'find-attachment'"
    for low, high in sample.rows(dropped):
        assert low < Decimal(100 * 30.5 * 15 / 16 * 22_000 * 0.1e-6) < high
    # The GPU is busy for about 7,000 of a day's 86,400 seconds: 200 checks take 35 seconds each.
    assert 0.9 < sample.rows("select idle_pct from marts.own_capacity_monthly")[0][0] < 0.95


def test_second_build_has_nothing_to_do(sample):
    again = run_build(sample.data / "inbox", sample.data, PROJECT / "seeds" / "company")
    assert again.code == 0
    assert "nothing new" in again.output


def test_exports_are_the_same_bytes_and_re_add(sample, capsys):
    assert export.export("2026-10", sample.data) == 0
    folder = sample.data / "exports" / "2026-10"
    before = hashes(folder)
    assert {"team_chargeback.csv", "journal.csv", "manifest.json", "statements/inbox.csv"} <= set(before)
    fail_last_build(sample.data)
    rebuilt = run_build(sample.data / "inbox", sample.data, PROJECT / "seeds" / "company")
    assert "nothing new" not in rebuilt.output
    assert export.export("2026-10", sample.data) == 0
    assert hashes(folder) == before
    assert "verified 2026-10" in capsys.readouterr().out


@pytest.mark.parametrize("seconds", [1, 8])
def test_interrupted_build_run_again_gives_the_same_exports(sample, tmp_path, seconds):
    assert export.export("2026-09", sample.data) == 0
    data = tmp_path / "data"
    command = [sys.executable, str(PROJECT / "scripts" / "build.py"), str(sample.data / "inbox"), str(data),
               str(PROJECT / "seeds" / "company")]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    again = run_build(sample.data / "inbox", data, PROJECT / "seeds" / "company")
    assert again.code == 0, again.output
    assert export.export("2026-09", data) == 0
    assert hashes(data / "exports" / "2026-09") == hashes(sample.data / "exports" / "2026-09")


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("team_chargeback.csv", "inbox,", "inbox,1", "sha256"),
        ("journal.csv", ",0.00,,", ",0.01,,", "adds up to"),
        ("statements/inbox.csv", None, None, "in the manifest, not in the folder"),
        ("statements/inbox.xlsx", None, None, "in the manifest, not in the folder"),
        ("statements/inbox.html", ">Total", ">Sum", "sha256"),
    ],
)
def test_verify_names_a_file_that_was_touched(sample, tmp_path, capsys, name, old, new, complaint):
    assert export.export("2026-08", sample.data) == 0
    data = tmp_path / "data"
    shutil.copytree(sample.data / "exports", data / "exports")
    path = data / "exports" / "2026-08" / name
    if old is None:
        path.unlink()
    else:
        path.write_text(path.read_text().replace(old, new, 1))
    assert export.verify("2026-08", data) == 1
    err = capsys.readouterr().err
    assert complaint in err
    assert name in err


@pytest.mark.parametrize("check", [*export.CHECKS, *export.IN_CENTS, *export.IN_REPORTING])
def test_each_check_of_the_exports_can_fail(tmp_path, check):
    """Seen red once: files that break exactly one rule."""
    lines = "production evaluation eval_pool_credit development shared unattributed paid transfers_out transfers_in"
    amounts = {
        f"{line}{kind}": "0"
        for line in f"{lines} net_charge accrued billed".split()
        for kind in ("_usd", "_booked_usd", "_reporting")
    }
    chargeback = {"month": "2026-10-01", "team_id": "a", **amounts}
    journal = {"month": "2026-10-01", "journal_no": "1", "account": "ai_cost", "team_id": "a"}
    journal |= {"debit_usd": "0", "credit_usd": "0", "corrects_month": ""}
    statement = {
        "month": "2026-10-01",
        "team_id": "a",
        "amount_usd": "0",
        "corrects_month": "",
        "amount_reporting": "0",
    }
    broken = {
        "a team's lines, cash and bases each add up to its net charge": (chargeback, {"production_usd": "1"}),
        "transfers out equal transfers in": (chargeback, {"transfers_out_usd": "1"}),
        "each journal's debits equal its credits": (journal, {"debit_usd": "1"}),
        "each statement adds up to the team's booked net": (statement, {"amount_usd": "1"}),
        "a team's figure in cents is one, and its parts add up to it": (chargeback, {"paid_booked_usd": "1"}),
        "each figure in cents is the one at full scale, rounded up or down": (chargeback, {"net_charge_usd": "9"}),
        "corrections are of earlier months, and as many cents in statements as booked": (
            statement,
            {"corrects_month": "2026-10-01"},
        ),
        "in the reporting currency a team's parts and its statement add up to its figure": (
            statement,
            {"amount_reporting": "1"},
        ),
        "all rows are of the month": (journal, {"month": "2026-09-01"}),
    }
    row, change = broken[check]
    row.update(change)
    tables = {}
    for name, cells in (("chargeback", chargeback), ("journal", journal), ("statements", statement)):
        with (tmp_path / f"{name}.csv").open("w", newline="") as target:
            csv.writer(target).writerows([cells.keys(), cells.values()])
        tables[name] = export._table(tmp_path, f"{name}.csv")
    assert duckdb.sql(
        {**export.CHECKS, **export.IN_CENTS, **export.IN_REPORTING}[check].format(**tables, day="2026-10-01")
    ).fetchall()


def test_cells_that_a_spreadsheet_would_run_are_neutralised(tmp_path):
    engine = duckdb.connect()
    query = (
        "select month, team from (values (?, '=cmd()'), ('m', '-1+1'), ('m', '\uff1d1'), ('m', 'plain'))"
        " as t (month, team) order by team"
    )
    export.write_csv(engine, query, ["m"], tmp_path / "a.csv")
    assert sorted((tmp_path / "a.csv").read_text().split()[1:]) == ["m,'-1+1", "m,'=cmd()", "m,'\uff1d1", "m,plain"]


@pytest.mark.parametrize("words", [["2026-13"], ["../etc"], ["2026-10"]])
def test_export_of_what_is_not_there_is_an_error(tmp_path, monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["export.py", *words, str(tmp_path)])
    assert export.main() == 2


def test_a_teams_month_is_one_figure_in_cents_wherever_it_stands(sample):
    """In the mart, the journal and the statements; a month's add up to its rounded total, and each pair agrees."""
    assert sample.rows("select sum(debit_usd) - sum(credit_usd) from marts.erp_journal_monthly") == [(Decimal("0.00"),)]
    charged = sample.rows("select month, team_id, net_charge_booked_usd from marts.team_chargeback_monthly"
                          " where net_charge_booked_usd != 0 order by all")  # fmt: skip
    assert len(charged) > 10
    for query in (
        "select month, team_id, sum(debit_usd - credit_usd) as net from marts.erp_journal_monthly"
        " where account = 'ai_cost' group by all having net != 0 order by all",
        "select month, team_id, sum(amount_usd) as net from marts.team_statements_monthly group by all having net != 0"
        " order by all",
    ):
        assert sample.rows(query) == charged
    assert sample.rows("select month from marts.team_chargeback_monthly group by month having"
                       " sum(net_charge_booked_usd) != round(sum(net_charge_usd), 2)"
                       " or sum(paid_booked_usd) != round(sum(paid_usd), 2)") == []  # fmt: skip
    assert (
        sample.rows("""
        select month, team_id, counterparty_id, sum(usd) from (
            select month, debtor_team_id as team_id, creditor_team_id as counterparty_id, amount_booked_usd as usd
            from marts.team_transfers_monthly
            union all
            select debits.month, debits.team_id, credits.team_id, -(debits.debit_usd - debits.credit_usd)
            from marts.erp_journal_monthly as debits
            inner join marts.erp_journal_monthly as credits using (month, journal_no)
            where debits.leg_no = 1 and credits.leg_no = 2 and debits.account = 'ai_cost'
                and credits.account = 'ai_cost' and debits.team_id != credits.team_id
        ) group by all having sum(usd) != 0""")
        == []
    )


def test_door_names_what_is_unlikely(tmp_path, capsys):
    """A wrong unit, or the truth: in a bill and in spans it lands, named with file, line, column and value."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    activity([("g1", "2026-10-05 10:00:00", "50000"), ("g2", "2026-10-05 11:00:00", "0.1")], inbox / "activity.csv")
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, gen_ai__usage__input_tokens=10**12), chat(1, 2)]))
    (inbox / "fine.jsonl").write_text(batch([chat(2, 1)]))
    assert land.run(inbox, tmp_path / "data") == 0
    out = capsys.readouterr().out
    assert "WARNING: activity.csv: line 2 has cost_total 50,000 (openrouter_activity), above 10,000" in out
    assert "WARNING: spans.jsonl: line 1 has input_tokens 1,000,000,000,000 (spans), above 100,000,000" in out
    assert "fine.jsonl" not in out
    assert "spans: 3 rows" in out
