"""`make pull` against servers with the documented pages: what comes and lands, what goes wrong, what a kill leaves."""

import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import landings
import pytest
from conftest import PROJECT, run_build
from exports import company
from providers import ADMIN_KEY, Fault, Provider, anthropic_cost, filled, openai_cost, openai_use, provider, settings

import land
import pull
from pulling import client, sets
from pulling.endpoints import following, table, windows

NOON = datetime(2026, 10, 20, 12)
COSTS = "/v1/organization/costs"


@pytest.fixture
def server(monkeypatch):
    """A server with a few days of everything, the environment that names it, and noon of 20 October."""
    with provider() as one:
        filled(one)
        for name in [
            name for name in os.environ if re.match("(OPENAI|ANTHROPIC|OPENROUTER|LITELLM|LANG|PHOENIX|PULL_)", name)
        ]:
            monkeypatch.delenv(name)
        for name, value in settings(one).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(pull, "now", lambda: NOON)
        yield one


class World:
    """An inbox, a data folder, and pulls into them."""

    def __init__(self, folder: Path, capsys):
        self.inbox, self.data, self.capsys = folder / "inbox", folder / "data", capsys
        self.inbox.mkdir()
        self.said = ""

    def pull(self, sources: str = "", since: str = "2026-10-01") -> int:
        self.capsys.readouterr()
        code = pull.run(self.inbox, self.data, sources, since)
        self.said = "".join(self.capsys.readouterr())
        return code

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.inbox)): path.read_bytes()
                for path in sorted(self.inbox.rglob("*")) if path.is_file()}  # fmt: skip

    def pages(self, source: str) -> list[dict]:
        return [json.loads(body) for name, body in self.files().items()
                if name.startswith(f"{source}/") and not name.endswith(".request.json")]  # fmt: skip

    def notes(self, source: str) -> list[dict]:
        return [json.loads(body) for name, body in self.files().items()
                if name.startswith(f"{source}/") and name.endswith(".request.json")]  # fmt: skip

    def landed(self, table: str, what: str) -> list[tuple]:
        files = f"read_parquet('{self.data}/landed/{table}/*/*.parquet', union_by_name = true)"
        return sorted(duckdb.sql(f"select {what} from {files}").fetchall(), key=str)


@pytest.fixture
def world(tmp_path, capsys, server, monkeypatch):
    landings.inline(monkeypatch)
    return World(tmp_path, capsys)


def test_every_source_is_asked_as_documented(world, server):
    """Paths, parameters, grouping, keys in their header; no key in a file, an address or a message."""
    assert world.pull() == 0
    asked = {one.path: one for one in server.asked}
    costs = asked[COSTS].parameters
    assert costs["group_by"] == ["line_item", "project_id", "api_key_id"]
    assert (costs["start_time"], costs["end_time"], costs["bucket_width"]) == ("1790812800", "1792540800", "1d")
    completions = asked["/v1/organization/usage/completions"].parameters["group_by"]
    assert completions == ["project_id", "user_id", "api_key_id", "model", "batch", "service_tier"]
    assert asked["/v1/organization/usage/vector_stores"].parameters["group_by"] == "project_id"
    report = asked["/v1/organizations/cost_report"]
    assert report.parameters["group_by[]"] == ["workspace_id", "description"]
    assert (report.parameters["starting_at"], report.parameters["ending_at"]) == (
        "2026-10-01T00:00:00Z",
        "2026-10-21T00:00:00Z",
    )
    assert report.headers["x-api-key"] == os.environ["ANTHROPIC_ADMIN_KEY"]
    assert report.headers["anthropic-version"] == "2023-06-01"
    assert asked[COSTS].headers["Authorization"] == f"Bearer {ADMIN_KEY}"
    assert asked["/api/public/v3/scores"].headers["Authorization"].startswith("Basic ")
    assert "Authorization" not in asked["/v1/projects"].headers  # Phoenix without keys
    assert "io" not in asked["/api/public/v2/observations"].parameters["fields"].split(",")
    assert not {"inputs", "outputs", "error"} & set(asked["/api/v1/runs/query"].parameters["select"])
    assert len(asked["/api/v1/runs/query"].parameters["session"]) == 150
    everything = world.said.encode() + b"".join(world.files().values()) + (world.data / "pull.json").read_bytes()
    everything += "".join(f"{one.path} {one.parameters}" for one in server.asked).encode()
    keys = [value for name, value in settings(server).items() if name.endswith("_KEY")]
    assert len(keys) == 7
    assert not [key for key in keys if key.encode() in everything]


def test_no_window_is_longer_than_its_endpoint_allows():
    for name, endpoint in table().endpoints.items():
        made = list(windows(endpoint, datetime(2026, 1, 17, 5), NOON))
        assert all(0 < (one.end - one.begin).days <= endpoint.days_at_most for one in made), name
        assert made[-1].end == datetime(2026, 10, 20 if endpoint.completed_only else 21)
        assert all(one.end == after.begin for one, after in itertools.pairwise(made))
        assert endpoint.oldest_days or made[0].begin == datetime(2026, 1, 1 if endpoint.window == "month" else 17)
    assert following(datetime(2026, 12, 1), "month") == datetime(2027, 1, 1)


def test_each_page_has_the_note_of_its_request(world, server):
    server.page_size = 7
    assert world.pull("openai_costs") == 0
    pages, notes = world.pages("openai_costs"), world.notes("openai_costs")
    assert [len(page["data"]) for page in pages] == [7, 7, 6]
    assert [note["file"] for note in notes] == ["page-00001.json", "page-00002.json", "page-00003.json"]
    assert {(note["endpoint"], note["requested_at"], note["request_id"], note["pages"]) for note in notes} == {
        (COSTS, "2026-10-20T12:00:00.000000Z", "openai_costs/2026-10/0001 2026-10-20T12:00:00.000000Z", 3)
    }
    assert notes[0]["window"] == {"from": "2026-10-01T00:00:00Z", "to": "2026-10-21T00:00:00Z"}
    assert notes[0]["filter"] == {}
    assert notes[0]["group_by"] == ["line_item", "project_id", "api_key_id"]


def test_what_is_pulled_lands_with_all_its_rows_and_sums(world, server):
    """In pages of three; nothing is refused or left unread, and no text of a prompt lands."""
    server.page_size = 3
    assert world.pull() == 0
    assert land.run(world.inbox, world.data) == 0
    said = world.capsys.readouterr().out
    assert "WARNING" not in said
    assert " 0 not read" in said
    assert world.landed("rejects", "reason") == []
    amounts = [(Decimal("0.1234567890123456"),), (Decimal("1.5"),), (Decimal("2.25"),)]
    assert [row for row in world.landed("openai_costs", "amount_value") if row != (None,)] == amounts
    amounts = [(Decimal("0.5"),), (Decimal("1.2378912"),)]
    assert [row for row in world.landed("anthropic_costs", "cost_usd") if row != (None,)] == amounts
    assert world.landed("openrouter_daily", "cost_total, requests") == [(Decimal("0.015"), 5), (Decimal("0.5"), 5)]
    used = world.landed("openai_usage", "operation, coalesce(input_tokens, 0), coalesce(output_tokens, 0)")
    wanted = {"completions": (1000, 500), "embeddings": (700, 0), "moderations": (60, 0)}
    assert {(kind, *counts) for kind, *counts in used if kind} == {
        (kind, *wanted.get(kind, (0, 0)))
        for kind in ("completions embeddings moderations images audio_speeches audio_transcriptions vector_stores "
                     "code_interpreter_sessions").split()
    }  # fmt: skip
    assert (1500, 500) in world.landed("anthropic_usage", "input_tokens_no_cache, output_tokens")
    assert Counter(world.landed("spans", "format, input_tokens, output_tokens")) == {
        (form, 10, 20): 5 for form in ("langfuse", "langsmith", "litellm", "openinference")
    }
    assert world.landed("eval_runs", "item_id, trace_id, span_key is not null, passed, is_online") == [
        ("score-1", "trace-1", False, 1, True),
        ("score-2", "trace-2", True, 0, True),
        ("score-3", None, False, 1, False),
    ]
    rows = world.landed("openai_costs", "file_id, amount_value")
    assert land.run(world.inbox, world.data) == 0
    assert world.landed("openai_costs", "file_id, amount_value") == rows
    landed = b"".join(path.read_bytes() for path in (world.data / "landed").rglob("*.parquet"))
    assert b"a text of a customer" not in landed
    assert b"a text of a customer" in b"".join(world.files().values())  # Phoenix: docs/pull.md says so


def test_a_second_pull_of_the_same_answers_writes_nothing(world, server):
    assert world.pull() == 0
    before = world.files()
    assert world.pull() == 0
    assert world.pull("", "") == 0
    assert world.files() == before
    assert "with news (0 results)" in world.said
    assert not (world.inbox / ".pulling").exists()


def test_it_goes_on_from_the_last_pull_with_the_days_that_may_be_revised(world, server, monkeypatch):
    assert world.pull("anthropic_costs,openai_costs,litellm") == 0
    server.asked.clear()
    monkeypatch.setattr(pull, "now", lambda: datetime(2026, 11, 12, 8))
    assert world.pull("anthropic_costs,openai_costs,litellm", "") == 0
    begins = [(one.path, one.parameters.get("starting_at") or one.parameters.get("start_date")) for one in server.asked]
    anthropic = [begin for path, begin in begins if path.endswith("cost_report")]
    assert anthropic == [
        "2026-09-01T00:00:00Z",
        "2026-10-01T00:00:00Z",
        "2026-11-01T00:00:00Z",
    ]  # 30 days before the 20th
    assert len([path for path, _ in begins if path == COSTS]) == 2  # 7 days before it: October and November
    days = [begin for path, begin in begins if path == "/spend/logs/v2"]
    assert days[0] == "2026-10-18 00:00:00"
    assert days[-1] == "2026-11-12 00:00:00"
    assert len(days) == 26


def test_a_later_day_leaves_no_gap_behind(world, server, monkeypatch):
    assert world.pull("litellm", "2026-10-02") == 0
    monkeypatch.setattr(pull, "now", lambda: NOON + timedelta(days=10))
    assert world.pull("litellm", "2026-10-29") == 0
    server.asked.clear()
    assert world.pull("litellm", "") == 0
    assert server.asked[0].parameters["start_date"] == "2026-10-18 00:00:00"


def test_days_that_a_server_tells_no_longer_are_named(world):
    assert world.pull("openrouter", "2026-01-01") == 0
    assert "days before 2026-09-20 are told no longer" in world.said


# What goes wrong: (faults of the next requests, what is said, whether it is got over).
TRIED = "3 times"
WRONG = {
    "too_many_requests": ([Fault(429, {"Retry-After": "0"})] * 2, "", True),
    "too_many_for_good": ([Fault(429, {"Retry-After": "0"})] * 3, f"answered 429, {TRIED} (there were too many", False),
    "asked_to_wait_a_day": ([Fault(429, {"Retry-After": "86400"})], "asks to wait 86,400 seconds", False),
    "its_own_fault": ([Fault(500), Fault(503)], "", True),
    "its_own_fault_for_good": ([Fault(502)] * 3, f"answered 502, {TRIED} (it has a fault of its own)", False),
    "cut": ([Fault(body=b'{"object": "pa', says_more=100)] * 2, "", True),
    "cut_for_good": ([Fault(body=b'{"object": "pa', says_more=100)] * 3, f"cut its answer short, {TRIED}", False),
    "invalid": ([Fault(body=b'{"object": "page", "data": [')], "", True),
    "invalid_for_good": ([Fault(body=b"<html>maintenance</html>")] * 3, "something that is not JSON, or is cut", False),
    "other_json": (
        [Fault(body=b'{"hello": 1}')],
        "without the list data that /organization/costs is documented",
        False,
    ),
    "wrong_key": ([Fault(401)], "refuses the key (401); OPENAI_ADMIN_KEY has to be an admin key", False),
    "no_permission": ([Fault(403)], "refuses the key (403); OPENAI_ADMIN_KEY has to be an admin key", False),
    "not_found": ([Fault(404)], "has no /v1/organization/costs (404); is OPENAI_BASE_URL right", False),
    "moved": ([Fault(302, {"Location": "http://127.0.0.1:9/x"})], "sends the request elsewhere (302)", False),
    "not_taken": (
        [Fault(400, body=json.dumps({"error": {"message": f"no {ADMIN_KEY} here\n"}}).encode())],
        "does not take the request (400: no ... here)",
        False,
    ),
    "late": ([Fault(seconds=0.6, body=b"{}")] * 3, "gave no answer within 0.2 seconds (tried 3 times)", False),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong_is_one_line_with_what_to_do(world, server, monkeypatch, name):
    """The first page is there already when it happens: nothing of the set is left, and the next pull is whole."""
    faults, said, is_got_over = WRONG[name]
    if name == "late":
        monkeypatch.setenv("PULL_TIMEOUT", "0.2")
    server.page_size, server.faults = 10, [None, *faults]
    assert world.pull("openai_costs") == (0 if is_got_over else 1)
    lines = [line for line in world.said.splitlines() if line.startswith("ERROR")]
    if is_got_over:
        assert lines == []
        assert len(world.pages("openai_costs")) == 2
    else:
        assert len(lines) == 2
        assert said in lines[0]
        assert lines[0].startswith("ERROR: openai_costs: 127.0.0.1:")
        assert "1 of 1 sources could not be pulled" in lines[1]
        assert world.files() == {}
        assert "Traceback" not in world.said
        assert ADMIN_KEY not in world.said
        server.faults = []
        assert world.pull("openai_costs") == 0
    assert [len(page["data"]) for page in world.pages("openai_costs")] == [10, 10]


def test_a_page_without_an_end_is_none(world, server, monkeypatch):
    monkeypatch.setattr(client, "MOST_BYTES", 100)
    assert world.pull("openai_costs") == 1
    assert "answers with more than 0 MB in one page" in world.said
    assert world.files() == {}


def test_pages_without_an_end_are_none(world, server, monkeypatch):
    monkeypatch.setattr(sets, "MOST_PAGES", 50)
    server.page_size, server.is_endless = 10, True
    assert world.pull("openai_costs") == 1
    assert "names the same next page twice" in world.said
    assert world.files() == {}


def test_a_server_that_is_not_there_is_named_once(world, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://no-such-host.invalid")
    monkeypatch.setenv("LITELLM_BASE_URL", "ftp://here")
    assert world.pull("openai,anthropic,litellm,openrouter") == 1
    lines = [line for line in world.said.splitlines() if line.startswith("ERROR")]
    assert len(lines) == 4
    assert (
        "openai_usage_code_interpreter_sessions: 127.0.0.1:9 can't be reached (connection refused, tried 3" in lines[0]
    )
    assert "no-such-host.invalid is not known to the network" in lines[1]
    assert "ANTHROPIC_BASE_URL" in lines[1]
    assert "LITELLM_BASE_URL is no address of a server" in lines[2]
    assert "12 of 13 sources" in lines[3]
    assert len(world.pages("openrouter_activity")) == 2  # the others are pulled all the same


def test_a_wrong_call_is_named(world, server, monkeypatch):
    assert pull.run(world.inbox / "none", world.data, "openai_costs") == 2
    assert "none is no folder; create it" in world.capsys.readouterr().err
    assert world.pull("openai_cost") == 2
    assert "ERROR: PULL=openai_cost is no source; there are openai_costs" in world.said
    for day, said in (("soon", "FROM=soon is no day"), ("2027-01-01", "not between 2020-01-01 and today")):
        assert world.pull("openai_costs", day) == 2
        assert said in world.said
    monkeypatch.setenv("PULL_TRIES", "often")
    assert world.pull("openai_costs") == 2
    assert "PULL_TRIES is no number above 0" in world.said
    monkeypatch.delenv("PULL_TRIES")
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    assert world.pull("openai_costs") == 2
    assert "openai can't be asked without OPENAI_ADMIN_KEY (or OPENAI_ADMIN_KEY_COMMAND" in world.said
    assert world.pull() == 0
    assert "openai is left out: set OPENAI_ADMIN_KEY (or OPENAI_ADMIN_KEY_COMMAND" in world.said
    for name in settings(server):
        monkeypatch.delenv(name, raising=False)
    assert world.pull() == 2
    assert "there is no key to pull with" in world.said
    assert "set LITELLM_ADMIN_KEY" in world.said


def test_a_key_comes_from_a_command_too(world, server, monkeypatch):
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    monkeypatch.setenv("OPENAI_ADMIN_KEY_COMMAND", f"echo {ADMIN_KEY}; echo note: not the key")
    assert world.pull("openai_costs") == 0
    assert server.asked[-1].headers["Authorization"] == f"Bearer {ADMIN_KEY}"
    for command, said in (("exit 3", "failed with 3"), ("true", "printed nothing"), ("echo a b", "has blanks")):
        monkeypatch.setenv("OPENAI_ADMIN_KEY_COMMAND", command)
        assert world.pull("openai_costs") == 1
        assert said in world.said


def test_a_state_that_is_damaged_is_named_and_may_be_removed(world, server, monkeypatch):
    assert world.pull("openai_costs,litellm") == 0
    before = world.files()
    (world.data / "pull.json").write_text('{"openai_costs": {"": {"through": 1}}}')
    with pytest.raises(pull.state.Unreadable, match="is not what a pull wrote: remove it"):
        world.pull("openai_costs")
    (world.data / "pull.json").unlink()
    assert world.pull("openai_costs,litellm") == 0
    assert world.files() == before


def test_one_pull_at_a_time(world, server):
    with pull.alone(world.data), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pull.state, "locked", lambda lock: False)
        assert world.pull("openai_costs") == 2
    assert "another pull is writing" in world.said


def test_a_month_that_says_nothing_any_more_is_named(world, server):
    assert world.pull("openai_costs") == 0
    before = world.files()
    server.days[COSTS] = {}
    assert world.pull("openai_costs") == 0
    assert "WARNING: openai_costs: 2026-10 has no results any more" in world.said
    assert world.files() == before
    assert world.pull("openai_costs") == 0
    assert "WARNING" not in world.said
    filled(server)
    assert world.pull("openai_costs") == 0
    assert {note["request_id"][21:25] for note in world.notes("openai_costs")} == {"0001", "0002"}


def test_the_newest_request_stands_whatever_its_files_are_called(tmp_path, capsys, server, monkeypatch):
    """Built once, over four pulls. Of three pages of costs the first is revised, and revised back to the very bytes
    that came first, while the third is revised once: its first content answers no request any more. Three pages of
    usage become one, without what the third had. What one usage report says takes nothing from another.
    """
    landings.inline(monkeypatch)
    world, server.page_size = World(tmp_path, capsys), 10
    usage = "/v1/organization/usage/completions"

    def at(day: int, sources: str = "openai,anthropic") -> None:
        monkeypatch.setattr(pull, "now", lambda: datetime(2026, 11, day, 12))
        assert world.pull(sources, "2026-10-01") == 0
        if day == 2:  # the others land when they are built
            assert land.run(world.inbox, world.data) == 0

    server.days[COSTS] = {"2026-10-05": [openai_cost(1)], "2026-10-25": [openai_cost(10)]}
    server.days[usage] = {"2026-10-05": [openai_use(1000)], "2026-10-25": [openai_use(77)]}
    at(1)
    server.days[COSTS] = {"2026-10-05": [openai_cost(3)], "2026-10-25": [openai_cost(20)]}
    server.days[usage]["2026-10-05"] = [openai_use(2000)]
    at(2)
    server.days[COSTS]["2026-10-05"] = [openai_cost(1)]
    server.days["/v1/organizations/cost_report"]["2026-10-05"] = [anthropic_cost("200")]
    at(3)
    server.days[usage], server.page_size = {"2026-10-12": [openai_use(40)]}, 31
    at(4, "openai_usage")
    built = run_build(world.inbox, world.data, company(tmp_path))
    assert built.code == 0, built.output
    assert "covers" not in built.output.partition("WARNING")[2]
    bills = dict(built.rows(
        "select provider, sum(billed_usd) from marts.provider_bills_monthly where treatment != 'superseded' "
        "group by all"
    ))  # fmt: skip
    assert bills == {"openai": Decimal(21), "anthropic": Decimal("2.5")}
    counted = dict(built.rows(
        "select service_name, sum(quantity) from intermediate.int_bill_lines inner join "
        "intermediate.int_bill_line_status using (line_id) where is_standing and file_kind = 'openai_usage' "
        "and meter_name = 'input' and quantity > 0 group by all"
    ))  # fmt: skip
    assert counted == {"completions": 40, "embeddings": 700, "moderations": 60}


# Kills, in a process of its own.
CHILD = """
import sys, time
sys.path.insert(0, {scripts!r})
import datetime, pathlib, pull
pull.now = lambda: datetime.datetime(2026, 10, 20, 12)
print("ready", flush=True)
sys.exit(pull.ending.of(lambda: pull.run(pathlib.Path({inbox!r}), pathlib.Path({data!r}), {sources!r}, "2026-10-01")))
"""
KILLED_SOURCES = "openai_costs,openai_usage_completions,anthropic,openrouter,langfuse,phoenix"


def started(world: World, environment: dict[str, str]) -> subprocess.Popen:
    code = CHILD.format(
        scripts=str(PROJECT / "scripts"), inbox=str(world.inbox), data=str(world.data), sources=KILLED_SOURCES
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process


def killed_and_run_again(folder: Path, capsys, one: Provider, kills: int, seed: int) -> int:
    """How many kills met a pull under way; each is run again, and its inbox held against an undisturbed one."""
    one.page_size, chance, met = 4, random.Random(seed), 0
    (folder / "whole").mkdir(parents=True)
    whole = World(folder / "whole", capsys)
    begun = time.monotonic()
    process = started(whole, settings(one))
    assert process.wait() == 0, process.stderr and process.stderr.read()
    lasts = time.monotonic() - begun
    for number in range(kills):
        (folder / str(number)).mkdir()
        world = World(folder / str(number), capsys)
        process = started(world, settings(one))
        time.sleep(chance.random() * lasts)
        process.send_signal(signal.SIGKILL)
        met += process.wait() == -signal.SIGKILL
        half = {name for name in world.files() if not name.startswith(".pulling/")}
        for name in half:  # each set is whole: as many pages as its notes say
            note = world.inbox / (name if name.endswith(".request.json") else f"{name}.request.json")
            said = json.loads(note.read_bytes())
            assert len(list(note.parent.glob("*.request.json"))) == said["pages"]
            assert len(list(note.parent.iterdir())) == 2 * said["pages"]
        process = started(world, settings(one))
        assert process.wait() == 0, process.stderr and process.stderr.read()
        assert world.files() == whole.files()
        assert (world.data / "pull.json").read_bytes() == (whole.data / "pull.json").read_bytes()
    return met


def test_a_pull_that_is_killed_and_run_again_is_as_undisturbed(tmp_path, capsys, server):
    assert killed_and_run_again(tmp_path, capsys, server, int(os.environ.get("PULL_KILLS", "3")), 7) >= 1


def test_what_is_being_pulled_does_not_land(world, server):
    assert world.pull("openai_costs") == 0
    part = world.inbox / ".pulling" / "openai_costs"
    part.mkdir(parents=True)
    (part / "page-00001.json").write_text('{"object": "page", "da')
    assert land.run(world.inbox, world.data) == 0
    assert world.landed("rejects", "reason") == []
    assert "not read" not in world.capsys.readouterr().out.replace("0 not read", "")
