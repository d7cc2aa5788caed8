"""The supply chain: the bill of materials and the licences follow the locks; the audit says what it asked, or that it
could ask nobody."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from conftest import PROJECT

sys.path.insert(0, str(PROJECT / "scripts" / "dev"))
import audit
import locks
import sbom

import environment

PINNED = {lock: locks.read(PROJECT / lock) for lock in locks.LOCKS}


def test_every_pinned_package_is_read_from_the_locks():
    for lock, packages in PINNED.items():
        pins = re.findall(r"^[A-Za-z0-9][\w.-]*(?:\[.*?\])?==", (PROJECT / lock).read_text(), re.MULTILINE)
        assert len(packages) == len(pins) > 30
        assert [one for one in packages if not one.hashes] == []
    asked_by = {one.name: one.asked_by for one in PINNED["requirements.txt"]}
    assert asked_by["dbt-duckdb"] == ()
    assert {"dbt-duckdb", "dbt-metricflow"} & set(asked_by["dbt-core"])


def test_bills_of_materials_name_each_pinned_package_once():
    page, bills = sbom.made(PROJECT, sbom.LIST.read_text())
    for lock, packages in PINNED.items():
        bill = bills[lock]
        assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
        found = Counter((one["name"], one["version"]) for one in bill["components"])
        assert found == Counter({(one.name, one.version): 1 for one in packages})
        for one in bill["components"]:
            assert one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}"
            assert one["hashes"]
            assert all(re.fullmatch("[0-9a-f]{64}", entry["content"]) for entry in one["hashes"])
            (stated,) = one["licenses"]
            assert stated.get("expression") or stated["license"]["name"]
        refs = {one["bom-ref"] for one in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
        assert {entry["ref"] for entry in bill["dependencies"]} == refs
        assert {ref for entry in bill["dependencies"] for ref in entry["dependsOn"]} <= refs
    assert sbom.made(PROJECT, page) == (page, bills), "the same locks give the same bytes"


def test_the_list_of_licences_is_that_of_the_locks():
    """Licences are compared where the version that the list speaks of is installed here."""
    listed = sbom.listed(sbom.LIST.read_text())
    assert {name: versions for name, (versions, _) in listed.items()} == sbom.versions_of(PINNED), "run make sbom"
    known = sbom.installed(PROJECT / ".venv")
    known = {name: known[name, versions[0]] for name, (versions, _) in listed.items() if (name, versions[0]) in known}
    assert len(known) > 90
    assert {name: listed[name][1] for name in known} == known, "run make sbom"


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ("License-Expression: MIT\nLicense: other\n", "MIT"),
        ("License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License\n", "BSD-3-Clause"),
        (
            "License: Copyright a b\n        and a page more\nClassifier: License :: OSI Approved :: MIT License\n",
            "MIT License",
        ),
        ("License: Dual\nClassifier: License :: OSI Approved :: A\nClassifier: License :: OSI Approved :: B\n", "A; B"),
        ("License: License :: OSI Approved :: MIT License\n", "MIT License"),
        ("Summary: nothing\n", "unknown"),
        ("License: a | b\n", "unknown"),
    ],
)
def test_a_licence_is_what_the_metadata_say(tmp_path, said, licence):
    folder = tmp_path / "lib" / "python3.11" / "site-packages" / "Odd_Name-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: Odd_Name\nVersion: 1.0\n{said}")
    assert sbom.installed(tmp_path) == {("odd-name", "1.0"): licence}


def test_a_package_that_is_not_installed_keeps_its_line():
    one = locks.Locked("away", "2", "", ("0" * 64,), ())
    assert sbom.licences({"a": [one]}, {}, {"away": (("2",), "MIT")}) == {"away": "MIT"}
    assert sbom.licences({"a": [one]}, {}, {"away": (("1",), "MIT")}) == {"away": "unknown"}
    assert sbom.licences({"a": [one]}, {("away", "2"): "BSD"}, {"away": (("2",), "MIT")}) == {"away": "BSD"}


@contextmanager
def advisories(known: dict[str, str]):
    """A database that knows these packages by name, asked as OSV is; yields its address and what it was asked."""
    asked = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            queries = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
            asked.extend((query["package"]["name"], query["version"]) for query in queries)
            ids = [known.get(query["package"]["name"]) for query in queries]
            self.answer({"results": [{"vulns": [{"id": one, "modified": MOMENT}]} if one else {} for one in ids]})

        def do_GET(self):
            name, said = next((name, said) for name, said in known.items() if self.path.endswith(said))
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}]
            affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": ranges}]
            about = {"modified": MOMENT, "published": MOMENT, "summary": "Reads too much"}
            self.answer({"id": said, "affected": affected, **about})

        def answer(self, said: dict):
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


MOMENT = "2026-01-02T03:04:05Z"


def audited(address: str) -> subprocess.CompletedProcess:
    around = {**os.environ, "AUDIT_SERVICE": address, "UV_HTTP_RETRIES": "0", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, str(PROJECT / "scripts" / "dev" / "audit.py")]
    return subprocess.run(command, env=around, capture_output=True, text=True)


def test_the_audit_asks_about_every_pinned_package():
    with advisories({}) as (address, asked):
        done = audited(address)
    pinned = {(one.name, one.version) for packages in PINNED.values() for one in packages}
    assert (done.returncode, set(asked)) == (0, pinned), done.stderr
    said = f"audited {len(pinned)} packages of {len(PINNED)} locks: 0 advisories, 0 retired or withdrawn\n"
    assert done.stdout == said


def test_the_audit_names_what_is_known_against_a_package():
    with advisories({"jinja2": "OSV-2026-1"}) as (address, _):
        done = audited(address)
    assert done.returncode == 1
    locked = next(one.version for one in PINNED["requirements.txt"] if one.name == "jinja2")
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"jinja2 {locked} (requirements.txt")
    assert first.endswith("OSV-2026-1 Reads too much; mended in 999")


def test_an_audit_that_reached_nobody_is_no_good_audit():
    done = audited("http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (audit.REACHED_NONE, "")
    assert "no advisory database could be reached at http://127.0.0.1:9/" in done.stderr
    assert "nothing was audited" in done.stderr


def test_an_index_that_uv_does_not_reach_is_asked_by_pip(tmp_path, monkeypatch, capsys):
    """Each of the two takes an environment of its own; without both there is none, and both are quoted."""
    folder, asked, works = tmp_path / "environment", [], {"pip"}

    def run(command, **_):
        by = "venv" if command[2] == "venv" else "pip" if command[1:3] == ["-m", "pip"] else "uv"
        asked.append(by)
        if by == "venv":
            folder.mkdir()
        return subprocess.CompletedProcess(command, int(by not in works | {"venv"}), "", f"{by}: no answer")

    monkeypatch.setattr(environment.subprocess, "run", run)
    lock = PROJECT / "requirements-peers.txt"
    assert environment.make(folder, lock, sys.executable, "a tool") == 0
    assert asked == ["venv", "uv", "venv", "pip"]
    assert environment.is_made(folder, lock)
    works.clear()
    assert environment.make(folder, PROJECT / "requirements.txt", sys.executable, "a tool") == 1
    assert not folder.exists()
    said = capsys.readouterr().err
    assert "uv: no answer" in said
    assert "pip: no answer" in said
