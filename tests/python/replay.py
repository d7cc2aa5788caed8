"""A build from nothing without dbt's own work: the statements that dbt sent to the engine once, sent again.

What dbt compiles for a build from nothing depends on the checkout alone, not on data or the rows of seeds. So one build
by dbt records what the others run: the same tables, seeds and tests in the same order, in a quarter of the time. Where
a test or a model fails, what dbt would skip is skipped, and the messages are dbt's; where a seed or a hook fails, the
build is dbt's again, from nothing. With BUILT_BY_DBT=1 in the environment dbt makes every build.

A table or test whose inputs hold the same rows as in an earlier build of this process is not asked of the engine again:
most builds of tests differ in a few lines of one input, so that most of their tables are empty or known.
"""

import os
import pickle
import re
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import reduce
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import duckdb
import pytest

COMMENT = re.compile(r"\s*/\* \{.*?\} \*/", re.DOTALL)  # dbt's, in front of each statement
CHECKOUT = "<checkout>"  # in recorded statements
CREATED = re.compile(r'create\s+(view|table)\s+"ledger"\."(\w+)"\."(\w+)"', re.I)
RELATION = re.compile(r'"?\b(seeds|staging|intermediate|marts|main)"?\."?(\w+)\b')
FILES = re.compile(rf"'(?:data|{CHECKOUT})/[^'\n]*\.(?:parquet|csv)'")
VOLATILE = re.compile(
    r"\b(current_(date|time|timestamp)|local_?time(stamp)?|(now|today|uuid|random|getenv|glob)\s*\()", re.I
)


FEW = 50_000  # rows of a table that are held in memory
EXACT = re.compile(
    r"(VARCHAR|BOOLEAN|(TINY|SMALL|BIG)?INT(EGER)?|DATE|TIMESTAMP( WITH TIME ZONE)?|DOUBLE|DECIMAL.*)(\[\])*"
)


@dataclass
class Node:
    """What of a seed, model or test a build's summary speaks of."""

    unique_id: str
    name: str
    resource_type: str
    original_file_path: str
    compiled_code: str
    config: SimpleNamespace  # severity, error_if, warn_if, meta


@dataclass
class Outcome:
    """What a node made of its inputs."""

    table: str = ""
    digest: str = ""  # of its types and rows
    count: int = 0
    rows: Any = None
    answer: tuple = ()  # a test's
    definition: str = ""
    is_held: bool = False  # the table can be made again from this


@dataclass
class Reading:
    """What the statements of a node read and make."""

    made: str
    is_view: bool
    tables: list[str]
    files: list[str]
    digest: str
    is_repeatable: bool

    @classmethod
    def of(cls, statements: list[str]) -> "Reading":
        text = "\n".join(statements)
        made = next((found for sql in statements if (found := CREATED.match(sql))), None)
        table = f'"ledger"."{made[2]}"."{made[3].removesuffix("__dbt_tmp")}"' if made else ""
        tables = {f'"ledger"."{schema}"."{name}"' for schema, name in RELATION.findall(text)} - {table}
        return cls(
            table,
            bool(made) and made[1].lower() == "view",
            sorted(name for name in tables if not re.search("__dbt_(tmp|backup)", name)),
            sorted(set(FILES.findall(text))),
            sha256(text.encode()).hexdigest(),
            not VOLATILE.search(text),
        )


@dataclass
class Inputs:
    """What the nodes of one build read: its files and what it has made so far."""

    names: dict[str, str]
    made: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def named(self, text: str) -> str:
        return reduce(lambda text, name: text.replace(*name), self.names.items(), text)

    def digest(self, reading: Reading) -> str:
        """Of all that a node's outcome depends on; of no other build where that can't be known."""
        read = [self.made.get(table, uuid4().hex) for table in reading.tables]
        read += [self._file(pattern) for pattern in reading.files]
        own = reading.digest if reading.is_repeatable else uuid4().hex
        return sha256(repr((own, read)).encode()).hexdigest()

    def _file(self, pattern: str) -> str:
        if pattern not in self.files:
            whole = self.named(pattern).strip("'")
            folder, _, rest = whole.partition("/*")
            paths = sorted(Path(folder).glob(f"*{rest}")) if rest else [Path(whole)]
            digest = sha256()
            for path in paths:
                digest.update(f"{os.path.relpath(path, folder)} {path.stat().st_size} ".encode() + path.read_bytes())
            self.files[pattern] = digest.hexdigest()
        return self.files[pattern]


@dataclass
class Recording:
    """What dbt sent to the engine in a build from nothing that passed."""

    config: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)  # as they ended: each after those that it depends on
    statements: dict[str, list[str]] = field(default_factory=dict)  # per node; those of none are under ""
    dependents: dict[str, list[str]] = field(default_factory=dict)  # what dbt skips where a node fails
    readings: dict[str, Reading] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # of this process

    @contextmanager
    def watching(self, names: dict[str, str]):
        """Records; `names` of this build's folders become those that every build can have."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
        from dbt.cli.main import dbtRunner
        from dbt.task.build import BuildTask
        from dbt_common.events.contextvars import get_node_info

        execute, invoke, sent = DuckDBCursorWrapper.execute, dbtRunner.invoke, defaultdict(list)
        order = BuildTask.execute_nodes

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

        def ordered(task):
            results = order(task)
            for node in task.graph.nodes():
                self.dependents[node] = sorted(task.graph.get_dependent_nodes(node))
            return results

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BuildTask, "execute_nodes", ordered)
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
                config.severity = node.config.severity.upper()
                config.error_if, config.warn_if = node.config.error_if, node.config.warn_if
            code = as_any(getattr(node, "compiled_code", None) or "")
            kind, file = str(node.resource_type), node.original_file_path
            self.nodes.append(Node(node.unique_id, node.name, kind, file, code, config))
        tests = {node.unique_id for node in self.nodes if node.resource_type == "test"}
        for node, statements in sent.items():
            kept = [as_any(sql) for sql in statements if sql and not re.match(r"(begin|commit|rollback)\b", sql, re.I)]
            self.statements[node] = (
                kept[-1:] if node in tests else [sql for sql in kept if not re.match("select|with|describe", sql, re.I)]
            )
        for seed in (node for node in nodes if node.resource_type == "seed"):
            # dbt copies no file without rows, which in another build may have some.
            if not any(sql.startswith("COPY") for sql in self.statements[seed.unique_id]):
                file = as_any(f"{seed.root_path}/{seed.original_file_path}")
                self.statements[seed.unique_id].append(
                    f"""COPY "ledger"."seeds"."{seed.name}" FROM '{file}' (FORMAT CSV, HEADER TRUE, DELIMITER ',')"""
                )

    def replay(self, here: Path, data: str, names: dict[str, str]) -> tuple[bool, list] | None:
        """Builds `data`/ledger.duckdb with this build's `names`. Returns what build.py's `dbt` does: if all passed,
        and what did not; None where a seed or a hook fails, of which dbt says more.
        """
        os.chdir(here)
        for is_one in (True, False):
            try:
                return self._replay(data, Inputs(names), is_one)
            except duckdb.Error:  # without a transaction of their own, nodes before one that fails are undone too
                for path in Path(data).glob("ledger.duckdb*"):
                    path.unlink()
        return None

    def _replay(self, data: str, inputs: "Inputs", is_one: bool) -> tuple[bool, list]:
        """In one transaction, or where a node may fail in one each."""
        troubled, skipped, passed = [], set(), True
        with duckdb.connect(f"{data}/ledger.duckdb", config=self.config) as engine:
            for name, value in self.settings.items():
                engine.execute(f"set {name} = '{value}'")
            engine.execute("begin")
            for sql in self.statements.get("", []):
                engine.execute(sql)
            for node in self.nodes:
                if node.unique_id in skipped:
                    troubled.append(SimpleNamespace(status="skipped", node=node, message=None, failures=None))
                    continue
                if node.resource_type == "operation" and not passed:
                    continue  # the build is not good, which conftest.py notes
                if not is_one:
                    engine.execute("commit")
                    engine.execute("begin")
                try:
                    answer = self._made(engine, node, inputs)
                except duckdb.Error as error:
                    if is_one or node.resource_type not in ("model", "test"):
                        raise
                    engine.execute("rollback")
                    engine.execute("begin")
                    result = _failed(node, error)
                else:
                    result = _judged(node, *answer) if node.resource_type == "test" else None
                if result:
                    result.node = replace(node, compiled_code=inputs.named(node.compiled_code))
                    troubled.append(result)
                if result and result.status != "warn":
                    passed = False
                    skipped |= set(self.dependents[node.unique_id])
            self._note_definitions(engine)
            engine.execute("commit")
        return passed, troubled

    def _made(self, engine: duckdb.DuckDBPyConnection, node: Node, inputs: "Inputs") -> tuple:
        """Makes a node's table or view, or answers its test; of the same inputs as before, by what was made then."""
        statements = self.statements.get(node.unique_id, [])
        if node.unique_id not in self.readings:
            self.readings[node.unique_id] = Reading.of(statements)
        reading = self.readings[node.unique_id]
        key = inputs.digest(reading)
        outcome = self.outcomes.get(key)
        if outcome and outcome.is_held and not (reading.made and reading.is_view):
            if reading.made:
                engine.execute(outcome.definition)
                if outcome.count:
                    held = outcome.rows  # noqa: F841 (the engine finds it by its name)
                    engine.execute(f"insert into {reading.made} from held")
                inputs.made[reading.made] = outcome.digest
            return outcome.answer
        for sql in statements:
            engine.execute(inputs.named(sql))
        [answer] = engine.fetchall() if node.resource_type == "test" else [()]
        if reading.is_view:
            inputs.made[reading.made] = key
        elif reading.made:
            outcome = self._outcome(engine, reading.made, outcome)
            inputs.made[reading.made] = outcome.digest
            self.outcomes[key] = outcome
        elif answer:
            self.outcomes[key] = Outcome(answer=answer, is_held=True)
        return answer

    def _outcome(self, engine: duckdb.DuckDBPyConnection, table: str, last: "Outcome | None") -> "Outcome":
        """What a table holds; its rows too where they were made a second time of the same inputs."""
        types = [(column[0], str(column[1])) for column in engine.execute(f"from {table} limit 0").description]
        [found] = engine.execute(f"select count(*), sum(hash(made::varchar)) from {table} as made").fetchall()
        digest = sha256(repr((types, found)).encode()).hexdigest()
        outcome = Outcome(table, digest, found[0], is_held=False)
        if last and last.digest == digest and found[0] <= FEW and all(EXACT.fullmatch(kind) for _, kind in types):
            outcome.rows = engine.sql(f"from {table}").to_arrow_table()
        return outcome

    def _note_definitions(self, engine: duckdb.DuckDBPyConnection) -> None:
        new = [outcome for outcome in self.outcomes.values() if outcome.table and not outcome.definition]
        if not new:
            return
        found = engine.execute("select schema_name, table_name, sql from duckdb_tables()").fetchall()
        definitions = {f'"ledger"."{schema}"."{name}"': sql for schema, name, sql in found}
        for outcome in new:
            outcome.definition = sys.intern(definitions[outcome.table])
            outcome.is_held = not outcome.count or outcome.rows is not None


def _judged(node: Node, failures: int, should_warn: bool, should_error: bool) -> SimpleNamespace | None:
    results = f"{failures} result{'s' * (failures != 1)}"
    if node.config.severity == "ERROR" and should_error:
        message = f"Got {results}, configured to fail if {node.config.error_if}"
        return SimpleNamespace(status="fail", node=node, message=message, failures=failures)
    message = f"Got {results}, configured to warn if {node.config.warn_if}"
    return SimpleNamespace(status="warn", node=node, message=message, failures=failures) if should_warn else None


def _failed(node: Node, error: duckdb.Error) -> SimpleNamespace:
    from dbt_common.exceptions import DbtRuntimeError

    return SimpleNamespace(status="error", node=node, message=str(DbtRuntimeError(str(error), node)), failures=None)


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
