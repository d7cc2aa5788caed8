-- one row per call: those that spans report, and the rest of what agents state beyond them
{{ config(materialized="view") }}
select
    *,
    false as is_residual
from {{ ref('int_calls_reported') }}

union all by name

select
    *,
    true as is_residual
from {{ ref('int_calls_residual') }}
