"""Writes the site, to open from disk: pages for each month from the marts of DATA, and that of the proposal that
`make whatif` tried last.
"""

import hashlib
import json
import shlex
import shutil
import sys
import time
from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from functools import cache, partial
from pathlib import Path

import duckdb
import jinja2
import vl_convert

import arguments
import ending
from paths import pattern
from report import charts
from report.figures import LINES_OPEN, ROWS_OPEN, Figure, Names, Shown, cell, fill
from report.pages import FINANCE, OVERVIEW
from report.pages_product import CALLS, DATA, PRODUCT, QUALITY, TRACE
from report.pages_whatif import CHARTS, RECORD, figures_of, proposal_of
from report.trees import CHARGES, SPANS, Trace, Traces, rows
from state import exchange
from state import write as write_file
from terminal import plain, print

HERE = Path(__file__).parent
GLOSSARY = HERE.parents[1] / "docs" / "glossary.md"
PAGES: dict[str, tuple[str, list[Figure]]] = {
    "overview": ("Overview", OVERVIEW),
    "finance": ("Finance", FINANCE),
    "product": ("Product", PRODUCT),
    "quality": ("Quality", QUALITY),
    "calls": ("Calls", CALLS),
    "trace": ("One request", TRACE),
    "data": ("Data quality", DATA),
}
MONTHS = """
select distinct month from marts.team_chargeback_monthly
union
select distinct date_trunc('month', spent_on)::date from marts.spend_daily
order by month desc
"""
STATE = """
select (select max(spent_on) from marts.spend_daily) as last_day
"""
# Those that cost most first: they have the colours that differ most.
TEAMS = """
select team_id, sum(net_charge_usd) as usd from marts.team_chargeback_monthly group by all order by usd desc, team_id
"""
# The newest name of each id.
CATALOG = {
    "teams": "select team_id as id, any_value(name) as name from seeds.teams group by all",
    "features": "select feature_id as id, arg_max(name, coalesce(valid_from, date '0001-01-01')) as name"
    " from seeds.feature_catalog group by all",
}
# Nothing of a ledger that another tool has made.
BUILD = "select build_id from main.ledger_builds"
WHATIF = "whatif.html"
SPANS_DRAWN = 60
SPANS_AT_ONCE = 20_000  # of requests that are read together
STEP, INDENT, BOX = 46, 30, 330


def drawn(tree: list[dict], names: Names, colors: dict[str, str]) -> dict:
    """Places of boxes and edges: one row a span, depth to the right; a long trace keeps the spans that carry money."""
    kept = tree if len(tree) <= SPANS_DRAWN else [row for row in tree if row["carried_calls"]][:SPANS_DRAWN]
    owners = sorted({row["owner_team_id"] for row in kept if row["owner_team_id"]})
    called = {team: names.of("team_id", team) for team in owners}
    places = {row["place"]: (row["depth"] * INDENT, number * STEP) for number, row in enumerate(kept)}
    whole = max((row["carried_usd"] or 0 for row in kept), default=0)
    spans = []
    for row in kept:
        x, y = places[row["place"]]
        parent = places.get(row["parent_place"])
        share = float(max(row["carried_usd"] or 0, 0) / whole) if whole > 0 else 0
        owner = called.get(row["owner_team_id"])
        colored = {
            "owner": owner,
            "color": colors.get(owner or "", charts.OTHERS),
            "thickness": round(1.5 + 5 * share, 1),
        }
        spans.append({**row, "x": x, "y": y, "parent": parent, **colored})
    deepest = max((span["x"] for span in spans), default=0)
    return {
        "spans": spans,
        "owners": sorted((name, colors.get(name, charts.OTHERS)) for name in called.values()),
        "left_out": len(tree) - len(kept),
        "width": deepest + BOX + 130,
        "height": len(spans) * STEP + 8,
        "box": BOX,
    }


@cache
def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, out of the package that brings them."""
    return f"(function () {{\n{vl_convert.javascript_bundle()}\n}})();\n"  # type: ignore[call-arg]  # a snippet may be left out


def mart_paths() -> dict[str, str]:
    models = HERE.parents[1] / "models"
    return {path.stem: path.relative_to(models.parent).as_posix() for path in sorted(models.glob("marts/*/*.sql"))}


def names_of(engine) -> Names:
    found = {}
    for kind, query in CATALOG.items():
        try:
            found[kind] = sorted((row["id"], row["name"]) for row in rows(engine, query))
        except duckdb.CatalogException:
            found[kind] = []
    return Names(**found)


def word_of_shell(text: str) -> str:
    """An id in a command to copy: a shell reads it as it is, and one that would steer a terminal is not offered."""
    return shlex.quote(text) if plain(text) == text else "<id>"


def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters["word_of_shell"] = word_of_shell
    made.filters["usd"] = lambda value: cell("usd", value, 6).text
    made.globals["rows_open"] = ROWS_OPEN
    made.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":"), "allow_nan": False}
    return made


def glossary() -> list[tuple[str, list[list[str]]]]:
    """The tables of docs/glossary.md by their headings: term, meaning, and where to see it, without markup."""
    sections = GLOSSARY.read_text().replace("`", "").split("\n## ")[1:]
    return [
        (section.splitlines()[0], [
            [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()[4:] if line
        ])
        for section in sections
    ]  # fmt: skip


def meanings() -> dict[str, str]:
    """What a heading means, by the term or by the name of the column that the glossary points to."""
    found: dict[str, str] = {}
    for _, terms in glossary():
        for term, meaning, see in terms:
            column = see.partition(".")[2]
            if column.endswith("_usd"):
                found.setdefault(column, meaning)
            for word in term.split(", or "):
                found.setdefault(word, meaning)
    return found


def page(engine, data: Path, name: str, month: date | None, paths: dict[str, str], names: Names, colors: dict) -> dict:
    """What a page's template reads."""
    landed = str(data / "landed")
    shown: list[Shown] = [fill(engine, figure, month, landed, paths, names) for figure in PAGES[name][1]]
    answers = [each for each in shown if each.figure.shape == "answer"]
    figures = [each for each in shown if each.figure.shape != "answer"]
    context: dict[str, object] = {"answers": answers, "figures": figures, "picture": None, "trace": None}
    if name == "trace" and shown[0].rows:
        trace = shown[0].rows[0].cells[0].text
        tree = Trace(engine, data, trace).tree()
        context |= {"trace": trace, "picture": drawn(tree, names, colors) if tree else None}
    return context


def requests_of(shown: Shown) -> list[str]:
    """Traces of the calls on the page, each once."""
    place = shown.columns.index("trace_id")
    return list(dict.fromkeys(row.cells[place].text for row in shown.rows if row.cells[place].text != "-"))


def in_portions(engine, traces: list[str]) -> Iterator[list[str]]:
    """Traces whose spans of `spans_drawn` are at most SPANS_AT_ONCE together, or one trace alone."""
    sizes = dict(engine.execute("select trace_id, count(*) from spans_drawn group by trace_id").fetchall())
    portion: list[str] = []
    held = 0
    for trace in traces:
        size = sizes.get(trace, 0)
        if portion and held + size > SPANS_AT_ONCE:
            yield portion
            portion, held = [], 0
        portion.append(trace)
        held += size
    if portion:
        yield portion


def address_of(trace: str) -> str:
    return f"request-{hashlib.sha256(trace.encode()).hexdigest()[:16]}.html"


def draw_requests(engine, data: Path, shown: Shown, picture, render) -> dict[str, str]:
    """Pages of the requests behind a month's calls, by address; links the calls to them. `picture` draws a tree."""
    drawn_pages: dict[str, str] = {}
    if not shown.rows:
        return drawn_pages
    traces = requests_of(shown)
    spans = SPANS.format(folder=pattern(data / "landed"))
    query = f"create or replace temp table spans_drawn as select * from {spans} where trace_id in (select unnest($ids))"
    engine.execute(query, {"ids": traces})
    for portion in in_portions(engine, traces):
        requests = Traces(engine, data, portion)
        requests.spans = "spans_drawn"
        charges = requests.charges()
        for trace, tree in requests.trees().items():
            called = {row["call_id"]: f"{row['service_name']}: {row['span_name']}" for row in tree}
            lines = [{**charge, "call": called.get(charge["call_id"], "")} for charge in charges.get(trace, [])]
            query = CHARGES.strip().replace("$traces", "['" + trace.replace("'", "''") + "']")
            drawn_pages[address_of(trace)] = render(trace=trace, picture=picture(tree), lines=lines, query=query)
    place = shown.columns.index("trace_id")
    for row in shown.rows:
        if address_of(row.cells[place].text) in drawn_pages:
            row.cells[place].link = address_of(row.cells[place].text)
    return drawn_pages


def choices_of(shown: list[Shown], names: Names) -> dict[str, list[tuple[str, str]]]:
    """(name, id) of the teams and features that a page's rows are of, to choose one."""
    return {
        ids: sorted({(names.of(column, id), id) for each in shown for row in each.rows for id in getattr(row, ids)})
        for column, ids in (("team_id", "teams"), ("feature_id", "features"))
    }


def build_of(engine) -> str | None:
    try:
        found = engine.execute(BUILD).fetchone()
    except duckdb.CatalogException:
        return None
    return found and found[0]


def proposal_page(
    data: Path, names: Names, month: str | None, has_pages: bool, build: str | None, otherwise: str
) -> str:
    """The page of the proposal that was tried last, beside pages of `build`, of which `month` is the newest.
    `otherwise` says whether it is older or newer than these, where it is of another build.
    """
    context: dict[str, object] = {"proposal": None, "teams": [], "features": []}
    if (data / RECORD).exists():
        with duckdb.connect(str(data / RECORD), read_only=True) as record:
            proposal = proposal_of(record)
            shown = [fill(record, figure, None, "", {}, names) for figure in figures_of(record)]
        first, last = f"{proposal.first_month:%Y-%m}", f"{proposal.last_month:%Y-%m}"
        context = {
            "proposal": proposal,
            "months": first if first == last else f"{first} to {last}",
            "is_over": bool(proposal.data_to and proposal.data_to >= last_day(proposal.last_month)),
            "age": "" if not has_pages or not build else "same" if build == proposal.build_id else otherwise,
            "answers": [each for each in shown if each.figure.shape == "answer"],
            "figures": [each for each in shown if each.figure.shape != "answer"],
            **choices_of(shown, names),
        }
    return environment().get_template(WHATIF).render(
        name="whatif",
        pages=[(key, words) for key, (words, _) in PAGES.items()] if has_pages else [],
        has_pages=has_pages,
        month=month,
        terms=meanings(),
        lines_open=LINES_OPEN,
        has_docs=False,
        **context,
    )  # fmt: skip


def assets_of(specs: dict[str, str]) -> dict[str, bytes]:
    """What pages load, by name; `specs` are scripts with charts, by theirs."""
    found = {asset.name: asset.read_bytes() for asset in sorted((HERE / "assets").iterdir())}
    return found | {"vega.js": vega().encode()} | {name: text.encode() for name, text in specs.items()}


def charts_script(specs: dict[str, dict]) -> str:
    return f"window.charts = {json.dumps(specs, sort_keys=True, separators=(',', ':'))};\n"


def whatif_charts() -> dict[str, str]:
    return {"charts-whatif.js": charts_script({name: spec for name, spec in charts.specs().items() if name in CHARTS})}


def write_proposal(data: Path) -> Path:
    """The page alone, among those that the last `make report` wrote; or by itself, where there are none."""
    folder = data / "report"
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    for name, content in assets_of(whatif_charts()).items():
        asset = folder / "assets" / name
        if not asset.exists() or asset.read_bytes() != content:
            write_file(asset, content)
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        names = names_of(engine)
    months = sorted(path.stem.removeprefix("overview-") for path in folder.glob("overview-*.html"))
    build = folder / "assets" / "build.txt"
    text = proposal_page(
        data, names, months[-1] if months else None, has_pages=(folder / "index.html").exists(),
        build=build.read_text() if build.exists() else None, otherwise="newer",
    )  # fmt: skip
    write_file(folder / WHATIF, text)
    return folder / WHATIF


def is_proposal_linked(data: Path) -> bool:
    index = data / "report" / "index.html"
    return index.exists() and f'href="{WHATIF}"' in index.read_text()


def last_day(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def write(data: Path) -> list[Path]:
    """The whole site, in place of an older one once it is complete; returns its pages."""
    part, folder = data / ".report.part", data / "report"
    shutil.rmtree(part, ignore_errors=True)
    (part / "assets").mkdir(parents=True)
    templates, paths, terms = environment(), mart_paths(), meanings()
    pages = [(key, words) for key, (words, _) in PAGES.items()]
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        months = [row["month"] for row in rows(engine, MONTHS)] or [None]
        (state,) = rows(engine, STATE)
        names = names_of(engine)
        called = [(row["team_id"], names.of("team_id", row["team_id"])) for row in rows(engine, TEAMS)]
        colors = charts.team_colors(called)
        picture = partial(drawn, names=names, colors=colors)
        build = build_of(engine)
        assets = assets_of({"charts.js": charts_script(charts.specs(called)), **whatif_charts()})
        for asset, content in (assets | ({"build.txt": build.encode()} if build else {})).items():
            (part / "assets" / asset).write_bytes(content)
        for month in months:
            contexts = {name: page(engine, data, name, month, paths, names, colors) for name in PAGES}
            every = [each for context in contexts.values() for each in context["answers"] + context["figures"]]
            is_over = not month or not state["last_day"] or state["last_day"] >= last_day(month)
            calls = next(each for each in contexts["calls"]["figures"] if each.figure.key == "calls")
            render = partial(
                templates.get_template("request.html").render,
                name="calls", pages=pages, month=f"{month:%Y-%m}" if month else None,
            )  # fmt: skip
            for address, text in draw_requests(engine, data, calls, picture, render).items():
                (part / address).write_text(text)
            for name, context in contexts.items():
                text = templates.get_template("page.html").render(
                    name=name,
                    title=PAGES[name][0],
                    pages=pages,
                    month=f"{month:%Y-%m}" if month else None,
                    months=[f"{each:%Y-%m}" for each in months if each],
                    **choices_of(every, names),
                    first_day=month,
                    end_day=last_day(month) if month else None,
                    is_over=is_over,
                    terms=terms,
                    lines_open=LINES_OPEN,
                    last_day=state["last_day"],
                    has_docs=(data / "docs" / "index.html").exists(),
                    **context,
                )
                (part / f"{name}-{month:%Y-%m}.html" if month else part / f"{name}.html").write_text(text)
    newest = f"{months[0]:%Y-%m}" if months[0] else None
    words = templates.get_template("glossary.html").render(
        name="glossary", pages=pages, month=newest, sections=glossary()
    )
    (part / "glossary.html").write_text(words)
    # Kept with its date, as a proposal is a question that was asked once; last, so that it is the newest.
    (part / WHATIF).write_text(proposal_page(data, names, newest, has_pages=True, build=build, otherwise="older"))
    shutil.copyfile(part / (f"overview-{newest}.html" if newest else "overview.html"), part / "index.html")
    exchange(part, folder)
    return sorted(folder.glob("*.html"))


def main(data: Path) -> int:
    if not (data / "ledger.duckdb").exists():
        print(f"ERROR: there is no {data / 'ledger.duckdb'}; run make build first", file=sys.stderr)
        return 2
    start = time.monotonic()
    try:
        pages = write(data)
    except duckdb.CatalogException as broken:
        print(f"ERROR: the ledger is not built whole; run make build ({str(broken).splitlines()[0]})", file=sys.stderr)
        return 2
    except duckdb.IOException as busy:
        print(f"ERROR: the ledger can't be read; is a build running? ({str(busy).splitlines()[0]})", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in (data / "report").rglob("*") if path.is_file())
    print(f"  {len(pages)} pages, {size / 1e6:.1f} MB, {time.monotonic() - start:.1f} s")
    print(f"\nLook at: {data}/report/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(lambda: main(*arguments.paths(__doc__, "data"))))
