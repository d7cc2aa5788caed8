"""What a person pastes into a make variable is text: neither make nor a shell runs it."""

import io
import os
import subprocess
from contextlib import redirect_stdout

import pytest
from conftest import PROJECT, run_build
from exports import COSTS, batch, chat, company, cost, write

import bi
import close
import export
from report import site, why

TARGETS = {
    "why": ["DATA", "TRACE", "FEATURE", "DAY"],
    "metrics": ["DATA", "METRICS", "BY", "WHERE"],
    "check": ["COMPANY"],
    "check-labels": ["SPANS", "COMPANY"],
    "whatif": "DATA COMPANY MONTH MONTHS POLICIES EVAL_FUNDING SHARING PRICES REVENUE MODELS".split(),
    "build": ["DATA", "INBOX", "COMPANY", "DECIMAL", "DATE_ORDER"],
    "export": ["DATA", "MONTH"],
    "close": ["DATA", "COMPANY", "MONTH", "FORCE", "REOPEN"],
    "forget": ["DATA", "FILE", "UNDO"],
    "verify": ["DATA", "INBOX", "COMPANY", "MONTH", "MANIFEST", "HEAD"],
    "check-focus": ["DATA", "MONTH"],
    "report": ["DATA"],
    "bi": ["DATA"],
    "docs": ["DATA", "COMPANY"],
    "company": ["DIR"],
    "bench": ["DATA", "ROWS", "SPARK"],
    "sbom": ["DATA"],
}
# Programs read these from their environment, or a recipe asks only whether they are given.
NO_WORDS = {"DECIMAL", "DATE_ORDER", "FORCE", "REOPEN", "SPARK", "UNDO"}
SAY = '#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word" >> "$SAID"; done; env -0 >> "$SAID.env"\n'


@pytest.mark.parametrize("through", ["call", "environment"])
@pytest.mark.parametrize(("target", "names"), TARGETS.items(), ids=TARGETS)
def test_what_is_pasted_reaches_programs_as_it_is(tmp_path, target, names, through):
    tools, ran = tmp_path / "tools", tmp_path / "ran"
    tools.mkdir()
    (tools / "python").write_text(SAY)
    (tools / "python").chmod(0o755)
    given = {
        name: f"{tmp_path}/{name} it's $(shell touch {ran}) `touch {ran}` $$(touch {ran}) $HOME \"; touch {ran}; #"
        for name in names
    }
    around = {**os.environ, "SAID": str(tmp_path / "said"), **(given if through == "environment" else {})}
    words = [f"{name}={text}" for name, text in given.items()] if through == "call" else []
    made = subprocess.run(
        ["make", "-s", "-o", ".venv/.synced", "-o", "profiles.yml", target, f"BIN={tools}", *words],
        cwd=PROJECT, env=around, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert not ran.exists()
    said, around = ((tmp_path / name).read_bytes().decode().split("\0") for name in ("said", "said.env"))
    for name, text in given.items():
        assert f"{name}={text}" in around if name in NO_WORDS else any(text in word for word in said), name


def test_a_user_is_forgotten_where_make_is_told_so_not_who_is_logged_in(tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").write_text(SAY)
    (tools / "python").chmod(0o755)
    make = ["make", "-s", "-o", ".venv/.synced", "forget", f"BIN={tools}"]
    user = f"it's $(shell touch {tmp_path}/ran) $$(touch {tmp_path}/ran) \"; #"
    for words, options in (([], []), ([f"USER={user}"], [f"--user={user}"])):
        said = tmp_path / f"said{len(words)}"
        around = {**os.environ, "SAID": str(said), "USER": "root"}
        subprocess.run([*make, *words], cwd=PROJECT, env=around, check=True)
        assert [word for word in said.read_text().split("\0") if word.startswith("--")] == options
    assert not (tmp_path / "ran").exists()


def test_the_sample_takes_no_place_of_something_else(tmp_path):
    """`make demo` clears its folder, so it must be the sample's, or nobody's."""
    (tmp_path / "mine.csv").write_text("mine")
    words = ["make", "-s", "-o", ".venv/.synced", "-o", "profiles.yml", "demo", f"DATA={tmp_path}", "BIN=/nowhere"]
    made = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert made.returncode == 2
    assert f"{tmp_path} holds something else than the sample" in made.stdout
    assert (tmp_path / "mine.csv").read_text() == "mine"


def test_a_folder_of_any_name_is_built_and_read(tmp_path):
    """By every command that names the data folder in SQL."""
    place = tmp_path / "it's [a] *$HOME {x} 100%"
    inbox, data = place / "inbox", place / "data"
    inbox.mkdir(parents=True)
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, app__feature="a feature")]) + "\n")
    bucketed = [cost(5, "0.25", "gpt-4o-mini, input", project_id="proj", quantity="100")]
    write(inbox / "openai_costs_2026-10-06.csv", COSTS, bucketed)
    built = run_build(inbox, data, company(place), for_commands=True)
    assert built.code == 0, built.output
    with redirect_stdout(io.StringIO()) as said:
        assert export.export("2026-10", data) == 0
        assert close.close("2026-10", data, force=True) == 0
        assert export.export("2026-10", data) == 0
        assert why.main([str(data), f"--trace={1:032x}"]) == 0
        assert bi.main(data) == 0
        assert site.main(data) == 0
        assert export.verify("2026-10", data) == 0
    assert "0.25" in said.getvalue()
    again = run_build(inbox, data, place / "company")
    assert again.code == 0, again.output
