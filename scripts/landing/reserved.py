"""Names of the ledger's own rows (variable reserved_names), which no label of a file may have: it is named, and counts
as none.
"""

from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project.yml"
NAMES: dict[str, list[str]] = yaml.safe_load(PROJECT.read_text(encoding="utf-8"))["vars"]["reserved_names"]
# Per table the labels that are asked, and of which sort each is.
COLUMNS = {
    "spans": {
        "feature_id": "feature",
        "trace_feature_id": "feature",
        "team_id": "team",
        "trace_team_id": "team",
    },
    "eval_runs": {"feature_id": "feature"},
    "usage_events": {"feature_id": "feature"},
    "revenue": {"feature_id": "feature", "plan": "cohort"},
    "users": {"plan": "cohort", "segment": "cohort"},
}
LEFT_OUT = "left out, the row stays"
# Who writes `unknown` says what it says.
HONEST = {"unknown"}
BLANK = r"[\s\pZ\pC]*"
PATH_MARK = " > "  # between the teams of a path, in which a team that holds it would be two
ALSO = {"team": f"|.*{PATH_MARK}.*"}
MACROS = "".join(
    f"""create or replace macro is_reserved_{kind}(label) as regexp_full_match(
        label, '(?is){BLANK}({"|".join(name for name in names if name not in HONEST)}){BLANK}{ALSO.get(kind, "")}');
    """
    for kind, names in NAMES.items()
)


def is_one(table: str, column: str, label: str) -> str:
    """SQL for whether a label is a reserved name, in any case of letters and with blanks around it."""
    return f"is_reserved_{COLUMNS[table][column]}({label})"


def reason(column: str, label: str) -> str:
    """SQL for why a label is left out."""
    path, name = "'' stands for a path of teams", "'' is a name of the ledger''s own rows"
    why = f"case when contains({label}, '{PATH_MARK}') then '{path}' else '{name}' end"
    return f"concat('{column}: ''', left(trim({label}), 40), {why})"
