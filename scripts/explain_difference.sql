-- From a team's own figures to the ledger's, by cause. Asked by explain_difference.py, which has put the figures into
-- table `figures` (line, kind, subject, month, amount, currency, is_currency_stated, places) and attached the ledger as
-- `ledger`.
--
-- A base is a figure that a team could have worked out: some of the calls, at some price, or some lines of the ledger. Each
-- is a sum of the same parts as the ledger's figure, so that what lies between the two is a sum by cause, exactly.

create temp table causes (cause_no, cause, explanation) as
values
(1, 'currency', 'your figure in USD, at the rate of fx_rates'),
(2, 'rounding', 'decimals that a figure does not show'),
(3, 'stated prices', 'what a tool states as the cost of calls, against list prices'),
(4, 'price book', 'list prices against the company''s negotiated prices and discounts'),
(5, 'priced against billed', 'the price book against what the provider billed for the same calls'),
(6, 'not billed', 'calls at book prices that are on no bill, though the bill covers their days'),
(7, 'spread of the bill', 'the whole bill spread over all use, against the calls themselves'),
(8, 'evals', 'calls of evaluations'),
(9, 'other purposes', 'development calls, and calls without a stated purpose'),
(10, 'unlabelled', 'calls on the team''s keys that no feature is named on'),
(11, 'transfers', 'calls for others and calls by others: who runs or pays a call, against who is charged for it'),
(12, 'accrual', 'usage that is not billed yet, at book prices'),
(13, 'untraced', 'billed or counted by the provider, without a span that shows the call'),
(14, 'sampled', 'calls that a sampler dropped, estimated by those that it kept'),
(15, 'idle', 'own capacity that nobody used'),
(16, 'invoice only', 'fees, taxes and commitments of the bills'),
(17, 'credits', 'credits and refunds that name no call'),
(18, 'shared', 'what a sharing rule gives and takes'),
(19, 'quality pool', 'evals that the quality pool pays'),
(20, 'adjustments', 'disputes settled between teams'),
(21, 'month', 'calls of one month that are booked in another, or were closed and retired'),
(22, 'corrections', 'corrections of closed months, booked in this one'),
(23, 'unexplained', 'none of these');

create temp table subjects as
select distinct kind, subject, month
from figures;

-- Calls of these months, summed by every attribute that decides who owns them: a few hundred rows for any number of
-- calls.
create temp table call_groups as
select
    row_number() over () as group_no,
    grouped.*
from (
    select
        cast(date_trunc('month', calls.started_on) as date) as month,
        shares.originating_feature_id,
        calls.serving_feature_id,
        string_split(calls.team_path, ' > ') as teams,
        calls.payer_team_id,
        shares.bearer_team_id,
        calls.purpose,
        calls.basis = 'billed' and calls.match_level in ('none', 'represented') as is_on_no_bill,
        cast(sum(calls.input_tokens + calls.output_tokens) as bigint) as tokens,
        sum(cast(coalesce(calls.list_usd, calls.priced_usd, 0) * shares.share as decimal(38, 12))) as list_usd,
        sum(cast(coalesce(calls.priced_usd, 0) * shares.share as decimal(38, 12))) as priced_usd,
        sum(cast(coalesce(calls.stated_usd, 0) * shares.share as decimal(38, 12))) as stated_usd,
        sum(cast(coalesce(calls.billed_usd, 0) * shares.share as decimal(38, 12))) as billed_usd,
        sum(coalesce(shares.borne_usd, 0)) as borne_usd
    from ledger.marts.attributed_calls as calls
    inner join ledger.marts.call_shares as shares using (call_id)
    where cast(date_trunc('month', calls.started_on) as date) in (select month from subjects)
    group by all
) as grouped;

create temp table scopes (kind, scope, scope_no, is_ledger, scope_text) as
values
('feature', 'serves', 1, false, 'that your feature serves'),
('feature', 'starts', 2, true, 'that start in your feature'),
('team', 'runs', 1, false, 'that your team''s services and features run'),
('team', 'starts', 2, false, 'that start in your team''s features'),
('team', 'pays', 3, false, 'on your team''s keys and accounts'),
('team', 'bears', 4, true, 'that your team is charged for');

create temp table members as
select group_no, month, 'feature' as kind, 'serves' as scope, serving_feature_id as subject
from call_groups
union all
select group_no, month, 'feature', 'starts', originating_feature_id
from call_groups
union all
select group_no, month, 'team', 'runs', teams[-1]
from call_groups
union all
select group_no, month, 'team', 'starts', teams[1]
from call_groups
union all
select group_no, month, 'team', 'pays', payer_team_id
from call_groups
union all
select group_no, month, 'team', 'bears', bearer_team_id
from call_groups;

-- Calls per subject and combination of scopes that include them. purpose_no is the smallest set that has the call:
-- 1 production, 2 with evaluation, 3 with all other labelled calls, 4 with unlabelled calls.
create temp table call_parts as
select
    kind,
    subject,
    month,
    scopes,
    is_in_ledger,
    purpose_no,
    is_on_no_bill,
    sum(tokens) as tokens,
    sum(list_usd) as list_usd,
    sum(priced_usd) as priced_usd,
    sum(stated_usd) as stated_usd,
    sum(billed_usd) as billed_usd,
    sum(borne_usd) as borne_usd
from (
    select
        members.kind,
        members.subject,
        members.month,
        members.group_no,
        list_sort(list(distinct members.scope)) as scopes,
        bool_or(scopes.is_ledger) as is_in_ledger
    from members
    inner join scopes using (kind, scope)
    inner join subjects using (kind, subject, month)
    group by all
) as owned
inner join (
    select
        *,
        case
            when originating_feature_id = 'unlabelled' then 4
            when purpose = 'production' then 1
            when purpose = 'evaluation' then 2
            else 3
        end as purpose_no
    from call_groups
) as groups using (group_no, month)
group by all;

-- The ledger's charge of each feature or team, by line. A feature's charge is that of its teams, after pool credits.
create temp table ledger_parts as
select
    subjects.kind,
    subjects.subject,
    subjects.month,
    legs.kind in ('bill', 'accrual') as is_own,
    legs.basis = 'accrued' as is_accrued,
    case
        when legs.corrects_month is not null then 'corrections'
        when legs.kind = 'pool_credit' then 'quality pool'
        when legs.kind = 'share' then 'shared'
        when legs.kind = 'adjustment' then 'adjustments'
        when legs.feature_id in ('untraced', 'idle') then legs.feature_id
        when legs.feature_id = 'invoice_only' then case when legs.amount_usd < 0 then 'credits' else 'invoice only' end
        when legs.feature_id = 'unlabelled' and subjects.kind = 'team' then 'unlabelled'
        when legs.purpose = 'production' then 'production'
        when legs.purpose = 'evaluation' then 'evals'
        else 'other purposes'
    end as line,
    sum(legs.amount_usd) as usd
from subjects
inner join ledger.marts.ledger_entries as legs
    on subjects.month = legs.posted_month
    and case subjects.kind
        when 'team' then subjects.subject = legs.team_id
        else subjects.subject = legs.feature_id and legs.team_id != 'quality_pool'
    end
where legs.account = 'ai_cost'
group by all;

create temp table ledger_figures as
select
    subjects.*,
    cast(coalesce(sum(parts.usd), 0) as decimal(38, 12)) as ledger_usd,
    max(charged.net_charge_booked_usd) as booked_usd
from subjects
left join ledger_parts as parts using (kind, subject, month)
left join ledger.marts.team_chargeback_monthly as charged
    on subjects.kind = 'team' and subjects.subject = charged.team_id and subjects.month = charged.month
group by all;

-- Spend of these months without untraced, idle and invoice-only pools. The excess over the calls' cost is usage that only a
-- tag or key labels.
create temp table spend as
select
    subjects.kind,
    subjects.subject,
    subjects.month,
    sum(spend.borne_usd) as usd,
    sum(spend.sampled_usd) as sampled_usd
from subjects
inner join ledger.marts.spend_daily as spend
    on subjects.month = cast(date_trunc('month', spend.spent_on) as date)
    and case subjects.kind
        when 'team' then subjects.subject = spend.bearer_team_id
        else subjects.subject = spend.originating_feature_id
    end
where spend.originating_feature_id not in ('untraced', 'idle', 'invoice_only', 'adjustment')
group by all;

-- Bases that are calls at a price.
create temp table call_bases as
select
    concat_ws(':', 'calls', kind, scope, purpose_no, money) as base,
    kind,
    scope,
    is_ledger,
    purpose_no,
    money,
    cast(money_no * 100 + scope_no * 10 + purpose_no as integer) as base_rank,
    money_text || ' ' || purpose_text || ' ' || scope_text as base_text
from scopes
cross join (values
    (1, 'the production calls'), (2, 'the production and evaluation calls'), (3, 'all labelled calls'), (4, 'all calls')
) as purposes (purpose_no, purpose_text)
cross join (values
    ('list', 2, 'the list price of'), ('priced', 3, 'the price by the company''s price book of'),
    ('stated', 4, 'the cost that spans state of'), ('billed', 6, 'the billed cost of'),
    ('borne', 7, 'the billed and accrued cost of'), ('by_list', 8, 'the whole bill, spread by list price, of'),
    ('by_tokens', 9, 'the whole bill, spread by tokens, of')
) as moneys (money, money_no, money_text)
where purpose_no = 4 or money not in ('by_list', 'by_tokens');

-- Each month's billed total, with the list price and tokens by which a team could have spread it.
create temp table bills as
select
    month,
    sum(billed_usd) as billed_usd,
    (select sum(list_usd) from call_groups where call_groups.month = charged.month) as list_usd,
    (select sum(tokens) from call_groups where call_groups.month = charged.month) as tokens
from ledger.marts.team_chargeback_monthly as charged
where month in (select month from subjects)
group by month;

create temp table based_calls as
select
    bases.base,
    bases.purpose_no as most_purpose_no,
    bases.money,
    parts.*,
    list_contains(parts.scopes, bases.scope) and parts.purpose_no <= bases.purpose_no as is_in_base,
    cast(case bases.money
        when 'list' then parts.list_usd
        when 'priced' then parts.priced_usd
        when 'stated' then parts.stated_usd
        when 'billed' then parts.billed_usd
        when 'borne' then parts.borne_usd
        when 'by_list' then bills.billed_usd * parts.list_usd / nullif(bills.list_usd, 0)
        when 'by_tokens' then bills.billed_usd * parts.tokens / nullif(bills.tokens, 0)
    end as decimal(38, 12)) as base_usd
from call_parts as parts
inner join call_bases as bases using (kind)
inner join bills using (month);

create temp table base_values (base, kind, subject, month, value_usd) as
select
    bases.base,
    subjects.kind,
    subjects.subject,
    subjects.month,
    coalesce(sum(based.base_usd) filter (where based.is_in_base), 0)
from subjects
inner join call_bases as bases using (kind)
left join based_calls as based
    on bases.base = based.base and subjects.kind = based.kind and subjects.subject = based.subject
    and subjects.month = based.month
group by all;

create temp table steps (base, kind, subject, month, cause, usd) as
with both_have as (
    select * from based_calls
    where is_in_base and is_in_ledger
)
select base, kind, subject, month, 'stated prices', list_usd - stated_usd
from both_have
where money = 'stated'
union all
select base, kind, subject, month, 'spread of the bill', list_usd - base_usd
from both_have
where money in ('by_list', 'by_tokens')
union all
select base, kind, subject, month, 'price book', priced_usd - list_usd
from both_have
where money in ('list', 'stated', 'by_list', 'by_tokens')
union all
select
    base, kind, subject, month,
    case when is_on_no_bill then 'not billed' else 'priced against billed' end,
    borne_usd - priced_usd
from both_have
where money not in ('billed', 'borne')
union all
select base, kind, subject, month, 'accrual', borne_usd - billed_usd
from both_have
where money = 'billed'
union all
select
    base, kind, subject, month,
    case
        when purpose_no <= most_purpose_no then 'transfers'
        when purpose_no = 2 then 'evals'
        when purpose_no = 4 and kind = 'team' then 'unlabelled'
        else 'other purposes'
    end,
    borne_usd
from based_calls
where is_in_ledger and not is_in_base
union all
select base, kind, subject, month, 'transfers', -base_usd
from based_calls
where is_in_base and not is_in_ledger
union all
-- Money without calls: the other lines of the ledger, and untraced spend.
select bases.base, kind, parts.subject, parts.month, parts.line, parts.usd
from call_bases as bases
inner join ledger_parts as parts using (kind)
where parts.line not in ('production', 'evals', 'other purposes', 'unlabelled')
union all
select bases.base, kind, spend.subject, spend.month, 'untraced', spend.usd - spend.sampled_usd
from call_bases as bases
inner join spend using (kind)
union all
select bases.base, kind, spend.subject, spend.month, 'sampled', spend.sampled_usd
from call_bases as bases
inner join spend using (kind)
union all
select base, kind, subject, month, 'untraced', -borne_usd
from based_calls
where is_in_ledger
union all
select bases.base, kind, parts.subject, parts.month, 'month', parts.usd
from call_bases as bases
inner join ledger_parts as parts using (kind)
where parts.line in ('production', 'evals', 'other purposes', 'unlabelled')
union all
select bases.base, kind, spend.subject, spend.month, 'month', -spend.usd
from call_bases as bases
inner join spend using (kind);

-- Bases made of the ledger's lines: one for every combination of lines that a team may leave out. base_rank: the fewer
-- omissions, the likelier.
create temp table line_bases as
select
    *,
    case
        when is_own_only then 500 + omissions
        when omissions = 0 then 0
        when omissions = 1 then 100 + 10 * is_without_accrued::int + is_without_evals::int
        else 1000 + omissions
    end as base_rank,
    case when is_own_only then 'what providers charge on your team''s keys and accounts' else 'the ledger''s figure' end
    || case when omitted = '' then '' else ' without ' || omitted end as base_text
from (
    select
        'lines:' || concat_ws(':', is_own_only, evals, has_other, unattributed, has_shared, has_accrued) as base,
        *,
        evals = 'none' as is_without_evals,
        not has_accrued as is_without_accrued,
        (evals != 'all')::int + (not has_other)::int + (unattributed != 'all')::int
        + (not has_shared and not is_own_only)::int + (not has_accrued)::int as omissions,
        concat_ws(
            ' and ',
            case evals when 'none' then 'evals' when 'gross' then 'the quality pool''s credit' end,
            case when not has_other then 'development and unknown purposes' end,
            case unattributed
                when 'unlabelled' then 'untraced and invoice-only money'
                when 'none' then 'untraced, unlabelled and invoice-only money'
            end,
            case when not has_shared and not is_own_only then 'shared costs' end,
            case when not has_accrued then 'accruals' end
        ) as omitted
    from (values (false), (true)) as own (is_own_only)
    cross join (values ('all'), ('gross'), ('none')) as evaluated (evals)
    cross join (values (true), (false)) as others (has_other)
    cross join (values ('all'), ('unlabelled'), ('none')) as kept (unattributed)
    cross join (values (true), (false)) as sharing (has_shared)
    cross join (values (true), (false)) as accruing (has_accrued)
    where not is_own_only or (evals != 'gross' and not has_shared)
);

create temp table based_lines as
select
    bases.base,
    parts.*,
    case
        when bases.is_own_only and parts.line in ('shared', 'quality pool', 'adjustments') then parts.line
        when bases.is_own_only and not parts.is_own then 'transfers'
        when parts.line in ('evals', 'quality pool') and bases.evals = 'none' then parts.line
        when parts.line = 'quality pool' and bases.evals = 'gross' then parts.line
        when parts.line = 'other purposes' and not bases.has_other then parts.line
        when parts.line in ('untraced', 'idle', 'invoice only', 'credits') and bases.unattributed != 'all' then parts.line
        when parts.line = 'unlabelled' and bases.unattributed = 'none' then parts.line
        when parts.line = 'shared' and not bases.has_shared then parts.line
        when parts.is_accrued and not bases.has_accrued then 'accrual'
    end as missing_as
from ledger_parts as parts
cross join line_bases as bases
where parts.kind = 'team' or not bases.is_own_only;

insert into base_values
select
    bases.base,
    subjects.kind,
    subjects.subject,
    subjects.month,
    coalesce(sum(based.usd) filter (where based.missing_as is null), 0)
from subjects
inner join line_bases as bases on subjects.kind = 'team' or not bases.is_own_only
left join based_lines as based
    on bases.base = based.base and subjects.kind = based.kind and subjects.subject = based.subject
    and subjects.month = based.month
group by all;

insert into steps
select base, kind, subject, month, missing_as, usd
from based_lines
where missing_as is not null;

create temp table bases as
select distinct base, base_rank, base_text
from call_bases
union all
select base, base_rank, base_text
from line_bases;

-- A figure in USD by the rate at its month's end; others of the month, or of a currency that the file does not name, are
-- tried as well.
create temp table rates as
select
    months.month,
    fx.currency,
    fx.rate_on,
    fx.usd_per_unit,
    fx.rate_on = max(fx.rate_on) over (partition by months.month, fx.currency) as is_at_end
from (select distinct month from figures) as months
inner join (
    select upper(currency) as currency, rate_on, usd_per_unit
    from ledger.seeds.fx_rates
    where upper(currency) != 'USD'
) as fx
    on fx.rate_on <= last_day(months.month)
qualify is_at_end or fx.rate_on >= months.month
union all
select distinct month, 'USD', null, 1, true
from figures;

create temp table converted as
select
    figures.*,
    rates.currency as tried_currency,
    rates.rate_on,
    rates.currency = figures.currency and rates.is_at_end as is_stated,
    cast(figures.amount * stated.usd_per_unit as decimal(38, 12)) as your_usd,
    cast(figures.amount * rates.usd_per_unit as decimal(38, 12)) as tried_usd,
    -- Accept half a unit of the figure's last decimal, at most 0.5 %. One decimal counts as two, since workbooks drop
    -- the zero; more than six count as six, since long sums differ at the end.
    least(
        0.5 / power(10, greatest(least(figures.places, 6), case when figures.places = 1 then 2 else 0 end)),
        greatest(abs(figures.amount) * 0.005, 0.005)
    ) * rates.usd_per_unit as tolerance_usd
from figures
inner join rates as stated
    on figures.month = stated.month and figures.currency = stated.currency and stated.is_at_end
inner join rates
    on figures.month = rates.month
    and (not figures.is_currency_stated or rates.currency in ('USD', figures.currency));

create temp table matches as
select
    converted.line,
    converted.tried_currency,
    converted.rate_on,
    converted.is_stated,
    base_values.base,
    bases.base_rank,
    -- A figure of 0 equals every base without money, which says nothing of how it was made.
    base_values.value_usd != 0 or ledger_figures.ledger_usd = 0 as is_telling
from converted
inner join base_values using (kind, subject, month)
inner join ledger_figures using (kind, subject, month)
inner join bases using (base)
where abs(base_values.value_usd - converted.tried_usd) <= converted.tolerance_usd;

-- A sheet usually has one method for all its rows, so the base that most rows equal is the most likely for each row.
create temp table habits as
select
    figures.kind,
    matches.base,
    matches.base_rank,
    count(distinct matches.line) as lines
from matches
inner join figures using (line)
where matches.is_stated and matches.is_telling
group by all;

create temp table nearest as
select
    converted.kind,
    base_values.base,
    row_number() over (
        partition by converted.kind
        order by sum(abs(base_values.value_usd - converted.your_usd)), bases.base_rank, base_values.base
    ) as place
from converted
inner join base_values using (kind, subject, month)
inner join bases using (base)
-- Bases of rank 800 and above are unusual: they explain a figure only where they equal it.
where converted.is_stated and bases.base_rank < 800
group by converted.kind, base_values.base, bases.base_rank
having sum(abs(base_values.value_usd - converted.your_usd)) < 0.05 * sum(abs(converted.your_usd));

create temp table chosen as
select
    figures.line,
    coalesce(exact.base, habit.base, nearest.base, ledger.base) as base,
    case
        when exact.base is not null then 'equal'
        when habit.base is not null then 'as other lines'
        when nearest.base is not null then 'nearest'
        else 'none'
    end as fit,
    coalesce(exact.tried_currency, figures.currency) as tried_currency,
    exact.rate_on
from figures
left join (
    select matches.*
    from matches
    inner join figures using (line)
    left join habits using (kind, base)
    where matches.is_telling or habits.lines > 0
    qualify row_number() over (
        partition by matches.line
        order by matches.is_stated desc, coalesce(habits.lines, 0) desc, matches.base_rank, matches.base, matches.rate_on
    ) = 1
) as exact using (line)
left join (
    select kind, base
    from habits
    qualify row_number() over (partition by kind order by lines desc, base_rank, base) = 1
) as habit using (kind)
left join nearest on figures.kind = nearest.kind and nearest.place = 1
cross join (select base from bases where base_rank = 0) as ledger;

create temp table explained as
with walks as (
    select
        chosen.line,
        figures.kind,
        figures.subject,
        figures.month,
        chosen.base,
        chosen.fit,
        converted.rate_on,
        converted.is_stated,
        converted.your_usd,
        converted.tried_usd,
        base_values.value_usd
    from chosen
    inner join figures using (line)
    inner join base_values using (base, kind, subject, month)
    inner join converted
        on chosen.line = converted.line and chosen.tried_currency = converted.tried_currency
        and case
            when chosen.fit = 'equal' then chosen.rate_on is not distinct from converted.rate_on
            else converted.is_stated
        end
),
amounts as (
    select line, 'currency' as cause, tried_usd - your_usd as usd from walks
    union all
    select line, case when fit = 'equal' then 'rounding' else 'unexplained' end, value_usd - tried_usd from walks
    union all
    select walks.line, steps.cause, steps.usd
    from walks
    inner join steps using (base, kind, subject, month)
    union all
    select line, 'unexplained', 0 from walks
),
summed as (
    select line, cause, cast(sum(usd) as decimal(38, 12)) as usd
    from amounts
    group by line, cause
)
select
    figures.line,
    figures.kind,
    figures.subject,
    figures.month,
    figures.amount,
    figures.currency,
    walks.your_usd,
    ledger_figures.ledger_usd,
    cast(ledger_figures.ledger_usd - walks.your_usd as decimal(38, 12)) as difference_usd,
    bases.base_text || case
        when chosen.tried_currency != figures.currency then ', in ' || chosen.tried_currency
        else ''
    end || case
        when walks.rate_on is not null and not walks.is_stated then ' at the rate of ' || walks.rate_on
        else ''
    end as base,
    walks.fit,
    causes.cause_no,
    causes.cause,
    summed.usd as cause_usd,
    causes.explanation,
    coalesce(ledger_figures.booked_usd, cast(round(ledger_figures.ledger_usd, 2) as decimal(38, 2))) as booked_usd
from summed
inner join causes using (cause)
inner join figures using (line)
inner join walks using (line)
inner join chosen using (line)
inner join bases on chosen.base = bases.base
inner join ledger_figures
    on figures.kind = ledger_figures.kind and figures.subject = ledger_figures.subject
    and figures.month = ledger_figures.month
where summed.usd != 0 or causes.cause = 'unexplained'
order by figures.line, causes.cause_no;
