-- one row per journal: day, provider, account, model, feature, team path, payer, bearer, purpose and basis
with call_costs as (

    select
        started_on as incurred_on,
        provider,
        account_id,
        model,
        originating_feature_id as feature_id,
        team_path,
        payer_team_id,
        bearer_team_id,
        purpose,
        basis,
        borne_usd as amount_usd
    from {{ ref('int_call_shares') }}
    where borne_usd != 0

),

-- What no call took stays with the payer, visibly; what was paid ahead waits on an account of its own.
charge_costs as (

    {% for feature_id, amount_usd, prepaid_usd in [
        ('untraced', 'untraced_usd', '0'), ('invoice_only', 'invoice_only_usd + rounding_usd', 'prepaid_usd')
    ] %}
        select
            charged_on as incurred_on,
            provider,
            account_id,
            model,
            '{{ feature_id }}' as feature_id,
            '' as team_path,
            payer_team_id,
            payer_team_id as bearer_team_id,
            'unknown' as purpose,
            'billed' as basis,
            {{ amount_usd }} as amount_usd,
            {{ prepaid_usd }} as prepaid_usd
        from {{ ref('int_charges_paid') }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

usage_costs as (

    select
        usage.usage_on as incurred_on,
        usage.provider,
        usage.account_id,
        usage.model,
        'untraced' as feature_id,
        '' as team_path,
        coalesce(keys.owner_team_id, 'unattributed') as payer_team_id,
        coalesce(keys.owner_team_id, 'unattributed') as bearer_team_id,
        'unknown' as purpose,
        'accrued' as basis,
        usage.untraced_usd as amount_usd,
        0 as prepaid_usd
    from {{ ref('int_usage_accrued') }} as usage
    left join {{ ref('int_keys_owned') }} as keys
        on
            usage.provider = keys.provider
            and usage.account_id = keys.account_id
            and usage.api_key is not distinct from keys.api_key
            and usage.usage_on = keys.used_on
    where usage.untraced_usd != 0

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
    {{ entry_key([
        'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'team_path', 'payer_team_id', 'bearer_team_id',
        'purpose', 'basis'
    ]) }} as cost_id,
    incurred_on,
    provider,
    account_id,
    model,
    feature_id,
    team_path,
    payer_team_id,
    bearer_team_id,
    purpose,
    basis,
    {{ money('sum(amount_usd)') }} as amount_usd,
    {{ money('sum(prepaid_usd)') }} as prepaid_usd
from costs
group by
    incurred_on, provider, account_id, model, feature_id, team_path, payer_team_id, bearer_team_id, purpose, basis
