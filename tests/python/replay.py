"""A build from nothing without dbt's own work: the statements that dbt sent to the engine once, sent again.

What dbt compiles for a build from nothing depends on the checkout alone, not on data or the rows of seeds. So one build
by dbt records what the others run: the same tables, seeds and tests in the same order, in half of the time. Where a
statement or a test fails, the build is dbt's again, from nothing, with its own messages and what it skips. With
BUILT_BY_DBT=1 in the environment dbt makes every build.
"""

import os
import pickle
import re
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

COMMENT = re.compile(r"\s*/\* \{.*?\} \*/", re.DOTALL)  # dbt's, in front of each statement
CHECKOUT = "<checkout>"  # in recorded statements


class Failed(Exception):
    """A test of a replayed build does not hold."""


@dataclass
class Node:
    """What of a seed, model or test a build's summary speaks of."""

    unique_id: str
    name: str
    resource_type: str
    original_file_path: str
    compiled_code: str
    config: SimpleNamespace  # severity, warn_if, meta


@dataclass
class Recording:
    """What dbt sent to the engine in a build from nothing that passed."""

    config: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)  # as they ended: each after those that it depends on
    statements: dict[str, list[str]] = field(default_factory=dict)  # per node; those of none are under ""

    @contextmanager
    def watching(self, names: dict[str, str]):
        """Records; `names` of this build's folders become those that every build can have."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
        from dbt.cli.main import dbtRunner
        from dbt_common.events.contextvars import get_node_info

        execute, invoke, sent = DuckDBCursorWrapper.execute, dbtRunner.invoke, defaultdict(list)

        def noted(cursor, sql, bindings=None):
            assert bindings is None, f"a statement with values of its own is not the same in every build: {sql}"
            sent[get_node_info().get("unique_id", "")].append(COMMENT.sub("", sql, count=1).strip())
            return execute(cursor, sql)

        def invoked(runner, *words, **options):
            outcome = invoke(runner, *words, **options)
            if outcome.success:
                credentials = DuckDBConnectionManager.env().creds
                self.config, self.settings = dict(credentials.config_options), dict(credentials.settings)
                self._settle([result.node for result in outcome.result.results], sent, names)
            return outcome

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DuckDBCursorWrapper, "execute", noted)
            patch.setattr(dbtRunner, "invoke", invoked)
            yield

    def _settle(self, nodes: list, sent: dict[str, list[str]], names: dict[str, str]) -> None:
        """Keeps what changes the database, and of a test its one question."""

        def as_any(text: str) -> str:
            return reduce(lambda text, name: text.replace(*name), names.items(), text)

        for node in nodes:
            config = SimpleNamespace(meta=dict(node.config.meta))
            if node.resource_type == "test":
                config.severity, config.warn_if = node.config.severity.upper(), node.config.warn_if
            code = as_any(getattr(node, "compiled_code", None) or "")
            kind, file = str(node.resource_type), node.original_file_path
            self.nodes.append(Node(node.unique_id, node.name, kind, file, code, config))
        tests = {node.unique_id for node in self.nodes if node.resource_type == "test"}
        for node, statements in sent.items():
            kept = [as_any(sql) for sql in statements if sql and not re.match(r"(begin|commit|rollback)\b", sql, re.I)]
            self.statements[node] = (
                kept[-1:] if node in tests else [sql for sql in kept if not re.match("select|with", sql, re.I)]
            )
        for seed in (node for node in nodes if node.resource_type == "seed"):
            # dbt copies no file without rows, which in another build may have some.
            if not any(sql.startswith("COPY") for sql in self.statements[seed.unique_id]):
                file = as_any(f"{seed.root_path}/{seed.original_file_path}")
                self.statements[seed.unique_id].append(
                    f"""COPY "ledger"."seeds"."{seed.name}" FROM '{file}' (FORMAT CSV, HEADER TRUE, DELIMITER ',')"""
                )

    def replay(self, here: Path, data: str, names: dict[str, str]) -> list | None:
        """Builds `data`/ledger.duckdb with this build's `names`; the tests that warn, or None where anything failed."""
        os.chdir(here)
        warnings = []
        try:
            with duckdb.connect(f"{data}/ledger.duckdb", config=self.config) as engine:
                for name, value in self.settings.items():
                    engine.execute(f"set {name} = '{value}'")
                engine.execute("begin")
                for sql in self.statements.get("", []):
                    engine.execute(sql)
                for node in self.nodes:
                    for sql in self.statements.get(node.unique_id, []):
                        engine.execute(reduce(lambda text, name: text.replace(*name), names.items(), sql))
                    if node.resource_type == "test":
                        warnings += _judged(node, *engine.fetchone())
                engine.execute("commit")
        except (duckdb.Error, Failed):
            return None
        return warnings


def _judged(node: Node, failures: int, should_warn: bool, should_error: bool) -> list:
    if node.config.severity == "ERROR" and should_error:
        raise Failed(node.name)
    results = f"{failures} result{'s' * (failures != 1)}"
    message = f"Got {results}, configured to warn if {node.config.warn_if}"
    return [SimpleNamespace(status="warn", node=node, message=message, failures=failures)] if should_warn else []


class Recordings:
    """The recording of this checkout as its files are now, for all processes."""

    def __init__(self, project: Path):
        self.project, self.known = project, None

    def path(self) -> Path:
        digest = sha256(duckdb.__version__.encode())
        files = [
            path
            for name in ("models", "macros", "seeds/reference", "tests")
            for path in (self.project / name).rglob("*")
        ]
        files = [path for path in files if path.suffix in (".sql", ".yml", ".csv") and "python" not in path.parts]
        files += [
            self.project / name
            for name in ("dbt_project.yml", "profiles.yml", "requirements.txt", "scripts/company.py")
        ]
        for path in sorted([*files, Path(__file__)]):
            digest.update(f"{path} {path.stat().st_size} ".encode() + path.read_bytes())
        return self.project / ".pytest_cache" / "replay" / digest.hexdigest()

    def get(self) -> Recording | None:
        if self.known is None and self.path().exists():
            self.known = pickle.loads(self.path().read_bytes())
        return self.known

    def keep(self, recording: Recording) -> None:
        self.known, path = recording, self.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        for other in path.parent.iterdir():
            if other.stem != path.name:  # of a checkout that was otherwise
                other.unlink(missing_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(recording))
        part.replace(path)
