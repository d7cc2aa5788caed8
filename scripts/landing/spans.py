"""Span records of any format -> rows of landed `spans`, in SQL: a reader per format, one meaning for all.

A reader (readers/<format>.sql) selects from `documents` (file_no, source_line, document) one row per span: its ids,
name, status, times and links as text, and its attributes as names and texts. What the attributes mean is data:
seed attribute_aliases, and the project's variables.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb

from landing.engine import quoted, reader_sql
from landing.tables import LABELS, NO_DAY, QUANTITIES, typed_columns

HERE = Path(__file__).resolve().parent
SEED = HERE.parent.parent / "seeds" / "reference" / "attribute_aliases.csv"
# Places where SDKs and platforms put what a company hangs on a span, a trace or a request.
SPAN_PLACES = (
    "{} baggage.{} metadata.{} tag.tags.{} tags.{} traceloop.association.properties.{} ai.telemetry.metadata.{} "
    "langfuse.observation.metadata.{} litellm.tags.{} litellm.metadata.{} litellm.metadata.tags.{} "
    "litellm.metadata.requester_metadata.{} litellm.metadata.spend_logs_metadata.{}"
).split()
TRACE_PLACES = "langfuse.trace.metadata.{} langfuse.trace.metadata.attributes.{} langfuse.trace.tags.{}".split()
KINDS_OF_CALL = (
    "('', 'llm', 'embedding', 'reranker', 'generation', 'chat', 'text_completion', 'generate_content', 'embeddings',"
    " 'completion')"
)
# Labels that decide who pays for what: over-long ones refuse the span; any other is left out.
DECIDING = ("model", "response_id", "feature_id", "team_id", "purpose", "api_key", "account_id")
NO_MODEL = "('', 'unknown', 'none', 'null')"
# Words that leave a label to whatever else states it: who asks for `auto` learns from the answer what was served.
SAY_NOTHING = {
    "model": NO_MODEL,
    "service_tier": "('', 'auto', 'none', 'null', 'unknown', 'unspecified', 'service_tier_unspecified', 'not_given')",
    "speed": NO_MODEL,
    "inference_geo": "('', 'none', 'null', 'unknown', 'not_available')",
}
MAX_LABEL = 1024
MOST_LEVELS = 16  # of objects within objects, in an attribute


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
                elif row["canonical"] in {*LABELS, *QUANTITIES, "stated_usd"}:
                    self.of.setdefault(row["canonical"], []).append(alias)
                else:
                    raise SystemExit(f"attribute_aliases: canonical {row['canonical']!r} is no column of a span")
        for canonical, attributes in (("feature_id", features), ("team_id", teams)):
            for prefix, places in (("", SPAN_PLACES), ("trace_", TRACE_PLACES)):
                own = [place.format(name) for name in attributes for place in places]
                ranked = [Alias(name, rank - len(own), "project", "", "") for rank, name in enumerate(own)]
                self.of[prefix + canonical] = ranked + self.of.get(prefix + canonical, [])
        for ranked in self.of.values():
            ranked.sort(key=lambda alias: alias.rank)

    @cache  # noqa: B019 - one instance a process
    def names(self) -> set[str]:
        return {alias.attribute for ranked in self.of.values() for alias in ranked}


class SpanReader:
    """Turns portions of records into landed spans; one per process, it holds an engine in memory that never spills."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, aliases: Aliases, hash_identities: bool):
        self.engine, self.aliases, self.hash_identities = engine, aliases, hash_identities
        self.taken = 0
        carriers = ", ".join(f"'{name}'" for name in aliases.unfolded)
        engine.execute(f"""
            create or replace macro label_bytes() as {MAX_LABEL};
            create or replace macro is_carrier(name) as name in ({carriers});
            create or replace macro label_text(name, stated) as
                case when strlen(stated) > label_bytes() and not is_carrier(name) then chr(1) else stated end;
        """)

    def take(self, form: str) -> list[tuple]:
        """Read registered `documents` into `raw`, without their long texts; returns records refused whole."""
        run = self.engine.execute
        source = reader_sql(form)
        if "as names" not in source:  # a reader may give pairs, or names and texts
            source = f"""
                select source.* exclude (attributes, resource),
                    list_transform(attributes, lambda pair: pair.key) as names,
                    list_transform(attributes, lambda pair: label_text(pair.key, pair.value)) as texts,
                    list_transform(resource, lambda pair: pair.key) as resource_names,
                    list_transform(resource, lambda pair: pair.value) as resource_texts
                from ({source}) as source"""
        run(f"insert into raw {source}" if self.taken else f"create or replace temp table raw as {source}")
        before, self.taken = self.taken, run("select count(*) from raw").fetchone()[0]
        # A record that gave no span, and is no empty batch, is no export of this format.
        silent = run(
            "select file_no, source_line from documents"
            f" anti join (select distinct file_no, source_line from raw where rowid >= {before}) as gave"
            " using (file_no, source_line)"
        ).fetchall()
        if not silent:
            return []
        lines = ", ".join(str(line) for line in silent)
        reason, is_empty = SHAPES.get(form, ("JSON of another shape than the file's other records", "false"))
        return run(
            f"""select file_no, source_line, $reason from documents
                where (file_no, source_line) in ({lines}) and not coalesce({is_empty}, false)""",
            {"reason": reason},
        ).fetchall()

    def land(self, folder: Path, name: str, row_base: int) -> tuple[list[tuple], list[tuple]]:
        """Write what was taken as `folder/day=<day>/<name>.parquet`.

        Returns ((file_no, spans read), ...) and the spans refused as (file_no, line, reason).
        """
        run = self.engine.execute
        seen = self._unfolded(self._opened("names", "texts"))
        below = self._opened("resource_names", "resource_texts")
        query, fault = self._canonical(seen, below, row_base)
        day = f"coalesce(cast(time_of(started, unit) as date), date '{NO_DAY}')"
        days = [on for (on,) in run(f"select distinct {day} from raw order by all").fetchall()]
        # One pass straight to disk where the spans are of one day; else they wait in memory to be parted.
        source = f"({query})"
        if len(days) > 1:
            run(f"create or replace temp table canonical as from {source}")
            source, day = "canonical", f"coalesce(cast(started_at as date), date '{NO_DAY}')"
        are_refused = False
        for on in days:
            target = folder / f"day={on}" / f"{name}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            of_day = f"from {source}" if len(days) == 1 else f"from {source} where {day} = date '{on}'"
            # Asked afterwards of the file's statistics, which costs nothing: did a span without a key come through?
            if self._write(of_day, target):
                are_refused = True
                self._write(f"from ({of_day}) where trace_key is not null", target)
        read = run("select file_no, count(*) from raw group by all").fetchall()
        refused = []
        if are_refused:
            refused = run(
                f"select file_no, source_line, concat('span ''', left(coalesce(name, '?'), 60), ''': ', {fault})"
                f" from ({query}) where trace_key is null"
            ).fetchall()
        self.taken = 0
        return read, refused

    def _write(self, source: str, target: Path) -> bool:
        """Write rows as a landed file; tells whether some have no trace key."""
        (stats,) = self.engine.execute(
            f"copy (select {typed_columns('spans')} {source}) to '{quoted(target)}'"
            " (format parquet, compression zstd, return_stats)"
        ).fetchall()
        if stats[1] == 0:
            target.unlink(missing_ok=True)
        return stats[4]['"trace_key"']["null_count"] != "0" if stats[1] else False

    def _seen(self, names: str) -> set[str]:
        found = self.engine.execute(f"select distinct unnest({names}) from raw").fetchall()
        return {name for (name,) in found if name is not None}

    def _opened(self, names: str, texts: str) -> set[str]:
        """Attributes that hold objects give way to the objects' members; returns the names that occur."""
        for _ in range(MOST_LEVELS):
            seen = self._seen(names)
            if not any(name.endswith(chr(2)) for name in seen):
                return seen
            # A row's names and texts stay beside each other.
            self.engine.execute(f"""
                create or replace temp table raw as
                with opened as (
                    select rowid as row_no, flatten(list_transform({names}, lambda stated, place: case
                        when ends_with(stated, chr(2))
                            then coalesce(otlp_members(rtrim(stated, chr(2)), {texts}[place]), [])
                        else [{{ 'key': stated, 'value': {texts}[place] }}]
                    end)) as pairs
                    from raw
                    where list_position(list_transform({names}, lambda stated: ends_with(stated, chr(2))), true) > 0
                )
                select raw.* replace (
                    coalesce(list_transform(opened.pairs, lambda pair: pair.key), raw.{names}) as {names},
                    coalesce(list_transform(opened.pairs, lambda pair: pair.value), raw.{texts}) as {texts}
                )
                from raw left join opened on raw.rowid = opened.row_no""")
        return self._seen(names)

    def _unfolded(self, seen: set[str]) -> set[str]:
        """Members of JSON texts become attributes of their own, named `<attribute>.<member>`; returns all names."""
        if not seen & set(self.aliases.unfolded):
            return seen
        carriers = ", ".join(f"'{name}'" for name in self.aliases.unfolded)
        self.engine.execute(f"""
            create or replace temp table unfolded as
            with carried as (
                select rowid as row_no, unnest(names) as name, unnest(texts) as held from raw
            ),
            opened as (
                select row_no, name, json_of(held) as object
                from carried
                where name in ({carriers}) and (starts_with(held, '{{') or starts_with(held, '['))
            ),
            rooted as (
                -- SDKs wrap the provider's answer; `raw` is LlamaIndex's name for the untouched response.
                select row_no, name, object,
                    case when name = 'output.value' then
                        case when json_type(object, '$.raw') = 'OBJECT' then object -> '$.raw' else object end
                    end as answer
                from opened
            )
            select row_no,
                flatten(list(case
                    when name <> 'output.value' then prefixed(pairs_of(object), name || '.')
                    when not json_exists(answer, '$.usage') and not json_exists(answer, '$.choices')
                        and not json_exists(answer, '$.object') and not json_exists(answer, '$.meta.billed_units')
                        then []
                    else [
                        {{ 'key': 'output.value:id', 'value': answer ->> '$.id' }},
                        {{ 'key': 'output.value:model', 'value': answer ->> '$.model' }},
                        {{ 'key': 'output.value:service_tier', 'value': answer ->> '$.service_tier' }},
                        {{ 'key': 'output.value:web_search_calls', 'value': web_search_calls(answer) }},
                        {{ 'key': 'output.value:meta.billed_units.search_units',
                            'value': answer ->> '$.meta.billed_units.search_units' }}
                    ] || prefixed(pairs_of(answer -> '$.usage'), 'output.value:usage.')
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

    def _canonical(self, seen: set[str], below: set[str], row_base: int) -> tuple[str, str]:
        """The query from `raw` to landed columns, over the attributes that occur in this portion alone, and the reason
        why one of its rows is refused."""
        columns: list[str] = []  # one per attribute that occurs
        picked: dict[str, list[tuple[str, Alias]]] = {}
        for canonical, ranked in self.aliases.of.items():
            for names, attributes, texts in ((seen, "names", "texts"), (below, "resource_names", "resource_texts")):
                for alias in ranked:
                    if alias.attribute in names:
                        name = f"found_{len(columns)}"
                        quoted = alias.attribute.replace("'", "''")
                        columns.append(f"text_of({texts}[list_position({attributes}, '{quoted}')]) as {name}")
                        picked.setdefault(canonical, []).append((name, alias))

        def value(name: str, alias: Alias, canonical: str) -> str:
            conditions = ["is_answer"] if alias.attribute.startswith("output.value:") else []
            if canonical in SAY_NOTHING:
                conditions.append(f"lower({name}) not in {SAY_NOTHING[canonical]}")
            return f"case when {' and '.join(conditions)} then {name} end" if conditions else name

        def first(canonical: str) -> str:
            found = [value(name, alias, canonical) for name, alias in picked.get(canonical, [])]
            return f"coalesce({', '.join([*found, 'null'])})" if found else "cast(null as varchar)"

        def said(canonicals: list[str], what: str) -> str:
            """What the first alias that gave a value says of it."""
            cases = [
                f"when {value(name, alias, canonical)} is not null then '{getattr(alias, what)}'"
                for canonical in canonicals
                for name, alias in picked.get(canonical, [])
                if getattr(alias, what)
            ]
            return f"case {' '.join(cases)} end" if cases else "cast(null as varchar)"

        has_text = "output.value" in seen
        text = "coalesce(answer_text, texts[list_position(names, 'output.value')])" if has_text else "null"
        is_answer = f"coalesce(lower({first('operation')}), '') in {KINDS_OF_CALL}" if has_text else "false"
        labels = ",\n".join(
            f"{first(name)} as {name}" if name in DECIDING else f"nullif({first(name)}, chr(1)) as {name}"
            for name in LABELS
        )
        quantities = ",\n".join(f"{first(name)} as {name}_stated" for name in QUANTITIES)
        hashed = {"user_id", "tenant_id"} if self.hash_identities else set()
        fine = [f"{name} is distinct from chr(1)" for name in DECIDING if name in picked]
        numbers = [name for name in (*QUANTITIES, "stated_usd") if name in picked]
        fine += [f"({name} is null) = ({name}_stated is null)" for name in numbers]
        faults = [f"label_fault({name}, '{name}')" for name in DECIDING if name in picked]
        faults += [f"count_fault({name}_stated, {name}, '{name}')" for name in QUANTITIES if name in picked]
        faults += ["money_fault(stated_usd_stated, stated_usd, 'stated_usd')"] if "stated_usd" in picked else []
        fault = f"""coalesce(case when is_shapeless then 'a span that is no object' end,
            time_fault(started, started_at, 'start time'), time_fault(ended, ended_at, 'end time'),
            {", ".join([*faults, "null"])})"""
        return (
            f"""
        with found as (
            select raw.*, rowid + {row_base} as row_no, {", ".join([*columns, "1 as one"])},
                plain_trace(trace_id) as trace_digits, plain_span(span_id) as span_digits,
                plain_span(parent_span_id) as parent_span_digits,
                getvariable('file_ids')[file_no + 1] as file_id, getvariable('source_files')[file_no + 1] as source_file
            from raw
        ),
        marked as (
            select *, {is_answer} as is_answer from found
        ),
        stated as (
            select file_no, row_no, source_line, format, name, status, links, trace_id as trace_text,
                trace_digits, span_digits, parent_span_digits,
                case when trace_digits > 0 then lower(trace_id)
                    else coalesce(id_of(trace_id, 16), 'content:' || file_id || ':' || row_no) end as trace_id,
                case when span_digits > 0 then lower(span_id)
                    else coalesce(id_of(span_id, 8), 'content:' || file_id || ':' || row_no) end as span_id,
                case when parent_span_digits > 0 then lower(parent_span_id)
                    when parent_span_id <> '' then id_of(parent_span_id, 8) end as parent_span_id,
                source_file, file_id, started, ended,
                time_of(started, unit) as started_at, time_of(ended, unit) as ended_at,
                len(names) as attributes,
                {labels},
                {quantities},
                {first("stated_usd")} as stated_usd_stated,
                {said(["input_tokens", "output_tokens"], "convention")} as usage_convention,
                {said(["cache_read_tokens", "cache_write_tokens", "input_tokens"], "includes_cached")} = 'true'
                    as input_includes_cached,
                {said(["reasoning_tokens"], "includes_reasoning")} = 'true' as output_includes_reasoning,
                case when is_answer and {text} <> '' then {text} end as output_text
            from marked
        )
        select * exclude (name, status, links, {", ".join(sorted(hashed))}{"," if hashed else ""} trace_text,
                trace_digits, span_digits, parent_span_digits),
            case when span_digits > 0 then signed(span_digits) else key_of(span_id) end as span_key,
            case when parent_span_digits > 0 then signed(parent_span_digits)
                when parent_span_id is not null then key_of(parent_span_id) end as parent_span_key,
            left(coalesce(name, ''), 200) as name,
            case when lower(status) in ('2', 'status_code_error', 'error') then 'error'
                when lower(status) in ('1', 'status_code_ok', 'ok') then 'ok' else 'unset' end as status,
            {"".join(f"left(keyed({name}), 32) as {name}, " for name in sorted(hashed))}
            {", ".join(f"count_of({name}_stated) as {name}" for name in QUANTITIES)},
            money_of(stated_usd_stated) as stated_usd,
            signed(word_of(left(keyed(output_text), 16))) as output_key,
            case when len(links) > 0 then link_keys(links) end as links,
            cast(least(coalesce(attributes, 0), 32767) as smallint) as filled,
            trace_text is null and name is null and started is null and attributes is null as is_shapeless,
            -- Cheap, and asked of every span; the reason is asked of those that fail.
            not is_shapeless
                and {" and ".join([f"is_time({name}_at, {name})" for name in ("started", "ended")] + fine)} as is_fine,
            case when not is_fine then null when trace_digits > 0 then plain_trace_key(trace_digits)
                else key_of(trace_id) end as trace_key
        from stated""",
            fault,
        )


# Per reader: what a record must hold, and when it may hold it and give no span (an empty batch).
SHAPES = {
    "otlp_json": (
        "OTLP: no spans under resourceSpans",
        "json_type(document, '$.resourceSpans') = 'ARRAY'"
        " and len(json_extract(document, '$.resourceSpans[*].*[*].spans[*]')) = 0",
    ),
    "langfuse": ("Langfuse: no list of observations", "json_type(document, '$.observations') = 'ARRAY'"),
    "jaeger": (
        "Jaeger: no list of traces or spans",
        "json_type(document, '$.data') = 'ARRAY' or json_type(document, '$.spans') = 'ARRAY'",
    ),
}
