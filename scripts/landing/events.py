"""Usage that stands only in a span's own events is the span's, where the span itself states none.

OpenTelemetry describes a request in one event, `gen_ai.client.inference.operation.details`; Codex writes one
`codex.sse_event` for each answer. Of several events those of one answer count once, as its last one says: events of one
response id, and where no event is a whole request's, those of equal input and an output that does not shrink (a stream
that counts up). What different answers state adds up.
"""

import duckdb

EVENTS = "struct(name varchar, names varchar[], texts varchar[])[]"
# Events that describe a whole request each: two of them are two requests, unless they carry one response id.
OF_A_REQUEST = "('gen_ai.client.inference.operation.details', 'codex.sse_event')"

HELD = """
create or replace temp table held_events as
with held as (
    select rowid as row_no, unnest(range(1, len(events) + 1)) as event_no, events from raw where events is not null
),
named as (
    select row_no, event_no, events[event_no].names as names, events[event_no].texts as texts,
        coalesce(text_at(names, texts, 'event.name'), events[event_no].name) as name
    from held
)
select row_no, event_no, name,
    case when is_codex_answer(name, names, texts)
        then list_transform(codex_pairs(names, texts, 'codex.response'), lambda pair: pair.key) else names
    end as names,
    case when is_codex_answer(name, names, texts)
        then list_transform(codex_pairs(names, texts, 'codex.response'), lambda pair: pair.value) else texts
    end as texts
from named
"""

TOLD = """
create or replace temp table told_by_events as
with counts as (
    select row_no, event_no, unnest(names) as attribute, unnest(texts) as said from held_events
),
own as (
    select distinct row_no
    from (
        select rowid as row_no, unnest(names) as attribute, unnest(texts) as said from raw where events is not null
    )
    where list_contains($known, attribute) and count_of(said) > 0
),
stating as (
    select row_no, event_no
    from counts anti join own using (row_no)
    where list_contains($counting, attribute) and count_of(said) > 0
    group by all
),
described as (
    select row_no, event_no, name, names, texts,
        list_filter(list_zip(names, texts), lambda pair: list_contains($ids, pair[1]))[1][2] as id,
        list_filter(list_zip(names, texts), lambda pair: list_contains($inputs, pair[1]))[1][2] as input,
        list_filter(list_zip(names, texts), lambda pair: list_contains($outputs, pair[1]))[1][2] as output
    from held_events inner join stating using (row_no, event_no)
),
followed as (
    select *, lag(event_no) over of_span as event_before, lag(id) over of_span as id_before,
        lag(count_of(input)) over of_span as input_before, lag(count_of(output)) over of_span as output_before
    from described
    window of_span as (partition by row_no order by event_no)
),
answers as (
    select row_no, event_no, names, texts, sum(case
        when event_before is null then 1
        when id is not null and id_before is not null then cast(id <> id_before as integer)
        when name in {of_a_request} then 1
        when count_of(input) <> input_before or count_of(output) < output_before then 1
        else 0
    end) over (partition by row_no order by event_no) as answer_no
    from followed
),
said_last as (
    select row_no, answer_no, attribute, arg_max(said, event_no) as said
    from (
        select row_no, event_no, answer_no, unnest(names) as attribute, unnest(texts) as said from answers
    )
    where said is not null
    group by row_no, answer_no, attribute
),
summed as (
    select row_no, attribute,
        case
            when list_contains($counting, attribute) then cast(sum(count_of(said)) as varchar)
            -- Labels in which answers differ say nothing of their sum.
            when min(said) = max(said) then min(said)
        end as said
    from said_last
    group by row_no, attribute
)
select row_no, list(attribute order by attribute) as event_names, list(said order by attribute) as event_texts
from summed
where said is not null
group by row_no
"""

JOINED = """
create or replace temp table raw as
select raw.* exclude (events) replace (
    case
        when told.row_no is null then names
        -- A zero of the span's own gives way.
        else list_transform(names, lambda name: case when name in ({known}) then 'own:' || name else name end)
    end as names
), told.event_names, told.event_texts
from raw left join told_by_events as told on raw.rowid = told.row_no
"""


def hold(engine: duckdb.DuckDBPyConnection) -> bool:
    """Put the events of spans in `raw` that may state usage into `held_events`; tells whether there are some."""
    [(some,)] = engine.execute("select coalesce(bool_or(events is not null), false) from raw").fetchall()
    if some:
        engine.execute(HELD)
    return some


def tell(engine: duckdb.DuckDBPyConnection, counting: set[str], names: dict[str, list[str]]) -> set[str]:
    """Give the spans in `raw` what only their events state, as `event_names` and `event_texts`; returns these names.

    `counting` are all attributes that count tokens, `names` those known as counts, response ids, input and output.
    """
    asked = {"counting": sorted(counting), **names}
    engine.execute(TOLD.format(of_a_request=OF_A_REQUEST), asked)
    engine.execute(JOINED.format(known=", ".join(f"'{name}'" for name in names["known"])))
    told = engine.execute("select distinct unnest(event_names) from told_by_events").fetchall()
    engine.execute("drop table held_events")
    engine.execute("drop table told_by_events")
    return {name for (name,) in told}
