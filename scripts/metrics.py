"""Asks MetricFlow for metrics of a built ledger. Usage: metrics.py DATA [words of `mf`, as query --metrics margin_pct].

`mf` by itself wants the project's own target folder, opens the ledger for writing, and asks the network whether there
is a newer `mf`. Here it reads what `make build` parsed, for reading only, and asks nobody.
"""

import os
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import yaml

import ending
from terminal import plain, print

PROJECT = Path(__file__).resolve().parent.parent


def reading(profiles: str) -> str:
    """The profiles, with every database opened for reading only, and no file or network beside it."""
    profile = yaml.safe_load(profiles)
    for output in profile["chargeback_ledger"]["outputs"].values():
        output.setdefault("config_options", {}).update(access_mode="READ_ONLY", enable_external_access="false")
    return yaml.safe_dump(profile)


def echo(message: object = "", file=None, nl: bool = True, err: bool = False, color=None) -> None:
    """What `mf` says, as this project says it: click's own prints what it is given."""
    print(message, end="\n" if nl else "", file=file or (sys.stderr if err else None))


def ask(data: Path, words: list[str]) -> int:
    """Runs `mf` with these words; returns its exit code."""
    if not (data / "target" / "semantic_manifest.json").exists():
        print(f"ERROR: there is no ledger in {data}; run make build first", file=sys.stderr)
        return 2
    from click.exceptions import ClickException, Exit
    from dbt_metricflow.cli import main as mf

    data = data.resolve()
    # Values of dimensions come from files, so what would steer a terminal is written out.
    shown = {"echo": echo, "style": lambda text, **_: plain(text)}
    with (
        TemporaryDirectory(prefix="metrics") as place,
        mock.patch.object(mf, "UpdateChecker") as checker,
        mock.patch.multiple(mf.click, **shown),
    ):
        checker.return_value.check.return_value = None
        folder = Path(place)
        for name in ("dbt_project.yml", "models", "macros"):
            (folder / name).symlink_to(PROJECT / name)
        for name in ("target", "logs"):
            (folder / name).symlink_to(data / name)
        (folder / "profiles.yml").write_text(reading((PROJECT / "profiles.yml.example").read_text()))
        quiet = {"DATA": str(data), "DBT_PROFILES_DIR": place, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        with chdir(folder), mock.patch.dict(os.environ, quiet):
            try:
                return mf.cli.main(words, prog_name="mf", standalone_mode=False) or 0
            except Exit as stop:
                return stop.exit_code
            except ClickException as wrong:
                wrong.show()
                return 2
            except SystemExit as stop:
                return stop.code or 0


if __name__ == "__main__":
    sys.exit(ending.of(lambda: ask(Path(sys.argv[1]), sys.argv[2:] or ["list", "metrics"])))
