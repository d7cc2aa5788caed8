"""Where warehouses differ, as data: types, quotes, and the statements that not all of them have."""

import re
from dataclasses import dataclass, field

from publishing import Refused
from publishing.marts import Column, Mart

PUBLICATIONS = "_publications"
RECORD = ("mart", "row_count", "fingerprint", "build_id", "published_at", "is_in_ledger", "comments")


@dataclass(frozen=True)
class Dialect:
    """A warehouse's SQL. In templates {table}, {column}, {schema} are identifiers, {name} and other words are text."""

    name: str
    driver: str  # the ADBC driver's module
    types: dict[str, str]  # by DuckDB's type without its precision
    moment_now: str = "current_timestamp"
    quote: str = '"'
    folds_upper: bool = False  # identifiers are upper case, so that nobody has to quote them
    escapes: tuple[tuple[str, str], ...] = (("'", "''"),)
    bytes_of: str = "octet_length"
    is_ddl_undone: bool = False  # a transaction that is rolled back takes its DDL with it
    name_bytes: int = 0  # longer names would be cut
    is_script: bool = False  # a transaction is one text of statements
    staging_schema: str = ""  # of temporary tables; else they are in the marts' own
    begin: tuple[str, ...] = ("begin transaction",)
    commit: str = "commit transaction"
    create_schema: str = "create schema if not exists {schema}"
    stage: str = "create temporary table {table} ({columns})"
    unstage: str = "drop table {table}"
    lock: str = ""
    comment_on_table: str = "comment on table {table} is {text}"
    comment_on_column: str = "comment on column {table}.{column} is {text}"
    asks: dict[str, str] = field(default_factory=dict)  # questions about what is there
    options: dict[str, str] = field(
        default_factory=dict
    )  # the driver's, of parts of the address; else it takes it whole


POSTGRESQL = Dialect(
    name="PostgreSQL",
    driver="adbc_driver_postgresql",
    types={
        "VARCHAR": "text", "DECIMAL": "numeric({0},{1})", "HUGEINT": "numeric(38,0)", "BIGINT": "bigint",
        "INTEGER": "integer", "SMALLINT": "smallint", "DOUBLE": "double precision", "BOOLEAN": "boolean",
        "DATE": "date", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    },
    is_ddl_undone=True,
    name_bytes=63,
    staging_schema="pg_temp",
    # A publication sets these itself, because the role, the database or the server may have set others.
    begin=(
        "begin isolation level read committed, read write",
        "set local lock_timeout = '{seconds}s'",
        "set local statement_timeout = 0",
        "set local idle_in_transaction_session_timeout = 0",
        "set local timezone = 'UTC'",
        "set local client_min_messages = warning",
        "set local standard_conforming_strings = on",
        "set local extra_float_digits = 1",
        "set local row_security = off",  # rows that a policy hides would stay: an error instead
    ),
    commit="commit",
    create_schema="create schema {schema}",
    stage="create temporary table {table} ({columns}) on commit drop",
    unstage="",
    lock="lock table {table} in share row exclusive mode",
    asks={
        "publisher": "select pg_advisory_xact_lock(hashtextextended('chargeback-ledger ' || {schema_name}, 0))",
        "schema": "select 1 from pg_namespace where nspname = {schema_name}",
        "columns": """
            select relation.relname, relation.relkind in ('r', 'p') as is_table, attribute.attname,
                format_type(attribute.atttypid, attribute.atttypmod) as type,
                pg_has_role(relation.relowner, 'usage') as is_own,
                col_description(relation.oid, attribute.attnum) as comment,
                obj_description(relation.oid, 'pg_class') as table_comment
            from pg_class as relation
            inner join pg_namespace as namespace on relation.relnamespace = namespace.oid
            left join pg_attribute as attribute
                on relation.oid = attribute.attrelid and attribute.attnum > 0 and not attribute.attisdropped
            where namespace.nspname = {schema_name} and relation.relkind not in ('i', 'I', 'S', 't', 'c')
            order by relation.relname, attribute.attnum
        """,
        "readers": """
            select distinct view.oid::regclass::text
            from pg_depend as dependency
            inner join pg_rewrite as rule on dependency.classid = 'pg_rewrite'::regclass and dependency.objid = rule.oid
            inner join pg_class as view on rule.ev_class = view.oid
            inner join pg_attribute as attribute
                on dependency.refobjid = attribute.attrelid and dependency.refobjsubid = attribute.attnum
            where dependency.refclassid = 'pg_class'::regclass
                and dependency.refobjid = {table_name}::regclass and attribute.attname = {column_name}
            order by 1
        """,
        "grants": """
            select coalesce(quote_ident(role.rolname), 'public'), given.privilege_type, given.is_grantable
            from pg_attribute as attribute
            cross join lateral aclexplode(attribute.attacl) as given
            left join pg_roles as role on given.grantee = role.oid
            where attribute.attrelid = {table_name}::regclass and attribute.attname = {column_name}
            order by 1, 2
        """,
        "holders": """
            select activity.pid, coalesce(nullif(activity.application_name, ''), activity.usename, ''), max(held.mode)
            from pg_locks as held
            inner join pg_stat_activity as activity on held.pid = activity.pid
            where held.granted and activity.pid != pg_backend_pid() and held.relation = to_regclass({table_name})
            group by activity.pid, activity.application_name, activity.usename
            order by activity.pid
        """,
    },
)  # fmt: skip

# By their documentation: neither was tried. DDL commits by itself in both, so that it comes before the swap.
SNOWFLAKE = Dialect(
    name="Snowflake",
    driver="adbc_driver_snowflake",
    types={
        "VARCHAR": "TEXT", "DECIMAL": "NUMBER({0},{1})", "HUGEINT": "NUMBER(38,0)", "BIGINT": "NUMBER(38,0)",
        "INTEGER": "NUMBER(38,0)", "SMALLINT": "NUMBER(38,0)", "DOUBLE": "FLOAT", "BOOLEAN": "BOOLEAN",
        "DATE": "DATE", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_TZ",
    },
    folds_upper=True,
    escapes=(("\\", "\\\\"), ("'", "''")),
    begin=("alter session set timezone = 'UTC'", "begin transaction"),
    commit="commit",
    asks={
        "columns": """
            select table_name, true as is_table, column_name,
                case when data_type = 'NUMBER' then 'NUMBER(' || numeric_precision || ',' || numeric_scale || ')'
                else data_type end as type, true as is_own, comment, null as table_comment
            from information_schema.columns where table_schema = {schema_name} order by table_name, ordinal_position
        """,
    },
)  # fmt: skip
BIGQUERY = Dialect(
    name="BigQuery",
    driver="adbc_driver_bigquery",
    types={
        "VARCHAR": "STRING", "DECIMAL": "BIGNUMERIC({0}, {1})", "HUGEINT": "BIGNUMERIC(38, 0)", "BIGINT": "INT64",
        "INTEGER": "INT64", "SMALLINT": "INT64", "DOUBLE": "FLOAT64", "BOOLEAN": "BOOL", "DATE": "DATE",
        "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    },
    moment_now="current_timestamp()",
    is_script=True,
    options={"adbc.bigquery.sql.project_id": "host", "adbc.bigquery.sql.dataset_id": "path"},
    quote="`",
    escapes=(("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n")),
    stage="create or replace table {table} ({columns})",
    comment_on_table="alter table {table} set options (description = {text})",
    comment_on_column="alter table {table} alter column {column} set options (description = {text})",
    asks={
        "columns": """
            select table_name, true as is_table, column_name, data_type as type, true as is_own, null as comment,
                null as table_comment
            from {schema}.INFORMATION_SCHEMA.COLUMNS order by table_name, ordinal_position
        """,
    },
)  # fmt: skip
BY_SCHEME = {"postgresql": POSTGRESQL, "postgres": POSTGRESQL, "snowflake": SNOWFLAKE, "bigquery": BIGQUERY}


class Sql:
    """Statements about marts in one dialect and schema."""

    def __init__(self, dialect: Dialect, schema: str):
        self.dialect, self.schema = dialect, schema

    def named(self, name: str) -> str:
        quote = self.dialect.quote
        return quote + self.spelled(name).replace(quote, quote * 2) + quote

    def spelled(self, name: str) -> str:
        """An identifier as the warehouse keeps it."""
        return name.upper() if self.dialect.folds_upper else name

    def text(self, words: str) -> str:
        for plain, escaped in self.dialect.escapes:
            words = words.replace(plain, escaped)
        return f"'{words}'"

    def table(self, name: str) -> str:
        return f"{self.named(self.schema)}.{self.named(name)}"

    def staging(self, mart: Mart) -> str:
        return f"staged_{mart.name}"

    def staged(self, mart: Mart) -> str:
        name = self.staging(mart)
        return f"{self.dialect.staging_schema}.{self.named(name)}" if self.dialect.staging_schema else self.table(name)

    def type_of(self, mart: str, column: Column) -> str:
        kind, _, precision = column.kind.partition("(")
        if kind not in self.dialect.types:
            raise Refused(f"{mart}.{column.name} is of type {column.kind}, which has no counterpart in "
                          f"{self.dialect.name}; cast it in the model")  # fmt: skip
        return self.dialect.types[kind].format(*re.findall(r"\d+", precision))

    def columns(self, mart: Mart) -> dict[str, str]:
        """Types by the names that the warehouse keeps."""
        return {self.spelled(column.name): self.type_of(mart.name, column) for column in mart.columns}

    def _defined(self, mart: Mart) -> str:
        return ", ".join(f"{self.named(name)} {kind}" for name, kind in self.columns(mart).items())

    def create(self, mart: Mart) -> str:
        return f"create table {self.table(mart.name)} ({self._defined(mart)})"

    def add(self, mart: Mart, column: str) -> str:
        return f"alter table {self.table(mart.name)} add column {self.named(column)} {self.columns(mart)[column]}"

    def drop(self, mart: Mart, column: str) -> str:
        return f"alter table {self.table(mart.name)} drop column {self.named(column)}"

    def stage(self, mart: Mart) -> str:
        return self.dialect.stage.format(table=self.staged(mart), columns=self._defined(mart))

    def unstage(self, mart: Mart) -> str:
        return self.dialect.unstage.format(table=self.staged(mart))

    def lock(self, mart: Mart) -> str:
        return self.dialect.lock.format(table=self.table(mart.name))

    def replace(self, mart: Mart) -> list[str]:
        columns = ", ".join(map(self.named, self.columns(mart)))
        table = self.table(mart.name)
        return [
            f"delete from {table} where true",
            f"insert into {table} ({columns}) select {columns} from {self.staged(mart)}",
        ]

    def comment(self, mart: str, column: str, words: str) -> str:
        template = self.dialect.comment_on_column if column else self.dialect.comment_on_table
        return template.format(table=self.table(mart), column=self.named(column), text=self.text(words))

    def create_publications(self) -> str:
        kind = self.dialect.types
        kinds = (kind["VARCHAR"], kind["BIGINT"], kind["VARCHAR"], kind["VARCHAR"], kind["TIMESTAMP WITH TIME ZONE"],
                 kind["BOOLEAN"], kind["VARCHAR"])  # fmt: skip
        columns = ", ".join(f"{self.named(name)} {kind}" for name, kind in zip(RECORD, kinds, strict=True))
        return f"create table {self.table(PUBLICATIONS)} ({columns})"

    def record(self, mart: Mart, build: str, comments: str) -> list[str]:
        names = ", ".join(map(self.named, RECORD))
        values = (self.text(mart.name), str(mart.rows), self.text(mart.fingerprint), self.text(build),
                  self.dialect.moment_now, "true", self.text(comments))  # fmt: skip
        table, key = self.table(PUBLICATIONS), self.named("mart")
        return [
            f"delete from {table} where {key} = {self.text(mart.name)}",
            f"insert into {table} ({names}) values ({', '.join(values)})",
        ]

    def update(self, mart: str, column: str, value: str) -> str:
        """Of what is recorded of a mart."""
        where = f"{self.named('mart')} = {self.text(mart)}"
        return f"update {self.table(PUBLICATIONS)} set {self.named(column)} = {value} where {where}"

    def ask(self, what: str, **words: str) -> str:
        """A question of the dialect; words become text in it."""
        given = {name: self.text(word) for name, word in words.items()}
        return self.dialect.asks[what].format(
            schema=self.named(self.schema), schema_name=self.text(self.spelled(self.schema)), **given
        )
