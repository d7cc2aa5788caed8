"""Cells mean one thing per file: a true table comes back exactly from any spelling, or its file is refused by name."""

import csv
import gzip
import io
import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from exports import COSTS, FOCUS, OPENROUTER, USAGE
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import company
import land
from landing import documents, work
from landing.engine import engine_for
from landing.recognise import recognise
from landing.rows import READERS
from landing.work import Piece, Reading, Task

DAY = timedelta(days=1)
OCTOBER = date(2026, 10, 1)
INVOICES = "invoice_id,provider,period_start,period_end,amount,currency"
LABEL = "gpt-4o-mini, input"


def written(header: str, rows: list[dict], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    names, target = header.split(","), io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerows([names, *([row.get(name, "") for name in names] for row in rows)])
    return target.getvalue()


def cost(start: object, amount: object, end: object = "", **others: object) -> dict:
    end = end or (start + 86400 if isinstance(start, int) else start)
    known = {"start_time": start, "end_time": end, "amount_value": amount, "amount_currency": "usd"}
    return {**known, "line_item": LABEL, "organization_id": "org-1", **others}


def epoch(day: int) -> int:
    return int((datetime(2026, 10, day) - datetime(1970, 1, 1)).total_seconds())


class Landed:
    """A data folder after a landing, and what it said."""

    def __init__(self, data: Path, code: int, said: str):
        self.data, self.code, self.said = data, code, said

    def rows(self, what: str, table: str = "openai_costs") -> list[tuple]:
        files = f"read_parquet('{self.data}/landed/{table}/*/*.parquet', hive_partitioning = false)"
        return duckdb.sql(f"select {what} from {files} order by all").fetchall()

    def amounts(self, table: str = "openai_costs", name: str = "amount_value") -> list[Decimal]:
        return [amount for (amount,) in self.rows(name, table)]

    def warnings(self) -> list[str]:
        return [line for line in self.said.splitlines() if "WARNING" in line]


@pytest.fixture
def landing(tmp_path, capsys):
    """landing({name: text or bytes}, DECIMAL=...) -> Landed; a later one goes on in the same folders."""

    def run(files: dict[str, str | bytes], sources: str = "", **settings: str) -> Landed:
        inbox, seeds = tmp_path / "inbox", tmp_path / "seeds"
        inbox.mkdir(exist_ok=True)
        seeds.mkdir(exist_ok=True)
        (seeds / "bill_sources.csv").write_text(f"{','.join(company.SEEDS['bill_sources'][0])}\n{sources}")
        for name, content in files.items():
            (inbox / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"DECIMAL": "", "DATE_ORDER": "", **settings}.items():
                patch.setenv(name, value)
            code = land.run(inbox, tmp_path / "data", seeds=seeds)
        captured = capsys.readouterr()
        return Landed(tmp_path / "data", code, captured.out + captured.err)

    return run


def archive(members: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return target.getvalue()


def workbook(*sheets: list[list[object]]) -> bytes:
    """A workbook as spreadsheets write it, of texts, numbers and (format 14) days."""

    def cell(value: object) -> str:
        if isinstance(value, date):
            return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value!r}</v></c>"
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>' if value else "<c/>"

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbers = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        f'"application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        + "".join(f'<sheet name="Sheet {n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers) + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(f'<Relationship Id="r{n}" Type="{relations}/worksheet" Target="worksheets/{n}.xml"/>'
                  for n in numbers)
        + f'<Relationship Id="r0" Type="{relations}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14" '
        'applyNumberFormat="1"/></cellXfs></styleSheet>',
    }  # fmt: skip
    for number, rows in enumerate(sheets, 1):
        body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        parts[f"xl/worksheets/{number}.xml"] = f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
    return archive(parts)


# --- One cell

NUMBERS = [  # stated, with a decimal point, with a decimal comma
    ("1234.5", "1234.5", None), ("1,234.50", "1234.5", None), ("$1,234.50", "1234.5", None), ("(3.50)", "-3.5", None),
    ("1 234,56", None, "1234.56"), ("1\u00a0234,56", None, "1234.56"), ("1\u202f234,56", None, "1234.56"),
    ("1'234.56", "1234.56", None), ("1\u2019234.56", "1234.56", None), ("€ 5", "5", "5"),
    ("1.234,50 €", None, "1234.5"),
    ("3,50-", None, "-3.5"), ("5-", "-5", "-5"), ("\u22125", "-5", "-5"), ("1.5E-05", "0.000015", None),
    ("1,5e-7", None, "0.00000015"), ("0,125", None, "0.125"), ("0.125", "0.125", None), ("1,234", "1234", "1.234"),
    ("1.234", "1.234", "1234"), ("12,5", None, "12.5"), ("1,234,567", "1234567", None), ("1.234.567", None, "1234567"),
    ("15", "15", "15"), ("15e-1", "1.5", "1.5"), ("+5", "5", "5"), (".5", "0.5", None), ("USD 1,234.5", "1234.5", None),
    *((stated, None, None) for stated in ("5%", "1_000", "5 3", "--5", "$", "()", "(-5)", "0x10", "inf", "1,2,3", "x")),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    made = engine_for("secret")
    made.execute((READERS / "spreadsheets.sql").read_text())
    return made


@pytest.mark.parametrize(("stated", "point", "comma"), NUMBERS)
def test_number_has_the_readings_that_its_form_allows(engine, stated, point, comma):
    query = "select money_of(plain_number($cell, 'point')), money_of(plain_number($cell, 'comma'))"
    expected = tuple(text and Decimal(text) for text in (point, comma))
    assert engine.execute(query, {"cell": stated}).fetchone() == expected


FIFTH, HALF_PAST = datetime(2026, 10, 5), datetime(2026, 10, 5, 22, 30)
TIMES = [  # stated, month first, day first
    *((stated, FIFTH, FIFTH) for stated in (
        "2026-10-05", "2026/10/05", "2026/10/5", "2026.10.05", "20261005", "46300", "5-Oct-2026", "05-Oct-26",
        "5 October 2026", "Oct 5, 2026", "October 5th, 2026", "2026-10-05 00:00:00 UTC", "2026-10-05T00:00:00Z",
        "Mon, 05 Oct 2026 00:00:00 GMT", "1791158400", "1791158400.0", "1791158400,0",
    )),
    *((stated, HALF_PAST, HALF_PAST) for stated in (
        "2026-10-05T22:30:00Z", "2026-10-06T00:30:00+02:00", "2026-10-06 00:30:00 +0200", "46300.9375", "46300,9375",
        "Oct 5, 2026 10:30:00 PM",
    )),
    ("05.10.2026", None, FIFTH), ("13.10.2026", None, datetime(2026, 10, 13)), ("05.10.2026, 22:30", None, HALF_PAST),
    ("05/10/2026", datetime(2026, 5, 10), FIFTH), ("5/10/26 10:30 PM", datetime(2026, 5, 10, 22, 30), HALF_PAST),
    ("05-10-2026", datetime(2026, 5, 10), FIFTH), ("13/10/2026", None, datetime(2026, 10, 13)),
    ("10/13/2026", datetime(2026, 10, 13), None),
    ("5/10/2026 12:05 AM", datetime(2026, 5, 10, 0, 5), FIFTH + timedelta(minutes=5)),
    *((stated, None, None) for stated in (
        "31/02/2026", "99/99/2026", "1.79133E+09", "Oct-26", "soon", "05/10/2026 25:00"
    )),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "month_first", "day_first"), TIMES)
def test_time_has_the_readings_that_its_form_allows(engine, stated, month_first, day_first):
    query = "select time_of(iso_time($cell, 'mdy'), null), time_of(iso_time($cell, 'dmy'), null)"
    assert engine.execute(query, {"cell": stated}).fetchone() == (month_first, day_first)


@pytest.mark.parametrize("word", ["null", "NULL", "None", "N/A", "n/a", "NaN", "-", "", " \u00a0"])
def test_words_for_nothing_are_empty_in_every_column(landing, word):
    row = cost(epoch(1), "0.5", quantity=word, project_id=word, api_key_id=word)
    landed = landing({"costs.csv": written(COSTS, [row])})
    assert landed.rows("amount_value, quantity, project_id, api_key_id") == [(Decimal("0.5"), None, None, None)]


# --- One file


def focus(day: str, amount: str) -> dict:
    return {"BilledCost": amount, "EffectiveCost": amount, "BillingCurrency": "USD", "BillingPeriodStart": day,
            "BillingPeriodEnd": day, "ChargePeriodStart": day, "ChargePeriodEnd": day,
            "ChargeCategory": "Usage"}  # fmt: skip


DECIDED = {  # header, delimiter, rows, column -> what lands, or part of the refusal
    "three decimals": (COSTS, ",", [cost(epoch(1), "0,125"), cost(epoch(2), "0,050")], ["0.050", "0.125"]),
    "a row decides": (COSTS, ",", [cost(epoch(1), "1,234"), cost(epoch(2), "0,5")], ["0.5", "1.234"]),
    "another column decides": (
        COSTS, ",", [cost(epoch(1), "1.234", quantity="1.234.567"), cost(epoch(2), "2,5")], ["2.5", "1234"]
    ),
    "thousands decide": (COSTS, ",", [cost(epoch(1), "1.234.567"), cost(epoch(2), "1,234")], ["1.234", "1234567"]),
    "semicolons": (COSTS, ";", [cost(epoch(1), "1,234")], ["1.234"]),
    "semicolons with points": (COSTS, ";", [cost(epoch(1), "0.15"), cost(epoch(2), "1,234")], ["0.15", "1234"]),
    "documented": (COSTS, ",", [cost(epoch(1), "1.234")], ["1.234"]),
    "contradiction": (
        COSTS, ",", [cost(epoch(1), "1,5"), cost(epoch(2), "1.5")], "line 3, amount_value '1.5' can only have a decimal"
    ),
    "contradiction of columns": (
        COSTS, ",", [cost(epoch(1), "1,5", quantity="0.25")], "line 2, quantity '0.25' can only have a decimal point"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DECIDED)
def test_decimal_mark_is_decided_by_all_rows(landing, name):
    header, delimiter, rows, expected = DECIDED[name]
    landed = landing({"costs.csv": written(header, rows, delimiter)})
    if isinstance(expected, str):
        assert landed.amounts() == []
        assert landed.rows("source_line", "rejects") == [(2 + number,) for number in range(len(rows))]
        assert landed.rows("rows_read, rows_rejected", "files") == [(len(rows), len(rows))]
        assert expected in landed.said
    else:
        assert landed.amounts() == sorted(map(Decimal, expected))
        assert landed.warnings() == []


def test_whole_counts_decide(landing):
    """A count of 5.123 can only be five thousand."""
    row = {"start_time": epoch(1), "end_time": epoch(2), "num_model_requests": "5.123", "input_tokens": "12.000",
           "output_tokens": "1"}  # fmt: skip
    landed = landing({"usage.csv": written(USAGE, [row])})
    assert landed.rows("num_model_requests, input_tokens, output_tokens", "openai_usage") == [(5123, 12000, 1)]


def test_day_order_is_decided_by_all_rows_of_the_file(landing):
    """The billing period is ambiguous in each row; the charges' days prove that the day comes first."""
    rows = [{**focus(f"{day:02d}/10/2026", "1.00"), "BillingPeriodStart": "01/10/2026"} for day in range(1, 32)]
    landed = landing({"focus.csv": written(FOCUS, rows)})
    assert landed.rows("min(charge_period_start), max(charge_period_start), sum(billed_cost)", "focus") == [
        (datetime(2026, 10, 1), datetime(2026, 10, 31), 31)
    ]
    assert landed.rows("distinct billing_period_start", "focus") == [(datetime(2026, 10, 1),)]
    assert landed.warnings() == []


def test_days_that_contradict_each_other_refuse_the_file(landing):
    rows = [focus("13/10/2026", "1.00"), focus("10/14/2026", "1.00"), focus("2026-10-15", "1.00")]
    landed = landing({"focus.csv": written(FOCUS, rows)})
    assert landed.amounts("focus", "billed_cost") == []
    assert landed.rows("rows_read, rows_rejected", "files") == [(3, 3)]
    assert "'10/14/2026' can only have the month first, and line 2" in landed.said


def test_doubt_is_said_with_both_readings_and_settled(landing):
    """A day and an amount that nothing decides; then the settings, by which the file is read again."""
    files = {"focus.csv": written(FOCUS, [focus("05/10/2026", "1,234"), focus("2026-10-06", "2,500")])}
    landed = landing(files)
    assert landed.rows("charge_period_start, billed_cost", "focus") == [
        (datetime(2026, 5, 10), 1234), (datetime(2026, 10, 6), 2500)
    ]  # fmt: skip
    number, day = sorted(landed.warnings(), key=lambda line: "DATE_ORDER" in line)
    for part in (
        "focus.csv: ",
        "'1,234'",
        "line 2",
        "decimal point 1234, its column 3734",
        "comma 1.234, its column 3.734",
    ):
        assert part in number
    for part in ("'05/10/2026'", "month first 2026-05-10", "day first 2026-10-05", "amounts of 1234", "DATE_ORDER=dmy"):
        assert part in day
    landed = landing({}, DECIMAL="comma", DATE_ORDER="dmy")
    assert landed.warnings() == []
    assert "read again" in landed.said
    expected = [(datetime(2026, 10, 5), Decimal("1.234")), (datetime(2026, 10, 6), Decimal("2.5"))]
    assert landed.rows("charge_period_start, billed_cost", "focus") == expected
    assert "read again" not in landing({}, DECIMAL="comma", DATE_ORDER="dmy").said
    assert len(landing({}).warnings()) == 2


def test_settings_settle_only_what_no_row_decides(landing):
    files = {"a.csv": written(COSTS, [cost(epoch(1), "0.5"), cost(epoch(2), "1.234")]),
             "b.csv": written(COSTS, [cost(epoch(3), "1.234")])}  # fmt: skip
    assert landing(files, DECIMAL="comma").amounts() == sorted(map(Decimal, ["0.5", "1.234", "1.234"]))


def test_a_row_of_bill_sources_settles_files_one_by_one(landing):
    """The files that it names, before the settings of the landing, and only where their cells don't say it."""
    row = {"invoice_id": "a", "provider": "x", "currency": "EUR", "amount": "1,234"}
    days = {"period_start": "01/10/2026", "period_end": "05/10/2026"}
    files = {
        "uk_1.csv": written(INVOICES, [{**row, **days}]),
        "us_1.csv": written(INVOICES, [{**row, **days, "invoice_id": "b"}]),
        "uk_us.csv": written(INVOICES, [{**row, **days, "period_end": "10/25/2026", "invoice_id": "c"}]),
    }
    dmy = ",,invoices,,uk\\_%,,dmy,comma\n"
    landed = landing(files, sources=dmy, DECIMAL="point")
    assert landed.code == 0
    assert landed.rows("invoice_id, amount, period_start", "invoices") == [
        ("a", Decimal("1.234"), date(2026, 10, 1)),
        ("b", Decimal(1234), date(2026, 1, 10)),
        ("c", Decimal("1.234"), date(2026, 1, 10)),  # the row settles what no cell of the file decides
    ]
    assert [("us_1.csv" in line, "bill_sources" in line) for line in landed.warnings()] == [(True, True)]
    # Another row: the files that it names are read again, the others stay.
    landed = landing({}, sources=dmy + ",,,,us%,,dmy,\n", DECIMAL="point")
    assert "read again" in landed.said
    assert ("b", Decimal(1234), date(2026, 10, 1)) in landed.rows("invoice_id, amount, period_start", "invoices")
    assert not landed.warnings()
    # A row of a provider's own files says nothing of others.
    landed = landing({}, sources="openai,,,,,,dmy,\n")
    assert {line.split()[1] for line in landed.warnings()} == {"uk_1.csv:", "us_1.csv:", "uk_us.csv:"}
    # The longer pattern is the nearer; of another kind or provider it is not.
    longer = ",,,,%,,mdy,point\n,,openai_costs,,uk\\_1.csv,,mdy,\n"
    landed = landing({}, sources=dmy + longer, DECIMAL="point")
    assert ("a", Decimal("1.234"), date(2026, 10, 1)) in landed.rows("invoice_id, amount, period_start", "invoices")


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (",,,,a.csv,,ymd,\n", "date_order 'ymd'"),
        (",,,,a.csv,,,dot\n", "decimal 'dot'"),
        (",org-1,openai_costs,,,,dmy,\n", "names its files"),
        (",,,,,,dmy,\n", "names its files"),
        ("mistral,,charges,,,,dmy,\n", "or provider a file is"),  # groq's charges are in files of the same kind
        ("mistral,,,,,,dmy,\n", "or provider a file is"),
        (",,,,%.csv,,dmy,\n,,,,a%csv,,mdy,\n", "contradict"),
    ],
)
def test_a_row_that_settles_nothing_is_an_error(landing, sources, said):
    landed = landing({"a.csv": written(INVOICES, [])}, sources=sources)
    assert landed.code == 2
    assert said in landed.said


def test_setting_that_nobody_knows_is_an_error(landing):
    assert landing({}, DATE_ORDER="ymd").code == 2


def test_numbers_of_json_are_exact(landing):
    """No separator is looked for in JSON, whatever the settings; a comma that may be decimal is refused."""
    lines = [f'{{"date": "2026-10-0{day}", "model": "m", "successful_requests": 1, "spend": {spend}}}\n'
             for day, spend in enumerate(["1.234", '"1.234"', '"$1,234.5"', '"1,234"', '"0,125"'], 1)]  # fmt: skip
    landed = landing({"daily.jsonl": "".join(lines)}, DECIMAL="comma")
    assert landed.amounts("litellm_daily", "spend") == [Decimal("1.234"), Decimal("1.234"), Decimal("1234.5")]
    assert landed.rows("source_line", "rejects") == [(4,), (5,)]


@pytest.mark.parametrize(("currency", "lands"), [("EUR", True), ("eur", True), ("USD", False), ("", False)])
def test_sign_of_another_currency_is_refused(landing, currency, lands):
    landed = landing({"costs.csv": written(COSTS, [cost(epoch(1), "€5.50", amount_currency=currency)])})
    assert landed.amounts() == [Decimal("5.5")] * lands
    assert lands or "is in another currency than" in landed.said


def test_decimal_comma_without_quotes_is_refused(landing):
    """The cents stand where the currency is expected, and the row has a blank cell too many."""
    text = f'{COSTS}\n{epoch(1)},{epoch(2)},,,0,15,usd,"{LABEL}",proj,org-1,,,,,,,,\n'
    daily = "Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens"
    landed = landing({"costs.csv": text, "daily.csv": f"{daily}\n2026-10-05,openai/gpt-5,1,5,0,2,100,10,\n"})
    assert landed.rows("source_file", "rejects") == [("costs.csv",), ("daily.csv",)]
    assert landed.amounts() == landed.amounts("openrouter_daily", "cost_total") == []


# --- How a file is written

ONE = [cost(epoch(1), "0.15"), cost(epoch(2), "1.25")]
PLAIN = written(COSTS, ONE)
SUM = [Decimal("0.15"), Decimal("1.25")]
MEMBERS = gzip.compress(PLAIN.encode()) + gzip.compress(written(COSTS, [cost(epoch(3), "2.5")]).encode())
SHEET = [COSTS.split(","), *([row.get(name, "") for name in COSTS.split(",")] for row in ONE)]
FORMS = {
    "utf-8 bom": "\ufeff" + PLAIN,
    "two boms": "\ufeff" + PLAIN.replace(f"\n{epoch(1)}", f"\n\ufeff{epoch(1)}"),
    "bom of each name": ",".join(f"\ufeff{name}" for name in COSTS.split(",")) + PLAIN[len(COSTS):],
    "bom before quotes": "\ufeff" + written(COSTS, ONE, quoting=csv.QUOTE_ALL).replace('\n"', '\n\ufeff"'),
    "bom as windows reads it": b"\xc3\xaf\xc2\xbb\xc2\xbf" + PLAIN.encode(),
    "utf-16": PLAIN.encode("utf-16"),
    "utf-16-be with bom": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "utf-16-le": PLAIN.encode("utf-16-le"),
    "utf-16-be": PLAIN.encode("utf-16-be"),
    "semicolons": written(COSTS, ONE, ";"),
    "tabs": written(COSTS, ONE, "\t"),
    "bars": written(COSTS, ONE, "|"),
    "crlf": PLAIN.replace("\n", "\r\n"),
    "cr": PLAIN.replace("\n", "\r"),
    "blank cells": "".join(f"{line},,,\n" if place else f"{line}\n" for place, line in enumerate(PLAIN.splitlines())),
    "blank cells, header too": "".join(f"{line},,\n" for line in PLAIN.splitlines()),
    "lines above": "Costs report\nOrganization: org-1;2026, October\n\n" + PLAIN,
    "separator line": "sep=;\n" + written(COSTS, ONE, ";"),
    "twice one behind the other": PLAIN + written(COSTS, []),
    "gzip": gzip.compress(PLAIN.encode()),
    "zip": archive({"costs.csv": PLAIN, "__MACOSX/._costs.csv": b"\x00\x05"}),
    "zip, gzip": archive({"a/costs.csv.gz": gzip.compress(PLAIN.encode())}),
    "workbook": workbook([["Notes"]], [["Costs report"], [], *SHEET]),
    "workbook of numbers": workbook(
        [SHEET[0], *([date(2026, 10, day), date(2026, 10, day + 1), "", "", amount, *SHEET[1][5:]]
                     for day, amount in ((1, 0.15), (2, 1.25)))]
    ),
    "workbook in a zip": archive({"costs.xlsx": workbook(SHEET)}),
    "totals row": PLAIN + ",,,,1.40,usd,Total,,,,,,,,,,\n",
    "short totals row": PLAIN + "Grand total,,,,1.40\n",
    "sum of no name": PLAIN + ",,,,1.40,,,,,,,,,,,,\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_way_of_writing_a_file_is_read(landing, name):
    if "workbook" in name:
        pytest.importorskip("python_calamine")
    landed = landing({"file": FORMS[name]})
    assert landed.amounts() == SUM, landed.said
    assert landed.rows("start_time") == [(datetime(2026, 10, 1),), (datetime(2026, 10, 2),)]
    assert landed.rows("reason", "rejects") == []
    assert landed.rows("distinct line_item") == [(LABEL,)]
    assert landed.warnings() == []
    assert ("totals row" in landed.said) == (name in ("totals row", "short totals row", "sum of no name"))


def test_lines_are_those_of_the_file(landing):
    """Under a preamble, behind a cell of two lines, and of each member of an archive."""
    bad = [cost(epoch(1), "0.5", line_item="a\nb"), cost(epoch(2), "x")]
    text = "Costs\n\n" + written(COSTS, bad)
    landed = landing({"p.csv": text, "z.zip": archive({"in.csv": text + "\n", "deep/in.csv": text + "\n\n"})})
    expected = [(name, 6) for name in ("p.csv", "z.zip/deep/in.csv", "z.zip/in.csv")]
    assert landed.rows("source_file, source_line", "rejects") == expected
    assert landed.rows("source_file, source_line") == [(name, 4) for name, _ in expected]


def test_several_gzip_members_are_one_file(landing):
    landed = landing({"costs.csv.gz": MEMBERS})
    assert landed.amounts() == [*SUM, Decimal("2.5")]
    assert landed.rows("reason", "rejects") == []


def test_letters_of_windows(landing):
    name = "Zürich \u2013 5 €"
    files = {"w.csv": written(COSTS, [cost(epoch(1), "0.15", project_id=name)]).encode("cp1252"),
             "u.csv": written(COSTS, [cost(epoch(2), "1.25", project_id=name)])}  # fmt: skip
    landed = landing(files)
    assert landed.amounts() == SUM
    assert landed.rows("distinct project_id") == [(name,)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nested.zip", archive({"inner.zip": archive({"costs.csv": PLAIN})}), "an archive within an archive"),
        ("empty.zip", archive({}), "a zip archive without a file"),
        ("many.zip", archive({f"{number}.csv": "" for number in range(1001)}), "more than 1,000 files"),
        ("torn.zip", archive({"costs.csv": PLAIN})[:-30], "a zip archive that can't be opened"),
        ("notes.csv", "Costs report\nnothing here\n", "neither JSON nor a CSV with a known header"),
    ],
    ids=["nested", "empty", "many", "torn", "notes"],  # else the bytes, which hold the time
)
def test_container_that_is_not_read_is_named(landing, name, content, reason):
    landed = landing({name: content, "good.csv": PLAIN})
    assert landed.amounts() == SUM
    ((named, said),) = landed.rows("source_file, reason", "rejects")
    assert named.startswith(name)
    assert reason in said


def test_archive_that_grows_without_end_is_refused(landing, monkeypatch):
    monkeypatch.setattr(documents, "ALWAYS_ALLOWED_BYTES", 1000)
    monkeypatch.setattr(documents, "MAX_EXPANSION", 2)
    landed = landing({"bomb.zip": archive({"costs.csv": "0" * 10**6})})
    assert "unpacks to more than 2 times its size" in landed.said


def test_totals_that_are_not_the_sum_of_the_rows_are_said(landing):
    landed = landing({"costs.csv": PLAIN + ",,,,9.40,usd,Total,,,,,,,,,,\n"})
    assert landed.amounts() == SUM
    (said,) = landed.warnings()
    assert "line 4, a totals row, states amount_value 9.4, where the rows add up to 1.4" in said


def test_row_without_a_day_that_is_no_sum_stays_a_reject(landing):
    landed = landing({"costs.csv": PLAIN + ",,,,1.30,usd,Refund,,,,,,,,,,\n"})
    assert landed.rows("reason", "rejects") == [("start_time is blank",)]


def test_decision_is_one_for_a_file_that_is_read_in_portions(tmp_path, monkeypatch):
    """The last of many rows proves a decimal comma."""
    path = tmp_path / "costs.csv"
    path.write_text(written(COSTS, [*(cost(epoch(1), "1,234") for _ in range(5000)), cost(epoch(2), "0,5")]))
    monkeypatch.setattr(work, "PORTION_BYTES", 1 << 14)
    monkeypatch.setattr(work, "MOST_ROWS", 1000)
    monkeypatch.setattr(documents, "BATCH_BYTES", 1 << 13)
    what = recognise(path)
    found = work.perform(Task(what, "t", 0, (Piece(path, "f" * 32, "c", None),)), Reading("s", (), (), False), tmp_path)
    assert found["f" * 32].rows_read == 5001
    files = list(tmp_path.glob("openai_costs/*/*.parquet"))
    assert len(files) > 4
    assert duckdb.sql(f"select sum(amount_value) from read_parquet({list(map(str, files))})").fetchall() == [
        (Decimal("6170.5"),)
    ]


# --- Any true table, in any form

AMOUNTS = st.decimals(Decimal("-99999"), Decimal("9999999"), places=4).map(lambda amount: amount.normalize())
DAYS = st.integers(0, 300).map(lambda days: date(2026, 1, 1) + days * DAY)


def spelled_number(amount: Decimal, mark: str, group: str, places: int | None) -> str:
    text = f"{amount:,.{places}f}" if places is not None else f"{amount:,f}"
    return text.replace(",", "G").replace(".", mark).replace("G", group)


def spelled_day(day: date, form: str) -> str:
    return str((day - date(1899, 12, 30)).days) if form == "serial" else f"{day:{form}}"


LOCALES = st.sampled_from(
    [
        (".", ""),
        (".", ","),
        (".", "'"),
        (".", " "),
        (",", ""),
        (",", "."),
        (",", "\u00a0"),
        (",", "\u202f"),
        (",", "\u2019"),
    ]
)
ORDERS = st.sampled_from(
    ["%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%y", "%m/%d/%y", "%d-%b-%Y", "%b %d, %Y",
     "%Y%m%d", "serial", "%d/%m/%Y 00:00", "%Y-%m-%dT00:00:00Z", "%Y-%m-%d 00:00:00 UTC"]
)  # fmt: skip
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(DAYS, AMOUNTS), min_size=1, max_size=6), LOCALES, st.sampled_from([None, 4]), ORDERS, ENCODINGS,
    st.sampled_from(documents.DELIMITERS), st.sampled_from(["", "Costs\n\n", "sep=x\nfor: us\n"]), st.integers(0, 3),
    st.sampled_from(["amount", "invoices", "focus"]),
)  # fmt: skip
@example([(date(2026, 10, 5), Decimal("1.234"))], (",", "."), None, "%d/%m/%Y", "utf-8", ",", "", 0, "focus")
@example([(date(2026, 10, 5), Decimal("1234"))], (",", "."), None, "%Y-%m-%d", "utf-8", ";", "", 0, "amount")
@example([(date(2026, 1, 1), Decimal(1000))], (",", "\u00a0"), None, "%Y-%m-%d", "utf-16-le", ",", "", 0, "invoices")
def test_true_table_comes_back_or_is_refused_by_name(
    tmp_path_factory, truth, locale, places, order, encoding, delimiter, above, blanks, kind
):
    """What lands is the truth; else the file, its rows, or a doubt about its reading is named."""
    mark, group = locale
    if encoding == "cp1252" and group == "\u202f":
        group = "\u00a0"
    header, table, amount_name, day_name = {
        "amount": (COSTS, "openai_costs", "amount_value", "start_time"),
        "invoices": (INVOICES, "invoices", "amount", "period_start"),
        "focus": (FOCUS, "focus", "billed_cost", "charge_period_start"),
    }[kind]
    rows = []
    for day, amount in truth:
        said, on = spelled_number(amount, mark, group, places), spelled_day(day, order)
        bill = {"invoice_id": "i", "provider": "openai", "period_start": on, "period_end": on, "amount": said}
        rows.append({"amount": cost(on, said, line_item="x"), "focus": focus(on, said), "invoices": bill}[kind])
    lines = written(header, rows, delimiter).splitlines()
    text = above + "\n".join([lines[0], *(line + delimiter * blanks for line in lines[1:])]) + "\n"
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_bytes(text.encode(encoding))
    what = recognise(path)
    assert what.table == table
    task = Task(what, "t", 0, (Piece(path, "f" * 32, "table.csv", None),))
    found = work.perform(task, Reading("s", (), (), False), path.parent)["f" * 32]
    assert found.rows_read == len(rows)
    landed, files = [], list(map(str, path.parent.glob(f"{table}/*/*.parquet")))
    if files:
        what = f"select cast({day_name} as date), {amount_name} from read_parquet({files}) order by all"
        landed = duckdb.sql(what).fetchall()
    assert len(landed) + found.rows_rejected == len(rows)
    if places and order not in ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y", "%m/%d/%y", "%d/%m/%Y 00:00"):
        assert landed == sorted(truth)
    if landed != sorted(truth):
        assert found.warnings or found.rows_rejected
        doubted = " ".join(found.warnings)
        assert {on for on, _ in landed} <= {on for on, _ in truth} or "DATE_ORDER" in doubted
        assert {amount for _, amount in landed} <= {amount for _, amount in truth} or "DECIMAL" in doubted


def test_openrouter_header_is_known_below_others(landing):
    row = {"generation_id": "g", "created_at": "2026-10-05 10:00:00", "cost_total": "0.5", "model_permaslug": "m"}
    landed = landing({"activity.csv": "Activity\n" + written(OPENROUTER, [row])})
    assert landed.amounts("openrouter_activity", "cost_total") == [Decimal("0.5")]
