{{ replaces_touched("incurred_on", by="touched_day") }}
{% set keys = [
    'posted_month', 'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'team_path', 'payer_team_id',
    'bearer_team_id', 'purpose', 'basis', 'pool', 'is_sampled'
] %}
{# Only money of sampled calls has the mark in its id, so that other entries of closed months keep theirs. #}
{% set key = (keys | reject('in', ['pool', 'is_sampled']) | list) + [
    "case when is_sampled then coalesce(pool, '') || ':sampled' else pool end"
] %}
with cost_shares as (

    select
        *,
        case when originating_feature_id = 'unlabelled' then 'unlabelled' end as pool
    from {{ ref('int_cost_shares') }}
    where {{ is_touched('started_on', 'touched_day') }}

),

charge_settlements as (

    select * from {{ ref('int_charge_settlements') }}
    where {{ is_touched('charged_on', 'touched_day') }}

),

accrued_usage as (

    select * from {{ ref('int_accrued_usage') }}
    where is_unbilled and untraced_usd != 0 and {{ is_touched('usage_on', 'touched_day') }}

),

postings as (

    -- Calls are booked in the month of their use.
    select
        cast(date_trunc('month', started_on) as date) as posted_month,
        started_on as incurred_on,
        payable_provider as provider,
        payable_account_id as account_id,
        model,
        originating_feature_id as feature_id,
        team_path,
        payer_team_id,
        bearer_team_id,
        purpose,
        part_basis as basis,
        pool,
        is_sampled,
        borne_usd - coalesce(borne_cutoff_usd, 0) as amount_usd,
        0 as prepaid_usd
    from cost_shares
    where borne_usd - coalesce(borne_cutoff_usd, 0) != 0

    union all

    -- Calls around the end of a month that the provider billed in the month beside it are booked there.
    select
        cutoff_month as posted_month,
        started_on as incurred_on,
        payable_provider as provider,
        payable_account_id as account_id,
        model,
        originating_feature_id as feature_id,
        team_path,
        payer_team_id,
        bearer_team_id,
        purpose,
        part_basis as basis,
        pool,
        is_sampled,
        borne_cutoff_usd as amount_usd,
        0 as prepaid_usd
    from cost_shares
    where borne_cutoff_usd != 0

    union all

    -- Billed usage without a matching call stays with the paying team. Charges whose tags name a feature are booked
    -- under it, and no sharing rule spreads them.
    select
        cast(date_trunc('month', charged_on) as date) as posted_month,
        charged_on as incurred_on,
        provider,
        account_id,
        model,
        coalesce(tagged_feature_id, 'untraced') as feature_id,
        '' as team_path,
        payer_team_id,
        payer_team_id as bearer_team_id,
        'unknown' as purpose,
        'billed' as basis,
        case when tagged_feature_id is null then 'untraced' else 'tagged' end as pool,
        false as is_sampled,
        untraced_usd as amount_usd,
        0 as prepaid_usd
    from charge_settlements
    where untraced_usd != 0

    union all

    -- Own capacity that nobody used.
    select
        cast(date_trunc('month', charged_on) as date) as posted_month,
        charged_on as incurred_on,
        provider,
        account_id,
        model,
        'idle' as feature_id,
        '' as team_path,
        payer_team_id,
        payer_team_id as bearer_team_id,
        'unknown' as purpose,
        'billed' as basis,
        'idle' as pool,
        false as is_sampled,
        idle_usd as amount_usd,
        0 as prepaid_usd
    from charge_settlements
    where idle_usd != 0

    union all

    -- Fees, taxes and credits; what they prepay goes to an account of its own.
    select
        cast(date_trunc('month', charged_on) as date) as posted_month,
        charged_on as incurred_on,
        provider,
        account_id,
        model,
        'invoice_only' as feature_id,
        '' as team_path,
        payer_team_id,
        payer_team_id as bearer_team_id,
        'unknown' as purpose,
        'billed' as basis,
        case treatment when 'shared' then 'shared' else 'invoice_only' end as pool,
        false as is_sampled,
        invoice_only_usd + rounding_usd as amount_usd,
        prepaid_usd
    from charge_settlements
    where invoice_only_usd + rounding_usd != 0 or prepaid_usd != 0

    union all

    -- Usage on days that no bill covers yet.
    select
        cast(date_trunc('month', usage_on) as date) as posted_month,
        usage_on as incurred_on,
        provider,
        account_id,
        model,
        'untraced' as feature_id,
        '' as team_path,
        payer_team_id,
        payer_team_id as bearer_team_id,
        'unknown' as purpose,
        'accrued' as basis,
        'untraced' as pool,
        false as is_sampled,
        untraced_usd as amount_usd,
        0 as prepaid_usd
    from accrued_usage

)

select
    {{ entry_key(key) }} as cost_id,
    {{ keys | join(',\n    ') }},
    {{ money('sum(amount_usd)') }} as amount_usd,
    {{ money('sum(prepaid_usd)') }} as prepaid_usd
from postings
group by {{ keys | join(', ') }}
