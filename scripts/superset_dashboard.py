"""A dashboard for Superset, in its own format of exports: DATA/bi/superset.zip, which its page Dashboards imports.

What it shows is data: superset_dashboard.yml. The database that comes with it is the copy of the marts beside it,
opened read-only. Ids are made of names, so another import finds the same dashboard again.
"""

import json
import zipfile
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import duckdb
import yaml

CHARTS = Path(__file__).with_name("superset_dashboard.yml")
DATABASE = "Chargeback Ledger"
VERSION = "1.0.0"  # of Superset's format of exports
MOST_ROWS = 1000  # that a chart asks for
HEIGHT = 50  # of a row of charts, in Superset's units of 8 pixels
KINDS = {
    "bars": "echarts_timeseries_bar",
    "lines": "echarts_timeseries_line",
    "table": "table",
    "newest": "big_number",
}
# Filters of the dashboard: the name, and the mart and column that give its values.
FILTERS = (("Team", "team_chargeback_monthly", "team_id"), ("Feature", "feature_pnl_monthly", "feature_id"))


def identity(kind: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"chargeback-ledger/{kind}/{name}"))


def documents(marts: dict[str, dict], copy: Path, home: Path) -> dict[str, dict]:
    """The export's documents by path. `marts`: the manifest's node of each mart; `copy`: the database that has them
    now; `home`: its path when Superset reads it. Charts of a mart that is not built are left out.
    """
    layout = yaml.safe_load(CHARTS.read_text(encoding="utf-8"))
    with duckdb.connect(str(copy), read_only=True) as engine:
        built = {name for (name,) in engine.execute("select table_name from duckdb_tables()").fetchall()}
        filters = [one for one in FILTERS if one[1] in built]
        rows = ([chart for chart in row if chart["mart"] in built] for row in layout["charts"])
        layout["charts"] = [row for row in rows if row]
        charts = [chart for row in layout["charts"] for chart in row]
        used = list(dict.fromkeys([chart["mart"] for chart in charts] + [mart for _, mart, _ in filters]))
        columns = {mart: engine.execute(f"describe marts.{mart}").fetchall() for mart in used}
    database = {
        "database_name": DATABASE,
        "sqlalchemy_uri": f"duckdb:///{home.resolve()}",
        "expose_in_sqllab": True,
        "extra": {"engine_params": {"connect_args": {"read_only": True}}},
        "uuid": identity("database", DATABASE),
        "version": VERSION,
    }
    made: dict[str, dict] = {
        "metadata.yaml": {"version": VERSION, "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/ledger.yaml": database,
        "dashboards/ledger.yaml": dashboard(layout, filters),
    }
    for mart in used:
        made[f"datasets/ledger/{mart}.yaml"] = dataset(mart, columns[mart], marts.get(mart, {}))
    for chart in charts:
        place = chart["name"].lower().replace(" ", "_").replace(",", "")
        made[f"charts/{place}.yaml"] = slice_of(chart)
    return made


def dataset(mart: str, columns: list[tuple], said: dict) -> dict:
    known = said.get("columns", {})
    days = [name for name, kind, *_ in columns if kind == "DATE"]
    return {
        "table_name": mart,
        "schema": "ledger.marts",
        "main_dttm_col": days[0] if days else None,
        "description": said.get("description"),
        "columns": [
            {
                "column_name": name,
                "type": kind,
                "is_dttm": name in days,
                "groupby": True,
                "filterable": True,
                "description": known.get(name, {}).get("description"),
            }
            for name, kind, *_ in columns
        ],
        "metrics": [{"metric_name": "rows", "expression": "count(*)"}],
        "uuid": identity("dataset", mart),
        "database_uuid": identity("database", DATABASE),
        "version": VERSION,
    }


def slice_of(chart: dict) -> dict:
    figures = [
        {
            "expressionType": "SQL",
            "sqlExpression": sql,
            "label": label,
            "hasCustomLabel": True,
            "optionName": identity("figure", f"{chart['name']}/{label}"),
        }
        for label, sql in chart["figures"].items()
    ]
    condition = {"clause": "WHERE", "expressionType": "SQL", "sqlExpression": chart.get("where")}
    shared: dict[str, object] = {
        "viz_type": KINDS[chart["shows"]],
        "adhoc_filters": [condition] if chart.get("where") else [],
        "row_limit": MOST_ROWS,
    }
    number = chart.get("format", ",.2f")
    shapes: dict[str, dict[str, object]] = {
        "newest": {"metric": figures[0]}
        | ({"compare_lag": 1, "compare_suffix": chart["against"]} if "against" in chart else {}),
        "table": {
            "query_mode": "aggregate",
            "groupby": [column(one) for one in chart.get("by", [])],
            "metrics": figures,
            "column_config": {label: {"d3NumberFormat": number} for label in chart["figures"]},
            "table_timestamp_format": "%Y-%m-%d",
            "show_cell_bars": False,
            "order_desc": True,
        },
        "bars": {"stack": "Stack"},
        "lines": {"seriesType": "line", "markerEnabled": True},
    }
    own = shapes[chart["shows"]]
    if "over" in chart:
        own |= {"x_axis": chart["over"], "time_grain_sqla": chart["grain"], "y_axis_format": number}
    if chart["shows"] in ("bars", "lines"):
        own |= {"metrics": figures, "groupby": chart.get("by", []), "show_legend": True, "rich_tooltip": True}
    return {
        "slice_name": chart["name"],
        "description": chart.get("note"),
        "viz_type": shared["viz_type"],
        "params": shared | own,
        "uuid": identity("chart", chart["name"]),
        "dataset_uuid": identity("dataset", chart["mart"]),
        "version": VERSION,
    }


def column(said: str | dict[str, str]) -> str | dict:
    """A column of the mart, or SQL by its label."""
    if isinstance(said, str):
        return said
    [(label, sql)] = said.items()
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label}


def dashboard(layout: dict, filters: list[tuple[str, str, str]]) -> dict:
    position: dict = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "parents": ["ROOT_ID"], "children": []},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": layout["title"]}},
    }
    for row_no, charts in enumerate(layout["charts"], 1):
        row = f"ROW-{row_no}"
        position["GRID_ID"]["children"].append(row)
        position[row] = {
            "id": row,
            "type": "ROW",
            "parents": ["ROOT_ID", "GRID_ID"],
            "children": [f"CHART-{row_no}-{place}" for place, _ in enumerate(charts, 1)],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for place, chart in enumerate(charts, 1):
            name = f"CHART-{row_no}-{place}"
            position[name] = {
                "id": name,
                "type": "CHART",
                "parents": ["ROOT_ID", "GRID_ID", row],
                "children": [],
                "meta": {
                    "chartId": row_no * 100 + place,  # until the import gives it its own
                    "uuid": identity("chart", chart["name"]),
                    "sliceName": chart["name"],
                    "width": chart["columns"],
                    "height": HEIGHT,
                },
            }
    native = [
        {
            "id": f"NATIVE_FILTER-{name}",
            "name": name,
            "type": "NATIVE_FILTER",
            "filterType": "filter_select",
            "targets": [{"column": {"name": column}, "datasetUuid": identity("dataset", mart)}],
            "controlValues": {"multiSelect": True, "enableEmptyFilter": False},
            "defaultDataMask": {"extraFormData": {}, "filterState": {}},
            "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
            "cascadeParentIds": [],
        }
        for name, mart, column in filters
    ]
    return {
        "dashboard_title": layout["title"],
        "slug": layout["slug"],
        "published": True,
        "uuid": identity("dashboard", layout["title"]),
        "position": position,
        "metadata": {"native_filter_configuration": native, "cross_filters_enabled": True},
        "version": VERSION,
    }


def write(target: Path, marts: dict[str, dict], copy: Path, home: Path) -> None:
    """The export; its files have no time of their own, so the same marts give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path, document in documents(marts, copy, home).items():
            text = yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False, allow_unicode=True)
            bundle.writestr(zipfile.ZipInfo(f"dashboard/{path}", (1980, 1, 1, 0, 0, 0)), text)
