"""Would a billable call in these spans be unlabelled? A product team's CI asks before a feature ships without.

SPANS is a file, or a folder of files, of any span format that `make build` reads, from a staging run. The spans land in
a folder of their own and go through the ledger's own models, so that what is a call, and which label it gets, is what
the bill will say. Exit 0 when each call has a feature (it says how many); 1 when some have none (each is named), or
when spans state tokens that no call covers, or under names that nobody reads (operations, attributes and files are
named); 2 when spans can't be read, or the call is wrong.
"""

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

import duckdb

import arguments
import build
import company
import ending
import land
from landing import missing, uncounted
from paths import pattern
from terminal import plain, print

# As far as labels are known; a few models of money come along, because a key may name a feature too.
MODELS = ("+int_call_shares", "+unexplained_usage_daily")
UNTIL_LABELS = ("--select", *MODELS, "--resource-type", "model", "--resource-type", "seed")
CALLS = """
select shares.originating_feature_id as feature_id, count(distinct shares.call_key) as calls,
    bool_or(catalog.feature_id is not null) as is_catalogued
from intermediate.int_call_shares as shares
left join seeds.feature_catalog as catalog on shares.originating_feature_id = catalog.feature_id
group by all order by all
"""
UNLABELLED = """
select distinct spans.source_file, spans.source_line, spans.trace_id, spans.span_id, spans.name, spans.service_name,
    walked.route, walked.prompt_template, walked.is_root_orphan
from intermediate.int_call_shares as shares
join intermediate.int_calls as calls using (call_key)
join read_parquet('{}/landed/spans/*/*.parquet', union_by_name = true) as spans
    on calls.trace_key = spans.trace_key and calls.span_key = spans.span_key
left join intermediate.int_span_attribution as walked
    on calls.trace_key = walked.trace_key and calls.span_key = walked.span_key
where shares.originating_feature_id = 'unlabelled'
order by all
"""


def landed(data: Path, table: str) -> int:
    """How many rows of a table landed; `rejects` are lines and files that did not."""
    if not list(data.glob(f"landed/{table}/*/*.parquet")):
        return 0
    files = f"read_parquet('{pattern(data)}/landed/{table}/*/*.parquet', union_by_name = true)"
    return duckdb.execute(f"select count(*) from {files}").fetchall()[0][0]


def why(route: str | None, prompt: str | None, service: str | None, is_orphan: bool | None) -> str:
    if is_orphan:
        return "no label on it or above it, as far as the file goes: a span above it is not in the file"
    seen = f"service {service or 'unknown'}, route {route or 'none'}, prompt template {prompt or 'none'}"
    return f"no label on it or above it, and no row of feature_rules fits {seen}"


def copied(spans: Path, inbox: Path) -> int:
    """Copy what is to be checked, also what links lead to; names, and counts, entries that are no files."""

    def copy(source: str, target: str) -> None:
        if not stat.S_ISREG(os.stat(source).st_mode):
            raise OSError("it is no file")
        shutil.copy(source, target)

    if not spans.is_dir():
        inbox.mkdir()
        shutil.copy(spans, inbox)
        return 0
    try:
        shutil.copytree(spans, inbox, copy_function=copy)
    except shutil.Error as error:
        for source, _, reason in error.args[0]:
            print(f"  not read {plain(os.path.relpath(source, spans))}: {plain(reason)}")
        return len(error.args[0])
    return 0


def check(spans: Path, companies: Path, data: Path) -> int:
    inbox = data / "inbox"
    uncopied = copied(spans, inbox)
    if code := company.complete(companies, str(data)):
        return code
    if land.run(inbox, data, strict=False):
        return 2
    if not landed(data, "spans"):
        print(f"ERROR: no span in {spans}; formats: docs/inputs.md", file=sys.stderr)
        return 2
    passed, troubled = build.dbt("build", str(data), selection=UNTIL_LABELS)
    if not passed:
        build.explain(troubled, data / "ledger.duckdb")
        return 2
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        features = engine.execute(CALLS).fetchall()
        unlabelled = engine.execute(UNLABELLED.format(pattern(data))).fetchall()
        [(calls,)] = engine.execute("select count(*) from intermediate.int_calls").fetchall()
        unexplained = build.unexplained(engine)
    for file, line, trace, span, name, service, route, prompt, is_orphan in unlabelled:
        reason = why(route, prompt, service, is_orphan)
        found = f"{file} line {line}: trace {trace}, span {span}, '{name}', service {service}: {reason}"
        print(f"  UNLABELLED {plain(found)}")
    for feature, _, is_catalogued in features:
        if not is_catalogued and feature != "unlabelled":
            print(f"  note: label '{plain(feature)}' stands in no row of feature_catalog; nobody owns it yet")
    if unlabelled:
        names = ", ".join(land.project_variables()["feature_attributes"])
        print(
            f"ERROR: {len(unlabelled)} of {calls} billable calls would be unlabelled. Set one of {names} on the span "
            f"named or on one above it, or add a row to {companies}/feature_rules.csv"
        )
    if said := unexplained.pop("not_a_call", None):
        print(f"ERROR: {said}. Until then no label of theirs is checked, and nobody bears what they cost")
    for line in unexplained.values():
        print(f"  note: {plain(line)}")
    if unnamed := sum(uncounted.UNREAD in line for line in missing.known(data).warnings):
        print(
            f"ERROR: tokens under names that are not read, see {unnamed} warnings above; no label of theirs is checked"
        )
    if unlabelled or said or unnamed:
        return 1
    if rejected := landed(data, "rejects") + uncopied:
        print(f"ERROR: {rejected} lines or files of {spans} can't be read (see above): they were not checked")
        return 2
    counts = ", ".join(f"{plain(feature)} {count}" for feature, count, _ in features)
    none = f"0 billable calls in {spans}: none of its {landed(data, 'spans'):,} spans asks a model or states tokens"
    print(f"{calls} billable calls, each labelled ({counts})" if calls else none)
    return 0


def main() -> int:
    spans, companies = (path.resolve() for path in arguments.paths(__doc__, "spans", "company"))
    if not spans.exists():
        print(f"ERROR: {spans} is not there; say which: make check-labels SPANS=<file>", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="check-labels-") as folder:
        try:
            return check(spans, companies, Path(folder))
        finally:
            shutil.rmtree(company.seeds_of(folder), ignore_errors=True)


if __name__ == "__main__":
    sys.exit(ending.of(main))
