"""Other revenue rules, funding and models beside today's: the golden day by hand, the sample company as a whole."""

import csv
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import BUILT, GOLDEN, PROJECT
from test_report import Page

import whatif
import whatif_models
from report import site

HEADER = "feature_id,model,to_model,to_provider,share,cached,input_factor,output_factor,reasoning_factor\n"
MINI = "summarize-feedback,deepseek/deepseek-chat,gpt-4o-mini,openai"


def asked(data: Path, company: Path, *options: str) -> subprocess.CompletedProcess:
    script = [sys.executable, str(PROJECT / "scripts" / "whatif.py"), *options]
    return subprocess.run([*script, str(data), str(company)], capture_output=True, text=True, cwd=PROJECT, check=False)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def cents(text: str) -> Decimal:
    return Decimal(re.sub("[$,+]", "", text))


def answer(data: Path, tmp_path: Path, lines: str, month: str | None = None) -> tuple[list[dict], list[str]]:
    path = tmp_path / "models.csv"
    path.write_text(HEADER + lines)
    columns, rows, notes = whatif_models.answer(data, path, month)
    return [dict(zip(columns, row, strict=True)) for row in rows], notes


@pytest.fixture(scope="module")
def other_rules(golden, tmp_path_factory):
    """A data folder without a report, after revenue was spread evenly and evals were paid whole; and what was said.

    The ledger is one that was built on another, so that today's side is made anew too, by today's seeds.
    """
    folder = tmp_path_factory.mktemp("other")
    data = folder / "data"
    shutil.copytree(golden.data, data, ignore=shutil.ignore_patterns("target", "logs", "exports", "report", "whatif"))
    BUILT.append(data)
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute("update main.ledger_builds set is_whole = false")
    funding, rules = folder / "funding.csv", folder / "rules.csv"
    funding.write_text("scope,scope_id,share\ndefault,,1\n")
    rules.write_text("feature_id,method,weight\n,even,\n")
    shown = asked(data, GOLDEN / "company", f"--funding={funding}", f"--revenue={rules}")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return data, shown.stdout


@pytest.mark.xdist_group("golden")
def test_revenue_and_funding_move_margins_and_charges(golden, other_rules):
    """Even: acme's 1.00 is halved, not parted 2 : 1. A pool that pays evals whole takes 0.002, not 0.0008315."""
    data, said = other_rules
    features = {row["feature_id"]: row for row in rows_of(data / "whatif" / "features.csv")}
    moved = {name: (row["whatif_revenue_usd"], row["difference_usd"]) for name, row in features.items()}
    assert moved == {
        "draft-email": ("0.500000000000", "0.166666666667"),
        "summarize-feedback": ("10.500000000000", "-0.165498166667"),  # -0.166666666667, and 0.0011685 from the pool
        "quality_pool": ("0.000000000000", "-0.001168500000"),
        "no_usage": ("2.000000000000", "0.000000000000"),
        "unlabelled": ("0.000000000000", "0.000000000000"),
        "untraced": ("0.000000000000", "0.000000000000"),
    }
    assert "revenue of 1.00 USD that rules spread, 10.00 that names its feature and 2.00 of accounts" in said
    assert "2026-10 rests on 0.007251 USD billed and 0.001120 accrued at book prices; 0.003000 of them" in said
    teams = {row["team_id"]: row for row in rows_of(data / "whatif" / "teams.csv")}
    insights = teams["insights"]
    assert (insights["difference_usd"], insights["effect"]) == ("-0.001168500000", "pays less")
    # The pool is at its cap, so that the team would pay one more run of 0.002 whole, as the mart says.
    [(marginal,)] = golden.rows(
        "select marginal_eval_tax_usd from marts.eval_coverage_monthly where feature_id = 'summarize-feedback'"
    )
    assert Decimal(insights["eval_run_own_usd"]) == marginal == Decimal("0.002")
    assert Decimal(insights["whatif_eval_run_own_usd"]) == 0


@pytest.mark.xdist_group("golden")
def test_the_answer_is_a_page_with_its_date_and_its_rules(other_rules):
    """Alone where there is no report: it leads to no other page, and needs nothing that is not beside it."""
    data, said = other_rules
    assert f"Look at: {data}/report/whatif.html\nNo page of the report leads there yet: make report" in said
    text = (data / "report" / "whatif.html").read_text()
    page = Page(text)
    assert all(link.startswith(("#", "data:,")) or (data / "report" / link).is_file() for link in page.links)
    assert "make whatif EVAL_FUNDING=funding.csv REVENUE=rules.csv</code>" in text
    assert "tried on 2026-10 on a copy of the ledger" in text
    assert "Data to 2026-10-05: the newest month is not over" in text
    assert page.sum_of("basis", "billed") == Decimal("0.007251")
    assert page.sum_of("basis", "accrued") == Decimal("0.0011205")
    charges = {row[0][0].split()[-1]: [exact for _, exact in row[1:4]] for row in page.figures["net_charge"]["tbody"]}
    assert charges["insights"][2] == "-0.001168500000"
    assert sum(Decimal(change) for _, _, change in charges.values()) == 0
    # The shown cents add up down and across, and a side that stays the same shows no change.
    for figure in ("net_charge", "by_month", "margins", "margins_by_month"):
        (heads,), (totals,) = page.figures[figure]["thead"], page.figures[figure]["tfoot"]
        sides = ["net charge", "change", "proposed"] if figure in ("net_charge", "by_month") else [
            "AI margin", "change", "proposed margin"
        ]  # fmt: skip
        places = [[head for head, _ in heads].index(side) for side in sides]
        rows = [[cents(row[place][0]) for place in places] for row in page.figures[figure]["tbody"]]
        assert all(today + change == proposed for today, change, proposed in rows)
        assert [sum(column) for column in zip(*rows, strict=True)] == [cents(totals[place][0]) for place in places]
        for row, (_, change, _) in zip(page.figures[figure]["tbody"], rows, strict=True):
            assert change == 0 or Decimal(row[places[1]][1]) != 0
    margins = {row[0][0].split()[-1]: row[-1][1] for row in page.figures["margins"]["tbody"]}
    assert margins["email"] == "0.166666666667"
    paid = "features that no other row is about: the quality pool pays"
    assert [[cell for cell, _ in row[:2]] for row in page.figures["proposed_eval_funding"]["tbody"]] == [
        ["new", f"{paid} 100 % of eval spend"],
        [
            "no longer",
            f"{paid} 50 % of eval spend, in a month at most 50 % of production spend or $0, whichever is more",
        ],
    ]
    assert page.figures["proposed_revenue_rules"]["tbody"][0][1][0] == "to all other features evenly"
    # The pool is at its cap today, so that the team pays the next run of 0.002 whole; it would pay nothing.
    [run] = page.figures["eval_runs"]["tbody"]
    assert [exact for _, exact in run[1:4]] == ["0.002000000000", "0.002000000000", "0.000000000000"]
    # chatcmpl-g3 alone has a price of cached input: 1500 tokens at 0.15 - 0.075 a million.
    [saved] = [row[7:] for row in page.figures["run_calls"]["tbody"] if row[0][0].endswith("insights")]
    assert [exact for _, exact in saved] == ["0.000112500000"] * 3
    assert "Not known: one month has no volatility." in text


@pytest.mark.xdist_group("golden")
def test_a_former_proposal_is_kept_and_says_that_it_is_older(other_rules, tmp_path):
    """It never stands beside newer figures as if it were current; another one that fails leaves it as it is."""
    data = shutil.copytree(other_rules[0], tmp_path / "data")
    page, ledger = data / "report" / "whatif.html", str(data / "ledger.duckdb")
    site.write(data)
    of_today = page.read_text()
    assert "It is of the same build of the ledger as the other pages." in of_today
    assert "stale" not in of_today
    assert all('href="whatif.html"' in path.read_text() for path in page.parent.glob("*.html"))
    with duckdb.connect(ledger) as engine:
        engine.execute("update main.ledger_builds set build_id = 'a later one'")
    site.write(data)
    assert "of an earlier build of the ledger. <strong>The other pages are newer</strong>" in page.read_text()
    made = of_today[of_today.index("Made on ") :][:30]
    assert made in page.read_text()
    # A proposal that was tried after a build, whose report is still to be made.
    with duckdb.connect(str(data / "whatif" / "proposal.duckdb")) as record:
        record.execute("update proposal set build_id = 'the newest'")
    assert site.write_proposal(data) == page
    assert site.is_proposal_linked(data)
    kept = page.read_text()
    assert "of a later build of the ledger than the other pages. <strong>The other pages are older</strong>" in kept
    wrong = tmp_path / "policies.csv"
    wrong.write_text("owner,of\nthem,all\n")
    assert asked(data, GOLDEN / "company", f"--policies={wrong}").returncode == 2
    assert page.read_text() == kept


def test_a_report_without_a_proposal_says_how_to_try_one(tmp_path):
    duckdb.connect(str(tmp_path / "ledger.duckdb")).close()
    text = site.write_proposal(tmp_path).read_text()
    assert "No proposal has been tried yet." in text
    assert "make whatif POLICIES=file" in text


@pytest.mark.xdist_group("golden")
def test_another_model_is_priced_at_real_usage(golden, tmp_path):
    """gen-g1, gen-g2 and half of gen-g6: 2,300 tokens in and 190 out, at 0.15 and 0.60 a million."""
    rows, notes = answer(golden.data, tmp_path, f"{MINI},,,,,\n")
    moved, stays = rows
    assert (moved["calls"], moved["priced_usd"], moved["billed_usd"]) == (3, Decimal("0.0010431"), Decimal("0.0011005"))
    assert moved["whatif_usd"] == Decimal("0.000345") + Decimal("0.000114")
    assert (stays["model"], stays["reason"], stays["difference_usd"]) == ("gpt-4o-mini", "stays", 0)
    assert moved["whatif_feature_margin_usd"] - moved["feature_margin_usd"] == Decimal("0.0005841")
    # run-1 passed 30 of 40 on the one model, run-0 95 of 100 on the other, which serves a part already.
    assert (moved["pass_rate"], moved["runs"]) == (0.75, "run-1")
    assert (moved["whatif_pass_rate"], moved["whatif_runs"]) == (0.95, "run-0")
    rate = (0.0010431 * 0.75 + 0.0005625 * 0.95) / 0.0016056
    assert float(moved["usd_per_correct_answer"]) == pytest.approx(0.0016056 / rate, abs=1e-11)
    assert float(moved["whatif_usd_per_correct_answer"]) == pytest.approx(0.0010215 / 0.95, abs=1e-11)
    assert notes == [
        "2026-10 rests on 0.001100 USD billed and 0.000000 accrued at book prices for the calls that move; the "
        "month's 0.003000 untraced USD have no calls to move"
    ]


@pytest.mark.xdist_group("golden")
def test_shares_and_assumptions_are_those_of_the_file(golden, tmp_path):
    """Half of the calls, with twice the input and thrice the output; the model beside it without its prompt cache."""
    lines = f"{MINI},0.5,,2,3,\nsummarize-feedback,gpt-4o-mini,gpt-4o-mini,,,none,,,\n"
    rows, _ = answer(golden.data, tmp_path, lines, "2026-10")
    found = {(row["model"], row["reason"]): (row["share"], row["priced_usd"], row["whatif_usd"]) for row in rows}
    half = Decimal("0.00052155")
    assert found == {
        ("deepseek/deepseek-chat", None): (Decimal("0.5"), half, Decimal("0.000345") + Decimal("0.000171")),
        ("deepseek/deepseek-chat", "stays"): (Decimal("0.5"), half, half),
        # 500 of 2,000 tokens are read from the cache at half the price today.
        ("gpt-4o-mini", None): (1, Decimal("0.0005625"), Decimal("0.0006")),
    }
    # A third of what the first model costs is at the other's rate.
    rate = (0.00052155 * 0.75 + 0.00052155 * 0.95 + 0.0005625 * 0.95) / 0.0016056
    cost = float(half + Decimal("0.000516") + Decimal("0.0006"))
    assert float(rows[0]["whatif_usd_per_correct_answer"]) == pytest.approx(cost / rate, abs=1e-11)


@pytest.mark.xdist_group("golden")
def test_what_has_no_answer_says_why(golden, tmp_path):
    """A feature without such calls, and a model without a run or with no price for what is used."""
    lines = (
        "draft-email,gpt-4o-mini,gpt-4o-mini,,,,,,\nsummarize-feedback,gpt-4o-mini,text-embedding-3-small,openai,,,,,\n"
    )
    rows, notes = answer(golden.data, tmp_path, lines)
    unseen = next(row for row in rows if row["feature_id"] == "draft-email" and row["to_model"] == "gpt-4o-mini")
    assert (unseen["calls"], unseen["whatif_usd"], unseen["reason"]) == (0, None, "no production calls to this model")
    moved = next(row for row in rows if row["to_model"] == "text-embedding-3-small")
    assert moved["whatif_usd"] is None
    assert moved["reason"] == "the book has no price of that day for: output"
    # Calls without a price stay at today's cost, so that the margin moves by what is known.
    assert moved["whatif_feature_margin_usd"] == moved["feature_margin_usd"]
    assert moved["whatif_usd_per_correct_answer"] == moved["usd_per_correct_answer"]
    assert "draft-email has no production calls to gpt-4o-mini in any month; its models are deepseek/" in notes[0]
    rows, _ = answer(golden.data, tmp_path, "summarize-feedback,gpt-4o-mini,gpt-4.1-nano,openai,,,,,\n")
    moved = next(row for row in rows if row["to_model"] == "gpt-4.1-nano")
    assert (moved["pass_rate"], moved["whatif_pass_rate"]) == (0.95, None)
    assert moved["pass_rate_reason"] == "no run of the other model"
    assert moved["whatif_usd_per_correct_answer"] is None


@pytest.mark.xdist_group("golden")
def test_a_model_is_found_however_its_letters_are(golden, tmp_path):
    """Some providers' models have capitals in the book."""
    line = "summarize-feedback,gpt-4o-mini,META-llama/llama-3-8b-chat-HF,together,,,,1000,\n"
    rows, _ = answer(golden.data, tmp_path, line)
    moved = next(row for row in rows if row["reason"] is None)
    assert moved["to_model"] == "meta-llama/Llama-3-8b-chat-hf"
    assert moved["whatif_usd"] > moved["priced_usd"]


@pytest.mark.xdist_group("golden")
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (f"{MINI}x,,,,,\n", "line 2: the price book has no model gpt-4o-mini at provider openaix"),
        ("f,m,gpt-4o-minj,,,,,,\n", "the price book has no model gpt-4o-minj; it may be "),
        ("summarize-feedback,deepseek/deepseek-chat,gpt-4o-mini,,,,,,\n", "served by azure, openai"),
        (
            f"{MINI},0.6,,,,\n{MINI},0.5,,,,\n",
            "line 3: shares of summarize-feedback, deepseek/deepseek-chat add up to 1.1",
        ),
        (f"{MINI},0,,,,\n", "line 2, share: '0' is none"),
        (f"{MINI},nan,,,,\n", "line 2, share: 'nan' is none"),
        (f"{MINI},,maybe,,,\n", "line 2, cached: 'maybe' is none: write keep or none"),
        (f"{MINI},,,,-1,\n", "line 2, output_factor: '-1' is none"),
        ("summarize-feedback,,gpt-4o-mini,,,,,,\n", "line 2: model is empty"),
        ("", "has no line"),
        ("a,b\n", "line 2 has 2 cells"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(golden, tmp_path, capsys, lines, said):
    path = tmp_path / "models.csv"
    path.write_text(HEADER + lines)
    assert whatif.show_models(golden.data, path, None) == 2
    error = capsys.readouterr().err
    assert error.startswith("ERROR: ")
    assert error.count("\n") == 1
    assert said in error


@pytest.mark.xdist_group("sample")
def test_a_model_in_its_own_place_costs_what_it_costs(sample, tmp_path):
    """The look-up of prices is the ledger's: each call of each feature and month, to the last digit."""
    pairs = sample.rows(
        "select distinct originating_feature_id, model, provider from intermediate.int_current_feature_shares "
        "where purpose = 'production' and priced_usd is not null order by all"
    )
    assert len(pairs) > 30
    rows, _ = answer(
        sample.data, tmp_path, "".join(f"{feature},{model},{model},,,,,,\n" for feature, model, _ in pairs)
    )
    # The model on own capacity has no price, and no line of the file.
    assert [(row["model"], row["reason"]) for row in rows if row["reason"] is not None] == [("gec-large", "stays")]
    [(calls, usd)] = sample.rows(
        "select count(distinct call_key), sum((priced_usd * usage_share)::decimal(38, 12)) "
        "from intermediate.int_current_feature_shares where purpose = 'production' and priced_usd is not null"
    )
    rows = [row for row in rows if row["reason"] is None]
    assert [row for row in rows if row["difference_usd"] != 0] == []
    assert sum(row["priced_usd"] for row in rows) == usd
    assert sum(row["calls"] for row in rows) >= calls


def months(rows: str) -> duckdb.DuckDBPyConnection:
    """Tables of both sides, of (month, team, provider, basis, today, what if)."""
    engine = duckdb.connect()
    engine.execute(f"create table given as select * from (values {rows}) as t(month, team_id, provider, basis, t, o)")
    for name, column in (("today", "t"), ("other", "o")):
        engine.execute(
            f"create table {name}_postings as select month::date as month, team_id, provider, basis, false as "
            f"is_untraced, {column}::decimal(38, 12) as usd from given"
        )
        engine.execute(f"create table {name}_book as select month, provider, usd as priced_usd from {name}_postings")
        engine.execute(
            f"create table {name}_own_charges as select month::date as month, provider, "
            f"{column}::decimal(38, 12) as usd from given where provider = 'vendor'"
        )
    return engine


@pytest.mark.parametrize(
    ("rows", "is_priced", "code", "said"),
    [
        ("('2026-10-01', 'a', 'p', 'billed', 5, 3), ('2026-10-01', 'b', 'p', 'billed', 1, 3)", False, 0, ""),
        ("('2026-10-01', 'a', 'p', 'billed', 5, 3), ('2026-10-01', 'b', 'p', 'billed', 1, 2)", False, 1, "makes none"),
        ("('2026-10-01', 'a', 'p', 'accrued', 5, 3)", False, 1, "totals differ"),
        ("('2026-10-01', 'a', 'p', 'accrued', 5, 3)", True, 0, ""),
        ("('2026-10-01', 'a', 'p', 'billed', 5, 3)", True, 1, "2026-10, p: billed money changed by -2"),
        ("('2026-10-01', 'a', 'p', 'billed', 5, 3), ('2026-10-01', 'a', 'q', 'billed', 1, 3)", False, 1, "p: billed"),
        ("('2026-10-01', 'a', 'vendor', 'billed', 5, 3)", True, 0, "bills of vendor change by -2.000000"),
    ],
)
def test_totals_that_must_not_change_are_held(tmp_path, capsys, rows, is_priced, code, said):
    assert whatif.show_months(months(rows), is_priced, None, tmp_path) == code
    shown = capsys.readouterr()
    assert said in shown.out + shown.err


def test_revenue_that_is_made_is_an_error(tmp_path, capsys):
    engine = duckdb.connect()
    for name, usd in (("today", 3), ("other", 4)):
        engine.execute(
            f"create table {name}_features as select date '2026-10-01' as month, 'f' as feature_id, "
            f"{usd}::decimal(38, 12) as revenue_usd, 1::decimal(38, 12) as margin_usd"
        )
        engine.execute(
            f"create table {name}_costs as select date '2026-10-01' as month, 0 as billed_usd, 0 as accrued_usd, "
            "0 as untraced_usd"
        )
        engine.execute(f"create table {name}_sources as select null::date as month, 0 as stated_usd, 0 as spread_usd, "
                       "0 as no_usage_usd where false")  # fmt: skip
    assert whatif.show_features(engine, None, tmp_path) == 1
    assert "makes none" in capsys.readouterr().err
