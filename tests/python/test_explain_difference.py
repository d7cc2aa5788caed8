"""A team's own figures against the ledger: figures made in a known way are named, and the causes add up exactly."""

import csv
import re
import shutil
import sys
from decimal import Decimal

import duckdb
import pytest
import xlsxwriter

import explain_difference
from landing.engine import engine_for

pytestmark = pytest.mark.xdist_group("sample")
OCTOBER = "date '2026-10-01'"
SERVED = """
select serving_feature_id, cast(sum(list_usd) as decimal(18, 2)) from marts.attributed_calls
where purpose = 'production' and started_on >= date '2026-10-01'
and serving_feature_id not in ('multiple', 'unlabelled')
group by 1 order by 1
"""
WITHOUT_EVALS = f"""
select feature_id, cast(sum(amount_usd) as decimal(18, 2)) from marts.ledger_entries
where account = 'ai_cost' and posted_month = {OCTOBER} and purpose = 'production' and feature_id != 'unlabelled'
group by 1 order by 1
"""
CHARGED = f"select team_id, net_charge_usd from marts.team_chargeback_monthly where month = {OCTOBER} order by 1"


@pytest.fixture(scope="module")
def ledger(sample, tmp_path_factory):
    """A copy of the sample's ledger with exchange rates, and without anything else of its folder."""
    data = tmp_path_factory.mktemp("with_rates")
    shutil.copyfile(sample.data / "ledger.duckdb", data / "ledger.duckdb")
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute(
            "insert into seeds.fx_rates (currency, rate_on, usd_per_unit) values ('EUR', '2026-09-30', 1.25), "
            "('EUR', '2026-10-15', 1.20), ('EUR', '2026-10-31', 1.10)"
        )
    return data


def rows_of(data, query: str) -> list[tuple]:
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        return engine.execute(query).fetchall()


def explained(data, path, text: str | None = None, month: str | None = None) -> dict[str, dict]:
    """Per feature or team its base, its fit and its causes, which add up exactly."""
    if text is not None:
        path.write_text(text, encoding="utf-8")
    target = explain_difference.explain(path, data, month)
    with target.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    found: dict[str, dict] = {}
    for row in rows:
        one = found.setdefault(row["feature_id"] or row["team_id"], {"causes": {}, **row})
        assert row["cause"] not in one["causes"]
        one["causes"][row["cause"]] = Decimal(row["cause_usd"])
    for name, one in found.items():
        difference = Decimal(one["ledger_usd"]) - Decimal(one["your_usd"])
        assert sum(one["causes"].values()) == difference == Decimal(one["difference_usd"]), name
        assert "unexplained" in one["causes"]
    return found


def sheet(rows: list[tuple], header: str = "Feature,Month,Cost (USD)") -> str:
    return header + "\n" + "".join(f"{name},2026-10,{amount}\n" for name, amount in rows)


def shown_to_add_up(printed: str) -> int:
    """How many walks on the screen add up as printed."""
    walks = re.findall(r"    your figures? .*?    the ledger [ \d.,-]+", printed, re.DOTALL)
    for walk in walks:
        start, *steps, end = (
            Decimal(re.search(r"[-+]?[\d,]+\.\d\d\b", line)[0].replace(",", "")) for line in walk.splitlines()
        )
        assert start + sum(steps) == end, walk
    return len(walks)


def test_list_price_of_own_calls_and_a_typo(ledger, tmp_path, capsys):
    served = rows_of(ledger, SERVED)
    assert len(served) > 8
    typed = [(name, amount + 10 if name == "draft-email" else amount) for name, amount in served]
    found = explained(ledger, tmp_path / "ours.csv", sheet(typed) + "Total,,999\n")
    assert set(found) == {name for name, _ in served}
    for name, one in found.items():
        assert one["base"] == "the list price of the production calls that your feature serves"
        assert one["fit"] == ("as other lines" if name == "draft-email" else "equal")
        unexplained = one["causes"].pop("unexplained")
        assert abs(unexplained - (-10 if name == "draft-email" else 0)) <= Decimal("0.005")
    ((evals,),) = rows_of(
        ledger,
        f"select sum(amount_usd) from marts.ledger_entries where account = 'ai_cost' and kind != 'pool_credit' "
        f"and posted_month = {OCTOBER} and purpose = 'evaluation' and feature_id = 'answer-from-mail'",
    )
    assert found["answer-from-mail"]["causes"]["evals"] == evals > 1
    printed = capsys.readouterr().out
    assert "line 14 adds up the others, and is left out" in printed
    assert "amount from column 'Cost (USD)'" in printed
    assert shown_to_add_up(printed) == len(served) + 1


def test_evals_left_out(ledger, tmp_path):
    rows = rows_of(ledger, WITHOUT_EVALS)
    found = explained(ledger, tmp_path / "ours.csv", sheet(rows, "feature_id,Period,Spend $"))
    assert {one["base"] for one in found.values()} == {"the ledger's figure without evals"}
    causes = {cause for one in found.values() for cause, usd in one["causes"].items() if abs(usd) >= Decimal("0.005")}
    assert causes == {"evals", "quality pool"}


def test_what_was_billed_on_own_keys(ledger, tmp_path, capsys):
    paid = rows_of(
        ledger, f"select team_id, paid_usd from marts.team_chargeback_monthly where month = {OCTOBER} and paid_usd != 0"
    )
    found = explained(ledger, tmp_path / "ours.csv", sheet(paid, "Team,Month,Total"))
    assert {one["base"] for one in found.values()} == {"what providers charge on your team's keys and accounts"}
    moved = dict(rows_of(
        ledger,
        f"select team_id, sum(amount_usd) from marts.ledger_entries where account = 'ai_cost' and kind = 'transfer' "
        f"and posted_month = {OCTOBER} group by 1",
    ))  # fmt: skip
    assert {name: one["causes"]["transfers"] for name, one in found.items()} == {name: moved[name] for name in found}
    ((booked,),) = rows_of(
        ledger,
        f"select sum(net_charge_booked_usd) from marts.team_chargeback_monthly "
        f"where month = {OCTOBER} and team_id in ({', '.join(repr(name) for name in found)})",
    )
    printed = capsys.readouterr().out
    assert printed.rstrip().split("the ledger ")[-1].split()[0] == f"{booked:,.2f}"


def test_list_prices_against_negotiated_ones(ledger, tmp_path):
    """A company with a fifth off every list price, whose team has worked with the list."""
    shutil.copyfile(ledger / "ledger.duckdb", tmp_path / "ledger.duckdb")
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as engine:
        listed = "select * replace (cast(list_usd * 1.25 as decimal(38, 12)) as list_usd) from marts.attributed_calls"
        engine.execute(f"create table marts.listed as {listed}; drop view marts.attributed_calls")
        engine.execute("alter table marts.listed rename to attributed_calls")
    served = rows_of(tmp_path, SERVED)
    found = explained(tmp_path, tmp_path / "ours.csv", sheet(served))
    for name, amount in served:
        assert found[name]["base"] == "the list price of the production calls that your feature serves"
        assert abs(found[name]["causes"]["price book"] + amount / 5) < Decimal("0.1")
        assert found[name]["causes"]["unexplained"] == 0


def test_calls_alone_lack_what_no_span_shows(ledger, tmp_path):
    """In August a team that adds up its calls misses what its keys were billed without spans."""
    ((calls, untraced),) = rows_of(
        ledger,
        "select sum(borne_usd) filter (where calls > 0), sum(borne_usd) filter (where calls = 0) "
        "from marts.spend_daily where bearer_team_id = 'assistant' and spent_on < date '2026-09-01' "
        "and originating_feature_id != 'unlabelled'",
    )
    text = f"team;month;amount\nassistant;Aug 2026;{str(calls).replace('.', ',')}\n"
    one = explained(ledger, tmp_path / "ours.csv", text)["assistant"]
    assert one["fit"] == "equal"
    assert "calls" in one["base"]
    assert one["causes"]["untraced"] == untraced > 0
    assert one["causes"]["unexplained"] == 0


@pytest.mark.parametrize(
    ("header", "rate", "said", "currency"),
    [
        ("Team,Month,Amount,Currency", "1.10", "the ledger's figure", ",EUR"),
        ("Team,Month,Amount (EUR)", "1.10", "the ledger's figure", ""),
        ("Team,Month,Amount", "1.10", "the ledger's figure, in EUR at the rate of 2026-10-31", ""),
        ("Team,Month,Amount,ccy", "1.20", "the ledger's figure at the rate of 2026-10-15", ",EUR"),
        ('Team,Month,"Cost, EUR"', "1.10", "the ledger's figure", ""),
        ("Team,Month,Cost - EUR", "1.10", "the ledger's figure", ""),
    ],
)
def test_another_currency(ledger, tmp_path, header, rate, said, currency):
    ((name, usd),) = [row for row in rows_of(ledger, CHARGED) if row[0] == "assistant"]
    amount = (usd / Decimal(rate)).quantize(Decimal("0.01"))
    one = explained(ledger, tmp_path / "ours.csv", f"{header}\n{name},2026-10,{amount}{currency}\n")[name]
    assert one["base"] == said
    stated = Decimal("1.10") if "EUR" in header + currency else 1
    assert one["causes"].get("currency", 0) == amount * (Decimal(rate) - stated)
    assert one["causes"]["unexplained"] == 0


@pytest.mark.parametrize("header", ["Team,Month,Amount (USD)", "Team,Month,Amount,Currency", "Team,Month,Spend $"])
def test_stated_dollars_are_no_other_currency(ledger, tmp_path, header):
    ((usd,),) = [row[1:] for row in rows_of(ledger, CHARGED) if row[0] == "inbox"]
    amount = (usd / Decimal("1.10")).quantize(Decimal("0.01"))
    cell = ",USD" if header.endswith("Currency") else ""
    one = explained(ledger, tmp_path / "ours.csv", f"{header}\ninbox,2026-10,{amount}{cell}\n")["inbox"]
    assert one["fit"] != "equal"
    assert "EUR" not in one["base"]
    assert "currency" not in one["causes"]


def test_a_figure_near_no_base_is_unexplained(ledger, tmp_path, capsys):
    ((usd,),) = [row[1:] for row in rows_of(ledger, CHARGED) if row[0] == "inbox"]
    for amount in ("0.00", "0.30", "5", "29"):
        one = explained(ledger, tmp_path / "ours.csv", f"team,month,amount\ninbox,2026-10,{amount}\n")["inbox"]
        assert (one["fit"], one["base"]) == ("none", "the ledger's figure")
        assert one["causes"] == {"unexplained": usd - Decimal(amount)}
        assert "  your figure is none that the ledger can name\n" in capsys.readouterr().out


def test_a_base_of_nothing_names_only_lines_made_as_others(ledger, tmp_path):
    """inbox runs no production call: its 0.00 equals the list price of none, if another line is a list price."""
    ((listed,),) = rows_of(
        ledger,
        "select cast(sum(list_usd) as decimal(18, 2)) from marts.attributed_calls where purpose = 'production' "
        "and started_on >= date '2026-10-01' and string_split(team_path, ' > ')[-1] = 'assistant'",
    )
    text = sheet([("assistant", listed), ("inbox", "0.00")], "Team,Month,Cost")
    found = explained(ledger, tmp_path / "ours.csv", text)
    assert {one["fit"] for one in found.values()} == {"equal"}
    assert found["inbox"]["base"] == found["assistant"]["base"] != "the ledger's figure"


def test_a_figure_that_nothing_names_is_told_from_the_nearest(ledger, tmp_path, capsys):
    ((usd,),) = [row[1:] for row in rows_of(ledger, CHARGED) if row[0] == "inbox"]
    one = explained(ledger, tmp_path / "ours.csv", f"team,month,amount\ninbox,2026-10,{usd + Decimal('0.02'):.12f}\n")
    assert one["inbox"]["fit"] == "nearest"
    assert one["inbox"]["causes"] == {"unexplained": Decimal("-0.02")}
    assert "none that the ledger can name; the nearest is the ledger's figure" in capsys.readouterr().out


def test_a_workbook_says_the_same(ledger, tmp_path):
    served = rows_of(ledger, SERVED)
    path = tmp_path / "ours.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        page = workbook.add_worksheet("Costs")
        page.write(0, 0, "Our AI costs")
        page.write_row(2, 0, ["Feature", "Month", "Cost"])
        days = workbook.add_format({"num_format": "mmm yy"})
        for place, (name, amount) in enumerate(served, 3):
            page.write(place, 0, name)
            page.write_number(place, 1, 46296, days)  # 2026-10-01
            page.write_number(place, 2, float(amount))
    found = explained(ledger, path)
    assert {one["base"] for one in found.values()} == {
        "the list price of the production calls that your feature serves"
    }
    assert {one["month"] for one in found.values()} == {"2026-10-01"}
    assert [int(one["line"]) for one in found.values()] == list(range(4, 4 + len(served)))


def test_every_base_leads_to_the_ledger_exactly(ledger):
    """Whichever base a figure equals, of every feature, team and month: base and causes are the ledger's net charge."""
    with engine_for("") as engine:
        engine.execute(f"attach '{ledger}/ledger.duckdb' as ledger (read_only)")
        engine.execute(explain_difference.TABLES)
        engine.execute("""
            insert into figures select row_number() over (), kind, subject, month, 1, 'USD', false, 2 from (
                select distinct 'feature' as kind, feature_id as subject, posted_month as month
                from ledger.marts.ledger_entries
                union select 'team', team_id, month from ledger.marts.team_chargeback_monthly
            )""")
        engine.execute(explain_difference.WALK.read_text())
        walks = """
            select base, kind, subject, month, value_usd, ledger_usd, coalesce(sum(steps.usd), 0) as steps_usd
            from base_values left join steps using (base, kind, subject, month)
            inner join ledger_figures using (kind, subject, month) group by all"""
        assert engine.execute(f"select count(*) from ({walks})").fetchone()[0] > 5000
        assert engine.execute(f"from ({walks}) where value_usd + steps_usd != ledger_usd").fetchall() == []
        unnamed = "select distinct cause from steps where cause not in (select cause from causes)"
        assert engine.execute(unnamed).fetchall() == []
        charged = """
            select sum(abs(ledger_usd - net_charge_usd)) from ledger_figures
            inner join ledger.marts.team_chargeback_monthly as charged
                on kind = 'team' and subject = team_id and charged.month = ledger_figures.month"""
        assert engine.execute(charged).fetchone()[0] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ours.csv is empty"),
        ("a,b\n1,2\n", "no header names a feature or a team. Known headers are feature: feature, features"),
        ("feature,month\ninbox,2026-10\n", "line 1: no column for amount in 'feature', 'month'"),
        ("team,amount\ninbox,3\n", "'team', 'amount'; without a column of months say MONTH=2026-10"),
        ("team,month,amount\n", "there is no line below the header"),
        ("team,month,cost,total\ninbox,2026-10,3,4\n", "'cost', 'total' could each be the amount; rename all but one"),
        ("team,month,amount\ninbx,2026-10,3\n", "line 2, team 'inbx': the ledger has no such team; did you mean inbox"),
        ("feature,month,amount\nzzzz,2026-10,3\n", "'zzzz': the ledger has no such feature; it has answer-from-mail"),
        ("team,month,amount\ninbox,2025-01,3\n", "'2025-01': the ledger has no such month; it has 2026-08"),
        ("team,month,amount\ninbox,soon,3\n", "line 2, month 'soon': it is no month; write 2026-10"),
        ("team,month,amount\ninbox,2026-13,3\n", "line 2, month '2026-13': it is no month; write 2026-10"),
        ("team,month,amount\ninbox,08/09/2026,3\n", "'08/09/2026': it can be 2026-08 or 2026-09; write one"),
        ("team;month;amount\ninbox;Oktober 2026;1.234,50\n", "'Oktober 2026': it is no month; write 2026-10"),
        (
            "team,month,amount\ninbox,2026-10,1.234\nweb,2026-10,2.500\n",
            "line 2, amount '1.234': it can be 1.234 or 1234; say DECIMAL=point or DECIMAL=comma",
        ),
        ("team;month;amount\ninbox;2026-10;1,234\n", "line 2, amount '1,234': it can be 1234 or 1.234; say DECIMAL="),
        ("team,month,amount\ninbox,2026-10,NaN\n", "line 2, amount 'NaN': it is no amount; write a number"),
        ("team,month,amount\ninbox,2026-10,\n", "line 2, amount '': it is no amount"),
        ("team,month,amount\ninbox,2026-10,about 3\n", "line 2, amount 'about 3': it is no amount"),
        ("team,month,amount\ninbox,2026-10,1e999\n", "line 2, amount '1e999': it is no amount"),
        ("team,month,amount\ninbox,2026-10,3\nInbox,Oct-26,4\n", "line 3, team 'inbox': line 2 says an amount of it"),
        ("team,feature,month,amount\ninbox,draft-email,2026-10,3\n", "line 2: both a feature and a team are named"),
        ("team,month,amount\n,2026-10,3\n", "line 2: no feature or team is named; write one of them"),
        ("team,month,amount\ninbox,2026-10,1,234.50\n", "line 2: 4 cells where the header has 3; cut or misquoted"),
        (
            "team,month,amount,note\ninbox,2026-10,1,50,\n",
            "line 2: 5 cells where the header has 4: '1,50' may be one number with a decimal comma",
        ),
        (
            'team,month,amount\ninbox,2026-10,"1,234.50"\nweb,2026-10,"1.234,50"\n',
            "line 3, amount '1.234,50': it is written in another way than others: line 2 has '1,234.50'",
        ),
        ("team,month,amount,currency\ninbox,2026-10,€3,USD\n", "line 2, currency 'USD': the amount is in EUR"),
        ("team,month,amount,currency\ninbox,2026-10,3,Euro\n", "line 2, currency 'EURO': it is none; write its code"),
        ("team,month,amount,currency\ninbox,2026-10,3,JPY\n", "'JPY': seed fx_rates has no rate up to the end"),
        ("team,month,Amount (HUF)\ninbox,2026-10,3\n", "'HUF': seed fx_rates has no rate up to the end"),
        ("team,month,amount\nin\x1b[31mbox,2026-10,3\n", "team 'in\\x1b[31mbox'"),
        ('team,month,amount\n"inbox,2026-10,3\n', "line 2, month '': it is no month"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(ledger, tmp_path, capsys, monkeypatch, text, said):
    path = tmp_path / "ours.csv"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["explain_difference.py", str(path), str(ledger)])
    shutil.rmtree(ledger / "exports", ignore_errors=True)
    assert explain_difference.main() == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert str(path) in printed.err
    assert printed.out == ""
    assert not (ledger / "exports").exists()


@pytest.mark.parametrize("amount", ['"1,234.50"', '"$1,234.50"', "1234.5", "USD 1234.50", '" 1,234.50 "', "+1234.50"])
def test_amounts_as_people_write_them(ledger, tmp_path, amount):
    found = explained(ledger, tmp_path / "ours.csv", f"Team,Month,Amount\ninbox,2026-10,{amount}\n")
    assert Decimal(found["inbox"]["your_usd"]) == Decimal("1234.5")


@pytest.mark.parametrize("text", [
    "team;month;amount\ninbox;10/2026;1.234,50\n", "team;month;amount €\ninbox;10/2026;1.234,50\n",
    "sep=;\nteam;month;amount\ninbox;2026-10;1234,50 €\n", "team\tmonth\tamount\ninbox\tOct-26\t1 234,50\n",
])  # fmt: skip
def test_sheets_of_other_countries(ledger, tmp_path, text):
    one = explained(ledger, tmp_path / "ours.csv", text)["inbox"]
    assert Decimal(one["amount"]) == Decimal("1234.5")
    assert one["currency"] == ("EUR" if "€" in text else "USD")


@pytest.mark.parametrize(("amount", "read"), [
    ("194.23999999999998", "194.24"), ("1234.5600000000002", "1234.56"), ("123456.78000000001", "123456.78"),
    ("1234.567890123456", "1234.567890123456"), ("0.0012345678901234567", "0.001234567890"),
])  # fmt: skip
def test_noise_of_floats_is_no_digit(ledger, tmp_path, amount, read):
    path, book = tmp_path / "ours.csv", tmp_path / "ours.xlsx"
    with xlsxwriter.Workbook(book) as workbook:
        page = workbook.add_worksheet()
        page.write_row(0, 0, ["Team", "Month", "Amount"])
        page.write_row(1, 0, ["inbox", "2026-10"])
        page.write_number(1, 2, float(amount))
    for one in (explained(ledger, path, f"team,month,amount\ninbox,2026-10,{amount}\n"), explained(ledger, book)):
        assert Decimal(one["inbox"]["amount"]) == Decimal(read)


def test_a_setting_decides_what_cells_leave_open(ledger, tmp_path, monkeypatch):
    path = tmp_path / "ours.csv"
    amount = "team,month,amount\ninbox,2026-10,1.234\n"
    for word, read in (("point", "1.234"), ("comma", "1234")):
        monkeypatch.setenv("DECIMAL", word)
        assert Decimal(explained(ledger, path, amount)["inbox"]["amount"]) == Decimal(read)
    day = "team,month,amount\ninbox,10/12/2026,3\n"
    assert explained(ledger, path, day)["inbox"]["month"] == "2026-10-01"
    monkeypatch.setenv("DATE_ORDER", "dmy")
    with pytest.raises(explain_difference.Refused, match="'10/12/2026': the ledger has no such month"):
        explained(ledger, path, day)
    for name in ("DECIMAL", "DATE_ORDER"):
        monkeypatch.setenv(name, "Comma")
        with pytest.raises(explain_difference.Refused, match=f"{name}=Comma is not known; say "):
            explained(ledger, path, day)
        monkeypatch.delenv(name)


def test_a_month_may_be_said_beside_the_file(ledger, tmp_path, capsys):
    path = tmp_path / "ours.csv"
    assert set(explained(ledger, path, "team,amount\ninbox,3\n", "2026-09")) == {"inbox"}
    both = "team,month,amount\ninbox,2026-09,3\ninbox,2026-10,4\n"
    assert Decimal(explained(ledger, path, both, "2026-10")["inbox"]["amount"]) == 4
    assert "line 2 is of 2026-09, and is left out" in capsys.readouterr().out
    later = "team,month,amount\ninbox,2027-01,3\ninbox,2026-10,4\nteam,month,amount\n"
    assert Decimal(explained(ledger, path, later, "2026-10")["inbox"]["amount"]) == 4
    assert "line 2 is of 2027-01, and is left out" in capsys.readouterr().out
    with pytest.raises(explain_difference.Refused, match="MONTH=October is no month"):
        explained(ledger, path, both, "October")


@pytest.mark.parametrize("content", [b"PK\x03\x04 no workbook", bytes(range(256)), b"team,month,amount\ninbox\0,,\n"])
def test_files_that_are_no_sheets(ledger, tmp_path, capsys, monkeypatch, content):
    path = tmp_path / "ours.xlsx"
    path.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["explain_difference.py", str(path), str(ledger)])
    assert explain_difference.main() == 2
    assert capsys.readouterr().err.startswith(f"ERROR: {path}")
