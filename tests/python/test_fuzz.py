"""Mutants of exports land or are named, and cost the files beside them nothing (`scripts/dev/fuzz.py`)."""

import sys
from pathlib import Path

import pytest
from conftest import GOLDEN, PROJECT
from formats import FORMATS, Span, write

sys.path.insert(0, str(PROJECT / "scripts" / "dev"))
import fuzz

SPANS = [
    Span(bytes([7]) * 16, bytes([number]) * 8, bytes([1]) * 8 if number > 1 else None, f"span {number}",
         1_791_194_400_000_000 + number, 1_000_000, number == 3, "svc",
         {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5-nano", "gen_ai.usage.input_tokens": number})
    for number in range(1, 5)
]  # fmt: skip


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("samples")
    for form in FORMATS:
        write(folder, SPANS, form)
    return [folder, GOLDEN / "inbox"]


def test_mutants_land_or_are_named_beside_a_good_file(samples, capsys):
    faults = fuzz.fuzz(samples, list(range(60)), seed=2026, batch=60)
    assert not faults, capsys.readouterr().out
    assert "60 mutants" in capsys.readouterr().out


def test_a_mutant_of_a_seed_is_always_the_same(samples):
    files = fuzz.samples_in(samples)
    once, again = ([fuzz.mutant(5, number, files) for number in range(50)] for _ in range(2))
    assert once == again
    assert len({one.content for one in once}) > 40
    assert fuzz.mutant(6, 0, files) != once[0]


def test_what_goes_wrong_is_found_by_mutant(samples, monkeypatch):
    """A landing that fails as a whole is cut in halves until it is known which file did it."""

    def land_all(mutants, _):
        bad = [one for one in mutants if one.number == 11]
        return fuzz.Landing(["a traceback"] * bool(bad), {}, fuzz.Counter(landed=len(mutants)))

    monkeypatch.setattr(fuzz, "land_all", land_all)
    assert fuzz.fuzz(samples, list(range(16)), seed=1, batch=16) == {11: "a traceback"}
