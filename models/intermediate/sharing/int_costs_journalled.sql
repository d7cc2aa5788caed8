-- one row per journal: month posted, day, provider, account, model, feature, path, payer, bearer, purpose, basis, pool
{{ replaces_touched("incurred_on", by="touched_day") }}
{% set keys = [
    'posted_month', 'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'team_path', 'payer_team_id',
    'bearer_team_id', 'purpose', 'basis', 'pool'
] %}
-- The ledger books a call where its bill does: around midnight that may be another month than that of its use.
with call_costs as (

    {% for month, amount_usd in [
        ("cast(date_trunc('month', started_on) as date)", 'borne_usd - coalesce(borne_cutoff_usd, 0)'),
        ('cutoff_month', 'borne_cutoff_usd')
    ] %}
        select
            {{ month }} as posted_month,
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
            case when originating_feature_id = 'unlabelled' then 'unlabelled' end as pool,
            {{ amount_usd }} as amount_usd
        from {{ ref('int_shares_borne') }}
        where {{ amount_usd }} != 0 and {{ is_touched('started_on', 'touched_day') }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

-- Untraced charges stay with the payer; prepaid amounts go to an account of their own. Charges that tags assign to a
-- feature are under its name, and no sharing rule spreads them.
charge_costs as (

    {% for feature_id, pool, amount_usd, prepaid_usd in [
        ("coalesce(tagged_feature_id, 'untraced')",
            "case when tagged_feature_id is null then 'untraced' else 'tagged' end", 'untraced_usd', '0'),
        ("'invoice_only'", "case treatment when 'shared' then 'shared' else 'invoice_only' end",
            'invoice_only_usd + rounding_usd', 'prepaid_usd')
    ] %}
        select
            cast(date_trunc('month', charged_on) as date) as posted_month,
            charged_on as incurred_on,
            provider,
            account_id,
            model,
            {{ feature_id }} as feature_id,
            '' as team_path,
            payer_team_id,
            payer_team_id as bearer_team_id,
            'unknown' as purpose,
            'billed' as basis,
            {{ pool }} as pool,
            {{ amount_usd }} as amount_usd,
            {{ prepaid_usd }} as prepaid_usd
        from {{ ref('int_charges_settled') }}
        where {{ is_touched('charged_on', 'touched_day') }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

usage_costs as (

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
        untraced_usd as amount_usd,
        0 as prepaid_usd
    from {{ ref('int_usage_accrued') }}
    where untraced_usd != 0 and {{ is_touched('usage_on', 'touched_day') }}

),

costs as (

    select
        *,
        0 as prepaid_usd
    from call_costs
    union all
    select * from charge_costs
    where amount_usd != 0 or prepaid_usd != 0
    union all
    select * from usage_costs

)

select
    {{ entry_key(keys) }} as cost_id,
    {{ keys | join(',\n    ') }},
    {{ money('sum(amount_usd)') }} as amount_usd,
    {{ money('sum(prepaid_usd)') }} as prepaid_usd
from costs
group by {{ keys | join(', ') }}
