-- The cost of a month's calls on other models. whatif_models.py runs this, after it has put the lines of the file into
-- table `rules` (line, feature_id, model, to_provider, to_model, share, is_cached, input_factor, output_factor,
-- reasoning_factor) and the month into `asked` (2026-10, null for all), and attached the ledger as `ledger`.
--
-- Quantities are those of the real calls (int_call_meters). Prices are looked up as int_unit_prices does: a model that
-- takes its own place costs what the book says of it today, which is tested.

create temp table production as
select
    cast(date_trunc('month', started_on) as date) as month,
    originating_feature_id as feature_id,
    model,
    provider,
    call_key,
    any_value(account_id) as account_id,
    any_value(started_on) as started_on,
    any_value(started_at) as started_at,
    any_value(unpriced_reason) as unpriced_reason,
    list(distinct prompt_version) as prompt_versions,
    sum(usage_share) as share,
    any_value(priced_usd) as call_usd,
    coalesce(sum(borne_usd) filter (part_basis = 'billed'), 0) as billed_usd,
    coalesce(sum(borne_usd) filter (part_basis != 'billed'), 0) as accrued_usd
from ledger.intermediate.int_current_feature_shares
where
    purpose = 'production'
    and strftime(started_on, '%Y-%m') = coalesce((select month from asked), strftime(started_on, '%Y-%m'))
    and originating_feature_id in (select feature_id from rules)
group by all;

-- The provider that would serve: the one that is named, else the call's own where it has the model, else the only one.
create temp table targets as
with sellers as (

    select
        rules.line,
        book.provider,
        min(book.model) as model
    from rules
    inner join ledger.intermediate.int_list_prices as book
        on rules.to_model = lower(book.model) and coalesce(rules.to_provider, book.provider) = book.provider
    group by rules.line, book.provider

)

select
    rules.line,
    calls.provider,
    case
        when bool_or(sellers.provider = calls.provider) then calls.provider
        when count(distinct sellers.provider) = 1 then min(sellers.provider)
    end as to_provider,
    -- As the provider's part of the book spells it.
    coalesce(min(sellers.model) filter (sellers.provider = calls.provider), min(sellers.model)) as to_model,
    string_agg(distinct sellers.provider, ', ' order by sellers.provider) as sellers
from rules
left join (select distinct feature_id, model, provider from production) as calls
    on rules.feature_id = calls.feature_id and rules.model = calls.model
left join sellers on rules.line = sellers.line
group by rules.line, calls.provider;

create temp table moved_usage as
select
    rules.line,
    calls.month,
    calls.call_key,
    targets.to_provider as provider,
    targets.to_model as model,
    case when targets.to_provider = calls.provider then calls.account_id end as account_id,
    case when calls.started_at is not null then calls.started_on end as priced_on,
    strftime(calls.started_at, '%H:%M') as priced_time,
    case
        when not rules.is_cached and starts_with(usage.meter, 'cache_') then 'input' else usage.meter
    end as moved_meter,
    cast(sum(usage.quantity * case
        when usage.meter = 'input' or starts_with(usage.meter, 'cache_') then rules.input_factor
        when usage.meter = 'output' then rules.output_factor
        when usage.meter = 'reasoning' then rules.reasoning_factor
        else 1
    end) as decimal(24, 6)) as quantity
from rules
inner join production as calls on rules.feature_id = calls.feature_id and rules.model = calls.model
inner join targets on rules.line = targets.line and calls.provider = targets.provider
inner join ledger.intermediate.int_call_meters as usage
    on calls.call_key = usage.call_key and calls.started_on = usage.started_on
group by all;

create temp table rated_usage as
with contexts as (

    select
        line,
        call_key,
        sum(case
            when moved_meter in (
                'input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'audio_input', 'image_input'
            ) then quantity else 0
        end) as context_tokens
    from moved_usage
    group by all

),

conditions as (

    select
        provider,
        model,
        min(context_over_tokens) filter (context_over_tokens > 0) as least_context_over_tokens,
        bool_or(daily_from is not null) as is_hourly
    from ledger.intermediate.int_list_prices
    group by all

),

regions as (

    select distinct
        provider,
        inference_geo
    from ledger.seeds.price_multipliers

)

select
    usage.line,
    usage.month,
    usage.call_key,
    usage.provider,
    usage.account_id,
    usage.model,
    case
        when lower(calls.service_tier) in ('batch', 'flex', 'priority', 'fast') then lower(calls.service_tier)
        else 'standard'
    end as service_tier,
    regions.inference_geo,
    usage.priced_on,
    case
        when contexts.context_tokens > conditions.least_context_over_tokens then contexts.context_tokens else 0
    end as long_context_tokens,
    case when conditions.is_hourly then usage.priced_time end as priced_time,
    usage.moved_meter as meter,
    usage.quantity
from moved_usage as usage
inner join contexts on usage.line = contexts.line and usage.call_key = contexts.call_key
inner join ledger.intermediate.int_calls as calls on usage.call_key = calls.call_key
left join conditions on usage.provider = conditions.provider and usage.model = conditions.model
left join regions
    on
        usage.provider = regions.provider
        and coalesce(
            calls.inference_geo, case when lower(calls.server_address) like '%.api.openai.com%' then 'regional' end
        ) = regions.inference_geo;

create temp table rates as
select
    row_number() over () as rate_no,
    *
from (
    select distinct
        provider, account_id, model, service_tier, inference_geo, priced_on, long_context_tokens, priced_time, meter
    from rated_usage
);

create temp table unit_prices as
with fallback_meters (provider, meter, priced_as, place) as (

    values
    (null, 'cache_read', 'input', 2), (null, 'cache_write_5m', 'input', 2),
    (null, 'cache_write_1h', 'cache_write_5m', 2), (null, 'cache_write_1h', 'input', 3),
    (null, 'reasoning', 'output', 2), (null, 'citation', 'output', 2),
    (null, 'cache_read_audio', 'audio_input', 2), (null, 'cache_read_image', 'image_input', 2),
    ('google', 'image_input', 'input', 2), ('google', 'video_input', 'input', 2),
    ('google', 'cache_read_image', 'cache_read', 3), ('google', 'cache_read_image', 'input', 4),
    ('openai', 'request', 'file_search', 2), ('azure', 'request', 'file_search', 2)

),

quotable_meters as (

    select distinct
        null as provider,
        meter,
        meter as priced_as,
        1 as place
    from rates
    union all
    select * from fallback_meters

),

listed_prices as (

    select
        rates.*,
        meters.priced_as,
        prices.unit_price_usd
    from rates
    inner join quotable_meters as meters
        on rates.meter = meters.meter and coalesce(meters.provider, rates.provider) = rates.provider
    left join ledger.intermediate.int_list_prices as prices
        on
            rates.provider = prices.provider
            and rates.model = prices.model
            and meters.priced_as = prices.meter
            and prices.service_tier in (rates.service_tier, 'standard')
            and (prices.context_over_tokens = 0 or rates.long_context_tokens > prices.context_over_tokens)
            and coalesce(prices.valid_from <= rates.priced_on, rates.priced_on is not null)
            and coalesce(rates.priced_on < prices.valid_to, rates.priced_on is not null)
            and (
                prices.daily_from is null
                or (
                    prices.daily_from < prices.daily_to
                    and rates.priced_time >= prices.daily_from and rates.priced_time < prices.daily_to
                )
                or (
                    prices.daily_from > prices.daily_to
                    and (rates.priced_time >= prices.daily_from or rates.priced_time < prices.daily_to)
                )
            )
    qualify row_number() over (
        partition by rates.rate_no
        order by
            prices.unit_price_usd is null,
            case when prices.unit_price_usd is null then -meters.place else meters.place end,
            (prices.service_tier = rates.service_tier) desc, prices.context_over_tokens desc,
            (prices.daily_from is not null) desc, prices.valid_from desc nulls last, prices.unit_price_usd desc
    ) = 1

),

regional_prices as (

    select
        listed.*,
        cast(listed.unit_price_usd * coalesce(multipliers.multiplier, 1) as decimal(18, 12)) as list_price_usd
    from listed_prices as listed
    left join ledger.seeds.price_multipliers as multipliers
        on
            listed.provider = multipliers.provider
            and listed.inference_geo = multipliers.inference_geo
            and listed.model like multipliers.model escape '\'
            and listed.meter like multipliers.meter escape '\'
            and coalesce(multipliers.valid_from <= listed.priced_on, true)
            and coalesce(listed.priced_on < multipliers.valid_to, true)
    qualify row_number() over (
        partition by listed.rate_no
        order by
            length(multipliers.model) desc nulls last, length(multipliers.meter) desc nulls last,
            multipliers.multiplier desc
    ) = 1

)

select
    listed.rate_no,
    cast(
        coalesce(negotiated.unit_price_usd, listed.list_price_usd * (1 - coalesce(negotiated.discount_pct, 0)))
        as decimal(18, 12)
    ) as unit_price_usd
from regional_prices as listed
left join ledger.seeds.negotiated_prices as negotiated
    on
        listed.priced_on is not null
        and (negotiated.provider is null or listed.provider like negotiated.provider escape '\')
        and (negotiated.account_id is null or case
            when position('%' in negotiated.account_id) > 0
                then coalesce(listed.account_id, '') like negotiated.account_id escape '\'
            else coalesce(listed.account_id, '') in (negotiated.account_id, replace(negotiated.account_id, '\_', '_'))
        end)
        and (negotiated.model is null or listed.model like negotiated.model escape '\')
        and (
            negotiated.meter is null or listed.meter like negotiated.meter escape '\'
            or listed.priced_as like negotiated.meter escape '\'
        )
        and coalesce(negotiated.valid_from <= listed.priced_on, true)
        and coalesce(listed.priced_on < negotiated.valid_to, true)
qualify row_number() over (
    partition by listed.rate_no
    order by
        (negotiated.unit_price_usd is not null) desc, (negotiated.account_id is not null) desc,
        length(negotiated.model) desc nulls last,
        (negotiated.meter is null or listed.meter like negotiated.meter escape '\') desc,
        length(negotiated.meter) desc nulls last, (negotiated.provider is not null) desc,
        negotiated.valid_from desc nulls last, negotiated.unit_price_usd desc nulls last,
        negotiated.discount_pct desc nulls last
) = 1;

-- A call has a price if all that it uses has one. Those without are a row of their own, which says why.
create temp table moved_calls as
with priced_calls as (

    select
        usage.line,
        usage.call_key,
        case
            when bool_and(prices.unit_price_usd is not null)
                then sum(cast(usage.quantity * prices.unit_price_usd as decimal(38, 12)))
        end as other_usd,
        string_agg(distinct usage.meter, ', ' order by usage.meter) filter (prices.unit_price_usd is null)
            as unknown_meters
    from rated_usage as usage
    inner join rates
        on
            usage.provider = rates.provider
            and usage.account_id is not distinct from rates.account_id
            and usage.model = rates.model
            and usage.service_tier = rates.service_tier
            and usage.inference_geo is not distinct from rates.inference_geo
            and usage.priced_on is not distinct from rates.priced_on
            and usage.long_context_tokens = rates.long_context_tokens
            and usage.priced_time is not distinct from rates.priced_time
            and usage.meter = rates.meter
    left join unit_prices as prices on rates.rate_no = prices.rate_no
    where usage.quantity > 0
    group by all

)

select
    rules.line,
    calls.month,
    calls.feature_id,
    calls.model,
    calls.provider,
    targets.to_provider,
    targets.to_model,
    calls.call_key,
    calls.prompt_versions,
    calls.share * rules.share as part,
    calls.call_usd,
    priced_calls.other_usd,
    calls.billed_usd * rules.share as billed_usd,
    calls.accrued_usd * rules.share as accrued_usd,
    case
        when calls.call_usd is null then 'no price today: ' || coalesce(calls.unpriced_reason, 'unknown')
        when priced_calls.other_usd is null
            then 'the book has no price of that day for: ' || coalesce(priced_calls.unknown_meters, 'its usage')
    end as reason
from rules
inner join production as calls on rules.feature_id = calls.feature_id and rules.model = calls.model
inner join targets on rules.line = targets.line and calls.provider = targets.provider
left join priced_calls on rules.line = priced_calls.line and calls.call_key = priced_calls.call_key;

-- Runs of a model: under its own name, with or without a vendor, a name whose dated ids it is of, or an alias. The
-- models that no line of the file names have runs of today's alone.
create temp table model_runs as
with sides as (

    select distinct
        rules.line,
        calls.feature_id,
        calls.model as today_model,
        calls.provider,
        calls.model,
        'today' as side
    from production as calls
    left join rules on calls.feature_id = rules.feature_id and calls.model = rules.model
    union
    select distinct
        rules.line,
        rules.feature_id,
        rules.model as today_model,
        targets.to_provider as provider,
        targets.to_model as model,
        'other' as side
    from rules
    inner join targets on rules.line = targets.line and targets.provider is not null

),

prompts as (

    select
        feature_id,
        model as today_model,
        list_distinct(flatten(list(prompt_versions))) as prompt_versions
    from production
    group by feature_id, model

),

judged_runs as (

    select
        *,
        regexp_replace(lower(model), '^.*/', '') as model_stem
    from ledger.intermediate.int_eval_run_configurations
    where is_finished and passed + failed > 0 and model is not null

),

-- The same precedence as for names on bills: an exact name before a pattern, then the longest pattern.
aliased_models as (

    select
        aliases.provider,
        runs.model as run_model,
        max_by(
            aliases.model, 2 * length(aliases.pattern) + (aliases.pattern in (runs.model, runs.model_stem))::int * 1000
        ) as model
    from (select distinct model, model_stem from judged_runs) as runs
    inner join ledger.seeds.model_aliases as aliases
        on runs.model like aliases.pattern escape '\' or runs.model_stem like aliases.pattern escape '\'
    group by aliases.provider, runs.model

),

matching_runs as (

    select
        sides.line,
        sides.feature_id,
        sides.today_model,
        sides.side,
        runs.suite,
        runs.run_id,
        runs.started_at,
        runs.pass_rate,
        coalesce(list_contains(prompts.prompt_versions, runs.prompt_version), false) as is_in_production
    from sides
    inner join prompts on sides.feature_id = prompts.feature_id and sides.today_model = prompts.today_model
    inner join judged_runs as runs on sides.feature_id = runs.feature_id
    where
        runs.model_stem = regexp_replace(lower(sides.model), '^.*/', '')
        or regexp_replace(runs.model_stem, '-latest$', '') = regexp_replace(
            regexp_replace(lower(sides.model), '^.*/', ''),
            '[-@](20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4})(-v[0-9:]+)?$', ''
        )
        or (sides.provider, runs.model, sides.model) in (select (provider, run_model, model) from aliased_models)

)

select *
from matching_runs
-- A run on today's model counts for the prompt versions that serve. The other model may need a version of its own.
where is_in_production or side = 'other'
qualify row_number() over (
    partition by line, feature_id, today_model, side, suite
    order by is_in_production desc, started_at desc, pass_rate, run_id
) = 1;

-- Both sides are judged by the suites that both have run: required ones, or where the feature requires none, any.
create temp table pass_rates as
with required_suites as (

    select
        feature_id,
        suite
    from ledger.intermediate.int_eval_requirements
    where
        coalesce(valid_from <= (select last_day(max(month)) from moved_calls), true)
        and coalesce((select last_day(max(month)) from moved_calls) < valid_to, true)

),

sides as (

    select
        *,
        count(*) over (partition by line, feature_id, today_model, suite) = 2 as is_common
    from model_runs
    where
        (feature_id, suite) in (select (feature_id, suite) from required_suites)
        or feature_id not in (select feature_id from required_suites)

),

judged_sides as (

    select
        *,
        is_common or not bool_or(is_common) over (partition by line, feature_id, today_model) as is_compared,
        bool_or(is_common) over (partition by line, feature_id, today_model) as has_common
    from sides

)

select
    line,
    feature_id,
    today_model as model,
    {{pass_rate}}(pass_rate) filter (side = 'today' and is_compared) as pass_rate,
    {{pass_rate}}(pass_rate) filter (side = 'other' and is_compared) as whatif_pass_rate,
    string_agg(suite, ', ' order by suite) filter (side = 'today' and is_compared) as suites,
    string_agg(suite, ', ' order by suite) filter (side = 'other' and is_compared) as whatif_suites,
    string_agg(run_id, ', ' order by suite) filter (side = 'today' and is_compared) as runs,
    string_agg(run_id, ', ' order by suite) filter (side = 'other' and is_compared) as whatif_runs,
    case
        when line is null then null
        when count(*) filter (side = 'today') = 0 then 'no run of today''s configuration'
        when count(*) filter (side = 'other') = 0 then 'no run of the other model'
        when not bool_or(has_common) then 'no suite that both have run'
    end as reason
from judged_sides
group by line, feature_id, today_model;

create temp table compared as
with lines as (

    select
        month,
        line,
        feature_id,
        model,
        reason,
        string_agg(distinct provider, ', ' order by provider) as provider,
        string_agg(distinct to_provider, ', ' order by to_provider) as to_provider,
        min(to_model) as to_model,
        count(*) as calls,
        cast(sum(cast(call_usd * part as decimal(38, 12))) as decimal(38, 12)) as priced_usd,
        cast(sum(cast(billed_usd as decimal(38, 12))) as decimal(38, 12)) as billed_usd,
        cast(sum(cast(accrued_usd as decimal(38, 12))) as decimal(38, 12)) as accrued_usd,
        case when reason is null then cast(sum(cast(other_usd * part as decimal(38, 12))) as decimal(38, 12)) end
            as whatif_usd
    from moved_calls
    group by month, line, feature_id, model, reason

),

-- Calls that no line moves keep a row at today's cost, so that a feature's rows add up to its production.
staying as (

    select
        calls.month,
        calls.feature_id,
        calls.model,
        string_agg(distinct calls.provider, ', ' order by calls.provider) as provider,
        count(*) as calls,
        1 - coalesce(any_value(moves.share), 0) as share,
        cast(sum(cast(calls.call_usd * calls.share * (1 - coalesce(moves.share, 0)) as decimal(38, 12)))
            as decimal(38, 12)) as priced_usd,
        cast(sum(cast(calls.billed_usd * (1 - coalesce(moves.share, 0)) as decimal(38, 12))) as decimal(38, 12))
            as billed_usd,
        cast(sum(cast(calls.accrued_usd * (1 - coalesce(moves.share, 0)) as decimal(38, 12))) as decimal(38, 12))
            as accrued_usd
    from production as calls
    left join (select feature_id, model, sum(share) as share from rules group by all) as moves
        on calls.feature_id = moves.feature_id and calls.model = moves.model
    where coalesce(moves.share, 0) < 1
    group by calls.month, calls.feature_id, calls.model

),

-- A request may need several models, so an answer costs what all calls of the feature cost. The feature's pass rate is
-- that of its models, by their money: of those that move, and of others that have a run.
features as (

    select
        month,
        feature_id,
        sum(priced_usd) as priced_usd,
        sum(coalesce(whatif_usd, priced_usd)) as whatif_usd,
        sum(weight * pass_rate) / nullif(sum(weight) filter (pass_rate is not null), 0) as pass_rate,
        sum(weight * (share * whatif_pass_rate + case when share < 1 then (1 - share) * pass_rate else 0 end))
        / nullif(sum(weight), 0) as whatif_pass_rate,
        count(*) filter (
            weight > 0 and (whatif_pass_rate is null or (share < 1 and pass_rate is null))
        ) as unrated
    from (
        select
            lines.month,
            lines.feature_id,
            lines.priced_usd,
            lines.whatif_usd,
            cast(case when lines.reason is null then lines.priced_usd / rules.share end as double) as weight,
            cast(rules.share as double) as share,
            pass_rates.pass_rate,
            pass_rates.whatif_pass_rate
        from lines
        inner join rules on lines.line = rules.line
        left join pass_rates on lines.line = pass_rates.line
        union all by name
        -- A model that stays counts where it has a run.
        select
            staying.month,
            staying.feature_id,
            staying.priced_usd,
            case when pass_rates.pass_rate is not null then cast(staying.priced_usd as double) end as weight,
            1 as share,
            pass_rates.pass_rate,
            pass_rates.pass_rate as whatif_pass_rate
        from staying
        left join pass_rates
            on
                pass_rates.line is null
                and staying.feature_id = pass_rates.feature_id
                and staying.model = pass_rates.model
    )
    group by month, feature_id

)

select
    lines.month,
    lines.line,
    lines.feature_id,
    lines.model,
    coalesce(lines.to_model, lines.model) as to_model,
    lines.to_provider,
    coalesce(rules.share, lines.share) as share,
    lines.calls,
    lines.priced_usd,
    lines.billed_usd,
    lines.accrued_usd,
    lines.whatif_usd,
    lines.whatif_usd - lines.priced_usd as difference_usd,
    lines.reason,
    pass_rates.pass_rate,
    pass_rates.whatif_pass_rate,
    pass_rates.suites,
    pass_rates.whatif_suites,
    pass_rates.runs,
    pass_rates.whatif_runs,
    case when lines.line is not null and pass_rates.line is null then 'no run of either' else pass_rates.reason end
        as pass_rate_reason,
    features.priced_usd as feature_usd,
    features.whatif_usd as whatif_feature_usd,
    pnl.revenue_usd as feature_revenue_usd,
    pnl.margin_usd as feature_margin_usd,
    cast(pnl.margin_usd - (features.whatif_usd - features.priced_usd) as decimal(38, 12)) as whatif_feature_margin_usd,
    pnl.answers as feature_answers,
    features.pass_rate as feature_pass_rate,
    case when features.unrated = 0 then features.whatif_pass_rate end as whatif_feature_pass_rate
from (
    select * from lines
    union all by name
    select *, 'stays' as reason, priced_usd as whatif_usd, provider as to_provider from staying
) as lines
left join rules on lines.line = rules.line
left join pass_rates on lines.line = pass_rates.line
left join features on lines.month = features.month and lines.feature_id = features.feature_id
left join ledger.marts.feature_pnl_monthly as pnl
    on lines.month = pnl.month and lines.feature_id = pnl.feature_id

union all by name

select
    cast((select month from asked) || '-01' as date) as month,
    line,
    feature_id,
    model,
    to_model,
    to_provider,
    share,
    0 as calls,
    'no production calls to this model' as reason
from rules
where line not in (select moved_calls.line from moved_calls);
