"""The site and `make why`: what they show is what the marts say, to the digit, and safe to open."""

import hashlib
import re
import shutil
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT

from report import charts, site, why
from report.figures import ROWS_SHOWN, Figure, Names, Shown, apportioned, fill, marts_of, spread
from report.pages_product import EXCUSED
from report.trees import Trace

pytestmark = pytest.mark.xdist_group("sample")
CENT = Decimal("0.01")
MONTH, HOSTILE = "2026-10", "<script>alert(1)</script>\"'&</script>"
FIGURES = {(page, figure.key): figure for page, (_, figures) in site.PAGES.items() for figure in figures}
VOID = {"meta", "link", "br", "path", "rect", "input"}
# Figure and column on a page, and the same money straight from a mart.
TOTALS = {
    ("overview", "bill", "billed_usd"): "round(sum(billed_usd), 2) from marts.invoice_reconciliation_daily"
    " where date_trunc('month', usage_on) = $month",
    ("overview", "bill", "accrued_usd"): "sum(accrued_booked_usd) from marts.team_chargeback_monthly"
    " where month = $month",
    ("overview", "bill", "borne_by_teams_usd"): "round(sum(amount_usd), 2) from marts.ledger_entries"
    " where posted_month = $month and account = 'ai_cost'",
    ("overview", "unexplained", "untraced"): "sum(untraced_usd) from marts.invoice_reconciliation_daily"
    " where date_trunc('month', usage_on) = $month",
    ("overview", "features", "borne"): "sum(borne_usd) from marts.spend_daily"
    " where date_trunc('month', spent_on) = $month",
    ("overview", "models", "borne"): "sum(borne_usd) from marts.spend_daily"
    " where date_trunc('month', spent_on) = $month",
    ("overview", "days", "borne"): "sum(borne_usd) from marts.spend_daily where date_trunc('month', spent_on) = $month",
    ("finance", "chargeback", "net charge"): "sum(net_charge_booked_usd) from marts.team_chargeback_monthly"
    " where month = $month",
    ("finance", "transfers", "total"): "sum(amount_booked_usd) from marts.team_transfers_monthly where month = $month",
    ("finance", "reconciliation", "billed"): "sum(billed_usd) from marts.invoice_reconciliation_daily"
    " where date_trunc('month', usage_on) = $month",
    ("finance", "journal", "debit"): "sum(debit_usd) from marts.erp_journal_monthly where month = $month",
    ("finance", "entries", "amount"): "0",
    ("product", "pnl", "AI margin"): "sum(margin_usd) from marts.feature_pnl_monthly where month = $month",
    ("product", "cohorts", "AI margin"): "sum(margin_usd) from marts.feature_pnl_by_cohort_monthly"
    " where month = $month",
    ("quality", "tax", "eval tax"): "sum(eval_tax_usd) from marts.eval_coverage_monthly where month = $month",
    ("data", "rules", "attributed"): "sum(attributed_usd) from marts.attributed_calls"
    " where date_trunc('month', started_on) = $month",
}


def label(column: str) -> str:
    return Shown(Figure("", "", ""), "", [], "").label(column)


class Page(HTMLParser):
    """Figures by id: column heads, rows and totals as (text, exact); links; open elements must close in order."""

    def __init__(self, text: str):
        super().__init__()
        self.figures, self.links, self.open, self.scripts, self.data = {}, [], [], 0, ""
        self.figure, self.part, self.cells, self.exact = None, None, None, None
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [attrs[name] for name in ("href", "src") if name in attrs]
        assert not [name for name in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)
        self.scripts += tag == "script"
        if tag == "section":
            self.figure = self.figures.setdefault(attrs["id"], {"thead": [], "tbody": [], "tfoot": [], "tiles": {}})
        elif tag in ("thead", "tbody", "tfoot"):
            self.part = tag
        elif tag == "tr":
            self.cells = []
        elif tag in ("td", "th", "dd"):
            assert tag != "th" or attrs.get("scope") in ("col", "row")
            self.data, self.exact = "", attrs.get("data-exact")
        if tag == "dd":
            self.figure["tiles"][attrs["data-column"]] = self.exact

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            self.cells.append((self.data, self.exact))
        elif tag == "tr":
            self.figure[self.part].append(self.cells)

    def handle_data(self, data):
        self.data += data

    def sum_of(self, figure: str, column: str) -> Decimal:
        """A tile, or a column's cells added up as they are behind what is shown; of a matrix its total."""
        found = self.figures[figure]
        if column in found["tiles"]:
            return Decimal(found["tiles"][column])
        (heads,), (totals,) = found["thead"], found["tfoot"]
        place = [head for head, _ in heads].index(column)
        if column == "total":
            return Decimal(totals[place][1])
        return sum(Decimal(row[place][1]) for row in found["tbody"] if row[place][1])

    def total_of(self, figure: str, column: str) -> Decimal:
        """A column's total as it is shown."""
        (heads,), (totals,) = self.figures[figure]["thead"], self.figures[figure]["tfoot"]
        return Decimal(re.sub("[$,+]", "", totals[[head for head, _ in heads].index(column)][0]))


def emptied(sample, folder: Path) -> Path:
    """A data folder whose ledger has every mart of the sample's and nothing in it."""
    folder.mkdir(exist_ok=True)
    with duckdb.connect(str(folder / "ledger.duckdb")) as engine:
        engine.execute(f"attach '{sample.data / 'ledger.duckdb'}' as sample (read_only)")
        tables = engine.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = 'sample'"
            " and (table_schema = 'marts' or table_name in ('int_span_attribution', 'int_span_calls', 'services',"
            " 'int_charge_settlements', 'int_call_shares', 'int_driver_uses', 'int_itemised_charges',"
            " 'int_classified_charges'))"
        ).fetchall()
        for schema, table in tables:
            engine.execute(f"create schema if not exists {schema}")
            engine.execute(f"create table {schema}.{table} as from sample.{schema}.{table} limit 0")
    return folder


def put(data: Path, query: str, **parameters) -> None:
    """Rows into tables of a ledger, which lack the columns that are not named; `query` is an insert by name."""
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute(query, parameters or None)


def filled(data: Path, page: str, key: str, month: date | None = date(2026, 10, 1), **names) -> Shown:
    """One figure of a ledger, as the templates read it."""
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        return fill(engine, FIGURES[page, key], month, str(data / "landed"), {}, Names(**names))


def said(shown: Shown) -> list[str]:
    """The lines of an answer."""
    return ["".join(part if isinstance(part, str) else part[1].text for part in parts) for _, parts in shown.lines()]


def beside(sample, folder: Path) -> Path:
    """A data folder of its own over the sample's ledger, which stays as it is."""
    folder.mkdir()
    for name in ("ledger.duckdb", "landed"):
        (folder / name).symlink_to(sample.data / name)
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


@pytest.fixture(scope="module")
def written(sample, tmp_path_factory):
    data = beside(sample, tmp_path_factory.mktemp("site") / "data")
    site.write(data)
    return data / "report"


@pytest.fixture(scope="module")
def small(sample, tmp_path_factory):
    return emptied(sample, tmp_path_factory.mktemp("small"))


@pytest.fixture
def little(small, tmp_path):
    """A copy of the small ledger, to put rows into."""
    return shutil.copytree(small, tmp_path / "little")


def test_totals_on_the_pages_are_the_marts(sample, written):
    for month in ("2026-08", "2026-09", MONTH):
        pages = {name: Page((written / f"{name}-{month}.html").read_text()) for name in site.PAGES}
        for (page, figure, column), query in TOTALS.items():
            ((mart,),) = sample.rows("select " + query.replace("$month", f"date '{month}-01'"))
            assert pages[page].sum_of(figure, column) == mart, (month, page, figure, column)
            shown = FIGURES[page, figure]
            if shown.total and column not in map(label, shown.parts[1]):
                assert pages[page].total_of(figure, column) == Decimal(mart).quantize(CENT), (
                    month,
                    page,
                    figure,
                    column,
                )
        ((bill,),) = sample.rows(f"""
            select sum(billed_usd) from marts.provider_bills_monthly
            where month = date '{month}-01' and treatment in ('call', 'invoice_only', 'shared', 'own_capacity')""")
        tiles = pages["overview"].figures["bill"]["tiles"]
        assert Decimal(tiles["billed_usd"]) == bill.quantize(CENT)
        parts = ("billed_usd", "accrued_usd", "booking_difference_usd")
        assert sum(Decimal(tiles[part]) for part in parts) == Decimal(tiles["borne_by_teams_usd"])
        for page in pages.values():
            for name, figure in page.figures.items():
                summed = any(total for _, total in figure["tfoot"][0]) if figure["tfoot"] else False
                assert page.links.count(f"#{name}-query") >= (len(figure["tiles"]) or summed), (month, name)
                for column, (_, total) in enumerate(figure["tfoot"][0] if figure["tfoot"] else []):
                    shown = [re.sub("[$,+]", "", cell[0]) for row in figure["tbody"] if (cell := row[column])[1]]
                    if total:
                        assert sum(map(Decimal, shown)) == Decimal(total), (month, name, column)


def test_parts_add_up_across_each_row(written):
    """Of a whole that is shown with its parts, in rows and in totals."""
    for page, figure in ((page, key) for (page, key), shown in FIGURES.items() if shown.parts[0]):
        whole, parts = FIGURES[page, figure].parts
        for month in ("2026-08", "2026-09", MONTH):
            found = Page((written / f"{page}-{month}.html").read_text()).figures[figure]
            if found["thead"]:
                (heads,) = found["thead"]
                places = [[head for head, _ in heads].index(label(whole))]
                places += [number for number, (head, _) in enumerate(heads) if head in map(label, parts)]
                for row in found["tbody"] + found["tfoot"]:
                    amount, *amounts = (Decimal(re.sub("[$,+]", "", row[place][0])) for place in places)
                    assert sum(amounts) == amount, (month, figure, row[0])


def test_waterfalls_go_from_one_months_charges_to_the_nexts(sample, written):
    charged = (
        "select sum(net_charge_booked_usd), sum(net_charge_usd) from marts.team_chargeback_monthly where month = $1"
    )
    for before, month in (("2026-08", "2026-09"), ("2026-09", "2026-10")):
        page = Page((written / f"finance-{month}.html").read_text())
        for column, of in (("last month", before), ("net charge", month)):
            ((booked, exact),) = sample.rows(charged.replace("$1", f"date '{of}-01'"))
            assert page.sum_of("waterfall", column) == booked
            assert page.sum_of("model_waterfall", column) == exact
    first = (written / "finance-2026-08.html").read_text()
    assert first.count("There is no month before this one.") == 3  # both waterfalls, and the table by feature


def test_every_mart_is_on_a_page_or_excused(sample):
    shown = {mart for _, figures in site.PAGES.values() for figure in figures for mart in marts_of(figure.sql)}
    marts = {
        name for (name,) in sample.rows("select table_name from information_schema.tables where table_schema = 'marts'")
    }
    assert marts == shown | set(EXCUSED)
    assert not shown & set(EXCUSED)


def test_pages_need_nothing_from_outside(written):
    pages = sorted(written.glob("*.html"))
    requests = {path.name for path in written.glob("request-*.html")}
    # The newest overview once more, the glossary, the last proposal, and requests that calls lead to.
    assert len(pages) == 3 * len(site.PAGES) + 3 + len(requests)
    called = {link for path in written.glob("calls-*.html") for link in Page(path.read_text()).links}
    assert requests <= called
    for path in written.glob("calls-*.html"):
        calls = Page(path.read_text()).figures["calls"]["tbody"]
        assert len(calls) > 20
        assert path.read_text().count('href="request-') == len(calls)  # each call leads to its request
    for page in pages:
        for link in Page(page.read_text()).links:
            assert link.startswith(("#", "data:,")) or (written / link.split("#")[0]).is_file(), (page.name, link)
        assert "Not there" not in page.read_text(), page.name
    for path in [*pages, *(path for path in (written / "assets").iterdir() if path.name != "vega.js")]:
        assert not re.search(r"(https?:)?//[a-z]", re.sub(r"(^|\s)//\s.*", "", path.read_text())), path.name


def test_queries_link_to_the_docs_that_are_there(sample, tmp_path):
    data = beside(sample, tmp_path / "data")
    (data / "docs").mkdir()
    (data / "docs" / "index.html").write_text("")
    site.write(data)
    links = Page((data / "report" / f"finance-{MONTH}.html").read_text()).links
    assert "../docs/index.html#!/model/model.chargeback_ledger.team_transfers_monthly" in links
    assert all((data / "report" / link.split("#")[0]).is_file() for link in links if link.startswith(".."))


def test_the_glossary_is_that_of_the_docs(written):
    page = (written / "glossary.html").read_text()
    terms = re.findall(r"^\| ([^|]+) \| .*\.? \| `", (PROJECT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert len(terms) > 50
    assert [term for term in terms if f'<th scope="row">{term}</th>' not in page] == []
    assert all('href="glossary.html"' in path.read_text() for path in written.glob("overview-*.html"))


def test_same_marts_same_bytes(sample, written, tmp_path):
    data = beside(sample, tmp_path / "again")
    site.write(data)
    site.write(data)  # over an older one
    assert hashes(data / "report") == hashes(written)
    assert not (data / ".report.part").exists()


def test_an_empty_ledger_says_so(small, tmp_path):
    data = beside(type("Empty", (), {"data": small}), tmp_path / "data")
    names = {path.stem: path for path in site.write(data)}
    assert set(names) == {"index", "glossary", "whatif", *site.PAGES}
    for name, (_, figures) in site.PAGES.items():
        assert all(figure.nothing != "Nothing yet." for figure in figures if figure.shape != "tiles")
        text = names[name].read_text()
        assert text.count('<p class="nothing">') == len(figures)
        assert "Nothing yet: no spans" in text


def test_hostile_names_are_text(little):
    day = little / "landed" / "spans" / "day=2026-10-02"
    day.mkdir(parents=True)
    with duckdb.connect(str(little / "ledger.duckdb")) as engine:
        words = HOSTILE.replace("'", "''")
        engine.execute(f"""copy (
            select 'file' as file_id, 7 as trace_key, 1 as span_key, null::bigint as parent_span_key,
                '{words}' as trace_id, '{words}' as span_id, '{words}' as name, '{words}' as service_name,
                null::varchar as team_id, null::varchar as trace_team_id, timestamp '2026-10-02' as started_at
        ) to '{day}/part.parquet' (format parquet)""")
        for table, columns in (
            ("marts.team_chargeback_monthly", {"month": "date '2026-10-01'", "team_id": "$name",
                                               "net_charge_booked_usd": "1"}),
            ("marts.spend_daily", {"spent_on": "date '2026-10-02'", "bearer_team_id": "$name", "borne_usd": "1",
                                   "originating_feature_id": "$name", "purpose": "$name", "model": "$name"}),
            ("marts.team_transfers_monthly", {"month": "date '2026-10-01'", "debtor_team_id": "$name",
                                              "creditor_team_id": "$name", "amount_booked_usd": "1"}),
            ("marts.bill_overlaps_unsettled", {"month": "date '2026-10-01'", "source_file": "$name",
                                               "newer_file": "$name", "billed_usd": "1"}),
            ("marts.attributed_calls", {"call_id": "$name", "trace_id": "$name", "span_id": "$name",
                                        "started_on": "date '2026-10-02'", "started_at": "timestamp '2026-10-02'",
                                        "model": "$name", "service_name": "$name", "team_path": "$name || ' > x'",
                                        "attributed_usd": "1", "basis": "'billed'", "match_level": "'response_id'"}),
            ("marts.call_shares", {"call_id": "$name", "originating_feature_id": "$name", "bearer_team_id": "$name",
                                   "share": "1", "borne_usd": "1"}),
            ("intermediate.int_span_calls", {"call_key": "1", "trace_key": "7", "span_key": "1", "call_id": "$name"}),
            ("intermediate.int_charge_settlements", {"charge_id": "$name", "charged_on": "date '2026-10-02'",
                                                     "call_key": "1", "quantity": "1", "billed_usd": "1",
                                                     "meter": "$name", "match_level": "$name"}),
            ("intermediate.int_itemised_charges", {"charge_id": "$name", "charged_on": "date '2026-10-02'",
                                                   "line_id": "$name"}),
            ("intermediate.int_classified_charges", {"line_id": "$name", "source_file": "$name", "source_line": "1"}),
        ):  # fmt: skip
            words = f"insert into {table} ({', '.join(columns)}) values ({', '.join(columns.values())})"
            engine.execute(words, {"name": HOSTILE})
    pages = {path.name: path.read_text() for path in site.write(little)}
    for name, text in pages.items():
        charted = text.count("application/json")
        drawn = 1 if name.startswith("request-") else 3 + charted
        assert Page(text).scripts == (0 if name == "glossary.html" else drawn), name
        assert "<script>alert" not in text
    for page, figure, column in (
        ("finance", "chargeback", "team"), ("finance", "transfers", r"owes \ is owed"), ("overview", "models", "model"),
        ("calls", "calls", "trace"), ("calls", "calls", "model"), ("trace", "shares", "call"),
        ("data", "bill_overlaps", "source file"),
    ):  # fmt: skip
        found = Page(pages[f"{page}-2026-10.html"]).figures[figure]
        place = [head for head, _ in found["thead"][0]].index(column)
        assert [row[place][0] for row in found["tbody"]] == [HOSTILE], (figure, column)
    (request,) = (Page(text) for name, text in pages.items() if name.startswith("request-"))
    (line,) = request.figures["lines"]["tbody"]
    assert [line[place][0] for place in (0, 1, 4, 8)] == [f"{HOSTILE}: {HOSTILE}", *[HOSTILE] * 3]


def test_a_budget_of_nothing_and_one_of_a_feature_with_a_teams_id(little):
    put(
        little,
        """insert into marts.team_chargeback_monthly by name
        select date '2026-10-01' as month, 'inbox' as team_id, 3 as net_charge_booked_usd""",
    )
    put(
        little,
        """insert into marts.budget_burn_daily by name
        select date '2026-10-02' as burned_on, if(kind = 'team', 'inbox', null) as team_id,
            if(kind = 'feature', 'inbox', null) as feature_id, 3 as month_to_date_usd, 4 as forecast_usd,
            if(kind = 'team', 0, 2) as budget_usd, 'over' as status
        from (values ('team'), ('feature')) as kinds (kind)""",
    )
    site.write(little)
    named = {"teams": [("inbox", "Inbox")], "features": [("inbox", "Sorting")]}
    assert said(filled(little, "overview", "answer_budgets", **named)) == [
        "Inbox has spent $3.00 of $0.00, before the quality pool's part",
        "Sorting has spent $3.00 of $2.00, 150.0 %, before the quality pool's part",
    ]
    rows = filled(little, "finance", "budgets", **named).rows
    assert [(row.cells[0].text, row.teams, row.features) for row in rows] == [
        ("Inbox", ["inbox"], []), ("feature Sorting", [], ["inbox"]),
    ]  # fmt: skip
    drawn = {(point["budget_of"], point["line"]): point["usd"] for point in
             filled(little, "finance", "burn", **named).points}  # fmt: skip
    assert drawn["Inbox", "forecast"] == drawn["feature Sorting", "forecast"] == 4
    assert drawn["feature Sorting", "budget"] == 2


def test_names_of_sentinels_are_theirs_alone():
    names = Names(teams=[("a", "Unattributed"), ("b", "Billing")], features=[("b", "Untraced")])
    assert [names.of("team_id", id) for id in ("a", "b", "unattributed")] == [
        "Unattributed (a)", "Billing", "Unattributed",
    ]  # fmt: skip
    assert [names.of("feature_id", id) for id in ("b", "untraced")] == ["Untraced (b)", "Untraced"]


def test_amounts_are_spread_and_parts_that_do_not_add_up_are_an_error():
    third = Decimal("0.333333333333")
    assert spread([third, None, third, third], CENT) == [Decimal("0.34"), None, Decimal("0.33"), Decimal("0.33")]
    assert sum(spread([Decimal("0.004")] * 100, CENT)) == Decimal("0.40")
    assert spread([Decimal("-0.006"), Decimal("-0.005")], CENT) == [Decimal("-0.01"), Decimal("0.00")]
    for whole in ("0.99", "1.04"):
        with pytest.raises(ValueError, match=f"parts add up to 1.00, their whole is {whole}"):
            apportioned([Decimal("0.50"), Decimal("0.50")], CENT, Decimal(whole))


def test_a_cut_table_says_so_and_leaves_nothing_out(little):
    """31 days of 11 features, each with a model of its own; the last model alone has calls."""
    put(
        little,
        """insert into marts.spend_daily by name
        select date '2026-10-01' + (place % 31)::int as spent_on, 'feature-' || place // 31 as originating_feature_id,
            'team' as bearer_team_id, 'production' as purpose, 'model-' || place as model,
            if(place = 340, 7, 0) as calls, 2 - place / 1000 as borne_usd
        from range(341) as places (place)""",
    )
    put(
        little,
        """insert into marts.team_chargeback_monthly by name
        select date '2026-10-01' as month, 'team-' || place as team_id, 400 - place as net_charge_booked_usd
        from range(341) as places (place)""",
    )
    models = filled(little, "overview", "models")
    assert (len(models.rows), models.hidden) == (ROWS_SHOWN, 41)
    assert "calls" in models.columns
    assert models.left_out == []
    assert sum(Decimal(row.cells[-1].exact) for row in models.rows) < Decimal(models.totals[-1].exact)
    days = filled(little, "overview", "days")
    assert (len(days.rows), days.hidden, days.rows[-1].day) == (341, 0, "2026-10-31")
    assert len(filled(little, "finance", "chargeback").rows) == 341
    site.write(little)
    text = (little / "report" / "overview-2026-10.html").read_text()
    assert text.count("<table data-cut>") == 2  # models, and months by team


def test_transfers_of_many_teams_are_a_list(little):
    transfers = """insert into marts.team_transfers_monthly by name
        select date '2026-10-01' as month, 'team-' || place as debtor_team_id, 'hub' as creditor_team_id,
            place + 0.25 as amount_booked_usd
        from range($first, $last) as places (place)"""
    put(little, transfers, first=0, last=40)
    assert filled(little, "finance", "transfers").shape == "matrix"
    put(little, transfers, first=40, last=41)
    found = filled(little, "finance", "transfers")
    assert (found.shape, len(found.rows)) == ("table", 41)
    assert [cell.text for cell in found.rows[0].cells] == ["team-40", "hub", "$40.25"]
    assert found.totals[-1].text == "$830.25"


def test_a_loss_is_what_is_shown_less_what_is_shown(little):
    put(
        little,
        """insert into marts.feature_pnl_monthly by name
        select date '2026-10-01' as month, feature_id, revenue_usd, revenue_usd - cost_usd as margin_usd
        from (values ('losing', 48.084, 53.356), ('hardly', 0, 0.004)) as features (feature_id, revenue_usd, cost_usd)
    """,
    )
    shown = filled(little, "overview", "answer_losses")
    assert said(shown)[0] == "losing loses $5.28: it earns $48.08 and costs $53.36"
    assert [row.cells[1].is_tiny for row in shown.rows] == [False, True]


def test_weeks_are_whole_where_all_their_days_are_known(sample, little):
    # Spans from Saturday 1 August to Saturday 31 October; September ends on a Wednesday.
    for month, last in ((date(2026, 9, 1), date(2026, 9, 30)), (date(2026, 10, 1), date(2026, 10, 31))):
        weeks = {}
        with duckdb.connect(str(sample.data / "ledger.duckdb"), read_only=True) as engine:
            shown = fill(engine, FIGURES["quality", "coverage"], month, "", {}, Names())
        for row in shown.rows:
            weeks[date.fromisoformat(row.cells[0].text)] = int(row.cells[1].exact)
        days = [date(2026, 8, 1) + timedelta(day) for day in range((last - date(2026, 8, 1)).days + 1)]
        starts = [day - timedelta(day.weekday()) for day in days]
        assert weeks == {start: starts.count(start) for start in starts}
        assert {point["week"] for point in shown.points} == {f"{week}" for week, count in weeks.items() if count == 7}
    # Nobody works at weekends.
    for day in (5, 6, 7, 8, 9, 12, 13, 14, 15, 16):
        put(little, "insert into marts.spend_daily by name select make_date(2026, 10, $day) as spent_on", day=day)
        put(
            little,
            """insert into marts.eval_coverage_daily by name
            select make_date(2026, 10, $day) as covered_on, true as is_covered, 1 as production_usd""",
            day=day,
        )
    rows = filled(little, "quality", "coverage").rows
    assert [[cell.text for cell in row.cells[:2]] for row in rows] == [["2026-10-05", "7"], ["2026-10-12", "5"]]


def test_of_many_calls_the_dearest_are_kept(little):
    """300 calls, each of a kind of its own but the dearest 60, which are of one kind."""
    put(
        little,
        """insert into marts.attributed_calls by name
        select 'call-' || place as call_id, date '2026-10-02' as started_on, timestamp '2026-10-02' as started_at,
            if(place < 60, 'one', 'model-' || place) as model, 1000 - place as attributed_usd
        from range(300) as places (place)""",
    )
    shown = [row.cells[-1].text for row in filled(little, "calls", "calls").rows]
    assert len(shown) == 200
    assert shown == [f"${1000 - place:,}.000000" for place in [*range(50), *range(60, 210)]]


def test_text_stands_out_from_its_ground():
    css = (site.HERE / "assets" / "style.css").read_text()
    schemes = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{([^}]*)\}", css)]
    assert len(schemes) == 3

    def light(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(one: str, other: str) -> float:
        high, low = sorted((light(one), light(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for scheme in schemes:
        for text in ("ink", "soft", "link"):
            for ground in ("ground", "raised"):
                assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
        for color in colors():
            assert contrast(color, scheme["ground"]) >= 3, color


def colors() -> dict[str, set[tuple[str, str]]]:
    """What each colour of the charts stands for, as (field, value)."""
    teams = [(f"team-{number}", f"Team {number}") for number in range(len(charts.TEAMS))]
    found = {charts.OTHERS: {("team", "beyond the palette")}}

    def walk(spec):
        if isinstance(spec, list):
            for each in spec:
                walk(each)
        elif isinstance(spec, dict):
            color = spec.get("color")
            if isinstance(color, dict) and "scale" in color:
                field = "team" if color["field"].endswith("team_id") else color["field"]
                for value, shade in zip(color["scale"]["domain"], color["scale"]["range"], strict=True):
                    found.setdefault(shade, set()).add((field, value))
            for each in spec.values():
                walk(each)

    walk(charts.specs([*teams, *((team, team) for team in charts.SENTINELS)]))
    return found


def test_a_colour_means_one_thing():
    good_and_bad = {charts.GOOD, charts.BAD}
    assert [(shade, means) for shade, means in colors().items() if len(means) > 1 and shade not in good_and_bad] == []
    assert len(colors()) > 30


def test_trees_lose_no_call(sample):
    traces = sample.rows("""
        (select trace_id, sum(attributed_usd), count(*) from marts.attributed_calls where trace_id is not null
        group by 1 order by 2 desc, 1 limit 3)
        union all
        (select trace_id, sum(attributed_usd), count(*) from marts.attributed_calls where service_name = 'digest-batch'
        group by 1 order by 1 limit 2)
    """)
    assert len(traces) == 5
    with duckdb.connect(str(sample.data / "ledger.duckdb"), read_only=True) as engine:
        for trace, usd, calls in traces:
            tree = Trace(engine, sample.data, trace).tree()
            own = [row["attributed_usd"] for row in tree if row["call_id"]]
            roots = [row for row in tree if row["parent_place"] is None]
            assert (sum(own), len(own)) == (usd, calls)
            assert (sum(row["carried_usd"] or 0 for row in roots), sum(row["carried_calls"] for row in roots)) == (
                usd,
                calls,
            )


def test_a_ring_of_spans_is_still_a_tree(small, tmp_path):
    """1 > 2 > 3 > 1 hangs on no root, 4 below 3 with it; 5 is an orphan; 1 landed twice."""
    day = tmp_path / "landed" / "spans" / "day=2026-10-01"
    day.mkdir(parents=True)
    with duckdb.connect(str(small / "ledger.duckdb"), read_only=True) as engine:
        engine.execute(f"""copy (
            select 'file' || copy as file_id, 7 as trace_key, span_key, parent_span_key, 'ring' as trace_id,
                span_key::varchar as span_id, 'span' as name, 'service' as service_name, null::varchar as team_id,
                null::varchar as trace_team_id, timestamp '2026-10-01' + to_seconds(span_key) as started_at
            from (values (1, 3, 1), (1, 3, 2), (2, 1, 1), (3, 2, 1), (4, 3, 1), (5, 99, 1))
                as spans (span_key, parent_span_key, copy)
        ) to '{day}/part.parquet' (format parquet)""")
        tree = Trace(engine, tmp_path, "ring").tree()
    assert [(row["span_id"], row["depth"], row["is_last"]) for row in tree] == [
        ("1", 0, False), ("2", 1, True), ("3", 2, True), ("4", 3, True), ("5", 0, True),
    ]  # fmt: skip


def test_why_shows_the_money_and_the_line_of_the_bill(sample, capsys):
    ((trace, call, usd, whole),) = sample.rows("""
        select trace_id, call_id, attributed_usd, (
            select sum(attributed_usd) from marts.attributed_calls as all_calls
            where all_calls.trace_id = calls.trace_id
        )
        from marts.attributed_calls as calls where match_level = 'response_id' and team_path like '% > % > %'
            and started_on = '2026-09-03'
        order by attributed_usd desc, call_id limit 1
    """)
    for asked in (trace, call):
        assert why.main([str(sample.data), "--trace", asked]) == 0
        said = capsys.readouterr().out
        assert f"3 calls, {why.usd(whole)}" in said.splitlines()[0]
        assert f": {why.usd(usd)} billed, production" in said
    ((file, line),) = re.findall(rf"billed on openrouter:{call} \(response_id\).*; (\S+) line (\d+)", said)
    assert call in (sample.data / "inbox" / file).read_text().splitlines()[int(line) - 1]
    # Of a day's line the call is a part: its tokens are those of the mart.
    used = re.findall(r"\(account_day_model_meter\): 2026-09-03, ([\d,]+) of its [\d,]+ (\w+)", said)
    assert len(used) == 4
    ((tokens,),) = sample.rows(f"""select sum(input_tokens - cache_read_tokens - cache_write_tokens)::bigint
        from marts.attributed_calls where trace_id = '{trace}' and provider = 'openai'""")
    assert sum(int(number.replace(",", "")) for number, meter in used if meter == "input") == tokens


def test_why_of_the_docs_is_true(sample, capsys):
    command, *lines = (PROJECT / "docs" / "analyst.md").read_text().split("$ make why ")[1].split("```")[0].splitlines()
    assert why.main([str(sample.data), "--trace", re.search(r"TRACE=(\w+)", command)[1]]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(lines) > 8
    assert [line for line in lines if line.strip() != "..." and line not in said] == []


def test_why_adds_up_a_feature_and_a_day(sample, capsys):
    assert why.main([str(sample.data), "--feature", "draft-email", "--day", "2026-09-03"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    ((usd, calls),) = sample.rows("""select sum(borne_usd), sum(calls) from marts.spend_daily
        where originating_feature_id = 'draft-email' and spent_on = '2026-09-03'""")
    assert first.startswith(f"draft-email on 2026-09-03: {calls} calls in ")
    assert first.endswith(why.usd(usd))


def test_why_names_what_is_near(sample, capsys):
    ((trace,),) = sample.rows("select max(trace_id) from marts.attributed_calls")
    for words, hint in (
        (["--trace", trace[:-1]], trace),
        (["--trace", "\x1b[2Jnone"], "no trace or call \\x1b[2Jnone"),
        (["--feature", "draft-mail", "--day", "2026-09-03"], "draft-email"),
        (["--feature", "draft-email", "--day", "2031-01-01"], "spend from 2026-08-01 to 2026-10-31"),
        (["--feature", "draft-email", "--day", "monday"], "no day"),
        (["--feature", "draft-email"], "DAY="),
    ):
        assert why.main([str(sample.data), *words]) == 2
        said = capsys.readouterr()
        assert hint in said.err
        assert said.out == ""
