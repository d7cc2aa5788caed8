"""Merging models on paper: what the graph would be, and a ring is named."""

import csv
import json
import sys

import pytest
from conftest import PROJECT

sys.path.insert(0, str(PROJECT / "scripts" / "dev"))

import fold

READS = {"spans": [], "calls": ["spans"], "costs": ["calls", "prices"], "prices": ["bills"], "bills": []}


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    def go(*mapping: tuple[str, str]) -> tuple[int, str]:
        nodes = {
            f"model.{name}": {"resource_type": "model", "name": name, "depends_on": {"nodes": parents}}
            for name, read in READS.items()
            for parents in [[*(f"model.{parent}" for parent in read), "seed.teams"]]
        }
        nodes["test.unique"] = {"resource_type": "test", "name": "unique", "depends_on": {"nodes": ["model.spans"]}}
        (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
        with (tmp_path / "mapping.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("model", "into"), *mapping])
        monkeypatch.setattr(sys, "argv", ["fold.py", str(tmp_path / "manifest.json"), str(tmp_path / "mapping.csv")])
        return fold.main(), capsys.readouterr().out

    return go


def test_merged_models_read_what_their_parts_read(run):
    code, said = run(("spans", "calls"), ("bills", "prices"))
    assert code == 0
    assert said.startswith("5 models become 3; the longest path has 2 of them (3 today)")
    assert "one reader: calls < costs" in said


def test_ring_is_named(run):
    code, said = run(("bills", "spans"), ("prices", "calls"), ("costs", "spans"))
    assert code == 1
    assert said.split(": ")[2].split(" > ")[1:] in (["calls", "spans\n"], ["spans", "calls\n"])


def test_dropped_model_is_read_by_nobody(run):
    code, said = run(("prices", ""), ("bills", ""))
    assert code == 0
    assert said.startswith("5 models become 3; the longest path has 3")


def test_unknown_model_is_named(run):
    code, said = run(("span", "calls"), ("bills", "prices"))
    assert code == 2
    assert "maps span, which" in said


def test_model_mapped_twice_is_named(run):
    code, said = run(("spans", "calls"), ("spans", "costs"))
    assert code == 2
    assert "maps spans more than once" in said
