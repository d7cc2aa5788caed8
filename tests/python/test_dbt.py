"""dbt as its users know it: in the checkout, by its own commands, with what `make build` left."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from conftest import BUILT, GOLDEN, PROJECT
from dotenv import dotenv_values
from exports import batch, chat

import build as build_script
import company
import land

pytestmark = pytest.mark.xdist_group("golden")
FULL = "select is_good, basis is null, landing_no from main.ledger_builds"


@pytest.fixture
def here(golden, tmp_path, monkeypatch):
    """A copy of the golden ledger, and a checkout whose .env names it."""
    monkeypatch.chdir(Path.cwd())
    checkout, data = tmp_path / "checkout", tmp_path / "it's data"
    shutil.copytree(golden.data, data, ignore=shutil.ignore_patterns("logs"))
    (checkout / "seeds").mkdir(parents=True)
    for name in ("models", "macros", "tests", "seeds/reference", "dbt_project.yml", "profiles.yml"):
        (checkout / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / "seeds" / "company", checkout / "seeds" / "company")
    (checkout / ".company").symlink_to(PROJECT / ".company")
    monkeypatch.setattr(company, "PROJECT", checkout)
    companies = shutil.copytree(GOLDEN / "company", tmp_path / "company")
    assert company.remember(companies, f"{data}/.") == 0
    BUILT.append(data)
    return checkout, data, companies


def dbt(checkout: Path, *words: str) -> tuple[int, str]:
    around = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "LEDGER_"))}
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *words]
    done = subprocess.run(command, cwd=checkout, env=around, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def said_of_build(data: Path) -> tuple:
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        return engine.execute(FULL).fetchone()


def test_env_names_folders_however_they_are_spelled(tmp_path, monkeypatch):
    monkeypatch.setattr(company, "PROJECT", tmp_path)
    (tmp_path / ".env").write_text("OTHER=1\nLEDGER_DATA='old'\n")
    for spelled in ("it's a/data", "./it's a/data/", f"{tmp_path}/it's a/x/../data"):
        monkeypatch.chdir(tmp_path)
        assert company.remember(GOLDEN / "company", spelled) == 0
        assert dotenv_values(tmp_path / ".env") == {
            "OTHER": "1",
            "LEDGER_DATA": f"{tmp_path}/it's a/data",
            "LEDGER_COMPANY": str(GOLDEN / "company"),
        }
    assert len(list((tmp_path / ".company").iterdir())) == 1


def test_the_sample_companys_seeds_are_read_where_they_lie():
    """Complete, and without comments: dbt reads no other."""
    for name in company.SEEDS:
        path = PROJECT / company.SAMPLE / f"{name}.csv"
        assert company.completed(path, name) == (path.read_text(), []), path


def test_nothing_of_dbts_own_is_overridden():
    overridden = ("should_full_refresh", "get_where_subquery", "is_incremental", "run_hooks")
    texts = "".join(path.read_text() for path in (PROJECT / "macros").rglob("*.sql"))
    assert [name for name in overridden if f"macro {name}(" in texts] == []
    assert [kind for kind in ("table", "view", "incremental", "seed") if f"materialization {kind}," in texts] == []


def test_dbt_works_in_the_checkout(here):
    """A selection where nothing is new changes nothing; a changed company is an error that says `make build`."""
    checkout, data, companies = here
    code, said = dbt(checkout, "build", "--select", "+team_chargeback_monthly", "--exclude-resource-type", "unit_test")
    assert code == 0, said
    assert said_of_build(data)[0], "as `make build` left it"
    assert build_script.files_built(data) == build_script.files_landed(data)
    code, said = dbt(checkout, "show", "--select", "team_chargeback_monthly", "--limit", "1")
    assert code == 0, said
    assert "team_id" in said
    with (companies / "teams.csv").open("a") as teams:
        teams.write("new,New,\n")
    code, said = dbt(checkout, "build", "--select", "team_chargeback_monthly")
    assert code != 0
    assert "run make build COMPANY=" in said
    assert company.remember(companies, str(data)) == 0
    code, said = dbt(checkout, "seed", "--select", "teams")
    assert code == 0, said
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        assert engine.execute("select count(*) from seeds.teams where team_id = 'new'").fetchone() == (1,)
    assert not said_of_build(data)[0], "models don't know the new team yet"
    assert build_script.files_built(data) is None


PART = ("--select", "+spend_daily")
REST = (
    "--select", "resource_type:seed", "resource_type:model", "resource_type:test",
    "--exclude", "+spend_daily,resource_type:model", "--indirect-selection", "empty",
    "--exclude-resource-type", "unit_test",
)  # fmt: skip


def test_a_build_may_be_made_in_parts(here, tmp_path):
    """A part of the models, and then the others, go on from the same files; none other than these, and each once."""
    checkout, data, _ = here
    inbox = tmp_path / "inbox"
    inbox.mkdir()

    def arrive(number: int) -> int:
        (inbox / f"{number}.json").write_text(batch([chat(number, 1, at=60, response=f"part-{number}")]))
        assert land.run(inbox, data) == 0
        return build_script.files_landed(data)

    def parts() -> str:
        with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
            return engine.execute("select parts from main.ledger_builds").fetchone()[0]

    before, landed = build_script.files_landed(data), arrive(90)
    part = build_script.parts_of("spend_daily", {"spans"})
    code, said = dbt(checkout, "run", "--select", *part)
    assert code == 0, said
    assert said_of_build(data) == (False, False, landed)
    assert "model.chargeback_ledger.spend_daily" in parts()
    assert not {"stg_telemetry__spans", "int_charges", "int_list_prices"} & {
        id.split(".")[-1] for id in parts().split()
    }
    assert build_script.files_built(data) is None
    rest = ("--exclude", *part, *REST[REST.index("--indirect-selection") :])
    code, said = dbt(checkout, "build", *REST[: REST.index("--exclude")], *rest)
    assert code == 0, said
    assert said_of_build(data) == (True, False, landed)
    assert parts() == ""
    assert build_script.files_built(data) == landed > before
    arrive(91)
    assert dbt(checkout, "run", *PART)[0] == 0
    arrive(92)
    code, said = dbt(checkout, "build", *REST)
    assert code != 0, "the first part knew nothing of the last file"
    assert "only what the last increment read" in said.replace("\n", " ")
    assert parts() != ""
    code, said = dbt(checkout, "run", "--select", "spend_daily")
    assert code == 0, said
    assert parts() == "", "a model came again"
    assert build_script.files_built(data) is None


def test_a_fresh_checkout_lists_and_leaves_no_database(here):
    checkout, *_ = here
    (checkout / ".env").unlink()
    code, said = dbt(checkout, "ls", "--select", "ledger_entries", "--resource-type", "model")
    assert code == 0, said
    assert "ledger_entries" in said
    code, said = dbt(checkout, "seed", "--select", "teams")
    assert code != 0
    assert "run make build or make demo" in said
    assert not list(checkout.glob("**/*.duckdb"))


def test_a_model_that_was_made_before_what_it_reads_is_no_part(here, tmp_path):
    """The rest of a build can't give it what its parents hold by then."""
    checkout, data, _ = here
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "late.json").write_text(batch([chat(93, 1, at=60, response="late")]))
    assert land.run(inbox, data) == 0
    alone = "unexplained_usage_daily"
    code, said = dbt(checkout, "run", "--select", alone)
    assert code == 0, said
    code, said = dbt(checkout, "build", *REST[: REST.index("--exclude")], "--exclude", alone, *REST[6:])
    assert code == 0, said
    assert build_script.files_built(data) is None, f"{alone} lacks the new call, and the ledger is said to be good"


def test_what_the_steps_of_a_watch_inherit(here, tmp_path):
    """Templates of all macros, compiled; nothing is written or raised, whatever is there."""
    _, data, _ = here
    program = "import json, os, threading, warm; print(json.dumps([{}, os.getcwd(), threading.active_count()]))"
    parsed = data / "target" / "partial_parse.msgpack"
    before = parsed.read_bytes() if parsed.exists() else None
    for folder, counted in (
        (data, "len(warm.template_cache.file_cache)"),
        (tmp_path / "none", "warm.templates_compiled()"),
    ):
        around = os.environ | {
            "LEDGER_DATA": str(folder), "LEDGER_COMPANY": "", "PYTHONPATH": str(PROJECT / "scripts"),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", program.format(counted)],
            cwd=tmp_path,
            env=around,
            capture_output=True,
            text=True,
            check=True,
        )
        templates, *others = json.loads(done.stdout)
        assert (templates >= 700) == (folder == data)
        assert (others, done.stderr) == ([str(tmp_path), 1], "")
    assert (parsed.read_bytes() if parsed.exists() else None) == before
    assert not (tmp_path / "none").exists()


def test_a_step_of_a_watch_parses_what_changed_since(tmp_path):
    """Nothing that the steps inherit waits for threads that only the process that loaded it has."""
    program = f"""
import os, warm
if os.fork() == 0:
    warm.dbtRunner().invoke(["--quiet", "parse", "--project-dir", {str(PROJECT)!r}, "--target-path", {str(tmp_path)!r}])
    os._exit(0)
os.wait()
"""
    folders = {"LEDGER_DATA": str(tmp_path), "LEDGER_COMPANY": "seeds/company", "DBT_PROFILES_DIR": str(PROJECT)}
    around = os.environ | folders | {"PYTHONPATH": str(PROJECT / "scripts"), "DBT_LOG_PATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=around, start_new_session=True) as found:
        try:
            assert found.wait(timeout=180) == 0
        finally:
            with suppress(ProcessLookupError):
                os.killpg(found.pid, signal.SIGKILL)
    assert (tmp_path / "manifest.json").exists()
