"""Allocations of OpenCost and Kubecost: the daily CSV and the API's JSON land as charges that add up to the totals."""

import csv
import io
import json
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest
from exports import company, treated
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_bill_files import BAD, FILES, landed
from test_saas_bills import LANDED as REPORTS

import land
from landing import work
from landing.recognise import recognise
from landing.settled import Row
from landing.work import Piece, Reading, Task

HEADER = (
    "Date,Namespace,ControllerKind,ControllerName,Pod,Container,CPUCoreUsageAverage,CPUCoreRequestAverage,"
    "RAMBytesUsageAverage,RAMBytesRequestAverage,NetworkReceiveBytes,NetworkTransferBytes,GPUs,PVBytes,CPUCost,RAMCost,"
    "NetworkCost,PVCost,GPUCost,TotalCost"
)
# The exporter merges what it wrote before with what it writes now: columns of labels may come at any time.
WITH_LABELS = f"{HEADER},Labels,Label_App"
GIB = 2**30
DAY = timedelta(days=1)
OCTOBER = datetime(2026, 10, 1)
WHAT = "account_id, start_time, end_time, service, sku, meter, quantity, amount"
PODS = "deployment/vllm / vllm-1 / server"
POD = {
    "cluster": "east", "node": "n1", "namespace": "chat", "controllerKind": "deployment", "controller": "vllm",
    "pod": "vllm-1", "container": "server",
}  # fmt: skip
RESOURCES = ("gpu", "cpu", "ram", "pv", "network", "loadBalancer", "shared", "external")
SKUS = {"loadBalancer": "load_balancer"}
METERS = {"gpu": "gpu_hours", "cpu": "cpu_core_hours", "ram": "ram_gib_hours", "pv": "pv_gib_hours"}


def row_of(**cells) -> dict:
    """An allocation that ran all day, on two GPUs."""
    return {
        "Date": "2026-10-01", "Namespace": "chat", "ControllerKind": "deployment", "ControllerName": "vllm",
        "Pod": "vllm-1", "Container": "server", "CPUCoreUsageAverage": "0.5", "CPUCoreRequestAverage": "2",
        "RAMBytesUsageAverage": str(GIB), "RAMBytesRequestAverage": "5", "NetworkReceiveBytes": "11",
        "NetworkTransferBytes": "10", "GPUs": "2", "PVBytes": str(GIB // 4), "CPUCost": "0.3", "RAMCost": "0.6",
        "NetworkCost": "0.9", "PVCost": "2", "GPUCost": "0.8", "TotalCost": "4.6", **cells,
    }  # fmt: skip


def csv_of(*rows: dict, header: str = HEADER) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, header.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def window(begin: datetime = OCTOBER, end: datetime | None = None) -> dict:
    return {"start": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end or begin + DAY:%Y-%m-%dT%H:%M:%SZ}"}


def allocation(name: str = "east/chat/vllm-1/server", begin: datetime = OCTOBER, **values) -> dict:
    """As the API writes it: numbers with five decimals, the adjustments apart."""
    adjusted = {f"{resource}CostAdjustment": 0 for resource in RESOURCES[:6]}
    return {
        "name": name, "properties": POD, "window": window(begin), "start": "2026-10-01T00:00:00Z",
        "end": "2026-10-02T00:00:00Z", "minutes": 1440, "cpuCores": 2, "cpuCoreHours": 48, "gpuHours": 24,
        "ramByteHours": 8 * GIB, "pvByteHours": 0, "pvs": None, **adjusted,
        **{f"{resource}Cost": 0 for resource in RESOURCES}, "gpuCost": 20.4, "cpuCost": 1.5, "ramCost": 0.1,
        "totalCost": 22, "totalEfficiency": 0.5, **values,
    }  # fmt: skip


def page(*steps, **values) -> str:
    return json.dumps({"code": 200, "data": list(steps), **values})


def other_than(name: str, **values) -> dict:
    """One allocation without a name or a property."""
    said = allocation(**values)
    return {key: held for key, held in said.items() if key != name}


def rows(account, service, *costs: tuple, begin: datetime = OCTOBER, end: datetime | None = None) -> list[tuple]:
    return [
        (account, begin, end or begin + DAY, service, sku, METERS.get(sku, sku), quantity and Decimal(quantity),
         Decimal(amount)) for sku, quantity, amount in costs
    ]  # fmt: skip


ALL = (("gpu", "24", "20.4"), ("cpu", "48", "1.5"), ("ram", "8", "0.1"))
GPU = (("gpu", "24", "20.4"),)
IDLE = {"cluster": "east"}
ALONE = {"cpuCost": 0, "ramCost": 0, "totalCost": 20.4}
LANDED = {
    "csv": (
        csv_of(row_of()),
        rows(None, "chat", ("gpu", "48", "0.8"), ("cpu", "48", "0.3"), ("ram", "24", "0.6"), ("pv", "6", "2"),
             ("network", None, "0.9")),
        {PODS},
    ),
    "csv whose total is a float's sum": (
        csv_of(row_of(TotalCost="4.6000000000000005", CPUCost="0", RAMCost="0", NetworkCost="0", PVCost="0")),
        rows(None, "chat", ("gpu", "48", "0.8"), ("other", None, "3.8000000000000005")),
        {PODS},
    ),
    "csv with a load balancer in its total": (
        csv_of(row_of(TotalCost="5")),
        rows(None, "chat", ("gpu", "48", "0.8"), ("cpu", "48", "0.3"), ("ram", "24", "0.6"), ("pv", "6", "2"),
             ("network", None, "0.9"), ("other", None, "0.4")),
        {PODS},
    ),
    "csv of a day before GPUs were a column": (
        csv_of(row_of(GPUs="", GPUCost="", TotalCost="3.8", PVBytes="")),
        rows(None, "chat", ("cpu", "48", "0.3"), ("ram", "24", "0.6"), ("pv", None, "2"), ("network", None, "0.9")),
        {PODS},
    ),
    "csv of a disk that no pod has": (
        csv_of(row_of(Namespace="__unmounted__", ControllerKind="", ControllerName="", Pod="__unmounted__",
                      Container="__unmounted__", GPUs="0", GPUCost="0", CPUCost="0", RAMCost="0", NetworkCost="0",
                      TotalCost="2")),
        rows(None, "__unmounted__", ("pv", "6", "2")),
        {"__unmounted__ / __unmounted__"},
    ),
    "page": (page({"a": allocation()}), rows("east", "chat", *ALL), {PODS}),
    "page of Kubecost, with a warning": (
        page({"a": allocation()}, status="success", message="", warning="fewer days"),
        rows("east", "chat", *ALL), {PODS},
    ),
    "page, pretty": (
        json.dumps({"code": 200, "data": [{"a": allocation()}]}, indent=2), rows("east", "chat", *ALL), {PODS}
    ),
    "page of several steps, some of which are null": (
        page({"a": allocation(**ALONE), "b": None}, None, {},
             {"a": allocation(begin=OCTOBER + 3 * DAY, **ALONE)}),
        [*rows("east", "chat", *GPU), *rows("east", "chat", *GPU, begin=OCTOBER + 3 * DAY)],
        {PODS},
    ),
    "page of a week in one": (
        page({"a": allocation(window=window(OCTOBER, OCTOBER + 7 * DAY), **ALONE)}),
        rows("east", "chat", *GPU, end=OCTOBER + 7 * DAY),
        {PODS},
    ),
    "page by namespace": (
        page({"chat": allocation("chat", properties={"cluster": "east", "namespace": "chat"}, **ALONE)}),
        rows("east", "chat", *GPU),
        {"chat"},
    ),
    "what is idle, of nobody and not mounted": (
        page({
            "__idle__": allocation("__idle__", properties=IDLE, **ALONE),
            "east/__idle__": allocation("east/__idle__", properties=IDLE, **ALONE),
            "__unallocated__": allocation("__unallocated__", properties={}, **ALONE),
            "u": allocation("chat/__unallocated__", properties={**IDLE, "namespace": "chat", "pod": "p"}, **ALONE),
            "m": allocation("__unmounted__/__unmounted__/__unmounted__", **ALONE, properties={
                **IDLE, "namespace": "__unmounted__", "pod": "__unmounted__", "container": "__unmounted__"}),
        }),
        [*rows("east", "__idle__", *GPU, *GPU), *rows(None, "__unallocated__", *GPU), *rows("east", "chat", *GPU),
         *rows("east", "__unmounted__", *GPU)],
        {"__idle__", "east/__idle__", "__unallocated__", "p / chat/__unallocated__", "__unmounted__ / __unmounted__"},
    ),
    "adjustments, and all resources": (
        page({"a": allocation(
            gpuCostAdjustment=-20.4, cpuCostAdjustment=0.25, pvCost=1, pvByteHours=GIB // 2, networkCost=2,
            networkCostAdjustment=0.5, loadBalancerCost=3, sharedCost=4, externalCost=5, totalCost=17.35001,
        )}),
        rows("east", "chat", ("cpu", "48", "1.75"), ("ram", "8", "0.1"), ("pv", "0.5", "1"), ("network", None, "2.5"),
             ("load_balancer", None, "3"), ("shared", None, "4"), ("external", None, "5"), ("other", None, "0.00001")),
        {PODS},
    ),
    "parts that exceed their total": (
        page({"a": allocation(totalCost=21.99999)}), rows("east", "chat", *ALL, ("other", None, "-0.00001")), {PODS}
    ),
    "an allocation that costs nothing": (
        page({"a": allocation(gpuCost=0, cpuCost=0, ramCost=0, totalCost=0)}),
        rows("east", "chat", ("other", None, "0")),
        {PODS},
    ),
    "a set of allocations alone, one of a namespace that is called data": (
        json.dumps({"data": allocation("data", **ALONE)}), rows("east", "chat", *GPU), {PODS}
    ),
    "allocations alone, by lines": (
        "".join(json.dumps(allocation(begin=OCTOBER + day * DAY, **ALONE)) + "\n" for day in range(2)),
        [*rows("east", "chat", *GPU), *rows("east", "chat", *GPU, begin=OCTOBER + DAY)],
        {PODS},
    ),
    "hours that could not be computed": (
        page({"a": allocation(gpuHours=None, **ALONE)}), rows("east", "chat", ("gpu", None, "20.4")), {PODS}
    ),
}  # fmt: skip
A = "data[0], allocation 'a': "
REFUSED = {
    "csv without a date": (csv_of(row_of(Date="")), "Date is blank; export that day again", "4.6"),
    "csv with a date in words": (csv_of(row_of(Date="today")), "Date: text of 5 characters is not a time", "4.6"),
    "csv with a cost in words": (csv_of(row_of(CPUCost="few")), "CPUCost: text of 3 characters is not an", "4.6"),
    "csv with a negative cost": (csv_of(row_of(GPUCost="-0.8")), "GPUCost: '-0.8' is negative; a cost can't be", "4.6"),
    "csv with a negative total": (csv_of(row_of(TotalCost="-1")), "TotalCost: '-1' is negative; a cost can't be", "-1"),
    "csv with NaN": (csv_of(row_of(RAMCost="NaN")), "RAMCost: 'NaN' is not an amount of money", "4.6"),
    "csv with infinity": (csv_of(row_of(TotalCost="+Inf")), "TotalCost: '+Inf' is not an amount of money", None),
    "csv without a total": (csv_of(row_of(TotalCost="")), "TotalCost is blank; export that day again", None),
    "csv without a namespace": (csv_of(row_of(Namespace="")), "an aggregate without a namespace", "4.6"),
    "csv with GPUs in words": (csv_of(row_of(GPUs="two")), "GPUs: text of 3 characters is not a number", "4.6"),
    "csv with negative cores": (
        csv_of(row_of(CPUCoreUsageAverage="", CPUCoreRequestAverage="-1")),
        "CPUCoreUsageAverage or CPUCoreRequestAverage: '-1' is negative; a quantity can't be", "4.6",
    ),
    "no window": (page({"a": other_than("window")}), A + "no window, so that nobody knows which days", "22"),
    "a window of nulls, as OpenCost writes one": (
        page({"a": allocation(window={"start": "null", "end": "null"})}), A + "no window, so that", "22"
    ),
    "a window without an end": (page({"a": allocation(window={"start": window()["start"]})}), A + "no window", "22"),
    "a window in words": (
        page({"a": allocation(window={"start": "monday", "end": window()["end"]})}),
        A + "window.start: text of 6 characters is not a time; export that window again", "22",
    ),
    "a window that ends where it begins": (
        page({"a": allocation(window=window(OCTOBER, OCTOBER))}), A + "window.end is not after window.start", "22"
    ),
    "a cost in words": (page({"a": allocation(cpuCost="ten")}), A + "cpuCost: text of 3 characters is not", "22"),
    "a negative cost": (page({"a": allocation(gpuCost=-1)}), A + "gpuCost: '-1' is negative; a cost can't be", "22"),
    "a null, which is NaN in OpenCost": (
        page({"a": allocation(totalCost=None)}), A + "totalCost: 'null' is not an amount", None
    ),
    "a null part": (page({"a": allocation(pvCost=None)}), A + "pvCost: 'null' is not an amount of money", "22"),
    "an adjustment in words": (
        page({"a": allocation(cpuCostAdjustment="less")}), A + "cpuCostAdjustment: text of 4 characters", "22"
    ),
    "a cost that no cluster has": (page({"a": allocation(cpuCost=1e18)}), A + "cpuCost: ", "22"),
    "NaN": (page({"a": allocation(ramCost=float("nan"))}) + "\n", A + "ramCost: 'NaN' is not an amount of money", "22"),
    "no total": (page({"a": other_than("totalCost")}), A + "totalCost is blank; export that day again", None),
    "negative hours": (page({"a": allocation(gpuHours=-1)}), A + "gpuHours: '-1' is negative; a quantity", "22"),
    "an aggregate without a namespace": (
        page({"east": allocation("east", properties=IDLE)}),
        "data[0], allocation 'east': an aggregate without a namespace, so that nobody knows its service; ask with "
        "aggregate=namespace, or without aggregate", "22",
    ),
    "the second step": (
        page({}, {"a": allocation(gpuCost="x", totalCost=3)}), "data[1], allocation 'a': gpuCost: text of 1 char", "3"
    ),
    "a number where an allocation should be": (
        page({"a": allocation(), "b": 7}), "data[0], allocation 'b': no allocation stands here; export that", None
    ),
    "an error beside allocations": (
        page({"a": allocation()}, code=500, message="timeout"), "the page states an error (code 500)", None
    ),
}  # fmt: skip
NOT_READ = {
    "error": ('{"code": 500, "data": null, "message": "boom"}', "an answer with an error (code 500) and no data"),
    "error without data": ('{"code": 400, "message": "invalid window"}', "an answer with an error (code 400)"),
    "error of Kubecost": ('{"code": 500, "status": "error", "data": [], "message": "x"}', "an answer with an error"),
    "nothing": ('{"code": 200, "data": null}', "an answer without data"),
    "steps of nothing": ('{"code": 200, "data": [null, {}]}', "an answer without data"),
    "an error of something else": ('{"code": 500, "data": null, "trace": "x"}', "JSON of no known export format"),
    "an answer of something else": ('{"code": 200, "message": "ok"}', "JSON of no known export format"),
    "a CSV cut in its columns": ("Date,Namespace,Pod,CPUCost\n2026-10-01,a,b,1\n", "neither JSON nor a CSV"),
}


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", LANDED)
def test_allocations_land(inbox, tmp_path, name):
    """Under any name, and a copy of the same bytes changes nothing."""
    text, expected, told = LANDED[name]
    for _ in range(2):
        (inbox / "one").write_text(text)
        (inbox / "two").write_text(text)
        assert land.run(inbox, tmp_path / "data") == 0
        assert landed(tmp_path, "rejects", "reason") == []
        assert sorted(landed(tmp_path, "charges", WHAT), key=str) == sorted(expected, key=str)
    assert set(landed(tmp_path, "charges", "file_kind, provider, currency")) == {
        ("opencost_allocations", "opencost", None)
    }
    assert {said for (said,) in landed(tmp_path, "charges", "description")} == told


def test_labels_are_tags(inbox, tmp_path):
    """A column of all labels, one of a single label, or both; of the API the labels alone."""
    labels = {"app": "vllm", "team": "search"}
    (inbox / "a.csv").write_text(
        csv_of(row_of(Pod="a", Labels=json.dumps(labels)), row_of(Pod="b", Label_App="web"), row_of(Pod="c"),
               row_of(Pod="d", Labels=json.dumps(labels), Label_App="web"), row_of(Pod="e", Labels="{}"),
               header=WITH_LABELS)
    )  # fmt: skip
    pods = {"f": {**POD, "pod": "f", "labels": labels, "annotations": {"note": "x"}}, "g": {**POD, "pod": "g"},
            "h": {**POD, "pod": "h", "labels": {}}}  # fmt: skip
    (inbox / "b.json").write_text(page({name: allocation(name, properties=pod) for name, pod in pods.items()}))
    assert land.run(inbox, tmp_path / "data") == 0
    found = landed(tmp_path, "charges", "distinct split_part(description, ' / ', 2), tags")
    assert {pod: json.loads(tags) if tags else None for pod, tags in found} == {
        "a": labels, "b": {"App": "web"}, "c": None, "d": {**labels, "App": "web"}, "e": None, "f": labels, "g": None,
        "h": None,
    }  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_allocation_that_cannot_be_is_named(inbox, tmp_path, name):
    """By line, by step and name, with what is wrong and what to do, and with its total, as far as it can be read."""
    text, reason, total = REFUSED[name]
    (inbox / "one").write_text(text)
    assert land.run(inbox, tmp_path / "data") == 1
    [(line, why, amount)] = landed(tmp_path, "rejects", "line, reason, amount")
    assert line == (2 if text.startswith("Date") else 1)
    assert why.startswith(reason)
    assert "again" in why or "ask" in why
    assert amount == (Decimal(total) if total else None)


def test_one_fault_refuses_one_allocation(inbox, tmp_path):
    """The others land, and an error among pages is named with its line."""
    good = {f"p{number}": allocation(f"p{number}", **ALONE) for number in range(20)}
    pages = [page({**good, "bad": allocation("bad", ramCost="x")}), '{"code": 500, "data": null, "message": "boom"}']
    (inbox / "one").write_text("\n".join(pages) + "\n")
    assert land.run(inbox, tmp_path / "data") == 0
    assert len(landed(tmp_path, "charges")) == 20
    assert landed(tmp_path, "rejects", "line, left(reason, 44)") == [
        (1, "data[0], allocation 'bad': ramCost: text of "),
        (2, "the page states an error (code 500): its all"),
    ]


@pytest.mark.parametrize("name", NOT_READ)
def test_answer_without_allocations_is_no_empty_success(inbox, tmp_path, name):
    text, reason = NOT_READ[name]
    (inbox / "one").write_text(text)
    land.run(inbox, tmp_path / "data")
    [(kind, why)] = landed(tmp_path, "rejects", "kind, reason")
    assert kind == "file"
    assert why.startswith(reason)


def test_content_tells_the_kind(tmp_path):
    """No other file passes for allocations, and these pass for no other, with a column more or a head that is cut."""
    path = tmp_path / "file"
    for text in [*(text for _, text, *_ in [*FILES.values(), *BAD.values()]), *(text for text, _ in REPORTS.values())]:
        path.write_text(text)
        assert "opencost" not in recognise(path).form
    for text, *_ in LANDED.values():
        path.write_text(text)
        assert recognise(path).form.startswith("charges/opencost")
        assert recognise(path, text[: max(2000, len(text) // 2)].encode()).form.startswith("charges/opencost")
    assert Row("", "opencost_allocations", "", "", "mdy").fits("file", "charges")
    path.write_text("\n".join(f"x,{line}" for line in csv_of(row_of(), header=WITH_LABELS).splitlines()))
    assert recognise(path).form == "charges/opencost_csv"


MONEY = st.one_of(
    st.just(0.0),
    st.integers(0, 10**9).map(lambda number: number / 10**5),
    st.floats(0, 1e6, allow_subnormal=False),
    st.floats(1e-12, 1e-3),
)
ADJUSTMENT = st.one_of(st.just(0.0), st.floats(-1e4, 1e4, allow_subnormal=False))
ALLOCATIONS = st.lists(
    st.tuples(
        st.fixed_dictionaries(dict.fromkeys(RESOURCES, MONEY)),
        st.fixed_dictionaries(dict.fromkeys(RESOURCES[:6], ADJUSTMENT)),
        st.one_of(st.none(), MONEY),
    ),
    min_size=1,
    max_size=5,
)
LEAST = Decimal("0.000000000000000001")


def exact(number: float) -> Decimal:
    """To the ledger's last digit."""
    return Decimal(repr(number)).quantize(LEAST, ROUND_HALF_UP)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ALLOCATIONS, st.booleans())
@example([(dict.fromkeys(RESOURCES, 0.1), dict.fromkeys(RESOURCES[:6], -0.3), None)], False)
@example([(dict.fromkeys(RESOURCES, 0.1), dict.fromkeys(RESOURCES[:6], 0.0), 0.0)], True)
def test_rows_add_up_to_the_stated_total(tmp_path_factory, truth, is_csv):
    """Whatever its parts are, and whatever total it states: the rows are the parts, and the rest."""
    said, expected, parts = {}, {}, {}
    for number, (costs, adjustments, stated) in enumerate(truth):
        name, of_csv = f"p{number}", RESOURCES[:5]
        whole = sum(
            costs[one] + (0 if is_csv else adjustments.get(one, 0)) for one in (of_csv if is_csv else RESOURCES)
        )
        total = max(whole, 0.0) if stated is None else stated
        expected[name] = exact(total)
        if is_csv:
            columns = {"gpu": "GPUCost", "cpu": "CPUCost", "ram": "RAMCost", "pv": "PVCost", "network": "NetworkCost"}
            cells = {columns[one]: f"{Decimal(repr(costs[one])):f}" for one in of_csv}
            said[name] = row_of(Pod=name, TotalCost=f"{Decimal(repr(total)):f}", **cells)
            parts[name] = {one: exact(costs[one]) for one in of_csv}
        else:
            cells = {f"{one}Cost": costs[one] for one in RESOURCES}
            cells |= {f"{one}CostAdjustment": adjustments[one] for one in RESOURCES[:6]}
            said[name] = allocation(name, properties={**POD, "pod": name}, totalCost=total, **cells)
            parts[name] = {
                SKUS.get(one, one): exact(costs[one]) + exact(adjustments.get(one, 0.0)) for one in RESOURCES
            }
    path = tmp_path_factory.mktemp("allocations") / "one"
    path.write_text(csv_of(*said.values()) if is_csv else page(said))
    task = Task(recognise(path), "t", 0, (Piece(path, "f" * 32, "one", None),))
    found = work.perform(task, Reading("s", (), (), False), path.parent)["f" * 32]
    assert found.rows_rejected == 0
    files = [str(file) for file in path.parent.glob("charges/*/*.parquet")]
    got = duckdb.sql(f"select split_part(description, ' / ', 2), sku, amount from read_parquet({files})").fetchall()
    for name, total in expected.items():
        mine = {sku: amount for pod, sku, amount in got if pod == name}
        assert sum(mine.values()) == total
        rest = total - sum(parts[name].values())
        assert mine == {sku: amount for sku, amount in {**parts[name], "other": rest}.items() if amount} or (
            mine == {"other": 0}
        )


RULES = """priority,provider,service_name,sku,description,treatment,model,meter
10,opencost,chat,gpu,%/ server,shared,,
20,opencost,chat,gpu,,invoice_only,,
"""


def test_what_a_rule_takes_is_ai_and_a_later_export_supersedes(build, tmp_path):
    """A cluster's costs are out of scope until somebody says so; a day that is exported again counts once."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    side = {**POD, "container": "sidecar"}
    first = {"a": allocation(totalCost=22.00001), "b": allocation("b", properties=side, **ALONE)}
    again = {
        "a": allocation(gpuCost=30.4, totalCost=32.00001),
        "b": allocation("b", properties=side, **ALONE),
        "i": allocation("__idle__", properties=IDLE, gpuCost=0, cpuCost=1, ramCost=0, totalCost=1),
    }
    other_day = {"a": allocation(begin=OCTOBER + DAY, **ALONE)}
    (inbox / "allocations_2026-10-03.json").write_text(page(first, other_day))
    (inbox / "allocations_2026-10-04.json").write_text(page(again))
    built = build(inbox, company(tmp_path, charge_rules=RULES))
    assert built.code == 0, built.output
    assert treated(built) == {
        "superseded": Decimal("42.40001"),
        "shared": Decimal("50.8"),
        "invoice_only": Decimal("20.4"),
        "out_of_scope": Decimal("2.60001"),
    }
    days = "select usage_on, provider, account_id, sum(billed_usd) from marts.invoice_reconciliation_daily"
    assert built.rows(f"{days} group by all order by all") == [
        ((OCTOBER + day * DAY).date(), "opencost", "east", Decimal(billed))
        for day, billed in ((0, "50.8"), (1, "20.4"))
    ]
