"""The whole way, on data that real exports could hold: bad files beside good ones, broken graphs, nothing at all."""

import os
import random
import shutil
import subprocess
import sys
from decimal import Decimal

import pytest
from conftest import GOLDEN, PROJECT, run_build
from exports import activity, batch, chat, span
from test_landing import BAD

import build as build_script
import company


def test_nothing_at_all_is_an_empty_ledger(build, tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "company").mkdir()
    built = build(tmp_path / "inbox", tmp_path / "company")
    assert built.code == 0, built.output
    assert built.rows("select count(*) from marts.ledger_entries") == [(0,)]


BARS = """
import threading
from terminal import progress_bar

def draw():
    bar = progress_bar(total=9, mininterval=0)
    bar.update(1)
    bar.close()

for _ in range(3):
    thread = threading.Thread(target=draw)
    thread.start()
    thread.join()
"""


def test_bars_that_nobody_reads_let_the_next_ones_draw():
    """As in `make build 2>&1 | head`, or where what started a build was killed: tqdm's own would wait forever."""
    reader, writer = os.pipe()
    os.close(reader)
    scripts = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    try:
        assert subprocess.run([sys.executable, "-c", BARS], stderr=writer, env=scripts, timeout=30).returncode == 0
    finally:
        os.close(writer)


def test_however_the_data_folder_is_spelled_its_seeds_are_one(tmp_path, monkeypatch):
    """Else a build would say that nothing is new, although a seed has changed."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "company").mkdir()
    built_with = []

    def dbt(verb, data, built):
        built_with.append((data, build_script.fingerprint(tmp_path / "data")))
        return False, []

    monkeypatch.setattr(build_script, "dbt", dbt)
    for spelled, team in (("data/", "one"), ("./data", "two")):
        (tmp_path / "company" / "teams.csv").write_text(f"{','.join(company.SEEDS['teams'][0])}\n{team},{team},\n")
        run_build(tmp_path / "inbox", f"{tmp_path}/{spelled}", tmp_path / "company", for_commands=True)
    assert [data for data, _ in built_with] == [f"{tmp_path}/data"] * 2
    assert built_with[0][1] != built_with[1][1]


@pytest.mark.parametrize("name", ["a#b", "a?b"])
def test_a_data_folder_that_dbt_misreads_is_refused(tmp_path, name):
    (tmp_path / "inbox").mkdir()
    built = run_build(tmp_path / "inbox", tmp_path / name, GOLDEN / "company")
    assert built.code == 2
    assert "name another folder" in built.output
    assert not (tmp_path / name).exists()


def test_bad_files_beside_the_golden_day_change_nothing(build, golden, tmp_path):
    inbox = tmp_path / "inbox"
    shutil.copytree(GOLDEN / "inbox", inbox)
    for name, (content, _) in BAD.items():
        (inbox / name).write_bytes(content)
    (inbox / "cut.jsonl").write_bytes(b'{"resourceSpans":[{"resource"')
    built = build(inbox)
    assert built.code == 0, built.output
    for name, (_, reason) in BAD.items():
        assert name in built.output, (name, reason)
    query = "select month, team_id, net_charge_usd from marts.team_chargeback_monthly order by all"
    assert built.rows(query) == golden.rows(query)


def test_unknown_team_and_overlapping_periods_are_errors_that_name_the_rows(build, tmp_path):
    companies = tmp_path / "company"
    shutil.copytree(GOLDEN / "company", companies)
    with (companies / "services.csv").open("a") as seed:
        seed.write("search-api,mail,2026-01-01,\nlost-api,nobody,,\n")
    built = build(GOLDEN / "inbox", companies)
    assert built.code == 1
    assert "service_name=search-api" in built.output
    assert "owner_team_id=nobody" in built.output
    assert "not to be used" in built.output


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("teams.csv", "team_id,nmae\na,b\n", "header"),
        ("teams.csv", "team_id,name\na,b,c\n", "line 2 has 3 cells"),
        ("tems.csv", "team_id\n", "is no company seed"),
    ],
)
def test_seed_that_can_not_be_read_is_named(build, tmp_path, name, text, says):
    companies = tmp_path / "company"
    companies.mkdir()
    (companies / name).write_text(text)
    built = build(GOLDEN / "inbox", companies)
    assert built.code == 2
    assert says in built.output
    assert name in built.output


def forest(rng: random.Random) -> tuple[list[dict], set[str]]:
    """Traces with orphans, cycles, several roots, self-parents, skewed clocks, rings of links; and their calls."""
    spans, calls, seen = [], set(), []
    for trace in range(1, 120):
        numbers = list(range(1, rng.randint(2, 14)))
        for number in numbers:
            parent = rng.choice([None, rng.choice(numbers), number - 1 or None, 999, number])
            at = rng.uniform(0, 80_000)
            values = {"app__feature": rng.choice("abc")} if rng.random() < 0.3 else {}
            links = rng.sample(seen, min(len(seen), rng.choice([0, 0, 1, 3])))
            links += [(rng.randint(1, 119), 1)] if rng.random() < 0.2 else []
            if rng.random() < 0.4:
                values["gen_ai__usage__input_tokens"] = rng.randint(1, 10**6)
                # Each id is on the bill, once: spans that carry it are one call, however far apart they are.
                response = f"gen-{rng.randint(1, 199)}" if rng.random() < 0.6 else None
                spans.append({**chat(trace, number, parent, at, response, **values), "links": []})
                calls.add(response or f"{trace:032x}:{number:016x}")
            else:
                spans.append(span(trace, number, parent, at, links, **values))
            seen.append((trace, number))
    return spans, calls


def test_broken_forests_lose_and_double_no_call(build, tmp_path):
    """The build's own identities hold on random graphs; a 10,000-deep chain ends."""
    rng = random.Random(7)
    spans, calls = forest(rng)
    chain = [span(500, 1, app__feature="a")] + [span(500, number, number - 1) for number in range(2, 10_000)]
    spans += [*chain, chat(500, 10_000, 9_999, response="deep")]
    calls.add("deep")
    rng.shuffle(spans)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for part in range(3):
        (inbox / f"{part}.jsonl").write_text(
            "".join(batch(spans[start : start + 40]) for start in range(part, len(spans), 40 * 3))
        )
    (inbox / "rest.jsonl").write_text(batch(spans))
    billed = [(f"gen-{number}", f"2026-10-05 {number % 24:02d}:00:00", f"0.{number:06d}") for number in range(1, 200)]
    activity(billed, inbox / "activity.csv")
    built = build(inbox)
    assert built.code == 0, built.output
    assert {row[0] for row in built.rows("select call_id from marts.attributed_calls")} == calls
    assert built.rows("select hops, originating_feature_id from marts.attributed_calls where call_id = 'deep'") == [
        (9999, "a")
    ]
    assert built.rows("select sum(billed_usd) from marts.invoice_reconciliation_daily") == [
        (sum(Decimal(row[2]) for row in billed),)
    ]
