"""`make alerts`: each event reaches its owners once, with figure, feature, team and page, or is tried again."""

import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import alerts

TABLES = """
create schema marts; create schema seeds;
create table marts.spend_daily (spent_on date, originating_feature_id text, borne_usd decimal(38,12));
insert into marts.spend_daily values ('2026-10-14', 'draft', 1), ('2026-12-31', 'invoice_only', 9);
create table seeds.feature_catalog (feature_id text, name text, owner_team_id text, valid_from date, valid_to date);
insert into seeds.feature_catalog values ('draft', 'Draft', 'old', null, '2026-10-14'),
    ('draft', 'Draft', 'web', '2026-10-14', null);
create table marts.budget_burn_daily (burned_on date, team_id text, feature_id text, month_to_date_usd decimal(38,12),
    forecast_usd decimal(38,12), budget_usd decimal(38,12), status text);
insert into marts.budget_burn_daily values ('2026-10-14', 'ops', null, 60, 120, 100, 'forecast_over'),
    ('2026-10-14', null, 'draft', 11, 22, 10, 'over'), ('2026-10-14', 'quiet', null, 1, 2, 10, 'ok'),
    ('2026-10-13', 'ops', null, 50, 200, 100, 'forecast_over'), ('2026-10-14', 'none', null, 5, 9, 0, 'over');
create table marts.margin_forecasts_monthly (month date, scope text, scope_id text, borne_usd decimal(38,12),
    forecast_borne_usd decimal(38,12), budget_usd decimal(38,12), budget_status text);
insert into marts.margin_forecasts_monthly values ('2026-10-01', 'account', 'acme', 41, 80, 40, 'over'),
    ('2026-10-01', 'segment', 'large', 41, 80, 60, 'forecast_over'), ('2026-10-01', 'account', 'bolt', 1, 2, 9, 'ok'),
    ('2026-09-01', 'account', 'acme', 50, 50, 40, 'over'), ('2026-10-01', 'feature', 'draft', 11, 22, 10, 'over'),
    ('2026-10-01', 'account', 'free', 1, 2, null, 'no_budget');
create table marts.spend_anomalies_daily (spent_on date, feature_id text, purpose text, borne_usd decimal(38,12),
    expected_usd decimal(38,12), week_usd decimal(38,12), expected_week_usd decimal(38,12), is_anomaly boolean,
    anomaly text, level_shift text);
insert into marts.spend_anomalies_daily values
    ('2026-10-13', 'draft', 'production', 8, 2, 9, 9, true, 'rise', null),
    ('2026-10-14', 'draft', 'evaluation', 0, 0, 50, 20, true, null, 'rise'),
    ('2026-10-01', 'draft', 'production', 8, 2, 9, 9, true, 'rise', null),
    ('2026-10-14', 'draft', 'production', 8, 8, 9, 9, false, null, null);
create table marts.unlabelled_spend_daily (spent_on date, service text, route text, reason text, owner_team_id text,
    calls bigint, unpriced_calls bigint, borne_usd decimal(38,12));
insert into marts.unlabelled_spend_daily values ('2026-10-14', 'api', '/chat', 'no_label', 'ops', 7, 0, 1.5),
    ('2026-10-14', 'api', '/tiny', 'no_label', 'ops', 1, 0, 0.001),
    ('2026-10-14', 'x', null, 'no_label', 'unattributed', 3, 3, 0);
create table marts.eval_coverage_daily (covered_on date, feature_id text, model text, prompt_version text,
    production_usd decimal(38,12), is_covered boolean, reason text);
insert into marts.eval_coverage_daily values ('2026-10-13', 'draft', 'm', 'v1', 3, true, null),
    ('2026-10-14', 'draft', 'm', 'v1', 4, false, 'stale'), ('2026-10-14', 'draft', 'm', 'v2', 4, false, 'never'),
    ('2026-10-13', 'draft', 'm', 'v2', 4, false, 'never');
create table marts.coverage_targets_monthly (month date, feature_id text, target_pct double, covered_usd_pct double,
    error_budget_usd decimal(38,12), uncovered_usd decimal(38,12), exhausted_on date, status text);
insert into marts.coverage_targets_monthly values
    ('2026-10-01', 'draft', 0.9, 0.845, 3.1, 4.6, '2026-10-12', 'exhausted'),
    ('2026-10-01', 'sure', 0.9, 1, 3.1, 0, null, 'ok'),
    ('2026-09-01', 'draft', 0.9, 0.1, 3.1, 9, '2026-09-02', 'exhausted'),
    ('2026-10-01', 'new', 0.5, 0.55, 3.1, 1, '2026-10-30', 'forecast_exhausted');
create table marts.ledger_entries (posted_month date, corrects_month date, account text, basis text, provider text,
    amount_usd decimal(38,12));
insert into marts.ledger_entries values ('2026-09-01', null, 'ai_cost', 'accrued', 'p', 30),
    ('2026-09-01', null, 'ai_cost', 'accrued', 'gone', 30),
    ('2026-10-01', '2026-09-01', 'ai_cost', 'accrued', 'gone', -30),
    ('2026-10-01', null, 'ai_cost', 'accrued', 'p', 5), ('2026-09-01', null, 'ai_cost', 'billed', 'p', 7);
"""
# What of it is told, to whom: the words that a message must hold, by the owner.
TOLD = {
    "ops": [
        ("expected over budget: 60.00 of 100.00 USD spent, 120.00 expected", "(120 %)", "finance-2026-10.html#burn"),
        ("1.5000 USD of 7 calls of api /chat name no feature", "data-2026-10.html#unlabelled"),
    ],
    "web": [
        ("draft: over budget: 11.00 of 10.00 USD", "(220 %)"),
        ("2026-10-13 draft: rise: 8.00 USD where 2.00 was expected (production)", "overview-2026-10.html#anomalies"),
        ("draft: level rise: 50.00 USD in a week where 20.00", "(evaluation)"),
        ("draft: m v1 lost its eval coverage (stale): 4.00 USD a day", "quality-2026-10.html#coverage"),
        (
            "draft: 84.5 % covered where 90.0 % is the target: 4.60 USD ran uncovered, of 3.10 that may in this month; "
            "exhausted since 2026-10-12 (coverage target missed)",
            "quality-2026-10.html#targets",
        ),
    ],
    None: [
        ("2026-10-14 account acme over budget: 41.00 of 40.00 USD", "(200 %)", "finance-2026-10.html#margin_forecast"),
        ("segment large expected over budget: 41.00 of 60.00 USD spent, 80.00 expected", "(133 %)"),
        ("p: no bill covers 30.00 USD of 2026-09", "finance-2026-10.html#reconciliation"),
        ("spans.json: 2 of 10 lines could not be read, such as: torn", "#rejects"),
        ("0.0000 USD of 3 calls of x name no feature",),
        ("new: 55.0 % covered where 50.0 % is the target", "exhausted, at this pace, on 2026-10-30"),
    ],
    "none": [("over budget: 5.00 of 0.00 USD",)],
}


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it gets, by path; paths that begin with `/bad` refuse it."""

    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, said["title"], said["message"]))
        self.send_response(500 if self.path.startswith("/bad") else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.got = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "it's [data]"
    folder.mkdir()
    with duckdb.connect(str(folder / "ledger.duckdb")) as engine:
        engine.execute(TABLES)
    landed = datetime.now(UTC).replace(tzinfo=None)
    for table, rows in {
        "files": [
            {"file_id": "b", "source_file": "old.json", "rows_rejected": 2, "rows_read": 9, "landing_no": 1},
            {"file_id": "a", "source_file": "spans.json", "rows_rejected": 2, "rows_read": 10, "landing_no": 2},
            {"file_id": "c", "source_file": "good.json", "rows_rejected": 0, "rows_read": 9, "landing_no": 3},
        ],
        "arrivals": [
            {"landing_no": 1, "landed_at": landed - timedelta(days=3)}, {"landing_no": 3, "landed_at": landed},
        ],
        "rejects": [{"file_id": "a", "reason": "torn"}, {"file_id": "a", "reason": "torn"}],
    }.items():  # fmt: skip
        (folder / "landed" / table / "day=x").mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / "landed" / table / "day=x" / "1.parquet")
    return folder


def run(data, hook, *words, lines=("web=/web", "ops,other=/ops", "/all")):
    """alerts.py's exit code, with a file of addresses of the hook's paths."""
    config = data.parent / "addresses.conf"
    at = f"json://user:secretpw@127.0.0.1:{hook.server_port}"
    config.write_text("# tags are teams\n" + "".join(
        f"{line.split('=')[0]}={at}{line.split('=')[1]}\n" if "=" in line else f"{at}{line}\n" for line in lines
    ))  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["alerts.py", "--to", str(config), *words, str(data)])
        return alerts.main()


def test_each_owner_gets_figures_features_and_pages(data, hook, capsys):
    assert run(data, hook, "--pages", "https://reports.example/ai/") == 0
    by_path = {path: (title, text) for path, title, text in hook.got if path != "/all"}
    for_all = [(title, text) for path, title, text in hook.got if path == "/all"]
    assert by_path.keys() == {"/web", "/ops"}
    assert by_path["/web"][0] == "AI spend, web: spend out of line, budget, eval coverage lost, coverage target missed"
    texts = {"web": by_path["/web"][1], "ops": by_path["/ops"][1]}
    texts |= {None if "all teams" in title else "none": text for title, text in for_all}
    for team, expected in TOLD.items():
        lines = texts[team].splitlines()
        assert len(lines) == 2 * len(expected), lines  # and nothing else
        for words in expected:
            assert all(word in texts[team] for word in words), (words, texts[team])
        assert all(line.startswith("https://reports.example/ai/") for line in lines[1::2])
    out = capsys.readouterr()
    assert "14 of 14 events are new" in out.out
    assert "secretpw" not in out.out + out.err


def test_an_event_is_told_once_a_day(data, hook, capsys):
    assert run(data, hook) == 0
    sent = len(hook.got)
    assert run(data, hook) == 0
    assert len(hook.got) == sent
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:  # the next day of the data comes
        engine.execute("insert into marts.spend_daily values ('2026-10-15', 'draft', 1)")
        engine.execute(
            "insert into marts.budget_burn_daily values ('2026-10-15', 'ops', null, 70, 130, 100, 'forecast_over')"
        )
    del hook.got[:]
    assert run(data, hook) == 0
    assert [(path, "130.00 expected" in text) for path, _, text in hook.got if path == "/ops"] == [("/ops", True)]


def test_what_an_address_does_not_take_is_sent_again(data, hook, capsys):
    lines = ("web=/bad/web", "ops=/ops", "/all")
    assert run(data, hook, lines=lines) == 1
    err = capsys.readouterr().err
    assert "address 1 (JSON) did not take the message of web" in err
    assert "secretpw" not in err
    del hook.got[:]
    assert run(data, hook) == 0
    assert [path for path, *_ in hook.got] == ["/web"]


def test_nobody_to_tell_is_an_error_that_shows_the_message(data, hook, capsys):
    assert run(data, hook, lines=("web=/web",)) == 1
    out = capsys.readouterr().out
    assert "NOT SENT: no address for ops" in out
    assert "120.00 expected" in out
    assert run(data, hook) == 0  # and it goes once there is one
    assert {path for path, *_ in hook.got} == {"/web", "/ops", "/all"}


def test_a_dry_run_shows_and_sends_nothing(data, hook, capsys):
    assert run(data, hook, "--dry-run") == 0
    out = capsys.readouterr().out
    assert "would send web to address 1 (JSON)" in out
    assert "would send all teams to address 3 (JSON)" in out
    assert "secretpw" not in out
    assert hook.got == []
    assert not (data / "alerts.json").exists()


def test_quiet_hours_wait(data, hook, monkeypatch, capsys):
    now = datetime.now()
    assert run(data, hook, "--quiet", f"{now.hour}-{(now.hour + 2) % 24}") == 0
    assert hook.got == []
    assert run(data, hook, "--quiet", f"{(now.hour + 2) % 24}-{now.hour}") == 0
    assert hook.got != []


@pytest.mark.parametrize(
    ("hours", "quiet"),
    [
        ((22, 7), {22, 23, 0, 5, 6}),
        ((0, 6), {0, 5}),
        ((9, 17), {9, 16}),
        ((8, 8), set()),
        ((0, 24), {0, 5, 6, 7, 8, 9, 16, 17, 21, 22, 23}),
    ],
)
def test_hours_reach_past_midnight(hours, quiet):
    for hour in (0, 5, 6, 7, 8, 9, 16, 17, 21, 22, 23):
        asked = alerts.is_quiet(hours, datetime(2026, 10, 1, hour, 30))
        assert asked == (hour in quiet), hour


def test_what_was_told_long_ago_is_dropped(data, hook):
    (data / "alerts.json").write_text(json.dumps({"2020-01-01 budget x": "2020-01-01"}))
    assert run(data, hook) == 0
    assert len(json.loads((data / "alerts.json").read_text())) == 14


def test_text_of_others_steers_no_terminal_and_forges_no_line(data, hook, capsys):
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute(
            "update marts.unlabelled_spend_daily set service = 'api\x1b[2J' || chr(10) || 'https://evil.example'"
        )
    assert run(data, hook, "--dry-run") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\nhttps://evil" not in out


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--quiet", "22"], "two hours"), (["--quiet", "25-7"], "two hours"), (["--to", "/nowhere"], "could not be read")],
)
def test_a_wrong_call_is_named(data, hook, capsys, words, said):
    try:
        code = run(data, hook, *words)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert said in capsys.readouterr().err


def test_an_address_that_nothing_knows_is_named_without_its_secret(data, hook, capsys):
    config = data.parent / "wrong.conf"
    config.write_text("web=jsn://user:secretpw@host/x\njson://host/y\n")
    assert run(data, hook, "--to", str(config)) == 2
    err = capsys.readouterr().err
    assert "2 lines, of which 1 are addresses" in err
    assert "secretpw" not in err


def test_without_addresses_it_says_where_they_belong(data, monkeypatch, capsys):
    monkeypatch.delenv("ALERTS", raising=False)
    monkeypatch.setattr(sys, "argv", ["alerts.py", str(data)])
    assert alerts.main() == 2
    assert "ALERTS=" in capsys.readouterr().err
