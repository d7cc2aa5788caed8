{% set keys = [
    'posted_month', 'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'team_path', 'payer_team_id',
    'bearer_team_id', 'purpose', 'basis'
] %}
with bills as (

    select
        charged_on,
        provider,
        account_id,
        billed_usd,
        prepaid_usd
    from {{ ref('int_charges_retired') }}

    union all

    select
        charged_on,
        provider,
        account_id,
        -billed_usd as billed_usd,
        -prepaid_usd as prepaid_usd
    from {{ source('landed', 'retired_bills') }}

),

late_differences as (

    select
        cast(date_trunc('month', charged_on) as date) as month,
        charged_on,
        provider,
        account_id,
        sum(billed_usd) as billed_usd,
        sum(prepaid_usd) as prepaid_usd
    from bills
    group by charged_on, provider, account_id
    having sum(billed_usd) != 0 or sum(prepaid_usd) != 0

),

-- Accruals of the month that no bill had replaced when it was retired.
accruals as (

    select
        first_posted_month as month,
        {{ keys[1:-1] | join(',\n        ') }},
        sum(amount_usd) as accrued_usd
    from {{ ref('stg_closed__entries') }}
    where is_retired and kind = 'accrual' and side = 'debit'
    group by first_posted_month, {{ keys[1:-1] | join(', ') }}
    having sum(amount_usd) > 0

),

late_months as (

    select
        month,
        provider,
        sum(billed_usd) as billed_usd
    from late_differences
    group by month, provider
    having sum(billed_usd) > 0

),

accrued_months as (

    select
        month,
        provider,
        sum(accrued_usd) as accrued_usd
    from accruals
    group by month, provider

),

-- A provider's late bill first takes the place of its accruals, borne by the same teams; the rest is untraced.
provider_months as (

    select
        late.month,
        late.provider,
        least(late.billed_usd, accrued.accrued_usd) as billed_usd
    from late_months as late
    inner join accrued_months as accrued on late.month = accrued.month and late.provider = accrued.provider

),

accruals_and_bills as (

    select
        accruals.*,
        provider_months.billed_usd as month_billed_usd
    from accruals
    inner join provider_months
        on accruals.month = provider_months.month and accruals.provider = provider_months.provider

),

billed_accruals as (

    {{ allocate('accruals_and_bills', {'billed_usd': 'month_billed_usd'}, weight='accrued_usd * 1000000000000',
        within=['month', 'provider'], tie_breaker=keys[1:-1] | reject('eq', 'provider') | list) | indent }}

),

differences_and_accruals as (

    select
        late.*,
        provider_months.billed_usd as month_accrued_usd
    from late_differences as late
    inner join provider_months on late.month = provider_months.month and late.provider = provider_months.provider
    where late.billed_usd > 0

),

accrued_differences as (

    {{ allocate('differences_and_accruals', {'accrued_usd': 'month_accrued_usd'}, weight='billed_usd * 1000000000000',
        within=['month', 'provider'], tie_breaker=['charged_on', 'account_id']) | indent }}

),

account_owners as (

    {{ keys_of_accounts() | indent }}

),

payers as (

    {% call first_rows(
        partition_by="late.charged_on, late.provider, late.account_id",
        order_by="length(owners.account_id) desc nulls last, owners.owner_team_id"
    ) %}
        select
            late.charged_on,
            late.provider,
            late.account_id,
            owners.owner_team_id
        from late_differences as late
        inner join account_owners as owners
            on
                late.provider = owners.provider
                and {{ fits_id('late.account_id', 'owners.account_id') }}
                and {{ in_force('owners', 'late.charged_on') }}
        where owners.api_key is null and owners.owner_team_id is not null
    {% endcall %}

),

postings as (
    {% for basis, sign in [('accrued', '-'), ('billed', '')] %}
    select
        month as posted_month,
        {{ keys[1:-1] | join(',\n        ') }},
        '{{ basis }}' as basis,
        {{ sign }}billed_usd as amount_usd,
        0 as prepaid_usd
    from billed_accruals

    union all

    {% endfor %}
    select
        late.month as posted_month,
        late.charged_on as incurred_on,
        late.provider,
        late.account_id,
        cast(null as string) as model,
        'untraced' as feature_id,
        '' as team_path,
        coalesce(payers.owner_team_id, 'unattributed') as payer_team_id,
        coalesce(payers.owner_team_id, 'unattributed') as bearer_team_id,
        'unknown' as purpose,
        'billed' as basis,
        late.billed_usd - coalesce(accrued.accrued_usd, 0) as amount_usd,
        late.prepaid_usd
    from late_differences as late
    left join accrued_differences as accrued
        on
            late.charged_on = accrued.charged_on
            and late.provider = accrued.provider
            and late.account_id = accrued.account_id
    left join payers
        on
            late.charged_on = payers.charged_on
            and late.provider = payers.provider
            and late.account_id = payers.account_id

)

select
    {{ entry_key(keys) }} as cost_id,
    {{ keys | join(',\n    ') }},
    false as is_sampled,
    {{ money('sum(amount_usd)') }} as amount_usd,
    {{ money('sum(prepaid_usd)') }} as prepaid_usd
from postings
group by {{ keys | join(', ') }}
having sum(amount_usd) != 0 or sum(prepaid_usd) != 0
