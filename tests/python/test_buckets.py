"""Inboxes in buckets: what lands is what a folder's files land as, once, and nothing is lost where a store fails."""

import gzip
import io
import json
import re
import tempfile
import zipfile
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import peers
import pyarrow as pa
import pytest
from clouds import AZURE, azure_row, cur_row, write_cur_2, write_gz
from conftest import run_build
from exports import COSTS, batch, chat, company, cost, write
from landings import inline
from pyarrow import fs
from test_landing import landed, reasons

import forget
import land
from landing import arrivals, buckets
from landing.buckets import Bucket, inboxes_of
from landing.tables import TABLES

pytestmark = [
    pytest.mark.xdist_group("buckets"),
    pytest.mark.skipif(not peers.HAS_S3, reason="scripts/dev/peers.py install makes the servers"),
]
SECRET = "wJalrXUtnFEMIsecretK7MDENG"
RUN, OTHER_RUN = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
BEDROCK = {"lineItem__UsageType": "USE1-Claude4.5Sonnet-input-token-count", "pricing__unit": "1K tokens",
           "lineItem__Operation": "InvokeModelInference", "lineItem__UsageAmount": "100"}  # fmt: skip


class S3:
    """Moto's server behind the proxy."""

    def __init__(self, port: int):
        self.port, self.buckets = port, 0
        self.proxy = peers.Proxy(port)

    def bucket(self) -> str:
        self.buckets += 1
        assert peers.request(self.port, "PUT", f"/bucket{self.buckets}") == 200
        return f"bucket{self.buckets}"

    def put(self, address: str, body: bytes) -> None:
        path = quote(address.removeprefix("s3:/"))
        assert peers.request(self.port, "PUT", path, body) == 200

    def remove(self, address: str) -> None:
        assert peers.request(self.port, "DELETE", quote(address.removeprefix("s3:/"))) == 204


@pytest.fixture(scope="module")
def moto():
    with peers.s3(peers.free_port()) as port:
        server = S3(port)
        yield server
        server.proxy.close()


@pytest.fixture
def s3(moto, monkeypatch):
    """The server with a proxy without faults, its variables set, and no pauses before requests are made again."""
    moto.proxy.fault = None
    moto.proxy.asked.clear()
    peers.environment(
        monkeypatch,
        AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY=SECRET,
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{moto.proxy.port}",
    )  # fmt: skip
    monkeypatch.setattr(buckets, "PAUSES", (0,))
    monkeypatch.setattr(arrivals, "SETTLED_SECONDS", -1)
    return moto


@pytest.fixture
def alone(monkeypatch):
    inline(monkeypatch)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def spans(number: int, calls: int = 2) -> bytes:
    return batch([chat(number, call + 1, response=f"r{number}-{call}") for call in range(calls)]).encode()


def fill(folder: Path) -> Path:
    """Exports of every layout that people have, in odd names and packings."""
    at = folder / "collector" / "year=2026" / "month=10" / "day=01" / "hour=12"
    for minute, body in enumerate((spans(1), gzip.compress(spans(2)), pa.compress(spans(3), "zstd", asbytes=True))):
        name = at / f"minute={minute:02}" / f"traces_{minute}.json{('', '.gz', '.zst')[minute]}"
        name.parent.mkdir(parents=True)
        name.write_bytes(body)
    write(folder / "open ai, costs" / "costs #1; 100% é+(1)?.csv", COSTS, [cost(5, "1.25")])
    write(folder / "open ai, costs" / "costs %20.csv", COSTS, [cost(6, "2.5")])
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.writestr("in/a.jsonl", spans(4))
        archive.writestr("b.jsonl", spans(5))
    aws = folder / "bcm" / "ours"
    period = "BILLING_PERIOD=2026-10"
    runs = {f"2026-11-02T09:00:00.000Z-{RUN}": "3.00", f"2026-11-03T09:00:00.000Z-{OTHER_RUN}": "4.00"}
    for run, amount in runs.items():
        write_cur_2(aws / "data" / period / run / "ours-00001.snappy.parquet", [cur_row(amount, **BEDROCK)])
        manifest = aws / "metadata" / period / run / "ours-Manifest.json"
        manifest.parent.mkdir(parents=True)
        files = [f"s3://elsewhere/bcm/ours/data/{period}/{run}/ours-00001.snappy.parquet"]
        manifest.write_text(json.dumps({"executionId": run[25:], "dataFiles": files, "columns": []}))
    for run, day, amount in ((RUN, 2, "5.00"), (OTHER_RUN, 3, "6.00")):
        there = folder / "azure" / "monthly" / "20261001-20261031" / run
        write_gz(there / "part_0_0001.csv.gz", AZURE, [azure_row(amount)])
        info = {"submittedTime": f"2026-11-0{day}T09:00:00Z", "runId": run}
        blobs = [{"blobName": f"azure/monthly/20261001-20261031/{run}/part_0_0001.csv.gz"}]
        (there / "_manifest.json").write_text(json.dumps({"blobs": blobs, "runInfo": info}))
    (folder / "prose.txt").write_text("these are not spans")
    return folder


def rows_of(data: Path, before: str = "") -> dict[str, list]:
    """All landed rows, of which files' names begin with `before`."""
    found = {}
    for table in TABLES.keys() - {"arrivals"}:  # times of the landing
        if not list((data / "landed" / table).glob("*/*.parquet")):
            continue
        names = [name for name in TABLES[table].names if name not in ("source_file", "landing_no", "row_no")]
        which = (
            ", ".join([f"replace(source_file, '{before}', '') as named", *names])
            if "source_file" in TABLES[table].names
            else ", ".join(names)
        )
        if table == "manifests":
            which = which.replace("file_name", f"replace(file_name, '{before}', '') as file_name")
        found[table] = sorted(map(repr, landed(data, table, which)))
    return found


def said(capsys) -> str:
    shown = capsys.readouterr()
    return shown.out + shown.err


def upload(store: fs.FileSystem, root: str, folder: Path) -> None:
    store.create_dir(root.partition("/")[0])
    for name, body in peers.written(folder).items():
        with store.open_output_stream(f"{root}/{name}", compression=None) as target:
            target.write(body)


def google_store(port: int) -> fs.FileSystem:
    return fs.GcsFileSystem(anonymous=True, scheme="http", endpoint_override=f"127.0.0.1:{port}", project_id="p")


CLOUDS = {
    "s3": ("s3://ours/exports", peers.HAS_S3),
    "gs": ("gs://ours/exports", peers.HAS_GOOGLE),
    "az": ("az://ours/exports", peers.HAS_AZURE),
}


@pytest.fixture(scope="module")
def as_folder(tmp_path_factory):
    """The exports in a folder, what they land as from there, and how many warnings that gives."""
    folder = fill(tmp_path_factory.mktemp("exports") / "folder")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as shown:
        inline(patch)
        assert land.run(folder, folder.parent / "data") == 0
    return folder, rows_of(folder.parent / "data"), shown.getvalue().count("WARNING")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_bucket_lands_as_its_folder_does(cloud, moto, as_folder, data, monkeypatch, capsys, alone):
    """Names, packings, layouts of clouds and Collector; a second landing downloads nothing, and says the same."""
    address, is_there = CLOUDS[cloud]
    if not is_there:
        pytest.skip("scripts/dev/peers.py install makes the server")
    folder, expected, warnings = as_folder
    start = {"s3": lambda _: nullcontext(moto.port), "gs": peers.google, "az": peers.azure}[cloud]
    with start(peers.free_port()) as port:
        end = f"http://127.0.0.1:{port}"
        connection = f"AccountName={peers.ACCOUNT};AccountKey={peers.KEY};BlobEndpoint={end}/{peers.ACCOUNT};"
        peers.environment(
            monkeypatch,
            AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY=SECRET, AWS_ENDPOINT_URL_S3=end,
            STORAGE_EMULATOR_HOST=end, AZURE_STORAGE_CONNECTION_STRING=connection,
        )  # fmt: skip
        monkeypatch.setattr(arrivals, "SETTLED_SECONDS", -1)
        bucket = inboxes_of(address).buckets[0]
        makes = {"s3": lambda: fs.S3FileSystem(endpoint_override=end, allow_bucket_creation=True),
                 "gs": lambda: google_store(port), "az": lambda: buckets.opened(bucket)}  # fmt: skip
        upload(makes[cloud](), bucket.root, folder)
        assert land.run(address, data) == 0
        first = said(capsys)
        assert rows_of(data, address + "/") == expected
        assert "15 objects, 15 to download" in first
        assert landed(data, "manifests", "count(*)") == [(4,)]
        assert first.count("WARNING") == warnings == 1  # prose.txt
        assert f"{address}/prose.txt is not read" in first
        fetched = []
        monkeypatch.setattr(buckets, "fetch", lambda *words: fetched.append(words))
        assert land.run(address, data) == 0
        second = said(capsys)
        assert (fetched, "15 objects, 0 to download" in second) == ([], True)
        assert f"{address}/prose.txt is not read" in second
        assert rows_of(data, address + "/") == expected
        assert arrivals.is_anything_new(address, data) is False
        for secret in (SECRET, peers.KEY):
            assert secret not in first + second
            for path in (data).rglob("*"):
                assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_thousands_of_objects_are_listed_by_folders_and_downloaded_once(s3, data, monkeypatch, capsys):
    """3,100 objects in 50 days: few requests a listing, and of each object one download."""
    fetched = []

    def fetch(_store, _bucket, address, target):
        fetched.append(address)
        target.write_bytes(b"{}")
        return buckets.Version(2, "tag")

    monkeypatch.setattr(buckets, "fetch", fetch)
    monkeypatch.setattr(arrivals, "BATCH_OBJECTS", 1000)
    store, reading = land.Store(data), None
    for new in (peers.KEYS, 0):
        s3.proxy.asked.clear()
        with arrivals.Arrivals(data, inboxes_of("s3://many/p").buckets) as found:
            assert found.look() == []
            assert len(list(found.unchanged(store, reading))) == peers.KEYS - new
            sizes = []
            for parcel in found.parcels(is_whole=False):
                sizes.append(len(parcel.arrived))
                assert len(list(found.folder.iterdir())) == sizes[-1] if sizes[-1] else True
                said_of = {one.object.address: [arrivals.Part(one.name, None, "nothing")] for one in parcel.arrived}
                found.remember(parcel, said_of)
        assert sizes == ([1000, 1000, 1000, 100] if new else [0])
        assert len(fetched) == len(set(fetched)) == peers.KEYS
        # Year, months, then each of the 50 days with all that is in it.
        assert sum(one.is_list for one in s3.proxy.asked) == 1 + 1 + 2 + 50
        assert s3.proxy.downloads() == []
        assert not found.folder.exists()
    s3.proxy.asked.clear()
    assert arrivals.is_anything_new("s3://many/p", data) is False
    assert sum(one.is_list for one in s3.proxy.asked) == 1 + 1 + 2 + 4
    new = "s3://many/p/year=2026/month=02/day=18/late.json"
    s3.put(new, b"{}")
    assert arrivals.is_anything_new("s3://many/p", data) is True
    s3.remove(new)


def test_what_is_overwritten_grows_or_goes(s3, data, capsys, monkeypatch, alone):
    """A log that grew is continued, a bill of the same size and second is read again, what is gone stays landed."""
    monkeypatch.setattr(arrivals, "SETTLED_SECONDS", 3600)
    address = f"s3://{s3.bucket()}/in"
    s3.put(f"{address}/log.jsonl", spans(1) + b"\n")
    s3.put(f"{address}/costs.csv", costs(5, "1.25"))
    s3.put(f"{address}/gone.jsonl", spans(7))
    assert land.run(address, data) == 0
    s3.put(f"{address}/log.jsonl", spans(1) + b"\n" + spans(2) + b"\n")
    s3.put(f"{address}/costs.csv", costs(5, "9.75"))
    s3.remove(f"{address}/gone.jsonl")
    assert arrivals.is_anything_new(address, data) is True
    s3.proxy.asked.clear()
    capsys.readouterr()
    assert land.run(address, data) == 0
    assert "2 objects, 2 to download" in said(capsys)
    assert len(landed(data, "spans", "distinct trace_key, span_key")) == 6
    assert sorted(landed(data, "openai_costs", "cast(amount_value as varchar)")) != []
    assert {name for (name,) in landed(data, "spans", "distinct source_file")} == {
        f"{address}/log.jsonl", f"{address}/gone.jsonl"
    }  # fmt: skip
    assert len(land.Store(data).files) == 5
    assert not arrivals.is_anything_new(address, data)


def costs(day: int, amount: str) -> bytes:
    return export([cost(day, amount)])


def test_what_is_overwritten_within_a_second_is_noticed(s3, data, monkeypatch, alone):
    """Same size, same time: the tag tells, and is asked for until the second is over."""
    address, when = f"s3://{s3.bucket()}/in", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"

    def at_once(asked, status, headers, body):
        if asked.is_list:
            body = re.sub(rb"<LastModified>[^<]*", b"<LastModified>" + when.encode(), body)
            headers = {**headers, "Content-Length": str(len(body))}
        return status, headers, body

    s3.proxy.fault = at_once
    for number, seconds in ((1, 3600), (2, 3600), (2, -1), (2, -1)):
        s3.put(f"{address}/spans.jsonl", spans(number))
        monkeypatch.setattr(arrivals, "SETTLED_SECONDS", seconds)
        s3.proxy.asked.clear()
        assert land.run(address, data) == 0
        assert sorted(landed(data, "spans", "response_id"))[-1] == (f"r{number}-1",)
    assert {one.method for one in s3.proxy.asked if one.path.endswith("spans.jsonl")} == set()


def export(rows: list[dict]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "costs.csv"), COSTS, rows)
        return Path(folder, "costs.csv").read_bytes()


def cut(times: int, path: str, keep: float = 0.5):
    """Answers with a part of an object's bytes, some times."""
    left = [times]

    def fault(asked, status, headers, body):
        if asked.is_download and asked.path.endswith(path) and left[0] > 0:
            left[0] -= 1
            return status, {**headers, "Content-Length": str(len(body))}, body[: int(len(body) * keep)]
        return status, headers, body

    return fault


def test_a_stream_that_breaks_off_is_tried_again(s3, data, alone):
    address = f"s3://{s3.bucket()}/in"
    s3.put(f"{address}/spans.jsonl", spans(1))
    s3.proxy.fault = cut(4, "spans.jsonl")  # more than the library tries by itself
    assert land.run(address, data) == 0
    assert len(s3.proxy.downloads()) == 5
    assert landed(data, "spans", "count(*)") == [(2,)]


class Stream(io.BytesIO):
    """An object of a store that says how long it is, whatever comes."""

    def metadata(self) -> dict:
        return {"Content-Length": b"10", "ETag": b'"of-parts-2"'}


class Store:
    def __init__(self, *bodies: bytes):
        self.bodies = [*bodies]

    def open_input_stream(self, _path, compression):
        assert compression is None
        return Stream(self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0])


def test_an_object_that_is_too_short_is_asked_for_again(tmp_path, monkeypatch):
    """Its length alone tells, where it was uploaded in parts, so that its tag is no checksum."""
    monkeypatch.setattr(buckets, "PAUSES", (0,))
    bucket, target = Bucket("s3", "ours"), tmp_path / "object"
    buckets.fetch(Store(b"01234", b"0123456789"), bucket, "s3://ours/a", target)
    assert target.read_bytes() == b"0123456789"
    with pytest.raises(buckets.Trouble, match="s3://ours/a: 5 of 10 bytes came, each of 2 times; the next build"):
        buckets.fetch(Store(b"01234"), bucket, "s3://ours/a", target)


def test_what_breaks_off_each_time_lands_with_the_next_build(s3, data, capsys, alone):
    """All else lands; the line names the object and what to do, the exit code is 1, and nothing is half landed."""
    address = f"s3://{s3.bucket()}/in"
    s3.put(f"{address}/spans.jsonl", spans(1))
    s3.put(f"{address}/costs.csv", costs(5, "1.25"))
    s3.proxy.fault = cut(10**6, "spans.jsonl")
    assert land.run(address, data) == 1
    output = said(capsys)
    assert f"ERROR: {address}/spans.jsonl: " in output
    assert "the store can't be reached, or breaks off" in output
    assert "1 objects did not land, all else did; run again" in output
    assert landed(data, "spans", "count(*)") == [(0,)]
    assert landed(data, "openai_costs", "count(*)") == [(1,)]
    assert not (data / "arriving").exists()
    s3.proxy.fault = None
    s3.proxy.asked.clear()
    assert land.run(address, data) == 0
    assert [path.rpartition("/")[2] for path in s3.proxy.downloads()] == ["spans.jsonl"]
    assert landed(data, "spans", "count(*)") == [(2,)]


def test_other_bytes_than_the_store_has_are_asked_for_again(s3, data, alone):
    """A body of the right size with other bytes in it; and an encrypted object, whose tag is no checksum."""
    address = f"s3://{s3.bucket()}/in"
    s3.put(f"{address}/spans.jsonl", spans(1))
    left = [1]

    def spoilt(asked, status, headers, body):
        if asked.is_download and left[0]:
            left[0] -= 1
            headers = {name: value for name, value in headers.items() if "checksum" not in name.lower()}
            return status, headers, body.replace(b"r1-0", b"XXXX")
        return status, headers, body

    s3.proxy.fault = spoilt
    assert land.run(address, data) == 0
    assert sorted(landed(data, "spans", "response_id")) == [("r1-0",), ("r1-1",)]
    s3.put(f"{address}/more.jsonl", spans(2))
    s3.proxy.fault = lambda asked, status, headers, body: (
        status, {**headers, "ETag": '"0123456789abcdef0123456789abcdef"'} if "ETag" in headers else headers, body
    )  # fmt: skip
    s3.proxy.asked.clear()
    assert land.run(address, data) == 0
    assert len(s3.proxy.downloads()) == 2
    assert landed(data, "spans", "count(*)") == [(4,)]
    s3.put(f"{address}/most.jsonl", spans(3))
    s3.proxy.asked.clear()
    assert land.run(address, data) == 0
    assert len(s3.proxy.downloads()) == 1  # that bucket's tags are none


def test_an_object_that_is_written_anew_meanwhile_is_one_version(s3, data, monkeypatch, alone):
    """Of an object in several blocks the parts of two versions are never put together."""
    monkeypatch.setattr(buckets, "BLOCK_BYTES", 300)
    address = f"s3://{s3.bucket()}/in"
    old, new = (b"".join(spans(trace, 3) + b"\n" for trace in range(first, first + 3)) for first in (1, 11))
    assert len(old) < len(new)
    old = old + b" " * (len(new) - len(old) - 1) + b"\n"
    s3.put(f"{address}/spans.jsonl", old)

    def renewed(asked, status, headers, body):
        if len(s3.proxy.downloads()) == 3:
            s3.put(f"{address}/spans.jsonl", new)
        # Parts of several uploads have tags that are no checksums.
        if headers.get("ETag"):
            headers = {**headers, "ETag": f'{headers["ETag"][:-1]}-2"'}
        return status, headers, body

    s3.proxy.fault = renewed
    assert land.run(address, data) == 0
    assert {name for (name,) in landed(data, "spans", "response_id")} == {
        f"r{trace}-{call}" for trace in (11, 12, 13) for call in range(3)
    }


def test_what_is_taken_away_meanwhile_is_said(s3, data, capsys, alone):
    """As a local file that goes: a warning, and all else lands."""
    address = f"s3://{s3.bucket()}/in"
    s3.put(f"{address}/gone.jsonl", spans(1))
    s3.put(f"{address}/here.jsonl", spans(2))

    def taking(asked, status, headers, body):
        if asked.is_list:
            s3.remove(f"{address}/gone.jsonl")
        return status, headers, body

    s3.proxy.fault = taking
    assert land.run(address, data) == 0
    assert f"WARNING: {address}/gone.jsonl is not read: it was taken away while files landed" in said(capsys)
    assert landed(data, "spans", "count(*)") == [(2,)]
    s3.proxy.fault = None
    assert land.run(address, data) == 0
    assert "WARNING" not in said(capsys)


def test_a_store_that_slows_down_is_waited_for(s3, data, capsys, alone):
    """503 SlowDown is tried again; where it does not end, one line says so, nothing lands, and later all does."""
    address = f"s3://{s3.bucket()}/in"
    s3.put(f"{address}/spans.jsonl", spans(1))
    refused = {"list": 4, "object": 4}  # more than the library tries by itself

    def slow(asked, status, headers, body):
        kind = "list" if asked.is_list else "object" if asked.is_download else ""
        if refused.get(kind, 0) > 0:
            refused[kind] -= 1
            return peers.refusal(503, "SlowDown")
        return status, headers, body

    s3.proxy.fault = slow
    assert land.run(address, data) == 0
    assert refused == {"list": 0, "object": 0}
    assert landed(data, "spans", "count(*)") == [(2,)]
    s3.put(f"{address}/more.jsonl", spans(2))
    refused["list"] = 10**6
    capsys.readouterr()
    assert land.run(address, data) == 1
    output = said(capsys)
    assert output.count("\n") == output.count("ERROR") == 1
    assert "asks to be asked less often" in output
    assert "run again later" in output
    s3.proxy.fault = None
    assert land.run(address, data) == 0
    assert landed(data, "spans", "count(*)") == [(4,)]


TROUBLES = {
    "InvalidAccessKeyId": (403, 1, "doesn't take the credentials"),
    "SignatureDoesNotMatch": (403, 1, "doesn't take the credentials"),
    "ExpiredToken": (400, 1, "doesn't take the credentials"),
    "AccessDenied": (403, 1, "s3:ListBucket and s3:GetObject"),
    "NoSuchBucket": (404, 2, "there is no such bucket"),
    "PermanentRedirect": (301, 1, "AWS_REGION"),
}


@pytest.mark.parametrize("code", TROUBLES)
def test_a_bucket_that_refuses_is_one_line_with_what_to_do(s3, data, capsys, code, alone):
    status, exit_code, words = TROUBLES[code]
    address = f"s3://{s3.bucket()}/in"
    s3.put(f"{address}/spans.jsonl", spans(1))
    s3.proxy.fault = lambda *_: peers.refusal(status, code)
    assert land.run(address, data) == exit_code
    output = said(capsys)
    assert output.startswith(f"ERROR: {address}: ")
    assert words in output
    assert output.count("\n") == 1
    assert SECRET not in output
    assert "testing" not in output
    assert land.Store(data).files == {}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_no_network_is_one_line_with_what_to_do(cloud, data, monkeypatch, capsys, alone):
    dead = f"http://127.0.0.1:{peers.free_port()}"
    connection = f"AccountName={peers.ACCOUNT};AccountKey={peers.KEY};BlobEndpoint={dead}/{peers.ACCOUNT};"
    peers.environment(
        monkeypatch,
        AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY=SECRET, AWS_ENDPOINT_URL=dead,
        STORAGE_EMULATOR_HOST=dead, AZURE_STORAGE_CONNECTION_STRING=connection,
    )  # fmt: skip
    monkeypatch.setattr(buckets, "PAUSES", ())
    monkeypatch.setattr(buckets, "GOOGLE_SECONDS", 1)
    assert land.run(CLOUDS[cloud][0], data) == 1
    output = said(capsys)
    assert output.startswith(f"ERROR: {CLOUDS[cloud][0]}: the store can't be reached")
    assert "run again" in output
    assert output.count("\n") == 1
    assert peers.KEY not in output
    assert SECRET not in output


@pytest.mark.parametrize(
    ("inbox", "words"),
    [
        ("s3://key:wJalrXUtnFEMI@bucket/prefix", "credentials and options are no part of it"),
        ("s3://key@bucket/prefix", "credentials and options are no part of it"),
        ("az://box/in?sv=2026&sig=wJalrXUtnFEMI", "credentials and options are no part of it"),
        ("abfss://box@ours.dfs.core.windows.net/in?sig=wJalrXUtnFEMI", "credentials and options are no part of it"),
        ("https://ours.blob.core.windows.net/box?sig=wJalrXUtnFEMI", "https://, which is none that can be read"),
        ("s3://", "is not s3://<bucket>/<prefix>"),
        ("az://box/in", "of which storage account? Set AZURE_STORAGE_ACCOUNT"),
        ("nowhere", "nowhere is no folder"),
        ("s3://bucket/a;nowhere", "nowhere is no folder"),
    ],
)
def test_an_inbox_that_is_none_is_named_without_what_is_secret(inbox, words, data, monkeypatch, capsys, alone):
    peers.environment(monkeypatch)
    monkeypatch.chdir("/")
    assert land.run(inbox, data) == 2
    output = said(capsys)
    assert words in output
    assert output.startswith("ERROR: ")
    assert output.count("\n") == 1
    assert "wJalrXUtnFEMI" not in output


@pytest.mark.parametrize(
    ("given", "account", "options"),
    [
        ({"ACCOUNT": "ours"}, "ours", {}),
        ({"ACCOUNT": "ours", "KEY": "k=="}, "ours", {"account_key": "k=="}),
        ({"ACCOUNT": "ours", "SAS_TOKEN": "sv=1&sig=2"}, "ours", {"sas_token": "?sv=1&sig=2"}),
        ({"CONNECTION_STRING": "AccountName=ours;AccountKey=k==;EndpointSuffix=core.chinacloudapi.cn"}, "ours",
         {"account_key": "k==", "blob_storage_authority": ".blob.core.chinacloudapi.cn",
          "dfs_storage_authority": ".dfs.core.chinacloudapi.cn"}),
        ({"ACCOUNT": "ours", "SERVICE_ENDPOINT": "https://ours.blob.core.windows.net"}, "ours",
         {"blob_storage_authority": ".blob.core.windows.net", "dfs_storage_authority": ".dfs.core.windows.net",
          "blob_storage_scheme": "https", "dfs_storage_scheme": "https"}),
        ({"CONNECTION_STRING": "AccountName=others;AccountKey=k", "bucket": "theirs.dfs.core.windows.net"}, "theirs",
         {"blob_storage_authority": ".blob.core.windows.net", "dfs_storage_authority": ".dfs.core.windows.net"}),
    ],
)  # fmt: skip
def test_azure_is_told_what_its_library_does_not_look_for(given, account, options, monkeypatch):
    bucket = Bucket("az", "box", "", given.pop("bucket", ""))
    peers.environment(monkeypatch, **{f"AZURE_STORAGE_{name}": value for name, value in given.items()})
    told = []
    monkeypatch.setattr(buckets.fs, "AzureFileSystem", lambda *words, **options: told.append((*words, options)))
    buckets.opened(bucket)
    assert told == [(account, options)]


def test_several_inboxes_are_one(s3, tmp_path, data, monkeypatch, capsys, alone):
    """Buckets and folders together; files of one name are told apart, and the same bytes are once."""
    one, other = f"s3://{s3.bucket()}/in", f"s3://{s3.bucket()}"
    here, there = tmp_path / "here, and; there", tmp_path / "there"
    for folder, day in ((here, 5), (there, 6)):
        write(folder / "costs.csv", COSTS, [cost(day, "1")])
        (folder / "same.jsonl").write_bytes(spans(1))
    s3.put(f"{one}/costs.csv", costs(7, "1"))
    s3.put(f"{other}/costs.csv", costs(8, "1"))
    s3.put(f"{other}/copy.jsonl.gz", gzip.compress(spans(1)))
    assert land.run(str(here), data) == 0  # a folder of that name, whatever stands in it
    assert land.run(f"{there}; {one};{other};", data) == 0
    assert {name for (name,) in landed(data, "openai_costs", "source_file")} == {
        "costs.csv", f"{one}/costs.csv", f"{other}/costs.csv"
    }  # fmt: skip
    assert landed(data, "spans", "count(*)") == [(2,)]
    again = tmp_path / "again"
    assert land.run(f"{there};{one};{tmp_path / 'more'}", again) == 2
    write(tmp_path / "more" / "costs.csv", COSTS, [cost(9, "1")])
    assert land.run(f"{there};{one};{tmp_path / 'more'}", again) == 0
    assert {name for (name,) in landed(again, "openai_costs", "source_file")} == {
        "costs.csv", f"{one}/costs.csv", f"{tmp_path / 'more'}/costs.csv"
    }  # fmt: skip


def test_what_other_rules_read_otherwise_comes_again(s3, tmp_path, data, monkeypatch, capsys, alone):
    """Settings, damaged rows and forgotten files ask for objects that did not change; complaints need none."""
    address = f"s3://{s3.bucket()}/in"
    s3.put(f"{address}/spans.jsonl", spans(1))
    s3.put(f"{address}/prose.txt", b"these are not spans")
    s3.put(f"{address}/costs.csv", costs(5, "1.25"))
    assert land.run(address, data) == 0
    s3.proxy.asked.clear()
    assert land.run(address, data) == 0
    assert (s3.proxy.downloads(), len(reasons(data))) == ([], 1)
    for path in (data / "landed" / "spans").glob("day=2026*/*.parquet"):
        path.write_bytes(b"damaged")
    assert land.run(address, data) == 0
    assert [path.rpartition("/")[2] for path in s3.proxy.downloads()] == ["spans.jsonl"]
    assert landed(data, "spans", "count(*)") == [(2,)]
    s3.proxy.asked.clear()
    monkeypatch.setattr(arrivals, "reader_mark", lambda: "a newer program")
    assert land.run(address, data) == 0
    assert [path.rpartition("/")[2] for path in s3.proxy.downloads()] == ["prose.txt"]
    s3.proxy.asked.clear()
    assert forget.forget_file(land.Store(data), f"{address}/spans.jsonl") == 0
    capsys.readouterr()
    assert land.run(address, data) == 0
    assert "forgotten on" in said(capsys)
    assert s3.proxy.downloads() == []
    (data / "landed" / arrivals.NAME).write_bytes(b"no database at all" * 99)
    assert land.run(address, data) == 0
    assert "objects.sqlite is damaged" in said(capsys)
    assert len(s3.proxy.downloads()) == 3
    assert landed(data, "spans", "count(*)") == [(0,)]


def test_parcels_of_any_size_come_to_the_same(s3, tmp_path, data, monkeypatch, alone):
    """Two objects on the disk at a time, or all; a landing that is killed between is gone on with."""
    address = f"s3://{s3.bucket()}/in"
    for number in range(5):
        s3.put(f"{address}/{number}/spans.jsonl", spans(number + 1))
    s3.put(f"{address}/prose.txt", b"these are not spans")
    assert land.run(address, tmp_path / "whole") == 0
    monkeypatch.setattr(arrivals, "BATCH_OBJECTS", 2)
    remember, seen = arrivals.Arrivals.remember, []

    def killed(self, parcel, parts):
        seen.append(len(parcel.arrived))
        assert len(list(self.folder.iterdir())) <= 2
        if len(seen) == 2:  # its rows have landed, and it is not remembered
            raise KeyboardInterrupt
        remember(self, parcel, parts)

    monkeypatch.setattr(arrivals.Arrivals, "remember", killed)
    with pytest.raises(KeyboardInterrupt):
        land.run(address, data)
    s3.proxy.asked.clear()
    assert land.run(address, data) == 0
    assert (seen, len(s3.proxy.downloads())) == ([2, 2, 2, 2], 4)
    assert rows_of(data) == rows_of(tmp_path / "whole")


def test_a_build_counts_the_newest_export_of_each_period(s3, tmp_path, data):
    """`make build` from a bucket: AWS's newest execution and Azure's newest run stand alone, whole or overwritten."""
    address = f"s3://{s3.bucket()}"
    for name, body in peers.written(fill(tmp_path / "folder")).items():
        if name != "prose.txt":
            s3.put(f"{address}/exports/{name}", body)
    period, at = "BILLING_PERIOD=2026-09", f"{address}/exports/bcm/over"
    for amount in ("7.00", "8.00"):
        bill = {"bill__BillingPeriodStartDate": "2026-09-01T00:00:00Z"}
        bill["bill__BillingPeriodEndDate"] = "2026-10-01T00:00:00Z"
        row = cur_row(amount, period=("2026-09-05", "2026-09-06"), **BEDROCK, **bill)
        write_cur_2(tmp_path / "part.parquet", [row])
        s3.put(f"{at}/data/{period}/over-00001.snappy.parquet", (tmp_path / "part.parquet").read_bytes())
        manifest = {"executionId": amount, "dataFiles": [f"{at}/data/{period}/over-00001.snappy.parquet"]}
        s3.put(f"{at}/metadata/{period}/over-Manifest.json", json.dumps(manifest).encode())
        if amount == "7.00":
            assert land.run(f"{address}/exports", tmp_path / "data") == 0
    built = run_build(f"{address}/exports", tmp_path / "data", company(tmp_path))
    assert built.code == 0, built.output
    assert "WARNING" not in built.output
    billed = (
        "select provider, strftime(month, '%Y-%m'), replaced_file, sum(billed_usd)::double"
        " from marts.provider_bills_monthly where provider != 'openai' group by all order by all"
    )
    first = f"2026-11-02T09:00:00.000Z-{RUN}"
    october = f"{address}/exports/bcm/ours/data/BILLING_PERIOD=2026-10"
    azure = f"{address}/exports/azure/monthly/20261001-20261031"
    assert built.rows(billed) == [
        ("aws", "2026-09", f"{at}/data/{period}/over-00001.snappy.parquet", 7),
        ("aws", "2026-09", None, 8),
        ("aws", "2026-10", f"{october}/{first}/ours-00001.snappy.parquet", 3),
        ("aws", "2026-10", None, 4),
        ("azure", "2026-10", f"{azure}/{RUN}/part_0_0001.csv.gz", 5),
        ("azure", "2026-10", None, 6),
    ]


@pytest.mark.parametrize("wide", [0, 32])
def test_no_name_of_an_object_hides_it_or_hangs_a_landing(s3, data, monkeypatch, capsys, alone, wide):
    """Names with empty parts, as of folders, in any letters, in one list or level by level: each lands or is named."""
    monkeypatch.setattr(buckets, "WIDE", wide)
    address = f"s3://{s3.bucket()}"
    odd = ["in//x.json", "in/a/../w.json", "//lead.json"]
    plain = ["in/f", "in/f/g", "q?.json", "a%2Fb", "back\\slash", "é/ü", "long" + "x" * 300 + "/f.json", "del\x7f.json"]
    for number, name in enumerate([*odd, *plain, "marker/"]):
        s3.put(f"{address}/{name}", spans(number + 1) if name != "marker/" else b"")
    assert land.run(address, data) == 0
    output = said(capsys)
    names = {name for (name,) in landed(data, "spans", "source_file")}
    assert names == {f"{address}/{name}".replace("\x7f", "\\x7f") for name in plain}
    for name in odd:
        assert f"WARNING: {address}/{name} is not read: a part of its name is empty" in output
    assert output.count("WARNING") == len(odd)
    assert arrivals.is_anything_new(address, data, is_quick=False) is False
    below = inboxes_of(f"{address}/in").buckets[0]  # where the folder of an empty name is the prefix itself
    found = {one.address for some in buckets.listed(buckets.opened(below), below) for one in some}
    assert {f"{address}/{name}" for name in odd[:2]} <= found


def test_the_note_of_a_request_lies_beside_its_page(s3, data, capsys, alone):
    """In a bucket as in a folder: also where its page landed before; a warning where there is none."""
    address = f"s3://{s3.bucket()}/in"
    note = {"endpoint": "/v1/organization/costs", "filter": {}, "requested_at": "2026-11-02T09:00:00Z"}
    s3.put(f"{address}/costs.csv", costs(5, "1.25"))
    assert land.run(address, data) == 0
    for page in ("costs.csv", "other.csv"):
        s3.put(f"{address}/{page}.request.json", json.dumps({**note, "file": page}).encode())
    capsys.readouterr()
    assert land.run(address, data) == 0
    output = said(capsys)
    assert f"{address}/other.csv.request.json: the note of a request without its page" in output
    assert output.count("WARNING") == 1
