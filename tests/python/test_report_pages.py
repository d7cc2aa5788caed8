"""The site as people see it: every page in a browser, for each month and team, wide and narrow, light and dark.

By default the newest month; REPORT_PAGES=all takes every month. Screenshots are kept in SCREENSHOTS, or in
DATA/screenshots where DATA is set.
"""

import csv
import os
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import GOLDEN, run_build
from proposals import tried
from test_report import beside, emptied, put

from report import site

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (make installs it)")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
QUIET = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()
MONTH = "2026-10"
IS_ALL = os.environ.get("REPORT_PAGES") == "all"
WINDOWS = [(1400, "light"), (390, "dark"), *([(1400, "dark"), (390, "light"), (800, "light")] if IS_ALL else [])]
FAULTS = Path(__file__).with_name("report_faults.js").read_text().partition("\n")[2]
TALL = 20_000
# Team web takes half of what the agent's team is charged, and pays for the calls that it asks for; and the same beside
# a hundred other teams.
HALVED = """
update other_postings set usd = usd / 2 where team_id = 'assistant';
insert into other_postings
select month, 'web' as team_id, provider, basis, is_untraced, usd from other_postings where team_id = 'assistant';
update other_calls set bearer_team_id = 'web' where asking_team_id = 'web';
update other_chargeback_policies set policy = 'caller_pays'
"""
MANY = (
    HALVED
    + """;
insert into today_postings
select month, 'team-' || place as team_id, provider, basis, is_untraced, usd * place
from today_postings cross join range(100) as places (place) where team_id = 'inbox';
insert into other_postings
select month, team_id, provider, basis, is_untraced, usd * (1 + hash(team_id) % 7 / 10) from today_postings
where team_id like 'team-%';
insert into today_calls
select month, asking_team_id || '-' || place, running_team_id, bearer_team_id, calls, usd
from today_calls cross join range(100) as places (place);
insert into other_calls
select month, asking_team_id || '-' || place, running_team_id, bearer_team_id, calls, usd
from other_calls cross join range(100) as places (place)
"""
)
HREFS = "found => found.map((one) => one.href)"

pytestmark = [
    pytest.mark.xdist_group("sample"),
    pytest.mark.skipif(
        BROWSER is None,
        reason="no Chromium on the path: pages were not opened (apt-get install chromium, or CHROMIUM=<path>)",
    ),
]


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory):
    data = os.environ.get("DATA")
    folder = os.environ.get("SCREENSHOTS") or (Path(data, "screenshots") if data else tmp_path_factory.mktemp("pages"))
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder).resolve()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        opened = engine.chromium.launch(executable_path=BROWSER, args=QUIET)
        yield opened
        opened.close()


class Window:
    """A page of the browser, with what it said and asked for."""

    def __init__(self, browser, width: int, scheme: str = "light"):
        size = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)
        self.context.set_default_timeout(180_000)  # as other tests may take all cores
        self.page, self.said = self.context.new_page(), []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def _asked(self, address: str) -> None:
        if not address.startswith(("file:", "data:", "blob:", "about:")):
            self.said.append(f"asks for {address}")

    def open(self, path: Path, choice: str = "") -> "Window":
        self.page.goto(path.as_uri() + choice)
        self.drawn()
        return self

    def choose(self, choice: str) -> None:
        self.page.evaluate(
            "choice => { delete document.documentElement.dataset.drawn; location.hash = choice; }", choice
        )
        self.drawn()

    def drawn(self) -> None:
        self.page.wait_for_selector("html[data-drawn]", state="attached")

    def faults(self) -> list[str]:
        found = self.page.evaluate(FAULTS, {"tall": TALL}) + self.said
        self.said.clear()
        return found


@pytest.fixture
def window(browser):
    opened = []

    def of(width: int = 1400, scheme: str = "light") -> Window:
        opened.append(Window(browser, width, scheme))
        return opened[-1]

    yield of
    for each in opened:
        each.context.close()


@pytest.fixture(scope="module")
def written(sample, tmp_path_factory):
    data = beside(sample, tmp_path_factory.mktemp("pages") / "data")
    site.write(data)
    return data / "report"


def company_of(folder: Path, *seeds: str) -> Path:
    folder.mkdir()
    for seed in seeds:
        shutil.copyfile(GOLDEN / "company" / f"{seed}.csv", folder / f"{seed}.csv")
    return folder


@pytest.fixture(scope="module", params=["spans_and_bill", "bill"])
def little(request, tmp_path_factory):
    """The site of a company with one file of spans and one bill; and of one with a bill and no seed."""
    folder = tmp_path_factory.mktemp(request.param)
    inbox = folder / "inbox"
    inbox.mkdir()
    shutil.copy(GOLDEN / "inbox" / "openrouter_activity_2026-10-06.csv", inbox)
    seeds = ()
    if request.param == "spans_and_bill":
        shutil.copy(GOLDEN / "inbox" / "spans.jsonl", inbox)
        seeds = ("teams", "services", "feature_catalog", "api_keys")
    built = run_build(inbox, folder / "data", company_of(folder / "company", *seeds), for_commands=True)
    assert built.code == 0, built.output
    site.write(folder / "data")
    return request.param, folder / "data" / "report"


def choices(page) -> list[str]:
    teams = page.eval_on_selector_all("#team option", "found => found.map((option) => option.value)")
    return [f"team={team}" if team else "" for team in teams]


def look(window, name: str, report: Path, months: list[str], screenshots: Path) -> dict[tuple, list[str]]:
    """The faults of each page, month, team and window that has any."""
    found = {}
    for width, scheme in WINDOWS:
        opened = window(width, scheme)
        for month in months:
            for page in site.PAGES:
                opened.open(report / f"{page}-{month}.html")
                for choice in choices(opened.page):
                    if choice:
                        opened.choose(choice)
                    if faults := opened.faults():
                        found[page, month, choice, width, scheme] = faults
                    if not choice or IS_ALL:
                        picture = f"{name}-{page}-{month}{'-' + choice if choice else ''}-{width}-{scheme}.png"
                        photograph(opened.page, screenshots / picture)
    return found


def photograph(page, path: Path) -> None:
    """A picture for people; on a busy machine Chromium at times can't take one, and can a moment later."""
    for attempt in range(3):
        try:
            page.screenshot(path=path, full_page=True)
            return
        except playwright.Error:
            if attempt == 2:
                raise


def test_pages_have_no_faults(written, window, screenshots):
    months = ["2026-08", "2026-09", MONTH] if IS_ALL else [MONTH]
    assert look(window, "sample", written, months, screenshots) == {}


def test_pages_of_a_little_company_have_no_faults(little, window, screenshots):
    name, report = little
    assert look(window, name, report, [MONTH], screenshots) == {}
    # Missing data is a sentence, and no chart.
    page = window().open(report / f"product-{MONTH}.html").page
    assert "no revenue has landed" in page.locator("#pnl .nothing").inner_text()
    assert page.locator("#pnl [data-chart], #units [data-chart]").count() == 0
    page = window().open(report / f"quality-{MONTH}.html").page
    assert page.locator("#coverage [data-chart], #evals [data-chart]").count() == 0
    page = window().open(report / f"overview-{MONTH}.html").page
    assert "no eval is required" in page.locator("#answer_coverage").inner_text()


@pytest.mark.parametrize("change", [HALVED, MANY], ids=["halved", "many"])
def test_the_page_of_a_proposal_has_no_faults(sample, window, screenshots, tmp_path, change):
    data = beside(sample, tmp_path / "data")
    tried(sample.data, data, change)
    page = site.write_proposal(data)
    for width, scheme in ((1400, "light"), (390, "dark")):
        opened = window(width, scheme).open(page)
        photograph(opened.page, screenshots / f"whatif-{'many' if change == MANY else 'halved'}-{width}-{scheme}.png")
        charts = opened.page.locator("[data-chart]").evaluate_all("found => found.map((one) => one.dataset.chart)")
        assert charts == ["gains", "volatility", "incentive", "incentive", "incentive"]
        bars = opened.page.locator("[data-chart=gains] .mark-rect path").count()
        assert bars == (60 if change == MANY else 2)
        assert opened.faults() == []
        opened.choose("team=web")
        assert opened.faults() == []
        assert opened.page.locator("#net_charge tbody tr:not([hidden])").count() == 1


def test_a_proposal_is_read_and_chosen_from(sample, window, tmp_path):
    """Half of the agent's charges go to another team: a bar to either side, and the same amount with either sign."""
    data = beside(sample, tmp_path / "data")
    tried(sample.data, data, HALVED)
    page = window().open(site.write_proposal(data)).page
    ((half, whole),) = sample.rows("""
        select sum(amount_usd) / 2, sum(amount_usd) from intermediate.int_ledger_postings
        where account = 'ai_cost' and team_id = 'assistant'""")
    assert (
        f"Web would pay ${half:,.2f} more: ${half:,.2f} instead of $0.00" in page.locator("#answer_more").inner_text()
    )
    rest = float(whole) - round(half, 2)
    assert f"less, 50.0 %: ${rest:,.2f} instead of ${whole:,.2f}" in page.locator("#answer_less").inner_text()
    more, less, between = page.evaluate("""() => {
        const bars = [...document.querySelectorAll("[data-chart=gains] .mark-rect path")];
        const boxes = Object.fromEntries(bars.map((bar) => [bar.getAttribute("aria-label"), bar.getBBox()]));
        const of = (words) => Object.entries(boxes).find(([label]) => label.includes(words))[1];
        const [more, less] = [of("pays more"), of("pays less")];
        return [more.width, less.width, less.x + less.width - more.x];
    }""")
    assert more > 100
    assert abs(more - less) < 1
    assert abs(between) < 1  # both begin at zero
    assert (
        "Web would pay 100.0 % of the next call that it asks for, today 0.0 %" in page.locator("#answer").inner_text()
    )
    assert (
        "the team that called the one that ran the call pays"
        in page.locator("#proposed_chargeback_policies").inner_text()
    )
    page.locator("#answer_more li a").click()
    page.wait_for_function("document.querySelectorAll('#net_charge tbody tr:not([hidden])').length === 1")
    assert page.locator("#team").input_value() == "web"


def test_faults_are_found(written, window):
    """What the pages are looked at for, done to one."""
    opened = window(390).open(written / f"finance-{MONTH}.html")
    assert opened.faults() == []
    causes = opened.page.locator("#causes tbody tr").count()
    for fault, script in {
        "pixels tall": "document.querySelector('#chargeback').style.height = '33000px'",
        "wider than the window": "document.querySelector('#transfers').style.width = '900px'",
        "money cut off": "document.querySelector('#bills table').style.marginLeft = '380px'",
        "hidden money": "document.querySelector('#journal td[data-exact]:not(.zero)').style.display = 'none'",
        "poor contrast": "document.querySelector('h1').style.color = '#bbbbbb'",
        "an empty chart": "document.querySelector('#causes [data-chart]').replaceChildren()",
        "the same label twice": "document.querySelectorAll('#chargeback .role-axis-label text')"
        ".forEach((label) => { label.textContent = 'twice'; })",
        "a heading over nothing": "document.querySelectorAll('#focus > :not(h2)').forEach((one) => one.remove())",
        f"of {causes} rows": "document.querySelector('#causes .count').textContent = '7'",
        "a row of zeros": "document.querySelectorAll('#budgets tbody tr:first-child [data-exact]')"
        ".forEach((cell) => { cell.dataset.exact = '0'; })",
        "said": "console.warn('said')",
    }.items():
        opened.page.evaluate(script)
        assert [found for found in opened.faults() if fault in found], fault
        opened.page.reload()
        opened.drawn()


def test_the_first_screen_is_the_answer(sample, written, window):
    page = window().open(written / f"overview-{MONTH}.html").page
    assert page.locator("#answer").bounding_box()["y"] < 250
    assert page.locator("#answer").bounding_box()["height"] < 800
    lines = page.locator("#answer_charge li").all_inner_texts()
    expected = sample.rows(f"""
        select coalesce(teams.name, 'Quality pool'), here.net_charge_booked_usd,
            here.net_charge_booked_usd - before.net_charge_booked_usd
        from marts.team_chargeback_monthly as here
        inner join marts.team_chargeback_monthly as before
            on here.team_id = before.team_id and before.month = date '{MONTH}-01' - interval 1 month
        left join seeds.teams as teams on here.team_id = teams.team_id
        where here.month = '{MONTH}-01' and here.net_charge_booked_usd != 0 order by 2 desc""")
    assert len(lines) == len(expected) > 4
    for line, (name, usd, change) in zip(lines, expected, strict=True):
        assert line.startswith(name)
        assert f"bears ${usd:,.2f}, {'+' if change > 0 else '-'}${abs(change):,.2f} on last month" in line
    assert "Summarize-Thread" in page.locator("#answer_coverage").inner_text()
    # A chosen team sees all transfers that it owes or is owed.
    page = window().open(written / f"overview-{MONTH}.html", "#team=inbox").page
    ((count, usd),) = sample.rows(f"""select count(*), max(amount_booked_usd) from marts.team_transfers_monthly
        where month = '{MONTH}-01' and amount_booked_usd != 0 and 'inbox' in (debtor_team_id, creditor_team_id)""")
    lines = [line for line in page.locator("#answer_transfers li").all() if line.is_visible()]
    assert len(lines) == count
    assert lines[0].inner_text().endswith(f"${usd:,.2f}")
    assert page.locator("#answer_charge li:visible").count() == 1
    # "and N more" keeps the choice of now.
    chosen = window().open(written / f"overview-{MONTH}.html", "#from=2026-10-05")
    chosen.choose("from=2026-10-06")
    more = chosen.page.locator(".answer .more a:visible")
    assert more.count() > 0
    assert {address.split("#")[1].split("&")[0] for address in more.evaluate_all(HREFS)} == {"from=2026-10-06"}
    # A line leads to its figure, for the one that it is about.
    page.locator("#answer_charge li:visible a").click()
    page.wait_for_selector("#chargeback tbody tr:visible")
    page.wait_for_selector("html[data-drawn]", state="attached")
    assert page.locator("#team").input_value() == "inbox"
    assert page.locator("#chargeback tbody tr:visible").count() == 1


def test_a_team_sees_its_own_with_its_own_totals(sample, written, window):
    page = window().open(written / f"finance-{MONTH}.html", "#team=inbox").page
    ((usd,),) = sample.rows(f"""select net_charge_booked_usd from marts.team_chargeback_monthly
        where team_id = 'inbox' and month = '{MONTH}-01'""")
    assert page.locator("#chargeback tbody tr:visible").count() == 1
    assert f"${usd:,.2f}" in page.locator("#chargeback tfoot td").all_inner_texts()
    # A team sees its own budgets and those of features that it bears.
    budgets = [
        label for (label,) in sample.rows(f"""
            select distinct coalesce(teams.name, 'feature ' || catalog.name)
            from marts.budget_burn_daily as burn
            left join seeds.teams as teams on burn.team_id = teams.team_id
            left join seeds.feature_catalog as catalog on burn.feature_id = catalog.feature_id
            where date_trunc('month', burned_on) = '{MONTH}-01' and budget_usd is not null and (
                burn.team_id = 'inbox' or exists (
                    select 1 from marts.spend_daily as spend
                    where spend.originating_feature_id = burn.feature_id and spend.bearer_team_id = 'inbox'
                        and date_trunc('month', spend.spent_on) = '{MONTH}-01'
                )
            )""")
    ]  # fmt: skip
    shown = page.locator("#budgets tbody tr:visible th").evaluate_all(
        "found => found.map((one) => one.firstChild.textContent.trim())"
    )
    assert sorted(shown) == sorted(budgets)
    assert 0 < len(budgets) < page.locator("#budgets tbody tr").count()
    # A change keeps its plus in totals, and none has a plus that is no change.
    rows = page.locator("#variance tbody tr:not([hidden]) td:last-child").all_inner_texts()
    change = sum(Decimal(re.sub("[$,+]", "", row)) for row in rows)
    sign = "+" if change > 0 else "-" if change < 0 else ""
    assert page.locator("#variance tfoot td:last-child").text_content().strip() == f"{sign}${abs(change):,.2f}"
    # In the matrix it sees its row and its column.
    ((usd, creditors),) = sample.rows(f"""select sum(amount_booked_usd), count(distinct creditor_team_id)
        from marts.team_transfers_monthly
        where month = '{MONTH}-01' and amount_booked_usd != 0
            and 'inbox' in (debtor_team_id, creditor_team_id)""")
    sums = page.locator("#transfers tfoot td:visible").all_inner_texts()
    assert (sums[-1], len(sums)) == (f"${usd:,.2f}", creditors + 1)


def test_a_call_leads_to_its_request_and_the_line_of_its_bill(sample, written, window):
    opened = window(390).open(written / "calls-2026-09.html", "#feature=draft-email")
    rows = opened.page.locator("#calls tbody tr:visible")
    assert 0 < rows.count() < 20
    ((usd, shown, part),) = sample.rows("""
        with calls as (
            select attributed_usd, least(
                row_number() over (order by attributed_usd desc, call_id) / 50,
                row_number() over (
                    partition by originating_feature_id, model, purpose order by attributed_usd desc, call_id
                )
            ) <= 1 as is_shown
            from marts.attributed_calls where date_trunc('month', started_on) = '2026-09-01'
        )
        select sum(attributed_usd), sum(attributed_usd) filter (where is_shown),
            sum(attributed_usd) filter (where is_shown)::double / sum(attributed_usd)::double from calls""")
    tiles = opened.page.locator("#calls_covered dd").evaluate_all("found => found.map((one) => one.dataset.exact)")
    assert [Decimal(tiles[0]), Decimal(tiles[1])] == [shown, usd]
    assert abs(float(tiles[2]) - part) < 1e-9
    link = opened.page.locator("#calls tbody tr:visible a").first
    trace = link.inner_text()
    link.click()
    opened.drawn()
    assert opened.faults() == []
    assert trace in opened.page.locator("#request").inner_text()
    files = set(opened.page.locator("#lines tbody td:nth-child(2)").all_inner_texts())
    landed = {name for (name,) in sample.rows("select distinct source_file from intermediate.int_classified_charges")}
    assert files
    assert files <= landed
    # A click on a number shows the query that made it.
    opened.page.locator("#lines td.number").first.click()
    assert "int_charge_settlements" in opened.page.locator("#lines details[open] code").last.inner_text()
    assert opened.faults() == []


def test_the_keyboard_reaches_all(written, window):
    page = window().open(written / f"overview-{MONTH}.html").page
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate("""() => {
            const one = document.activeElement;
            const style = getComputedStyle(one);
            const box = one.getBoundingClientRect();
            return [one.id || (one.getAttribute("href") || "").split("/").pop() || one.className || one.tagName,
                style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
                box.width > 0 && box.bottom > 0 && box.top < innerHeight];
        }""")
        reached.append(found[0])
        assert found[1:] == [True, True], found
    links = [*(f"{name}-{MONTH}.html" for name in site.PAGES), "whatif.html"]
    assert {"#main", *links, "month", "team", "feature", "from", "to", f"finance-{MONTH}.html#chargeback"} <= set(
        reached
    )
    page.locator("#team").focus()
    page.keyboard.type("Inbox")
    page.wait_for_function("location.hash === '#team=inbox'")
    # Words are explained under the focus, and tables are sorted by it.
    page.locator("#bill .term").first.focus()
    assert "provider charged" in page.locator("#meaning").inner_text()
    page.locator("#models .sort").last.focus()
    page.keyboard.press("Enter")
    cells = page.locator("#models tbody tr:not([hidden]) td:last-child")
    sorted_cells = [Decimal(cell) for cell in cells.evaluate_all("found => found.map((one) => one.dataset.exact)")]
    assert sorted_cells == sorted(sorted_cells, reverse=True)
    assert len(sorted_cells) > 5


def test_charts_explain_and_filter(written, window):
    page = window(scheme="dark").open(written / f"overview-{MONTH}.html").page
    bar = page.locator("[data-chart=features] .mark-rect path").nth(1)
    bar.scroll_into_view_if_needed()
    bar.hover()
    page.wait_for_selector("#vg-tooltip-element.visible")
    text = page.locator("#vg-tooltip-element").inner_text()
    assert "Answer-from-Mail" in text
    assert "_" not in text
    color = page.locator("#vg-tooltip-element").evaluate("one => getComputedStyle(one).backgroundColor")
    assert color == "rgb(29, 34, 40)"
    bar.click()
    page.wait_for_function("location.hash === '#feature=answer-from-mail'")
    assert page.locator("#features .count").inner_text() == "1"
    features = page.locator("#models tbody tr:visible td:nth-child(3)").all_inner_texts()
    assert set(features) == {"Answer-from-Mail"}


@pytest.mark.parametrize("choice", ["", "#team=inbox"])
def test_each_bar_of_a_waterfall_begins_where_the_one_before_it_ends(written, window, choice):
    page = window().open(written / "finance-2026-09.html", choice).page
    for figure in ("waterfall", "model_waterfall"):
        boxes = page.locator(f"#{figure} .mark-rect path").evaluate_all(
            "bars => bars.map((bar) => bar.getBBox()).map((box) => [box.y, box.x, box.x + box.width])"
        )
        (_, _, reached), *causes, (_, start, end) = sorted(boxes)
        for _, left, right in causes:
            assert min(abs(left - reached), abs(right - reached)) < 1, (figure, choice)
            reached = left if abs(right - reached) < abs(left - reached) else right
        assert len(causes) >= 3
        assert abs(end - reached) < 1
        assert start == min(left for _, left, _ in boxes)


def test_tables_are_searched_cut_by_days_and_saved(sample, written, window, tmp_path):
    page = window().open(written / f"finance-{MONTH}.html").page
    with page.expect_download() as saved:
        page.locator("#chargeback .save").click()
    saved.value.save_as(tmp_path / "chargeback.csv")
    rows = list(csv.DictReader((tmp_path / "chargeback.csv").open(newline="")))
    ((usd,),) = sample.rows(f"""select sum(net_charge_booked_usd) from marts.team_chargeback_monthly
        where month = '{MONTH}-01'""")
    assert sum(Decimal(row["net charge"]) for row in rows) == usd
    teams = sample.rows(f"select team_id from marts.team_chargeback_monthly where month = '{MONTH}-01'")
    assert {(row["team"],) for row in rows} <= set(teams)
    with page.expect_download() as saved:
        page.locator("#journal .save").click()
    saved.value.save_as(tmp_path / "journal.csv")
    cells = [cell for row in csv.DictReader((tmp_path / "journal.csv").open(newline="")) for cell in row.values()]
    assert "-" not in cells
    page.locator("#journal input[type=search]").fill("pool_credit")
    shown = page.locator("#journal tbody tr:visible")
    assert 0 < shown.count() == page.locator("#journal tbody tr", has_text="pool_credit").count()
    page = window().open(written / f"overview-{MONTH}.html", "#from=2026-10-05&to=2026-10-06").page
    days = page.locator("#days tbody tr:not([hidden]) th").evaluate_all("found => found.map((one) => one.textContent)")
    assert set(days) == {"2026-10-05", "2026-10-06"}


def test_a_cut_table_does_not_deny_what_it_lacks(sample, window, tmp_path):
    """40 rows of a month's models are not on its page; its days are all there."""
    data = emptied(sample, tmp_path / "data")
    put(
        data,
        f"""insert into marts.spend_daily by name
        select date '{MONTH}-01' + (place % 31)::int as spent_on, 'feature-' || place // 31 as originating_feature_id,
            if(place < 310, 'much', 'little') as bearer_team_id, 'production' as purpose, 'model-' || place as model,
            2 - place / 1000 as borne_usd
        from range(341) as places (place)""",
    )
    site.write(data)
    opened = window().open(data / "report" / f"overview-{MONTH}.html")
    assert opened.page.locator("#models tfoot tr").is_visible()
    opened.choose("team=little")
    notes = opened.page.locator("#models .no-rows, #features .no-rows, #days .no-rows").all_inner_texts()
    assert notes == ["None of the rows kept here is of little."]
    opened.choose(f"from={MONTH}-31&to={MONTH}-31")
    assert opened.page.locator("#days .count").inner_text() == "11"
    opened.choose("feature=none")
    assert opened.page.locator("#features .no-rows").inner_text() == "Nothing of none."
    assert opened.faults() == []


def test_pages_print(written, window, screenshots):
    for name in site.PAGES:
        # As wide as a landscape page of A4 within its margins.
        opened = window(1032).open(written / f"{name}-{MONTH}.html")
        opened.page.emulate_media(media="print")
        opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert [fault for fault in opened.faults() if "money" in fault or "wider" in fault] == [], name
        assert opened.page.locator("nav:visible, .tools:visible, select:visible").count() == 0
        hidden = opened.page.locator("details.print tbody tr:not([hidden])").evaluate_all(
            "found => found.filter((row) => !row.checkVisibility()).length"
        )
        assert hidden == 0
        printed = opened.page.pdf(path=screenshots / f"sample-{name}-{MONTH}.pdf", prefer_css_page_size=True)
        assert printed.startswith(b"%PDF")
