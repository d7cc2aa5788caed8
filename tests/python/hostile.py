"""A company each of whose ids is hostile, beside the same one with plain ids: what differs may be names alone.

By hand: PYTHONPATH=scripts:tests/python .venv/bin/python tests/python/hostile.py FOLDER builds both there, runs every
command over them, and prints what was found.
"""

import csv
import io
import json
import re
import sys
import unicodedata
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path

from conftest import run_build
from exports import activity, attributes, batch, chat, span

import answer
import bi
import export
from report import site, why

LONG = 1000
# Each stands for a kind: what a shell, SQL, LIKE, Jinja, HTML, JavaScript, a spreadsheet, a file system, a terminal or
# a reader of text would take for something else than a name.
IDS = [
    '$(touch RAN)', '`touch RAN`', '; touch RAN; #', "' or 1=1; drop table teams; --", '" or ""="', "a'b", 'a"b',
    'a\\b', '%', 'a_b', 'a%b%', '{{ 1 / 0 }}', '{% raw %}', '{# note #}', '${HOME}', '%(x)s %s {0} {x}',
    '<script>alert(1)</script>', '</script><!--', '"><img src=x onerror=alert(1)>', 'javascript:alert(1)',
    '&lt;b&gt; &amp;', ']]>', 'a\u2028b', 'a\u2029b', 'a\x1b[31mb', 'a\x1b]0;title\x07b', 'a\x08\x08b', 'a\x9b31mb',
    'a\x7fb', 'a\nb', 'a\n\nERROR: forged', 'a\tb', '\u202ecod.exe', 'a\u2066b\u2069', 'a\u200bb', 'a\u2060b',
    'a\xadb', 'e\u0301', '\xe9', 'I\u0307stanbul', '\u0130stanbul', 'stra\xdfe', 'z\u0300\u0301\u0302\u0303\u0304',
    '\U0001f468\u200d\U0001f469\u200d\U0001f467', '\U000e0041\U000e0042', "\u540d" * 300, "x" * LONG, 'con', 'NUL',
    'com1', 'aux.txt', 'lpt9', '..', '../../RAN', '/tmp/RAN', 'a/b', 'C:\\RAN', '-rf', '--help', '.hidden', 'dot.',
    '~', 'Team-A', 'team-a', 'TEAM-A', '=1+1', '+1', '-1', '@sum(a1)', "=cmd|'/c calc'!a1", "'=1", '\uff1d1', '0',
    '00123', '1e5', 'true', 'None', 'NaN', '2026-10-05', 'a,b', 'a;b', 'a|b', '#note', '__proto__', 'constructor',
    'all teams', 'total', '*', '[a]', '?', 'no service', 'a: b', 'unattributed money', '(none)',
]  # fmt: skip
MARTS = """
select table_name from information_schema.tables where table_schema = 'marts' and table_name in (
    'team_chargeback_monthly', 'team_transfers_monthly', 'feature_pnl_monthly', 'feature_pnl_by_cohort_monthly',
    'spend_daily', 'ledger_entries', 'eval_coverage_monthly', 'unlabelled_spend_daily', 'account_margin_monthly',
    'team_statements_monthly', 'erp_journal_monthly', 'waste_daily', 'segment_margin_monthly'
)
"""
STEERS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINERS = {"\n", "\u200c", "\u200d"}


def plain(number: int) -> str:
    return f"plain-{number:03d}"


def write(folder: Path, ids: list[str]) -> None:
    """Inbox and company; what is the n-th of a sort has the n-th id."""
    inbox, seeds = folder / "inbox", folder / "company"
    inbox.mkdir(parents=True)
    seeds.mkdir()
    lines, billed = [], []
    for number, name in enumerate(ids):
        callee = ids[(number + 1) % len(ids)]
        trace, at = 2 * number + 1, 60 * number
        root = span(trace, 1, None, at, app__feature=name, http__route=name, user__id=name, tenant__id=name)
        call = chat(trace, 2, 1, at + 0.1, f"gen-{name}", gen_ai__prompt__name=name, api_key=name, session__id=name)
        spans = [root, {**call, "name": name}]
        if number % 3 == 0:  # the team of a span itself, where it is not its service's
            spans[1]["attributes"] += attributes({"app.team": ids[(number + 2) % len(ids)]})
        for one in spans:
            one["traceId"] = f"{name}~{number}"
        lines += [batch(spans[:1], name), batch(spans[1:], callee)]
        # A model that no price book knows, and a label that no catalog knows.
        odd = chat(
            trace + 1, 3, None, at, gen_ai__request__model=name, app__feature=f"{name} uncatalogued", user__id=name
        )
        lines.append(batch([{**odd, "name": name}], name))
        billed.append((f"gen-{name}", "2026-10-05 00:00:00", f"{0.01 * (number + 1):.4f}"))
    (inbox / "spans.jsonl").write_text("".join(lines))
    activity([], inbox / "openrouter.csv")
    head, *_ = (inbox / "openrouter.csv").read_text().split("\n")
    _rows(inbox / "openrouter.csv", head.split(","), [
        [generation, created, cost, "", "", "0", "0", "100", "10", "0", "deepseek/deepseek-chat-v3", "DeepInfra",
         "standard", "false", "true", "stop", "stop", "1000", "300", "", "key"]
        for generation, created, cost in billed
    ])  # fmt: skip
    numbered = list(enumerate(ids))
    _rows(inbox / "events.csv", "event_id,occurred_at,feature_id,user_id,account_id,answers".split(","), [
        [f"e-{name}", f"2026-10-05 {number // 60:02d}:{number % 60:02d}:03", name, name, name, "1"]
        for number, name in numbered
    ])  # fmt: skip
    _rows(inbox / "users.csv", "user_id,account_id,plan,segment,signed_up_on".split(","), [
        [name, name, f"{name} {number}", f"{name} {number}", "2026-01-01"] for number, name in numbered
    ])  # fmt: skip
    _rows(inbox / "revenue.csv", "month,account_id,plan,revenue_usd".split(","), [
        ["2026-10", name, f"{name} {number}", f"{number + 1}"] for number, name in numbered
    ])  # fmt: skip
    columns = "run_id,feature_id,suite,started_at,model,prompt_version,cases,passed,failed,errored"
    _rows(inbox / "runs.csv", columns.split(","), [
        [f"r-{name}", name, name, "2026-10-05 12:00:00", "deepseek/deepseek-chat", name, "2", "1", "1", "0"]
        for name in ids
    ])  # fmt: skip
    _rows(seeds / "teams.csv", ["team_id", "name", "cost_center"], [[name, name, name] for name in ids])
    _rows(seeds / "services.csv", ["service_name", "owner_team_id"], [[name, name] for name in ids])
    catalog = [[name, name, name, "2026-01-01"] for name in ids]
    _rows(seeds / "feature_catalog.csv", ["feature_id", "name", "owner_team_id", "launched_on"], catalog)


def _rows(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as target:
        csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])


def marts(built, names: dict[str, str]) -> dict[str, Counter]:
    """Rows of the marts, each id as `names` calls it; without keys made of them, and models, which lose their case."""
    found = {}
    for (mart,) in built.rows(MARTS):
        columns = [
            name for name, kind in built.rows(f"select column_name, column_type from (describe marts.{mart})")
            if kind.startswith("DECIMAL") or (kind == "VARCHAR" and not re.search(
                "entry_id|journal|trace|call_id|path|^model$|^why$|^item$|first_seen|leg|document_no|posting_text", name
            ))
        ]  # fmt: skip
        rows = built.rows(f"select {', '.join(columns)} from marts.{mart}")
        found[mart] = Counter(tuple(_called(cell, names) for cell in row) for row in rows)
    return found


def _called(cell, names: dict[str, str]):
    if not isinstance(cell, str):
        return cell
    stem, mark, rest = cell.rpartition(" ")
    if cell in names:
        return names[cell]
    return f"{names[stem]}{mark}{rest}" if stem in names else cell


class Page(HTMLParser):
    """What of a page runs: its elements that may, their attributes that do; and its data."""

    def __init__(self, text: str):
        super().__init__()
        self.running, self.data, self.is_data = Counter(), [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "iframe", "object", "embed", "img", "base", "meta", "link", "form"):
            self.running[tag] += 1
        for name, value in attrs:
            if name.startswith("on") or (name in ("href", "src", "action") and "script:" in (value or "")):
                self.running[name] += 1
        self.is_data = tag == "script" and ("type", "application/json") in attrs

    def handle_data(self, text):
        if self.is_data:
            self.data.append(json.loads(text))
        self.is_data = False


def steering(text: str) -> set[str]:
    """What in a command's output would steer a terminal; the joiners of scripts and emoji do not."""
    return {letter for letter in text if letter not in JOINERS and unicodedata.category(letter) in STEERS}


def run(folder: Path, ids: list[str], asked: int | None = None):
    """The company built, exported, reported and asked about the first `asked` ids; what the commands said, and each
    command's complaint."""
    write(folder, ids)
    data = folder / "data"
    built = run_build(folder / "inbox", data, folder / "company", for_commands=True)
    said, wrong = io.StringIO(), []
    if built.code != 0:
        return built, "", [f"build: {built.output[-3000:]}"]
    with redirect_stdout(said), redirect_stderr(said):
        answer.main(data)
        for name, command in (
            ("export", lambda: export.export("2026-10", data)),
            ("bi", lambda: bi.main(data)),
            ("report", lambda: site.main(data)),
        ):
            if code := command():
                wrong.append(f"{name}: exit {code}")
        for number, name in enumerate(ids[:asked]):
            for word in (f"--trace={name}~{number}", f"--trace=gen-{name}", f"--feature={name}"):
                if code := why.main([str(data), word, "--day=2026-10-05"]):
                    wrong.append(f"why {word!r}: exit {code}")
    return built, said.getvalue(), wrong


def compare(folder: Path, ids: list[str]) -> list[str]:
    """Everything that is otherwise in the hostile company than in the plain one."""
    names = dict(zip(ids, map(plain, range(len(ids))), strict=True))
    worlds = folder / "worlds"
    own, _, wrong = run(worlds / "plain", list(names.values()), asked=3)
    hostile, said, complaints = run(worlds / "hostile", ids)
    wrong += complaints
    if wrong:
        return wrong
    wrong += [f"on the terminal: {sorted(map(ascii, found))}"] if (found := steering(said)) else []
    expected, found = marts(own, {}), marts(hostile, names)
    for mart in expected:
        lacking, added = expected[mart] - found[mart], found[mart] - expected[mart]
        if lacking or added:
            wrong.append(f"{mart}: lacks {sum(lacking.values())} {list(lacking)[:2]}, has {list(added)[:2]} instead")
    files = [path for path in (worlds / "hostile" / "data" / "exports").rglob("*") if path.is_file()]
    names_of = [path.name.casefold() for path in files]
    wrong += [
        f"file {name!r}" for name in names_of if len(name.encode()) > 255 or not re.fullmatch("[a-z0-9_.-]+", name)
    ]
    manifest = json.loads((worlds / "hostile" / "data" / "exports" / "2026-10" / "manifest.json").read_text())
    teams = [entry["team_id"] for entry in manifest["files"].values() if "team_id" in entry]
    if len(set(names_of)) < len(files) or not set(ids) <= set(teams):
        wrong.append("exports: not a file for each team")
    runs: dict[str, list] = {}  # by page, or for drawn requests, whose names are made of traces' ids, by any of them
    for page in (worlds / "plain" / "data" / "report").glob("*.html"):
        runs.setdefault(page.name.partition("-")[0], []).append(Page(page.read_text()).running)
    for page in sorted((worlds / "hostile" / "data" / "report").glob("*.html")):
        if Page(page.read_text()).running not in runs[page.name.partition("-")[0]]:
            wrong.append(f"{page.name}: something runs that is not the report's own")
    strangers = [path for path in folder.iterdir() if path != worlds] + list(folder.rglob("RAN"))
    strangers += [path for path in (Path("/tmp/RAN"), Path("RAN"), Path.home() / "RAN") if path.exists()]
    return wrong + [f"written outside: {path}" for path in strangers]


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True)
    differences = compare(place, IDS)
    print("\n".join(differences) or f"{len(IDS)} hostile ids: as with plain ones")
    sys.exit(bool(differences))
