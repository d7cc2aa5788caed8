"""Traces as trees of spans with the money of their calls: rows of SQL, which the site draws and `why` prints."""

import re
from itertools import groupby
from pathlib import Path

from paths import pattern

# Spans are read where they landed: the data folder may have moved since the build, and one trace is of few days.
SPANS = "read_parquet('{folder}/spans/*/*.parquet', union_by_name = true, hive_partitioning = true)"

DAYS = """
select min(started_on) - 1 as first_day, max(started_on) + 1 as last_day
from marts.attributed_calls where trace_id in (select unnest($traces))
"""

TREE = """
with recursive spans as (

    select
        trace_id, trace_key, span_key, parent_span_key, span_id, name as span_name, service_name, team_id,
        trace_team_id, day,
        coalesce(started_at, timestamp '1970-01-01 00:00:00') as started_at
    from {spans}
    where trace_id in (select unnest($traces)) and day between $first_day and $last_day
    qualify row_number() over (partition by trace_key, span_key order by file_id, started_at) = 1

),

edges as (

    select
        spans.trace_key, spans.span_key, parents.span_key as parent_span_key,
        coalesce((parents.started_at, parents.span_key) >= (spans.started_at, spans.span_key), false) as is_backward
    from spans
    left join spans as parents on spans.trace_key = parents.trace_key and spans.parent_span_key = parents.span_key

),

reached as (

    select trace_key, span_key from edges where parent_span_key is null
    union
    select edges.trace_key, edges.span_key
    from reached inner join edges on reached.trace_key = edges.trace_key and reached.span_key = edges.parent_span_key

),

-- As the walk does it: what no root reaches hangs on a cycle, which its backward edges close.
kept as (

    select
        edges.trace_key, edges.span_key,
        case when edges.is_backward and reached.span_key is null then null else edges.parent_span_key end
            as parent_span_key
    from edges
    left join reached on edges.trace_key = reached.trace_key and edges.span_key = reached.span_key

),

owned as (

    select
        spans.* exclude (parent_span_key), kept.parent_span_key,
        coalesce(walked.owner_team_id, spans.team_id, services.owner_team_id, spans.trace_team_id) as owner_team_id,
        row_number() over (partition by spans.trace_key order by spans.started_at, spans.span_id) as place
    from spans
    inner join kept on spans.trace_key = kept.trace_key and spans.span_key = kept.span_key
    left join intermediate.int_span_attribution as walked
        on spans.trace_key = walked.trace_key and spans.span_key = walked.span_key
    left join seeds.services as services
        on
            spans.service_name = services.service_name
            and spans.day between coalesce(services.valid_from, spans.day) and coalesce(services.valid_to, spans.day)
    qualify row_number() over (
        partition by spans.trace_key, spans.span_key order by services.valid_from desc nulls last
    ) = 1

),

bearers as (

    select
        call_id,
        string_agg(
            bearer_team_id || ' ' || regexp_replace(borne_usd::decimal(38, 12)::varchar, '0{1,6}$', ''), ', '
            order by borne_usd desc, bearer_team_id
        ) as bearers
    from (
        select call_id, bearer_team_id, sum(borne_usd) as borne_usd from marts.call_shares
        where call_id in (select call_id from marts.attributed_calls where trace_id in (select unnest($traces)))
        group by all
    )
    group by call_id

),

placed as (

    select
        owned.*, calls.call_id, calls.provider, calls.model, calls.originating_feature_id, calls.attribution_rule,
        calls.hops, calls.team_path, calls.payer_team_id, calls.purpose, calls.attributed_usd, calls.unpriced_reason,
        calls.basis, calls.match_level, bearers.bearers,
        case when calls.call_id is null then grouped.call_id end as same_call_id
    from owned
    left join intermediate.int_span_calls as grouped
        on owned.trace_key = grouped.trace_key and owned.span_key = grouped.span_key
    left join marts.attributed_calls as calls
        on owned.trace_id = calls.trace_id and owned.span_id = calls.span_id
    left join bearers on calls.call_id = bearers.call_id

),

tree as (

    select trace_key, span_key, [place] as path from placed
    where parent_span_key is null
    union all
    select placed.trace_key, placed.span_key, list_append(tree.path, placed.place)
    from placed inner join tree on placed.trace_key = tree.trace_key and placed.parent_span_key = tree.span_key

),

-- What an edge carries: all that was spent below it.
carried as (

    select trace_key, place, sum(attributed_usd) as carried_usd, count(call_id) as carried_calls
    from (
        select tree.trace_key, unnest(tree.path) as place, placed.attributed_usd, placed.call_id
        from tree inner join placed on tree.trace_key = placed.trace_key and tree.span_key = placed.span_key
    )
    group by trace_key, place

)

select
    placed.trace_id, placed.place, tree.path[-2] as parent_place, len(tree.path) - 1 as depth, placed.span_id,
    placed.span_name, placed.service_name, placed.owner_team_id, placed.started_at, placed.call_id, placed.same_call_id,
    placed.provider, placed.model, placed.originating_feature_id, placed.attribution_rule, placed.hops,
    placed.team_path, placed.payer_team_id, placed.purpose, placed.attributed_usd, placed.unpriced_reason, placed.basis,
    placed.match_level, placed.bearers, carried.carried_usd, carried.carried_calls,
    row_number() over (partition by tree.trace_key, tree.path[-2] order by placed.place desc) = 1 as is_last
from tree
inner join placed on tree.trace_key = placed.trace_key and tree.span_key = placed.span_key
inner join carried on placed.trace_key = carried.trace_key and placed.place = carried.place
order by placed.trace_id, tree.path
"""

# A charge that names the call's response; or those of the day, model and meters among which the call's use was billed.
CHARGES = """
with calls as (

    select distinct calls.*, grouped.call_key
    from marts.attributed_calls as calls
    inner join intermediate.int_span_calls as grouped on calls.call_id = grouped.call_id
    where calls.trace_id in (select unnest($traces)) and calls.basis = 'billed'

),

found as (

    select calls.trace_id, calls.call_id, charges.charge_id, charges.charged_on, charges.quantity as used
    from calls inner join intermediate.int_charge_settlements as charges on calls.call_key = charges.call_key
    union all
    select
        calls.trace_id, calls.call_id, charges.charge_id, charges.charged_on,
        case
            when charges.meter = 'input'
                then calls.input_tokens - calls.cache_read_tokens - calls.cache_write_tokens
            when charges.meter = 'output' then calls.output_tokens
            when charges.meter = 'cache_read' then calls.cache_read_tokens
            when charges.meter like 'cache_write%' then calls.cache_write_tokens
        end
    from calls
    inner join intermediate.int_charge_settlements as charges
        on
            calls.provider = charges.provider
            and (calls.model is not distinct from charges.model or (
                charges.meter = 'total' and calls.match_level = charges.match_level
            ))
            and (calls.account_id = charges.account_id or starts_with(charges.match_level, 'day'))
            and (calls.started_on = charges.charged_on or (
                charges.match_level = 'adjacent_day' and abs(date_diff('day', calls.started_on, charges.charged_on)) = 1
            ))
    where calls.match_level != 'response_id' and charges.call_key is null and charges.attributed_usd != 0
    union all
    -- Own capacity; of a line of several days, the call's.
    select calls.trace_id, calls.call_id, charges.charge_id, charges.charged_on, null
    from intermediate.int_call_shares as calls
    inner join intermediate.int_driver_uses as uses on calls.call_key = uses.call_key
    inner join intermediate.int_charge_settlements as charges
        on uses.driver_group_id = charges.group_id and calls.started_on = charges.charged_on
    where
        calls.trace_id in (select unnest($traces)) and calls.place = 1 and calls.match_level = 'cost_driver'
        and charges.attributed_usd != 0

)

select
    found.trace_id, found.call_id, charges.charge_id, charges.charged_on, charges.meter, found.used, charges.quantity,
    charges.billed_usd, charges.match_level, lines.source_file, lines.source_line
from found
inner join intermediate.int_charge_settlements as charges
    on found.charge_id = charges.charge_id and found.charged_on = charges.charged_on
inner join intermediate.int_itemised_charges as standing
    on charges.charge_id = standing.charge_id and charges.charged_on = standing.charged_on
inner join intermediate.int_classified_charges as lines on standing.line_id = lines.line_id
where found.used is distinct from 0
group by all
order by found.trace_id, found.call_id, charges.charged_on, charges.charge_id, charges.meter
"""

# Traces that this one's links name as its causes, and those near in time whose links name this one.
CAUSES = """
with links as (

    select trace_id, trace_key, unnest(links).trace_key as cause_key
    from {spans}
    where day between $first_day and $last_day and len(links) > 0

),

keys as (

    select distinct trace_key from {spans} where trace_id = $trace and day between $first_day and $last_day

),

related as (

    select 'caused by' as how, cause_key as trace_key from links where trace_id = $trace
    union
    select 'caused', trace_key from links where cause_key in (select trace_key from keys)

)

select related.how, calls.trace_id, count(*) as calls, sum(calls.attributed_usd) as attributed_usd
from related
inner join (select distinct trace_key, call_id from intermediate.int_span_calls) as grouped
    on related.trace_key = grouped.trace_key
inner join marts.attributed_calls as calls on grouped.call_id = calls.call_id
where calls.trace_id != $trace
group by related.how, calls.trace_id
order by related.how, attributed_usd desc, calls.trace_id
"""


def rows(engine, query: str, parameters: dict | None = None) -> list[dict]:
    """The rows of a query by their columns' names; parameters that it doesn't name are left out."""
    wanted = set(re.findall(r"\$(\w+)", query))
    found = engine.execute(query, {name: value for name, value in (parameters or {}).items() if name in wanted})
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


class Traces:
    """Some traces in the ledger of a data folder."""

    def __init__(self, engine, data: Path, traces: list[str]):
        self.engine, self.spans = engine, SPANS.format(folder=pattern(data / "landed"))
        (days,) = rows(engine, DAYS, {"traces": traces})
        self.parameters = {"traces": traces, **days}
        # A trace without calls stands in no mart: then all days are read.
        if days["first_day"] is None:
            self.parameters |= {"first_day": "0001-01-01", "last_day": "9999-12-31"}

    def trees(self) -> dict[str, list[dict]]:
        """Rows of TREE by trace."""
        return self._by_trace(TREE)

    def charges(self) -> dict[str, list[dict]]:
        """Rows of CHARGES by trace."""
        return self._by_trace(CHARGES)

    def _by_trace(self, query: str) -> dict[str, list[dict]]:
        return {trace: list(found) for trace, found in groupby(self._rows(query), lambda row: row["trace_id"])}

    def _rows(self, query: str) -> list[dict]:
        return rows(self.engine, query.replace("{spans}", self.spans), self.parameters)


class Trace(Traces):
    """One of them."""

    def __init__(self, engine, data: Path, trace: str):
        super().__init__(engine, data, [trace])
        self.parameters["trace"] = trace

    def tree(self) -> list[dict]:
        return self._rows(TREE)

    def lines(self) -> list[dict]:
        """The lines of bills behind its calls."""
        return self._rows(CHARGES)

    def causes(self) -> list[dict]:
        return self._rows(CAUSES)
