"""Loaded by the process that makes a watch's steps: what each run of dbt in a process of its own makes anew, made once.

dbt parses the project in a folder of its own, from what the last build parsed, and the macros' templates are compiled;
the steps inherit them. Whatever goes wrong here is for the steps to say.
"""

import os
import shutil
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.clients.jinja import template_cache

PROJECT = Path(__file__).resolve().parent.parent


def templates_compiled() -> int:
    """Parse the project for LEDGER_DATA of the environment, compile its macros; returns of how many."""
    parsed = Path(os.environ["LEDGER_DATA"], "target", "partial_parse.msgpack")
    with (
        tempfile.TemporaryDirectory(prefix="chargeback-") as folder,
        open(os.devnull, "w") as nothing,
        redirect_stdout(nothing),
        redirect_stderr(nothing),
        chdir(PROJECT),
    ):
        if parsed.exists():
            shutil.copy(parsed, folder)
        # dbt's static parser keeps threads, which a step would not inherit and would wait for without end.
        options = ["--quiet", "--no-static-parser", "parse", "--target-path", folder, "--log-path", folder]
        found = dbtRunner().invoke(options).result
        macros = found.macros.values() if isinstance(found, Manifest) else ()
        for macro in macros:
            with suppress(Exception):  # of another adapter, which no run here asks
                template_cache.get_node_template(macro)
    return len(macros)


with suppress(Exception):
    templates_compiled()
