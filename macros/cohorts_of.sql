{# The joins that give rows with month, user and account the cohorts (CTE `cohorts`) of both; an event without an account is of its user's. #}
{% macro cohorts_of(relation) -%}
    left join cohorts as users
        on {{ relation }}.month = users.month and {{ relation }}.user_id = users.id and users.kind = 'user'
    left join cohorts as accounts
        on
            {{ relation }}.month = accounts.month
            and coalesce({{ relation }}.account_id, users.account_id) = accounts.id
            and accounts.kind = 'account'
{%- endmacro %}
