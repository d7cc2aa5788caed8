"""A model's SQL as DuckDB runs it, without dbt: macros rendered, references as plain table names."""

import ast
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from conftest import PROJECT

from check_company import rendered as rendered_by

OF_BUILDS = {
    "generate_schema_name", "kept", "ledger_builds", "replace_touched", "say_alerts",
    "table_that_asks_itself", "touched",
}  # fmt: skip
TEXTS = {path.stem: path.read_text() for path in sorted((PROJECT / "macros").rglob("*.sql"))}
LISTS = {
    name
    for name, text in TEXTS.items()
    if re.fullmatch(r".*return\(\[.*?\]\).*", text, re.DOTALL)
    and name in {"bill_keys", "call_meters", "price_situation"}
}
MACROS = "".join(text for name, text in TEXTS.items() if name not in OF_BUILDS | LISTS)


def rendered(path: str, data: Path | None = None, **variables) -> str:
    """The SQL of a model under the checkout; sources are files that landed in `data`."""
    return macro_sql((PROJECT / path).read_text(), data, **variables)


def macro_sql(text: str, data: Path | None = None, **variables) -> str:
    """Text that calls the project's macros, as SQL."""
    files = "read_parquet('{}/landed/{}/*/*.parquet', hive_partitioning = true, union_by_name = true)"
    context = {
        "ref": lambda name: name,
        "source": lambda _, name: files.format(data, name),
        "var": lambda name, *_: variables.get(name, ""),
        "config": lambda **_: "",
        "is_touched": lambda *_, **__: "true",
        "replaces_touched": lambda *_, **__: "",
        "builds_on": lambda: False,
        "dbt": SimpleNamespace(type_string=lambda: "varchar"),
    }
    for name in LISTS:
        (words,) = re.findall(r"return\((\[.*?\])\)", TEXTS[name], re.DOTALL)
        context[name] = partial(ast.literal_eval, words)
    return rendered_by(text, MACROS, context)
