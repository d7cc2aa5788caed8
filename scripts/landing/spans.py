"""Span records of any format -> rows of landed `spans`, in SQL: a reader per format, one meaning for all.

A reader (readers/<format>.sql) selects from `documents` (file_no, source_line, document) one row per span: its ids,
name, status, times and links as text, and its attributes as names and texts. What the attributes mean is data:
seed attribute_aliases, and the project's variables.
"""

import csv
import re
from collections.abc import Container, Iterable
from copy import copy
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from landing import events, odd_shapes, reserved, sampling, span_marks, uncounted
from landing.cells import Remark
from landing.engine import PLAIN, reader_sql
from landing.recognise import SIGNALS
from landing.tables import INCLUSIONS, LABELS, NO_DAY, PERSONAL, QUANTITIES, typed_columns
from paths import quoted

HERE = Path(__file__).resolve().parent
SEED = HERE.parent.parent / "seeds" / "reference" / "attribute_aliases.csv"
CONVENTIONS = SEED.with_name("usage_conventions.csv")
# Places where SDKs and platforms put what a company hangs on a span, a trace or a request.
SPAN_PLACES = (
    "{} baggage.{} metadata.{} tag.tags.{} tags.{} traceloop.association.properties.{} ai.telemetry.metadata.{} "
    "langfuse.observation.metadata.{} litellm.tags.{} litellm.metadata.{} litellm.metadata.tags.{} "
    "litellm.metadata.requester_metadata.{} litellm.metadata.spend_logs_metadata.{} "
    "metadata.requester_metadata.{} http.request.header.{} http.request.header.x-{} x-{} "
    "langfuse.metadata.{} langsmith.metadata.{} langsmith.span.tags.{} logfire.tags.{} mlflow.traceTag.{} "
    "braintrust.metadata.{} weave.attributes.{} opik.metadata.{} opik.tags.{} helicone.properties.{}"
).split()
TRACE_PLACES = (
    "langfuse.trace.metadata.{} langfuse.trace.metadata.attributes.{} langfuse.trace.tags.{} mlflow.trace.tags.{} "
    "mlflow.trace.metadata.{} openai_agents.trace.metadata.{}"
).split()
# Operations around requests (macro operation_kind): what their `output.value` holds is the answer of a call beneath.
WRAPPERS = (
    "agent ai.embed ai.embedmany ai.generateobject ai.generatetext ai.rerank ai.streamobject ai.streamtext "
    "ai.toolcall chain claude_code.interaction claude_code.tool create_agent create_memory create_memory_store "
    "delete_memory delete_memory_store eval evaluation evaluator event execute_tool flow flowstep function "
    "gateway_cache_hit gateway_health_check gateway_housekeeping gen_ai.create_agent gen_ai.execute_tool "
    "gen_ai.handoff gen_ai.invoke_agent guardrail handoff invoke_agent invoke_workflow mcp_tools memory parser "
    "plan prompt rag retrieval retriever score search_memory session span speech_group task tool turn "
    "update_memory upsert_memory usage_metric workflow"
).split()
# Labels that decide who pays for what: over-long ones refuse the span; any other is left out.
DECIDING = ("model", "response_id", "feature_id", "team_id", "purpose", "api_key", "account_id")
# Attributes in which the AI SDK puts a provider's metadata, and the model of the answer.
SDK_METADATA = "ai.response.providerMetadata"
SDK_MODELS = ("ai.response.model", "gen_ai.response.model", "ai.model.id", "gen_ai.request.model")
# Prefixes of attributes whose texts are quoted once more than others'.
QUOTING = ("mlflow.", "http.request.header.")
# Columns that are NULL in a portion whose attributes say nothing of them.
OPTIONAL = frozenset(
    [*LABELS, *QUANTITIES, *INCLUSIONS, *"stated_usd usage_convention total_kind total_excess output_key links".split()]
) | {"adjusted_count", "is_tail_sampled"}
NO_MODEL = "('', 'unknown', 'none', 'null')"
# Words that leave a label to whatever else states it: who asks for `auto` learns from the answer what was served.
SAY_NOTHING = {
    "model": NO_MODEL,
    "service_tier": "('', 'auto', 'none', 'null', 'unknown', 'unspecified', 'service_tier_unspecified', 'not_given')",
    "speed": NO_MODEL,
    "inference_geo": "('', 'none', 'null', 'unknown', 'not_available')",
}
MAX_LABEL = 1024
TIMES = {"started": "start", "ended": "end"}
LEFT_OUT = "left out, the span stays"
LINES = pa.schema([("file_no", pa.int32()), ("source_line", pa.int64())])
MOST_LEVELS = 16  # of objects within objects, in an attribute


# Whether all ids are hex of OpenTelemetry's lengths: nearly always, and then nothing else need be planned.
ARE_PLAIN = (
    "bool_and(coalesce(trace_digits > 0 and span_digits > 0"
    " and (coalesce(parent_span_id, '') = '' or parent_span_digits is not null), false))"
)
BEGAN = "plausible(time_of(started, unit)), plausible(time_of(ended, unit))"
_FIRST, _LAST = (f"cast(plausible(make_timestamp({end}(began) // 1000)) as date)" for end in ("min", "max"))
ONE_DAY = f"case when count(began) = count(*) and {_FIRST} = {_LAST} then {_FIRST} end"
HAVE_NESTED = "contains(document, 'arrayValue') or contains(document, 'kvlistValue')"
# Whether a record has events that are not empty. The quick search decides for most records: the engine seeks a word's
# first letter, and a `v` is rare.
HAVE_EVENTS = (
    """contains(document, 'vents"')"""
    r""" and regexp_matches(document, '"events"\s*:\s*(?:[^\s\[n]|\[\s*[^\s\]])')"""
)
HAVE_LINKS = "coalesce(bool_or(len(links) > 0), false)"
PLAIN_IDS = {
    "trace_id": "case when trace_digits > 0 then lower(trace_id) end as trace_id",
    "span_id": "case when span_digits > 0 then lower(span_id) end as span_id",
    "parent_span_id": "case when parent_span_digits > 0 then lower(parent_span_id) end as parent_span_id",
}
IDS = {
    "trace_id": """case when trace_digits > 0 then lower(trace_id)
        else coalesce(id_of(trace_id, 16), 'content:' || file_id || ':' || row_no) end as trace_id""",
    "span_id": """case when span_digits > 0 then lower(span_id)
        else coalesce(id_of(span_id, 8), 'content:' || file_id || ':' || row_no) end as span_id""",
    "parent_span_id": """case when parent_span_digits > 0 then lower(parent_span_id)
        when parent_span_id <> '' then id_of(parent_span_id, 8) end as parent_span_id""",
}
SPAN_KEYS = {
    "plain": """case when span_digits > 0 then signed(span_digits) end as span_key,
            case when parent_span_digits > 0 then signed(parent_span_digits) end as parent_span_key""",
    "any": """case when span_digits > 0 then signed(span_digits) else key_of(span_id) end as span_key,
            case when parent_span_digits > 0 then signed(parent_span_digits)
                when parent_span_id is not null then key_of(parent_span_id) end as parent_span_key""",
}
TRACE_KEY = {
    "plain": "case when is_fine then plain_trace_key(trace_digits) end",
    "any": """case when not is_fine then null when trace_digits > 0 then plain_trace_key(trace_digits)
                else key_of(trace_id) end""",
}

UNCOUNTED = """
with unread as (
    select unnest(cast($names as varchar[])) as name, unnest(cast($shown as varchar[])) as shown,
        unnest(cast($may_be_parts as boolean[])) as may_be_part, unnest(cast($alike as varchar[][])) as alike,
        unnest(cast($may_be_sides as boolean[])) as may_be_side
),
held as ({held}),
stated as (
    select rowid as row_no, file_no, source_line, unnest(names) as name, unnest(texts) as stated_count,
        list_filter(
            cast($counts as varchar[]), lambda count: coalesce(count_of(texts[list_position(names, count)]) > 0, false)
        ) as counted
    from held
),
told as (
    select *, len(counted) = 0 or (may_be_side and not list_has_any(counted, alike)) as is_alone
    from stated inner join unread using (name)
    where count_of(stated_count) > 0
)
select file_no, shown, is_alone, min(source_line), count(distinct row_no)
from told
where is_alone or (may_be_part and not list_has_any(counted, alike))
group by all
"""


class Alias(NamedTuple):
    attribute: str
    rank: int
    convention: str
    includes_cached: str
    includes_reasoning: str


class Aliases:
    """The allow-list: an attribute that stands in no alias row never lands. `unfolded` attributes are JSON texts."""

    def __init__(self, seed: Path, features: tuple[str, ...], teams: tuple[str, ...]):
        self.of: dict[str, list[Alias]] = {}
        self.unfolded: list[str] = []
        # Apart from the rest: no attribute of a sampler makes a record a span, or a span a call.
        self.sampling: dict[str, list[Alias]] = {"adjusted_count": [], "is_tail_sampled": []}
        with seed.open(newline="", encoding="utf-8") as seed_lines:
            for row in csv.DictReader(seed_lines):
                alias = Alias(
                    row["attribute"],
                    int(row["priority"]),
                    row["convention"],
                    row["includes_cached"],
                    row["includes_reasoning"],
                )
                if row["canonical"] == "unfolded":
                    self.unfolded.append(alias.attribute)
                elif row["canonical"] in self.sampling:
                    if row["convention"] not in sampling.STATED_BY:
                        raise SystemExit(f"attribute_aliases: {row['convention']!r} is no system that samples")
                    self.sampling[row["canonical"]].append(alias)
                elif row["canonical"] in {*LABELS, *QUANTITIES, "stated_usd"}:
                    self.of.setdefault(row["canonical"], []).append(alias)
                else:
                    raise SystemExit(f"attribute_aliases: canonical {row['canonical']!r} is no column of a span")
        for canonical, attributes in (("feature_id", features), ("team_id", teams)):
            for prefix, places in (("", SPAN_PLACES), ("trace_", TRACE_PLACES)):
                own = [place.format(name) for name in attributes for place in places]
                ranked = [Alias(name, rank - len(own), "project", "", "") for rank, name in enumerate(own)]
                self.of[prefix + canonical] = ranked + self.of.get(prefix + canonical, [])
        for ranked in [*self.of.values(), *self.sampling.values()]:
            ranked.sort(key=lambda alias: alias.rank)

    @cache  # noqa: B019 - one instance a process
    def names(self) -> set[str]:
        return {alias.attribute for ranked in self.of.values() for alias in ranked}


# Words of the seed usage_conventions, and its columns by what lands of them.
INSIDE = {"inside": "true", "outside": "false"}
INCLUDED = dict(zip(INCLUSIONS, ("cached", "reasoning", "tool_use", "media"), strict=True))


class Conventions:
    """Seed usage_conventions: what the counts of a convention include, by scope, version and provider.

    Of the rows that fit, the one with the lowest priority holds.
    """

    def __init__(self, seed: Path):
        with seed.open(newline="", encoding="utf-8") as lines:
            self.rows = sorted(csv.DictReader(lines), key=lambda row: int(row["priority"]))

    def of(self, used: set[str]) -> "Conventions":
        """The rows that can fit a span of one of the conventions `used`; every row costs time in each portion."""
        few = copy(self)
        few.rows = [row for row in self.rows if not row["convention"] or row["convention"] in used]
        return few

    def of_known(self, columns: Container[str]) -> "Conventions":
        """The rows that ask nothing of columns that no span of the portion fills."""
        few = copy(self)
        few.rows = [
            row for row in self.rows if all(not row[name] or name in columns for name in ("scope_name", "provider"))
        ]
        return few

    def place(self) -> str:
        """SQL for the number of the row that fits a span."""
        cases = []
        for place, row in enumerate(self.rows, 1):
            fits = f"= '{row['convention']}'" if row["convention"] else "is not null"
            conditions = [f"usage_convention {fits}"]
            conditions += [_fits(column, row[column]) for column in ("scope_name", "provider") if row[column]]
            for column, sign in (("version_from", ">="), ("version_below", "<")):
                if row[column]:
                    numbers = ", ".join(row[column].split("."))
                    conditions.append(f"version_of(scope_version) {sign} [{numbers}]")
            cases.append(f"when {' and '.join(conditions)} then {place}")
        return f"case {' '.join(cases)} end"

    def said(self, column: str) -> str:
        """SQL for what the row `usage_row` says in a column."""
        words = [INSIDE.get(row[column], f"'{row[column]}'" if row[column] else "null") for row in self.rows]
        return f"[{', '.join(words)}][usage_row]"


def _fits(column: str, pattern: str) -> str:
    """SQL for whether a column is like a pattern; how a text begins is found without `like`, which takes longer."""
    stated, plain = f"lower({column})", re.fullmatch(r"((?:[^%_\\]|\\[%_])*)(%?)", pattern)
    if not plain:
        return f"{stated} like '{pattern}' escape '\\'"
    begin, is_open = re.sub(r"\\(.)", r"\1", plain[1]), plain[2]
    return f"starts_with({stated}, '{begin}')" if is_open else f"{stated} = '{begin}'"


def spelled(names: set[str]) -> dict[str, list[str]]:
    """Attribute names by their lower-case spelling."""
    spellings: dict[str, list[str]] = {}
    for name in sorted(names):
        spellings.setdefault(name.lower(), []).append(name)
    return spellings


def occurring(ranked: list[Alias], spellings: dict[str, list[str]]) -> list[tuple[str, Alias]]:
    """(name as it occurs, alias) of those that occur; the project's own labels count in any case of letters."""
    found = []
    for alias in ranked:
        names = spellings.get(alias.attribute.lower(), [])
        found += [(name, alias) for name in names if name == alias.attribute]
        if alias.convention == "project":
            found += [(name, alias) for name in names if name != alias.attribute]
    return found


class SpanReader:
    """Turns portions of records into landed spans; one per process, it holds an engine in memory that never spills."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, aliases: Aliases, hash_identities: bool):
        self.engine, self.aliases, self.hash_identities = engine, aliases, hash_identities
        self.conventions = Conventions(CONVENTIONS)
        self.taken, self.forgets = 0, False  # whether users were forgotten
        self.retired_before = ""  # the first day of a month that is not retired
        self.uncounted: list[uncounted.Uncounted] = []  # of the portion that landed last
        self.disagreements: list[sampling.Disagreement] = []  # likewise
        self.remarks: list[Remark] = []  # of what was taken since
        self.are_plain: bool | None = None  # the records of the task, as far as is known
        carriers = ", ".join(f"'{name}'" for name in aliases.unfolded)
        engine.execute(f"""
            create or replace macro label_bytes() as {MAX_LABEL};
            {reserved.MACROS}
            create or replace macro is_carrier(name) as name in ({carriers});
            create or replace macro label_text(name, stated) as
                case when strlen(stated) > label_bytes() and not is_carrier(name) then chr(1) else stated end;
        """)

    def take(self, form: str) -> list[tuple]:
        """Read registered `documents` into `raw`, without their long texts; returns records refused whole."""
        run = self.engine.execute
        before, is_plain = self.taken, self._is_plain(form)
        refused = self._read(form, "documents", is_plain)
        short = []
        if form in odd_shapes.MARKS:
            if not run(odd_shapes.may_lack_sql(form, before, is_plain)).fetchall():
                return refused
            short = run(odd_shapes.lacking_sql(form, before, is_plain)).fetchall()
            if not short:
                return refused
            if is_plain and any(is_lacking for *_, is_lacking in short):
                self.are_plain = False
                self.forget(before)
                return self.take(form)
        refused += (odd := self._opened_otherwise(form, before, [line for *line, is_lacking in short if is_lacking]))
        reason, is_empty = SHAPES.get(form, (OTHER_SHAPE, "false"))
        # Records that stand in one line with others that gave spans.
        if short := run(odd_shapes.SHORT.format(before=before)).fetchall():
            lines = ", ".join(f"({file_no}, {line})" for file_no, line in short)
            run(f"""create or replace temp table numbered as
                select file_no, row_number() over () as source_line, source_line as line, document from documents
                where (file_no, source_line) in ({lines})""")
            refused += run(
                f"""select file_no, line, $reason from numbered
                where source_line not in (select source_line from ({self._source(form, "numbered")}))
                    and not coalesce({is_empty}, false)""",
                {"reason": reason},
            ).fetchall()
        # A record that gave no span, and is no empty batch, is no export of this format.
        silent = run(
            "select file_no, source_line from documents"
            f" anti join (select distinct file_no, source_line from raw where rowid >= {before}) as gave"
            " using (file_no, source_line)"
        ).fetchall()
        named = {(file_no, line) for file_no, line, _ in odd}
        silent = [line for line in silent if line not in named]
        if not silent:
            return refused
        lines = ", ".join(str(line) for line in silent)
        # A Collector may write spans, log records and metrics into one file.
        for other, mark in next((family for family in SIGNALS if form in family), {}).items():
            if other != form:
                held = f"json_type(document, '$.{mark}') = 'ARRAY'"
                where = f"from documents where (file_no, source_line) in ({lines}) and {held}"
                if run(f"select 1 {where} limit 1").fetchall():
                    refused += self._read(other, f"({where})")
                is_empty += f" or {held}"
        return (
            refused
            + run(
                f"""select file_no, source_line, $reason from documents
                where (file_no, source_line) in ({lines}) and not coalesce({is_empty}, false)""",
                {"reason": reason},
            ).fetchall()
        )

    def _is_plain(self, form: str) -> bool:
        """Whether the plain reader is to be tried: until a record needs more. Lists and objects the first records of a
        task may show, and others are noticed when they were read; events are looked for first, in all.
        """
        if form not in PLAIN or self.are_plain is False:
            return False
        asked = [f"documents where {HAVE_EVENTS}"]
        if self.are_plain is None:
            asked.append(f"(select document from documents limit 20) where {HAVE_NESTED}")
        self.are_plain = not any(self.engine.execute(f"select 1 from {one} limit 1").fetchall() for one in asked)
        return self.are_plain

    def forget(self, taken: int) -> None:
        """Undo what a `take` added that failed: its records are taken again, or refused."""
        if self.taken > taken > 0:
            self.engine.execute(f"delete from raw where rowid >= {taken}")
        self.taken = taken

    def _opened_otherwise(self, form: str, before: int, lacking: list[list]) -> list[tuple]:
        """Read records again that hold more spans or attributes than the reader gave; returns what is still missing, as
        refused rows of their lines.
        """
        if not lacking:
            return []
        run = self.engine.execute
        gave = {(file_no, line): (spans, is_odd) for file_no, line, spans, is_odd, _ in lacking}
        unread = {(file_no, line): int(missing) for file_no, line, _, _, missing in lacking}
        self.engine.register("lacking", pa.table([*zip(*gave, strict=True)], LINES))
        texts: dict[tuple[int, int], list[str]] = {}
        for file_no, line, text in run(odd_shapes.RECORDS).fetchall():
            texts.setdefault((file_no, line), []).append(text)
        held: dict[tuple[int, int], int] = {}
        mended = []
        for line, records in texts.items():
            found = [record for text in records if (record := odd_shapes.opened(form, text))]
            if len(found) < len(records):
                continue
            spans, is_odd = gave[line]
            doubled = list(dict.fromkeys(name for record in found for name in record.doubled))
            held[line] = sum(record.spans for record in found)
            if doubled or held[line] > spans or (is_odd and held[line] == spans):
                mended += [(*line, record.document) for record in found]
            if doubled:
                names = ", ".join(f"'{name[:60]}'" for name in doubled[:3])
                said = f"line {line[1]:,} has {names} twice in one object: the first counts, and of lists of spans both"
                self.remarks.append(Remark(line[0], "warning", said))
        if mended:
            lines = ", ".join(sorted({f"({file_no}, {line})" for file_no, line, _ in mended}))
            where = f"rowid >= {before} and (file_no, source_line) in ({lines})"
            if self.taken > before:
                run(f"delete from raw where {where}")
            self.engine.register("mended", pa.Table.from_pylist(
                [dict(zip(("file_no", "source_line", "document"), one, strict=True)) for one in mended],
                LINES.append(pa.field("document", pa.string())),
            ))  # fmt: skip
            self._read(form, "mended")
            now = run(f"select file_no, source_line, count(*) from raw where {where} group by all").fetchall()
            gave |= {(file_no, line): (spans, True) for file_no, line, spans in now}
        reason = f"{UNREACHED} {span_marks.title(form)} looks"
        if form in odd_shapes.EXACT:
            again = {tuple(one[:2]) for one in mended}
            held |= {line: gave[line][0] + missing for line, missing in unread.items() if line not in again}
        return [(*line, reason) for line, spans in held.items() for _ in range(spans - gave[line][0])]

    def _source(self, form: str, documents: str, is_plain: bool = False) -> str:
        """A reader's query over some documents: one row per span."""
        source = reader_sql(form, is_plain).replace("from documents", f"from {documents}")
        if "as names" not in source:  # a reader may give pairs, or names and texts
            source = f"""
                select source.* exclude (attributes, resource),
                    list_transform(attributes, lambda pair: pair.key) as names,
                    list_transform(attributes, lambda pair: label_text(pair.key, pair.value)) as texts,
                    list_transform(resource, lambda pair: pair.key) as resource_names,
                    list_transform(resource, lambda pair: pair.value) as resource_texts
                from ({source}) as source"""
        if "as events" not in source:
            source = f"select source.*, cast(null as {events.EVENTS}) as events from ({source}) as source"
        for name, kind in (("trace_state", "varchar"), ("is_tail_sampled", "boolean")):
            if f"as {name}" not in source:
                source = f"select source.*, cast(null as {kind}) as {name} from ({source}) as source"
        return source

    def _read(self, form: str, documents: str, is_plain: bool = False) -> list[tuple]:
        """Add the rows of one reader to `raw`; returns what the reader refuses by name within its records."""
        run, before = self.engine.execute, self.taken
        # Ids of hex digits are read once: whether all are such decides how a portion is written.
        source = f"""
            select source.*, plain_trace(trace_id) as trace_digits, plain_span(span_id) as span_digits,
                plain_span(parent_span_id) as parent_span_digits
            from ({self._source(form, documents, is_plain)}) as source"""
        run(f"insert into raw by name {source}" if self.taken else f"create or replace temp table raw as {source}")
        [(self.taken,)] = run("select coalesce(max(rowid) + 1, 0) from raw").fetchall()
        if form not in REFUSING or self.taken == before:
            return []
        refused = run("delete from raw where format = 'refused' returning file_no, source_line, name").fetchall()
        [(self.taken,)] = run("select coalesce(max(rowid) + 1, 0) from raw").fetchall()
        return refused

    def land(self, folder: Path, name: str, row_base: int) -> tuple[list[tuple], list[tuple], list[tuple]]:
        """Write what was taken as `folder/day=<day>/<name>.parquet`.

        Returns ((file_no, spans read), ...), the spans refused as (file_no, line, reason), and likewise the values that
        were left out of spans that landed.
        """
        run = self.engine.execute
        seen = self._unfolded(self._prefixed(self._opened("names", "texts")))
        told = self._told_by_events()
        self.uncounted = self._uncounted(seen, told)
        below = self._opened("resource_names", "resource_texts")
        sampled = self._sampling(seen, below)
        self.disagreements = sampled.disagreements(self.engine)
        read = run("select file_no, count(*) from raw group by all").fetchall()
        day = f"coalesce(cast(coalesce({BEGAN}) as date), date '{NO_DAY}')"
        found = (
            self._found_on_one_day()
            or run(f"select {day} as day, {ARE_PLAIN}, {HAVE_LINKS} from raw group by all order by all").fetchall()
        )
        days = [on for on, *_ in found]
        query, absent, reasons, fault = self._canonical(
            seen, below, told, sampled, row_base,
            all(plain for _, plain, _ in found), any(linked for *_, linked in found),
            str(read[0][0] + 1) if len(read) == 1 else "file_no + 1",
        )  # fmt: skip
        # One pass straight to disk where the spans are of one day; else they wait in memory to be parted.
        source = f"({query})"
        if len(days) > 1:
            run(f"create or replace temp table canonical as from {source}")
            source, day = "canonical", f"coalesce(cast(started_at as date), date '{NO_DAY}')"
        are_refused = are_unreadable = False
        for on in days:
            target = folder / f"day={on}" / f"{name}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            of_day = f"from {source}" if len(days) == 1 else f"from {source} where {day} = date '{on}'"
            # Asked afterwards of the file's statistics, which costs nothing: did a span without a key come through?
            without_key, has_unreadable = self._write(of_day, target, absent)
            are_unreadable |= has_unreadable
            if without_key:
                are_refused = True
                self._write(f"from ({of_day}) where trace_key is not null", target, absent)
        refused, left_out = [], []
        named = "select file_no, source_line, concat('span ''', left(coalesce(name, '?'), 60), ''': ', {})"
        if are_refused:
            refused = run(f"{named.format(fault)} from ({query}) where trace_key is null").fetchall()
        if are_unreadable:
            why = f"array_to_string(unreadable_values, '; '), '; {LEFT_OUT}'"
            left_out = run(
                f"{named.format(why)} from (select *, {reasons} as unreadable_values from ({query}))"
                " where trace_key is not null and len(unreadable_values) > 0"
            ).fetchall()
        self.taken = 0
        return read, refused, left_out

    def _found_on_one_day(self) -> list[tuple]:
        """(day, whether all ids are plain, whether a span has links) where all spans began on one day, as far as their
        first and last start tell; else nothing."""
        (row,) = self.engine.execute(f"""
            select {ONE_DAY}, {ARE_PLAIN}, {HAVE_LINKS}
            from (select *, case when unit = 'ns' then try_cast(started as bigint) end as began from raw)
        """).fetchall()
        return [row] if row[0] else []

    def _write(self, source: str, target: Path, absent: frozenset[str]) -> tuple[bool, bool]:
        """Write rows as a landed file; tells whether some have no trace key, and whether values were left out."""
        (stats,) = self.engine.execute(
            f"copy (select {typed_columns('spans', absent)} {source}) to '{quoted(target)}'"
            " (format parquet, compression zstd, compression_level 1, return_stats)"
        ).fetchall()
        if stats[1] == 0:
            target.unlink(missing_ok=True)
        if not stats[1]:
            return False, False
        nulls = {name: int(stats[4][f'"{name}"']["null_count"]) for name in ("trace_key", "unreadable")}
        return nulls["trace_key"] > 0, nulls["unreadable"] < stats[1]

    def _told_by_events(self) -> set[str]:
        """Spans that state no usage have what their own events state; returns the names of that."""
        if not events.hold(self.engine):
            return set()
        seen = self._opened("names", "texts", "held_events")
        known = self._known_among(self.aliases.names(), QUANTITIES)
        names = {
            "known": known,
            "ids": self._known_among(seen, ["response_id"]),
            "inputs": self._known_among(seen, ["input_tokens"]),
            "outputs": self._known_among(seen, ["output_tokens"]),
        }
        return events.tell(self.engine, {name for name in seen if name in known or uncounted.is_count(name)}, names)

    def _uncounted(self, own: set[str], told: set[str]) -> list[uncounted.Uncounted]:
        """Counts under names that no alias reads: alone on their spans, or a part that no other name tells."""
        seen = own | told
        unknown = sorted(name for name in seen - self.aliases.names() if uncounted.is_count(name))
        if not unknown:
            return []
        within = tuple(f"{carrier}{mark}" for carrier in self.aliases.unfolded for mark in ".:")
        parts = {name: uncounted.columns_like(name, uncounted.DETAILS) for name in unknown}
        sides = {name: set() if parts[name] else uncounted.columns_like(name, uncounted.SIDES) for name in unknown}
        asked = {
            "names": unknown,
            "shown": [uncounted.shown(name) for name in unknown],
            "may_be_parts": [bool(parts[name]) and not name.startswith(within) for name in unknown],
            "alike": [self._known_among(seen, parts[name] or sides[name]) for name in unknown],
            "may_be_sides": [bool(sides[name]) and not name.startswith(within) for name in unknown],
            "counts": self._known_among(seen, QUANTITIES),
        }
        held = "select rowid, file_no, source_line, names, texts from raw"
        for column in ("names", "texts") if told else ():
            held = held.replace(f" {column}", f" list_concat({column}, event_{column}) as {column}")
        found = self.engine.execute(UNCOUNTED.format(held=held), asked).fetchall()
        return [uncounted.Uncounted(*row) for row in found]

    def _sampling(self, own: set[str], below: set[str]) -> sampling.Sampling:
        """What this portion says of how it was sampled."""
        places = ((own, "names", "texts"), (below, "resource_names", "resource_texts"))

        def texts(canonical: str) -> list[tuple[str, str, str]]:
            found = []
            for alias in self.aliases.sampling[canonical]:
                stated = [
                    f"text_of({texts}[list_position({names}, '{alias.attribute}')])"
                    for seen, names, texts in places
                    if alias.attribute in seen
                ]
                found += [(alias.convention, alias.attribute, f"coalesce({', '.join(stated)})")] if stated else []
            return found

        [(has_state, is_marked)] = self.engine.execute(
            "select coalesce(bool_or(trace_state <> ''), false), coalesce(bool_or(is_tail_sampled), false) from raw"
        ).fetchall()
        tail = [text for *_, text in texts("is_tail_sampled")]
        return sampling.of(texts("adjusted_count"), tail, has_state, is_marked)

    def _known_among(self, seen: set[str], columns: Iterable[str]) -> list[str]:
        """The names among `seen` that are some of these columns'."""
        return sorted(seen & {alias.attribute for column in columns for alias in self.aliases.of.get(column, [])})

    def _seen(self, names: str, table: str = "raw") -> set[str]:
        found = self.engine.execute(f"select distinct unnest({names}) from {table}").fetchall()
        return {name for (name,) in found if name is not None}

    def _opened(self, names: str, texts: str, table: str = "raw") -> set[str]:
        """Attributes that hold objects give way to the objects' members; returns the names that occur."""
        for _ in range(MOST_LEVELS):
            seen = self._seen(names, table)
            if not any(name.endswith(chr(2)) for name in seen):
                return seen
            # A row's names and texts stay beside each other.
            self.engine.execute(f"""
                create or replace temp table {table} as
                with opened as (
                    select rowid as row_no, flatten(list_transform({names}, lambda stated, place: case
                        when ends_with(stated, chr(2))
                            then coalesce(otlp_members(rtrim(stated, chr(2)), {texts}[place]), [])
                        else [{{ 'key': stated, 'value': {texts}[place] }}]
                    end)) as pairs
                    from {table}
                    where list_position(list_transform({names}, lambda stated: ends_with(stated, chr(2))), true) > 0
                )
                select {table}.* replace (
                    coalesce(list_transform(opened.pairs, lambda pair: pair.key), {table}.{names}) as {names},
                    coalesce(list_transform(opened.pairs, lambda pair: pair.value), {table}.{texts}) as {texts}
                )
                from {table} left join opened on {table}.rowid = opened.row_no""")
        return self._seen(names, table)

    def _prefixed(self, seen: set[str]) -> set[str]:
        """Claude Code's spans name tokens without a prefix; theirs alone get one, in whatever format they came."""
        if not seen & {"input_tokens", "output_tokens"}:
            return seen
        self.engine.execute("""
            create or replace temp table raw as
            with described as (
                select *, case when name = 'claude_code.llm_request' then claude_code_pairs(
                    names, texts, resource_names, resource_texts
                ) end as pairs
                from raw
            )
            select * exclude (pairs) replace (
                case when pairs is null then names
                    else list_concat(claude_code_names(names), list_transform(pairs, lambda pair: pair.key))
                end as names,
                case when pairs is null then texts
                    else list_concat(texts, list_transform(pairs, lambda pair: pair.value))
                end as texts
            )
            from described""")
        return self._seen("names")

    def _unfolded(self, seen: set[str]) -> set[str]:
        """Members of JSON texts become attributes of their own, named `<attribute>.<member>`; returns all names."""
        if any(name.startswith(QUOTING) for name in seen):
            self._unquote()
        if not seen & set(self.aliases.unfolded):
            return seen
        # Genkit's helpers, flows and tools repeat the answer of the model that they called.
        kind = "texts[list_position(names, 'genkit:metadata:subtype')]" if "genkit:output" in seen else "null"
        named = "texts[list_position(names, 'genkit:name')]" if "genkit:output" in seen else "null"
        models = [f"texts[list_position(names, '{name}')]" for name in SDK_MODELS if {name, SDK_METADATA} <= seen]
        model = f"coalesce({', '.join([*models, 'cast(null as varchar)'])})"
        carriers = ", ".join(f"'{name}'" for name in self.aliases.unfolded)
        self.engine.execute(f"""
            create or replace temp table unfolded as
            with carried as (
                select rowid as row_no, unnest(names) as name, unnest(texts) as held, {kind} as kind, {named} as named,
                    {model} as model
                from raw
            ),
            opened as (
                select row_no, name, named, model, json_of(case
                    when name = 'langsmith.span.tags' and not starts_with(held, '[')
                        then cast(to_json(string_split(held, ', ')) as varchar)
                    -- LiteLLM writes it as Python shows it.
                    when name = 'metadata.requester_metadata' and not json_valid(held) then replace(held, '''', '"')
                    else held
                end) as object
                from carried
                where name in ({carriers})
                    and (starts_with(held, '{{') or starts_with(held, '[') or name = 'langsmith.span.tags')
                    and (name <> 'genkit:output' or kind = 'model')
            ),
            rooted as (
                -- SDKs wrap the provider's answer; `raw` is LlamaIndex's name for the untouched response.
                select row_no, name, named, model, object,
                    case when name = 'output.value' then
                        case when json_type(object, '$.raw') = 'OBJECT' then object -> '$.raw' else object end
                    end as answer,
                    -- Google's SDKs write the same in either case.
                    coalesce(answer -> '$.usage', answer -> '$.usage_metadata', answer -> '$.usageMetadata') as usage
                from opened
            )
            select row_no,
                flatten(list(case
                    when name = 'genkit:output' then [
                        {{ 'key': 'gen_ai.operation.name', 'value': 'chat' }},
                        {{ 'key': 'genkit.model', 'value': regexp_extract(named, '([^/]*)$', 1) }},
                        {{ 'key': 'genkit.provider', 'value': regexp_extract(named, '^([^/]+)/', 1) }}
                    ] || prefixed(pairs_of(object -> '$.usage'), 'genkit:output.usage.')
                    when name = 'response_data' then prefixed(pairs_of(object -> '$.usage'), 'response_data.usage.')
                    when name = '{SDK_METADATA}' then prefixed(pairs_of(object), name || '.') || [
                        {{ 'key': name || ':web_searches', 'value': grounded_searches(object, model) }}
                    ]
                    when name <> 'output.value' then prefixed(pairs_of(object), name || '.')
                    when usage is null and not json_exists(answer, '$.choices') and not json_exists(answer, '$.object')
                        and not json_exists(answer, '$.meta.billed_units')
                        then []
                    else [
                        {{ 'key': 'output.value:id', 'value': coalesce(
                            answer ->> '$.id', answer ->> '$.response_id', answer ->> '$.responseId'
                        ) }},
                        {{ 'key': 'output.value:model', 'value': coalesce(
                            answer ->> '$.model', answer ->> '$.model_version', answer ->> '$.modelVersion'
                        ) }},
                        {{ 'key': 'output.value:service_tier', 'value': answer ->> '$.service_tier' }},
                        {{ 'key': 'output.value:web_search_calls', 'value': web_search_calls(answer) }},
                        {{ 'key': 'output.value:file_search_calls', 'value': file_search_calls(answer) }},
                        {{ 'key': 'output.value:code_interpreter_calls', 'value': code_interpreter_calls(answer) }},
                        {{ 'key': 'output.value:meta.billed_units.search_units',
                            'value': answer ->> '$.meta.billed_units.search_units' }}
                    ] || coalesce(prefixed(pairs_of(usage), 'output.value:usage.'), [])
                end)) as pairs,
                max(case when name = 'output.value' then nullif(object ->> '$.text', '') end) as answer_text
            from rooted group by row_no""")
        self.engine.execute("""
            create or replace temp table raw as
            select raw.* replace (
                list_concat(raw.names, list_transform(unfolded.pairs, lambda pair: pair.key)) as names,
                list_concat(raw.texts, list_transform(unfolded.pairs, lambda pair: pair.value)) as texts
            ), unfolded.answer_text
            from raw left join unfolded on raw.rowid = unfolded.row_no""")
        self.engine.execute("drop table unfolded")
        return self._seen("names")

    def _unquote(self) -> None:
        """MLflow writes texts as JSON texts, and HTTP instrumentations headers as lists of one."""
        quoting = " or ".join(f"starts_with(names[place], '{prefix}')" for prefix in QUOTING)
        self.engine.execute(f"""
            create or replace temp table raw as
            select raw.* replace (list_transform(texts, lambda stated, place: case
                when (starts_with(stated, '"') or starts_with(stated, '["')) and ({quoting})
                    then coalesce(one_text_of(stated), stated)
                else stated
            end) as texts)
            from raw""")

    def _canonical(
        self,
        seen: set[str],
        below: set[str],
        told: set[str],
        sampled: sampling.Sampling,
        row_base: int,
        are_plain: bool,
        have_links: bool,
        file_place: str,
    ) -> tuple[str, frozenset[str], str, str]:
        """The query from `raw` to landed columns, over the attributes that occur in this portion alone; the columns
        that nothing fills; the reasons why values of a row were left out, and why a row is refused.

        Planning the query costs more than running it where spans are few, so what a portion does not need is left out:
        also the spellings of ids, where all `are_plain`.
        """
        columns: list[str] = []  # one per attribute that occurs
        own: list[str] = []  # those that stand on spans themselves
        picked: dict[str, list[tuple[str, Alias]]] = {}
        places = [
            (spelled(seen), "names", "texts"),
            (spelled(below), "resource_names", "resource_texts"),
            (spelled(told), "event_names", "event_texts"),
        ]
        for canonical, ranked in self.aliases.of.items():
            for spellings, attributes, texts in places:
                for attribute, alias in occurring(ranked, spellings):
                    name = f"found_{len(columns)}"
                    quoted = attribute.replace("'", "''")
                    columns.append(f"text_of({texts}[list_position({attributes}, '{quoted}')]) as {name}")
                    picked.setdefault(canonical, []).append((name, alias))
                    own += [name] if attributes != "resource_names" else []

        asked = [name for name in reserved.COLUMNS["spans"] if name in picked]

        def value(name: str, alias: Alias, canonical: str, is_readable: bool = True) -> str:
            # Such names are made of the text of `output.value`; a span that states them itself means something else.
            is_made = alias.attribute.startswith("output.value:")
            conditions = [["false", "is_answer"][has_text]] if is_made else []
            # A count that can't be read gives way to another attribute's.
            if canonical in QUANTITIES and is_readable and len(picked[canonical]) > 1:
                conditions.append(f"count_of({name}) is not null")
            if canonical in asked:  # a name that nobody's label can have leaves it to whatever else states one
                conditions.append(f"not {reserved.is_one('spans', canonical, name)}")
            if canonical in SAY_NOTHING:
                conditions.append(f"lower({name}) not in {SAY_NOTHING[canonical]}")
            return f"case when {' and '.join(conditions)} then {name} end" if conditions else name

        def first(canonical: str) -> str:
            found = [value(name, alias, canonical) for name, alias in picked.get(canonical, [])]
            if canonical in QUANTITIES and len(found) > 1:
                found += [value(name, alias, canonical, is_readable=False) for name, alias in picked[canonical]]
            return f"coalesce({', '.join([*found, 'null'])})" if found else "cast(null as varchar)"

        def reserved_of(canonical: str) -> str:
            """The first reserved name among the labels stated."""
            cases = [f"when {reserved.is_one('spans', canonical, name)} then {name}" for name, _ in picked[canonical]]
            return f"case {' '.join(cases)} end"

        def said(canonicals: list[str], what: str) -> str:
            """What the first alias that gave a value says of it."""
            cases = [
                f"when {value(name, alias, canonical)} is not null then '{getattr(alias, what)}'"
                for canonical in canonicals
                for name, alias in picked.get(canonical, [])
                if getattr(alias, what)
            ]
            return f"case {' '.join(cases)} end" if cases else ""

        has_text = "output.value" in seen
        text = "coalesce(answer_text, texts[list_position(names, 'output.value')])" if has_text else "null"
        around = ", ".join(f"'{word}'" for word in WRAPPERS)
        is_answer = f"coalesce(lower({first('operation')}), '') not in ({around})" if has_text else "false"
        labels = [
            f"{first(name)} as {name}" if name in DECIDING else f"nullif({first(name)}, chr(1)) as {name}"
            for name in LABELS
            if name in picked
        ]
        fine = [f"{name} is distinct from chr(1)" for name in DECIDING if name in picked]
        faults = [f"label_fault({name}, '{name}')" for name in DECIDING if name in picked]
        if self.retired_before:
            is_late = f"started_at < timestamp '{self.retired_before}'"
            faults.append(f"case when {is_late} then concat('month ', strftime(started_at, '%Y-%m'), ' {RETIRED}') end")
        fault = f"""coalesce(case when is_shapeless then 'a span that is no object' end,
            case when is_silent then concat('{SILENT} ', format, ': neither a time nor an attribute that it knows') end,
            {", ".join([*faults, "null"])})"""
        if self.retired_before:
            fine.append(f"coalesce(started_at >= timestamp '{self.retired_before}', true)")
        # One odd value costs that value, not the span.
        counts = [name for name in QUANTITIES if name in picked]
        numbers = [*counts, *(["stated_usd"] if "stated_usd" in picked else [])]
        readable = [f"is_time(moment_{name}, {name})" for name in TIMES]
        readable += [f"({name} is null) = ({name}_stated is null)" for name in numbers]
        unread = [f"time_fault({name}, moment_{name}, '{what} time')" for name, what in TIMES.items()]
        unread += [f"count_fault({name}_stated, {name}, '{name}')" for name in counts]
        unread += [f"cost_fault({name}_stated, {name}, '{name}')" for name in numbers if name not in counts]
        readable += [f"{name}_reserved is null" for name in asked]
        unread += [f"case when {name}_reserved is not null then {reserved.reason(name, f'{name}_reserved')} end"
                   for name in asked]  # fmt: skip
        readable += [f"{fault} is null" for fault in sampled.faults]
        unread += sampled.faults.keys()
        reasons = (
            f"case when not is_readable then list_filter([{', '.join(unread)}], lambda said: said is not null) end"
        )
        names = [f"case when {name} is null and {name}_stated is not null then '{name}' end" for name in counts]
        no_counts = [f"({name}_stated is null or is_no_count({name}_stated))" for name in counts]
        conventions = self.conventions.of({alias.convention for ranked in picked.values() for _, alias in ranked})
        conventions = conventions.of_known(picked.keys())
        convention = said(["input_tokens", "output_tokens", "total_tokens"], "convention")
        # What a span's counts include: an attribute whose name proves it goes before the convention.
        proofs = {
            "input_includes_cached": said(
                ["cache_read_tokens", "cache_write_tokens", "input_tokens"], "includes_cached"
            ),
            "output_includes_reasoning": said(["reasoning_tokens"], "includes_reasoning"),
        }
        includes = {name: [f"says_{name}"] for name, proof in proofs.items() if proof}
        derived: dict[str, str] = {}
        if convention and conventions.rows:
            for name, column in INCLUDED.items():
                includes.setdefault(name, []).append(conventions.said(column))
            derived |= {"total_kind": conventions.said("total"), "total_excess": conventions.said("excess")}
        derived |= {name: f"coalesce({', '.join(said_so)})" for name, said_so in includes.items()}
        if has_text:
            derived["output_key"] = "signed(word_of(left(keyed(output_text), 16)))"
        if have_links:
            derived["links"] = "case when len(links) > 0 then link_keys(links) end"
        hashed = {name: f"left(keyed({name}), 32)" for name in ("user_id", "tenant_id") if self.hash_identities}
        if self.forgets:
            hashed |= {name: f"unless_forgotten({name}, {hashed.get(name, name)})" for name in PERSONAL["spans"]}
        hashed = {name: lands for name, lands in hashed.items() if name in picked}
        derived |= hashed
        if sampled.statements:
            derived["adjusted_count"] = sampled.adjusted
        if sampled.is_tail:
            derived["is_tail_sampled"] = "was_tail_sampled"
        absent = OPTIONAL - {*picked, *derived, *(["usage_convention"] if convention else [])}
        ids = PLAIN_IDS if are_plain else IDS
        stated = [
            *ids.values(),
            *(f"time_of({name}, unit) as moment_{name}" for name in TIMES),
            "len(names) as attributes",
            f"coalesce({', '.join([*own, 'null'])}) is null as says_nothing",
            *labels,
            *(f"{first(name)} as {name}_stated" for name in numbers),
            *(f"{reserved_of(name)} as {name}_reserved" for name in asked),
            *([f"{convention} as usage_convention"] if convention else []),
            *(f"{proof} = 'true' as says_{name}" for name, proof in proofs.items() if proof),
            *sampled.stated(),
            *([f"case when is_answer and {text} <> '' then {text} end as output_text"] if has_text else []),
        ]
        numbered = [
            # Where the start can't be read, the end tells the day.
            "coalesce(plausible(moment_started), plausible(moment_ended)) as started_at",
            "plausible(moment_ended) as ended_at",
            "moment_started is null and moment_ended is null and says_nothing as is_silent",
            *(f"count_of({name}_stated) as {name}" for name in counts),
            *(["cost_of(stated_usd_stated) as stated_usd"] if "stated_usd" in numbers else []),
            *([f"{conventions.place()} as usage_row"] if convention and conventions.rows else []),
            *sampled.told(),
            f"{' and '.join(readable)} as is_readable",
        ]
        columns += [*sampled.columns, "1 as one"]
        outer = ",\n            ".join(f"{expression} as {name}" for name, expression in derived.items())
        query = f"""
        with found as (
            select raw.*, rowid + {row_base} as row_no, {", ".join(columns)},
                getvariable('file_ids')[{file_place}] as file_id,
                getvariable('source_files')[{file_place}] as source_file
            from raw
        ),
        {f"marked as (select *, {is_answer} as is_answer from found)," if has_text else ""}
        stated as (
            select file_no, row_no, source_line, format, name, status, links, trace_id as trace_text,
                trace_digits, span_digits, parent_span_digits, source_file, file_id, started, ended,
                {", ".join(stated)}
            from {"marked" if has_text else "found"}
        ),
        numbered as (
            select *, {", ".join(numbered)} from stated
        )
        select * exclude ({", ".join(["name", "status", "links", "trace_text", *hashed])}),
            {SPAN_KEYS["plain" if are_plain else "any"]},
            left(coalesce(name, ''), 200) as name,
            case when lower(status) in ('2', 'status_code_error', 'error') then 'error'
                when lower(status) in ('1', 'status_code_ok', 'ok') then 'ok' else 'unset' end as status,
            {outer}{"," if outer else ""}
            -- Names of counts that could not be read; empty where the counts are all words for none (no usage), or
            -- where another value was left out.
            case
                when is_readable then null
                when {" and ".join(no_counts) or "true"} then ''
                else concat_ws(',', {", ".join([*names, "null"])})
            end as unreadable,
            cast(least(coalesce(attributes, 0), 32767) as smallint) as filled,
            trace_text is null and name is null and started is null and attributes is null as is_shapeless,
            -- Cheap, and asked of every span; the reason is asked of those that fail.
            {" and ".join(["not is_shapeless", "not is_silent", *fine])} as is_fine,
            {TRACE_KEY["plain" if are_plain else "any"]} as trace_key
        from numbered"""
        return query, absent, reasons, fault


def is_silent(reason: str) -> bool:
    """Whether a record was refused because its reader understood nothing of it."""
    return SILENT in reason or reason == OTHER_SHAPE or reason in {shape for shape, _ in SHAPES.values()}


def is_too_late(reason: str) -> bool:
    """Whether a span was refused because its month is retired: no fault of the file."""
    return reason.endswith(f" {RETIRED}")


RETIRED = "is retired (make forget MONTH=), its spans are not kept"
UNREACHED = "a span that stands where no reader of"
SILENT = "says nothing to the reader of"
OTHER_SHAPE = "JSON of another shape than the file's other records"
# Readers that name what they refuse within a record, in rows of format `refused`.
REFUSING = {"agent_logs", "javascript_logs"}
# Per reader: what a record must hold, and when it may hold it and give no span (an empty batch).
SHAPES = {
    **dict.fromkeys(
        ("javascript", "javascript_logs"),
        (
            "JSON of another shape than the spans and log records of OpenTelemetry's JavaScript SDK",
            "json_type(document, '$.hrTime') = 'ARRAY' or json_type(document, '$.scopeMetrics') = 'ARRAY'",
        ),
    ),
    "claude_code_sessions": ("Claude Code: a line without a type", "json_type(document, '$.type') = 'VARCHAR'"),
    "agent_logs": ("OTLP: no log records under resourceLogs", "json_type(document, '$.resourceLogs') = 'ARRAY'"),
    "agent_metrics": ("OTLP: no metrics under resourceMetrics", "json_type(document, '$.resourceMetrics') = 'ARRAY'"),
    "otlp_json": (
        "OTLP: no spans under resourceSpans",
        "json_type(document, '$.resourceSpans') = 'ARRAY'"
        " and len(json_extract(document, '$.resourceSpans[*].*[*].*[*]')) = 0"
        " and not regexp_matches(document, '(spanId|startTimeUnixNano)')",
    ),
    "tempo": (
        "Tempo: no spans under batches or trace.resourceSpans",
        "json_extract_string(document, ['$.batches', '$.trace.resourceSpans', '$.trace.batches'])"
        " in (['[]', null, null], [null, '[]', null], [null, null, '[]'])",
    ),
    "cloudwatch": (
        "CloudWatch: no span, with spanId and startTimeUnixNano, in the record",
        "regexp_matches(document, '(severityNumber|observedTimeUnixNano|CONTROL_MESSAGE)')",
    ),
    "clickhouse": ("ClickHouse: no SpanAttributes", "json_array_length(document, '$.data') = 0"),
    "honeycomb": (
        "Honeycomb: no trace.span_id",
        "coalesce(document ->> '$.\"meta.annotation_type\"', document ->> '$.data.\"meta.annotation_type\"')"
        " in ('span_event', 'link')",
    ),
    "azure_monitor": (
        "Application Insights: no id or no duration, which dependencies and requests have",
        "json_exists(document, '$.tables') and len(json_extract(document, '$.tables[*].rows[*]')) = 0"
        " or coalesce(document ->> '$.itemType', document ->> '$.Type')"
        " in ('trace', 'customEvent', 'exception', 'pageView', 'customMetric', 'AppTraces', 'AppEvents',"
        " 'AppExceptions', 'AppPageViews', 'AppMetrics')",
    ),
    "datadog": ("Datadog: no span_id", "json_array_length(document, '$.data') = 0"),
    "envoy": ("Envoy: no start_time, timestamp or time", "false"),
    "kong": (
        "Kong: no plugin's usage under `ai`",
        "(json_exists(document, '$.latencies') or json_exists(document, '$.request'))"
        " and len(json_extract(document, '$.ai.*.meta')) = 0",
    ),
    "xray": (
        "X-Ray: no segment with an id",
        "json_type(document, '$.Traces') = 'ARRAY' and len(json_extract(document, '$.Traces[*].*[*]')) = 0"
        " and not contains(document, 'start_time')",
    ),
    "zipkin": ("Zipkin: no traceId and id, or neither a timestamp nor tags", "false"),
    "openinference": ("OpenInference: no attributes", "false"),
    "langfuse": ("Langfuse: no list of observations", "json_type(document, '$.observations') = 'ARRAY'"),
    "langsmith": ("LangSmith: no list of runs", "json_type(document, '$.runs') = 'ARRAY'"),
    "mlflow": ("MLflow: no list of spans", "json_type(coalesce(document -> '$.data', document), '$.spans') = 'ARRAY'"),
    "openai_agents": ("OpenAI Agents: no traces or spans", "json_type(document, '$.data') = 'ARRAY'"),
    "opik": ("Opik: no list of spans", "json_type(document, '$.content') = 'ARRAY'"),
    "helicone": ("Helicone: no list of requests", "json_type(document, '$.data') = 'ARRAY'"),
    "jaeger": (
        "Jaeger: no list of traces or spans",
        "json_array_length(document, '$.data') = len(json_extract(document, '$.data[*].spans'))"
        " or json_type(document, '$.spans') = 'ARRAY'",
    ),
}
