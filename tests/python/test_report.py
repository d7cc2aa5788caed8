"""The site and `make why`: what they show is what the marts say, to the digit, and safe to open."""

import hashlib
import re
import shutil
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT

from report import charts, site, why
from report.figures import marts_of
from report.pages_product import EXCUSED
from report.trees import Trace

pytestmark = pytest.mark.xdist_group("sample")
MONTH, HOSTILE = "2026-10", "<script>alert(1)</script>\"'&</script>"
VOID = {"meta", "link", "br", "path", "rect", "input"}
# Figure and column on a page, and the same money straight from a mart.
TOTALS = {
    ("overview", "bill", "billed_usd"): "sum(billed_booked_usd) from marts.team_chargeback_monthly"
    " where month = $month",
    ("overview", "bill", "borne_by_teams_usd"): "round(sum(amount_usd), 2) from marts.ledger_entries"
    " where posted_month = $month and account = 'ai_cost'",
    ("overview", "unexplained", "untraced"): "sum(untraced_usd) from marts.invoice_reconciliation_daily"
    " where date_trunc('month', usage_on) = $month",
    ("overview", "features", "borne"): "sum(borne_usd) from marts.spend_daily"
    " where date_trunc('month', spent_on) = $month",
    ("overview", "models", "borne"): "sum(borne_usd) from marts.spend_daily"
    " where date_trunc('month', spent_on) = $month",
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
    """A ledger with every mart and nothing in it."""
    data = tmp_path_factory.mktemp("small")
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute(f"attach '{sample.data / 'ledger.duckdb'}' as sample (read_only)")
        tables = engine.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = 'sample'"
            " and (table_schema = 'marts'"
            " or table_name in ('int_span_attribution', 'int_span_calls', 'services'))"
        ).fetchall()
        for schema, table in tables:
            engine.execute(f"create schema if not exists {schema}")
            engine.execute(f"create table {schema}.{table} as from sample.{schema}.{table} limit 0")
    return data


def test_totals_on_the_pages_are_the_marts(sample, written):
    for month in ("2026-08", "2026-09", MONTH):
        pages = {name: Page((written / f"{name}-{month}.html").read_text()) for name in site.PAGES}
        for (page, figure, column), query in TOTALS.items():
            ((mart,),) = sample.rows("select " + query.replace("$month", f"date '{month}-01'"))
            assert pages[page].sum_of(figure, column) == mart, (month, page, figure, column)
        # Each team's billed part is off by less than a cent.
        ((bill, teams),) = sample.rows(f"""
            select (
                select sum(billed_usd) from marts.provider_bills_monthly
                where month = date '{month}-01' and treatment in ('call', 'invoice_only', 'shared')
            ), count(*)
            from marts.team_chargeback_monthly where month = date '{month}-01' and billed_usd != 0""")
        assert abs(pages["overview"].sum_of("bill", "billed_usd") - bill) < Decimal("0.01") * teams
        for page in pages.values():
            for name, figure in page.figures.items():
                summed = any(total for _, total in figure["tfoot"][0]) if figure["tfoot"] else False
                assert page.links.count(f"#{name}-query") >= (len(figure["tiles"]) or summed), (month, name)
                for column, (_, total) in enumerate(figure["tfoot"][0] if figure["tfoot"] else []):
                    shown = [re.sub("[$,+]", "", cell[0]) for row in figure["tbody"] if (cell := row[column])[1]]
                    if total and name != "days":  # whose table is cut
                        assert sum(map(Decimal, shown)) == Decimal(total), (month, name, column)


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
    # The newest overview once more, the glossary, and requests that calls lead to.
    assert len(pages) == 3 * len(site.PAGES) + 2 + len(requests)
    called = {link for path in written.glob("calls-*.html") for link in Page(path.read_text()).links}
    assert requests <= called
    assert len(requests) > 20
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
    assert set(names) == {"index", "glossary", *site.PAGES}
    for name, (_, figures) in site.PAGES.items():
        assert all(figure.nothing != "Nothing yet." for figure in figures if figure.shape != "tiles")
        text = names[name].read_text()
        assert text.count('<p class="nothing">') == len(figures)
        assert "Nothing yet: no spans" in text


def test_hostile_names_are_text(small, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small, data)
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        for table, columns in (
            ("team_chargeback_monthly", {"month": "date '2026-10-01'", "team_id": "$name",
                                         "net_charge_booked_usd": "1"}),
            ("spend_daily", {"spent_on": "date '2026-10-02'", "bearer_team_id": "$name", "borne_usd": "1",
                             "originating_feature_id": "$name", "purpose": "$name"}),
            ("team_transfers_monthly", {"month": "date '2026-10-01'", "debtor_team_id": "$name",
                                        "creditor_team_id": "$name", "amount_usd": "1"}),
        ):  # fmt: skip
            words = f"insert into marts.{table} ({', '.join(columns)}) values ({', '.join(columns.values())})"
            engine.execute(words, {"name": HOSTILE})
    for path in site.write(data):
        text = path.read_text()
        page = Page(text)
        charted = text.count("application/json")
        assert page.scripts == (0 if path.stem == "glossary" else 3 + charted)
        assert "<script>alert" not in text
    names = [
        row[0][0] for row in Page((data / "report/finance-2026-10.html").read_text()).figures["chargeback"]["tbody"]
    ]
    assert names == [HOSTILE]


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
