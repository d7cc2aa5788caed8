{#
  The GL account and the cost center of each account, purpose and team of the relation `legs`, by the rows of seed
  gl_accounts in `rules`: a select with at most one row for each. A GL account, and likewise a cost center, is that of
  the row that states one and fits in most of purpose and team.
#}
{% macro gl_codes(legs, rules) -%}
    select
        legs.account,
        legs.purpose,
        legs.team_id,
        {% for code in ['gl_account', 'cost_center'] -%}
            max_by(
                rules.{{ code }},
                case
                    when rules.{{ code }} is not null
                        then (case when rules.purpose is null then 0 else 1 end)
                            + (case when rules.team_id is null then 0 else 1 end)
                end
            ) as {{ code }}{{ ',' if not loop.last }}
        {% endfor %}
    from (select distinct account, purpose, team_id from {{ legs }}) as legs
    inner join {{ rules }} as rules
        on
            legs.account = rules.account
            and (rules.purpose is null or legs.purpose = rules.purpose)
            and (rules.team_id is null or legs.team_id = rules.team_id)
    group by legs.account, legs.purpose, legs.team_id
{%- endmacro %}
