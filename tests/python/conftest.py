"""Builds in folders of their own, as a person runs them: exports in, marts out."""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from functools import cache, partial
from hashlib import md5
from pathlib import Path

import duckdb
import pytest
from hypothesis import settings
from replay import CHECKOUT, Recording, Recordings

import build as build_script
import company

PROJECT = Path(__file__).resolve().parents[2]
GOLDEN = PROJECT / "tests" / "golden"
REAL = PROJECT.parent / "shared" / "real"

# Machines differ; what takes how long is `make bench`'s to say.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


BUILT: list[Path] = []  # data folders, whose seeds stand in the checkout
RECORDINGS = Recordings(PROJECT)
DBT = build_script.dbt


class Built:
    """A data folder after a build: its output, its marts."""

    def __init__(self, data: Path, code: int, output: str):
        self.data, self.code, self.output = data, code, output

    def rows(self, query: str) -> list[tuple]:
        with tempfile.TemporaryDirectory() as names:  # views name what has landed `data/landed`, as in `in_checkout`
            Path(names, "data").symlink_to(self.data.resolve())
            options = {"file_search_path": names}
            with duckdb.connect(str(self.data / "ledger.duckdb"), read_only=True, config=options) as engine:
                return engine.execute(query).fetchall()

    def landed(self, query: str, table: str = "spans") -> list[tuple]:
        files = (
            f"read_parquet('{self.data}/landed/{table}/*/*.parquet', union_by_name = true, hive_partitioning = false)"
        )
        return duckdb.sql(query.format(files)).fetchall()


@cache
def checkout() -> Path:
    """This process's folder that stands for the checkout."""
    return Path(tempfile.mkdtemp(prefix="checkout-")).resolve()


def in_checkout(dbt, verb: str, data: str, *words, **options):
    """build.py's `dbt`, in a folder whose names are the same in every build of this process: dbt parses once."""
    here = checkout()
    parsed, target = here / "partial_parse.msgpack", Path(data, "target")
    (here / ".company").mkdir(exist_ok=True)
    links = {name: PROJECT / name for name in ("models", "macros", "seeds", "tests", "dbt_project.yml", "profiles.yml")}
    seeds = company.seeds_of(data).resolve()
    links |= {"data": Path(data).resolve(), f".company/{md5(b'data').hexdigest()}": seeds}
    for name, path in links.items():
        (here / name).unlink(missing_ok=True)
        (here / name).symlink_to(path)
    is_plain = is_from_nothing(dbt, verb, data, *words, **options)
    if is_plain and (outcome := replayed(data, here, "data", {CHECKOUT: str(here)})):
        return outcome
    if parsed.exists() and not (target / parsed.name).exists():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(parsed, target / parsed.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_script, "PROJECT", here)
        patch.setattr(build_script, "whole_path", lambda spelled: spelled)
        run = partial(recorded, dbt, {f"{here}/": f"{CHECKOUT}/"}) if is_plain else dbt
        outcome = run(verb, "data", *words, **options)
    if not parsed.exists() and (target / parsed.name).exists():
        shutil.copyfile(target / parsed.name, parsed)
    return outcome


def under_own_names(dbt, verb: str, data: str, *words, needs_manifest: bool, **options):
    """build.py's `dbt`, in the checkout itself, with the data folder's name in views and dbt's manifest beside them."""
    # A name that SQL writes otherwise is dbt's to write.
    if not is_from_nothing(dbt, verb, data, *words, **options) or not re.fullmatch("[a-zA-Z0-9_/.-]+", data):
        return dbt(verb, data, *words, **options)
    data = build_script.whole_path(data)
    own, common = company.seeds_of(data).name, md5(b"data").hexdigest()
    names = {
        f"{CHECKOUT}/.company/{common}/": f"{PROJECT}/.company/{own}/",
        CHECKOUT: str(PROJECT),
        "'data/": f"'{data}/",
    }
    if not needs_manifest and (outcome := replayed(data, PROJECT, data, names)):
        return outcome
    return recorded(dbt, {other: name for name, other in names.items()}, verb, data, *words, **options)


def replayed(data: str, here: Path, called: str, names: dict[str, str]) -> tuple[bool, list] | None:
    """What `dbt` returns, of a build without dbt; None where nothing is recorded, or where dbt is to say what fails."""
    recording = RECORDINGS.get()
    outcome = recording and recording.replay(here, called, names)
    if not outcome:
        return None
    passed, troubled = outcome
    build_script.declare_good(Path(data))
    with duckdb.connect(f"{data}/ledger.duckdb") as engine:
        found = "build_id = uuid()::varchar, basis = null, is_whole = true, is_good = ?"
        engine.execute(f"update main.ledger_builds set {found}", [passed])
    return passed, troubled


def is_from_nothing(dbt, verb: str, data: str, built: int | None = None, selection: tuple = (), **options) -> bool:
    """Whether dbt would send what it sends in every build of a new folder, to an engine with the same settings."""
    asks_otherwise = {"SPANS_PER_WALK", "MEMORY_LIMIT", "BUILT_BY_DBT"} & os.environ.keys()
    is_usual = dbt is DBT and verb == "build" and not selection and not options and not asks_otherwise
    return is_usual and built is None and not Path(data, "ledger.duckdb").exists()


def recorded(dbt, names: dict[str, str], *words, **options):
    if RECORDINGS.get():
        return dbt(*words, **options)
    recording = Recording()
    with recording.watching(names):
        passed, troubled = dbt(*words, **options)
    if passed:
        RECORDINGS.keep(recording)
    return passed, troubled


def run_build(
    inbox: Path,
    data: Path,
    companies: Path,
    *options: str,
    for_commands: bool = False,
    needs_manifest: bool = False,
    **variables: str,
) -> Built:
    """What `make build` runs, in this process: dbt and Great Expectations are imported once, not once a build.

    A build from nothing runs what dbt compiled for the first one (replay.py). `for_commands`: others read what it
    leaves by the folder's own name; `needs_manifest`: also what dbt writes beside it, so that dbt itself builds.
    """
    example, profiles = PROJECT / "profiles.yml.example", PROJECT / "profiles.yml"
    if not profiles.exists() or profiles.read_bytes() != example.read_bytes():
        part = profiles.with_suffix(f".{os.getpid()}")
        shutil.copyfile(example, part)
        part.replace(profiles)
    BUILT.append(Path(data))
    words = [str(PROJECT / "scripts" / "build.py"), *options, str(inbox), str(data), str(companies)]
    said, code, here = io.StringIO(), 0, Path.cwd()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr(sys, "argv", words)
        is_own = for_commands or needs_manifest
        dbt = partial(under_own_names, needs_manifest=needs_manifest) if is_own else in_checkout
        patch.setattr(build_script, "dbt", partial(dbt, build_script.dbt))
        for name in ("LEDGER_DATA", "LEDGER_COMPANY", "DBT_PROFILES_DIR"):
            patch.delenv(name, raising=False)
        quiet = {} if needs_manifest else {"DBT_LOG_LEVEL_FILE": "none"}
        for name, value in {"DBT_WRITE_JSON": str(is_own), **quiet, **variables}.items():
            patch.setenv(name, value)
        try:
            code = build_script.main()
        except SystemExit as stop:
            code = stop.code
        finally:
            os.chdir(here)
    return Built(data, code, said.getvalue())


def fail_last_build(data: Path) -> None:
    """As a build that fails or is killed leaves the ledger."""
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute("update main.ledger_builds set is_good = false")


@pytest.fixture
def build(tmp_path):
    """build(inbox, companies=...) -> Built, in this test's own data folder."""

    def run(inbox: Path, companies: Path = GOLDEN / "company") -> Built:
        return run_build(inbox, tmp_path / "data", companies)

    return run


@pytest.fixture(scope="session")
def golden(tmp_path_factory):
    data = tmp_path_factory.mktemp("golden")
    return run_build(GOLDEN / "inbox", data, GOLDEN / "company", needs_manifest=True)


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The sample company, built once for all tests of `xdist_group("sample")`; tests read it and change nothing."""
    data = tmp_path_factory.mktemp("sample")
    inbox = data / "inbox"
    subprocess.run([sys.executable, str(PROJECT / "scripts" / "make_sample.py"), str(inbox)], check=True)
    built = run_build(inbox, data, PROJECT / "seeds" / "company", needs_manifest=True)
    assert built.code == 0, built.output
    return built


@pytest.fixture(scope="session", autouse=True)
def completed_seeds():
    yield
    for data in BUILT:
        shutil.rmtree(company.seeds_of(str(data)), ignore_errors=True)
    shutil.rmtree(checkout(), ignore_errors=True)
