"""A pasted WHERE is one condition, and a file of policies is data: neither reads, writes or runs anything."""

import csv
import os
import shutil
import subprocess
import sys

import hostile
import pytest
from conftest import PROJECT, run_build
from exports import batch, chat, company

import metrics
import whatif
from company import completed, seeds_of

DIMENSION = "{{ Dimension('entry__account') }}"
FINE = [
    f"{DIMENSION} = 'search'",
    "{{ TimeDimension('metric_time', 'month') }} >= '2026-10-01' and {{ Dimension('a__b') }} in ('a', 'b')",
    "{{ Dimension('a__b').grain('month') }} is not null",
    "{{ Metric('net_usd', group_by=['team']) }} > 5",
    f"lower({DIMENSION}) like 'x%' or not ({{{{Entity('team')}}}} = 'it''s; -- /* fine */')",
    f"{DIMENSION} between date '2026-01-01' and '2026-02-01'::date",
    "{{ TimeDimension('metric_time') }} >= date_trunc('month', current_date) - interval 1 month",
    f"case when {DIMENSION} = 'x' then true else false end",
]
REFUSED = [
    "1 = 1; drop table marts.spend_daily",
    "1 = 1) union all select * from read_text('/etc/passwd') --",
    "1 = 1) and (1 = 1",
    "1) as a, (2",
    "1, 2",
    "1 from range(5)",
    "1 = 1 limit 5",
    "1 = 1 -- the rest",
    "1 = 1 /* the rest",
    "",
    ")(",
    "(select count(*) from read_csv('/etc/passwd')) > 0",
    "(select count(*) from glob('/*')) > 0",
    "exists (select 1 from seeds.api_keys)",
    "'a' in (from seeds.api_keys select owner_team_id)",
    "x[(select 1)] = 1",
    "getenv('HOME') = 'x'",
    "current_setting('home_directory') = ''",
    "pragma_version() = ''",
    "nextval('s') = 1",
    "write_log('x') is null",
    "repeat('a', 1000000000) = 'a'",
    "system.main.lower('a') = 'a'",
    "list_transform([1], x -> x) = [1]",
    "row_number() over () = 1",
    "columns('.*') = 1",
    "* = 1",
    "? = 1",
    "$a = 1",
    "'x' || " * 2000 + "'x' = ''",
    "{{ range(10 ** 9) }}",
    "{{ lipsum() }} = ''",
    "{{ cycler.__init__.__globals__.os.popen('touch RAN').read() }} = ''",
    "{{ Dimension.__class__ }} = ''",
    "{{ Dimension('a__b').__init__ }} = ''",
    "{{ Dimension('a' * 1000000) }} = ''",
    "{{ Dimension('a__b' ~ env_var('HOME')) }} = ''",
    "{{ env_var('HOME') }} = ''",
    "{% for each in range(100000) %}1{% endfor %}",
    "{# a note #} 1 = 1",
    "{{ Dimension('a__b') }} = '{{ lipsum }}'",
]


@pytest.mark.parametrize("stated", FINE)
def test_a_condition_is_taken_as_it_is(stated):
    assert metrics.condition(stated) == stated


@pytest.mark.parametrize("stated", REFUSED)
def test_what_is_more_than_a_condition_is_refused(tmp_path, capsys, stated):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "semantic_manifest.json").write_text("{}")
    words = ["query", "--metrics", "net_usd", "--group-by", "team", "--where", stated]
    assert metrics.ask(tmp_path, words) == 2
    assert "WHERE is one condition" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--metrics", "--group-by", "--order"])
@pytest.mark.parametrize(
    "stated", ["Dimension('a').descending(range(10 ** 9))", "{{ 1 }}", "a;b", "a\x1b[31m", "--csv=/tmp/x"]
)
def test_names_are_names(tmp_path, capsys, option, stated):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "semantic_manifest.json").write_text("{}")
    assert metrics.ask(tmp_path, ["query", option, stated]) == 2
    said = capsys.readouterr().err
    assert "are names with commas between them" in said
    assert not hostile.steering(said)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A ledger whose teams have ids that SQL, Jinja and spreadsheets read as theirs."""
    folder = tmp_path_factory.mktemp("whatif")
    inbox = folder / "inbox"
    inbox.mkdir()
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, app__feature="f")], "=svc"))
    teams = 'team_id\n=1+1\n\'; drop table x; --\n{{ 1 / 0 }}\n"a,b""c"\n'
    seeds = {"teams": teams, "services": "service_name,owner_team_id\n=svc,=1+1\n"}
    seeds["feature_catalog"] = "feature_id,owner_team_id\nf,=1+1\n"
    made = run_build(inbox, folder / "data", company(folder, **seeds), for_commands=True)
    assert made.code == 0, made.output
    return folder


def test_policies_are_data(ledger, tmp_path):
    policies = tmp_path / "policies.csv"
    header = "scope,scope_id,policy,bearer_team_id,weight\n"
    parts = ["default,,split,'; drop table x; --,1", "default,,split,{{ 1 / 0 }},1", 'default,,split,"a,b""c",2']
    policies.write_text(header + "\n".join(parts) + "\n")
    script = [sys.executable, str(PROJECT / "scripts" / "whatif.py"), f"--policies={policies}"]
    asked = subprocess.run(
        [*script, str(ledger / "data"), str(ledger / "company")], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr
    with (ledger / "data" / "whatif" / "whatif.csv").open(newline="") as lines:
        found = {row["team_id"]: row["whatif_usd"] for row in csv.DictReader(lines)}
    assert {"''; drop table x; --", "{{ 1 / 0 }}", 'a,b"c', "'=1+1"} <= set(found)
    assert float(found['a,b"c']) == pytest.approx(2 * float(found["{{ 1 / 0 }}"]), rel=1e-4)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "large", "bytes", "nul", "header", "cells", "absent"])
def test_what_is_no_file_of_policies_is_one_sentence(tmp_path, capsys, kind):
    path = tmp_path / "policies"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(whatif.MOST_BYTES + 1)
    elif kind != "absent":
        head = b"scope,scope_id,policy,bearer_team_id,weight\n"
        texts = {"bytes": b"\xff\xfe\x00", "nul": head + b"default,,\x00,,\n", "header": b"a,b\n1,2\n"}
        path.write_bytes(texts.get(kind, head + b"default,\n"))
    (tmp_path / "company").mkdir()
    code = whatif.replace_seeds(tmp_path / "company", str(tmp_path / "copy"), {"chargeback_policies": path})
    shutil.rmtree(seeds_of(str(tmp_path / "copy")))
    said = capsys.readouterr().err
    assert code == 2
    assert said.startswith("ERROR: ")
    assert said.count("\n") == 1


def test_a_cell_of_several_lines_is_one(tmp_path):
    """Lines within quotes are of the cell, also those that look like a comment or like nothing."""
    path = tmp_path / "teams.csv"
    path.write_text('# a note, "it\'s\nteam_id,name\n"a\n\n#b","x\u2028y"\n# another\n"#c",z\n', encoding="utf-8")
    text, complaints = completed(path, "teams")
    assert complaints == []
    assert "a\n\n#b" in text
    assert '"#c",z' in text
    assert "x\u2028y" in text
    assert text.startswith("team_id,name,cost_center\n")
