{#
  A journal's number in the ERP: the month, and nine digits of the key of what the journal is of. So it stays whatever else
  is booked, and its 16 characters fit a reference field.
#}
{% macro document_no(columns) -%}
    replace(substr(cast(posted_month as string), 1, 7), '-', '')
    || '-' || upper(substr({{ entry_key(columns) }}, 1, 9))
{%- endmacro %}
