-- one row per span of the traces that this build reads: of new ones, and of old ones that new spans touch
{{ config(materialized=held_for_many()) }}
select *
from {{ ref('stg_telemetry__spans') }}
where {{ is_touched('started_on', 'span_day') }} and {{ is_touched('trace_key', 'trace') }}
