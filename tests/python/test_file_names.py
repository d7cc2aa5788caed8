"""Files named after ids, and ids in cells: one file each on any file system, and every value comes back."""

import csv
import json
import unicodedata
from pathlib import Path

import duckdb
import hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

import export
from report import site
from terminal import plain

TEAMS = [*hostile.IDS, "", " ", "Con", "CON.csv", "com¹", "x" * 255, "名" * 86, "a" * 100, "a" * 101, "_x", "compose"]


def folded(name: str) -> str:
    """What file systems hold names to be the same by: case, and how letters are composed."""
    return unicodedata.normalize("NFC", name).casefold().rstrip(". ")


def test_each_team_has_a_file_of_its_own_on_any_file_system():
    names = [f"{export.file_name(team)}.csv" for team in TEAMS]
    assert len({folded(name) for name in names}) == len(set(TEAMS))
    for name in names:
        assert len(name.encode()) < 128
        assert name.isascii()
        assert name == Path(name).name
        assert name[0] not in "-."
        assert name.partition(".")[0].upper() not in ("CON", "NUL", "COM1", "LPT9", "AUX", "PRN")
    assert export.file_name("compose") == "compose"
    assert export.file_name("con") != "con"


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_two_teams_share_a_file(one, other):
    names = [folded(export.file_name(team)) for team in (one, other)]
    assert (names[0] == names[1]) == (one == other)


def test_a_plain_id_can_not_take_the_file_of_another():
    other = export.file_name("Team A")
    assert export.file_name(other) != other


@pytest.fixture
def engine():
    with duckdb.connect() as engine:
        engine.execute("create table teams (number integer, team_id varchar, net_usd decimal(38, 12))")
        cells = [*hostile.IDS, "\t=1", "\u200b=1", " +1", "\r\n@x", "'", "''=", "a\x00b", "x=1", "\ufeff-1"]
        engine.executemany("insert into teams values (?, ?, 1)", list(enumerate(cells)))
        yield engine


def test_cells_come_back_as_they_were(tmp_path, engine):
    """No cell begins as a formula; taking one apostrophe off each cell that begins with one gives the ids back."""
    query = "select number, team_id, net_usd from teams order by number"
    entry = export.write_csv(engine, query, [], tmp_path / "a.csv")
    cells = [team for (team,) in engine.execute("select team_id from teams order by number").fetchall()]
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as lines:
        _, *rows = csv.reader(line.replace("\x00", "\ufffe") for line in lines)
    exported = [row[1].replace("\ufffe", "\x00") for row in rows]
    assert [cell.removeprefix("'") for cell in exported] == cells
    marks = "=+-@\uff1d\uff0b\uff0d\uff20"
    bare = ["".join(letter for letter in cell if unicodedata.category(letter)[0] not in "ZC") for cell in exported]
    assert not [cell for cell in bare if cell[:1] and cell[0] in marks]
    # Nothing in a cell has a say in how verify reads the file.
    read = export._table(tmp_path, "a.csv")
    again = engine.execute(f"select team_id, net_usd from {read} order by cast(number as integer)").fetchall()
    assert [row[0] for row in again] == exported
    assert export._recount(engine, tmp_path, "a.csv", entry) == []


def test_verify_holds_a_statement_against_its_team(tmp_path, engine):
    engine.execute("create table stated as select 'Team-A' as team_id, cast(1 as decimal(38, 12)) as amount_usd")
    entry = export.write_csv(engine, "select * from stated order by 1", [], tmp_path / "a.csv")
    assert export._recount(engine, tmp_path, "a.csv", {"team_id": "Team-A", **entry}) == []
    wrong = export._recount(engine, tmp_path, "a.csv", {"team_id": "team-a", **entry})
    assert wrong == ["a.csv: it has rows of another team than the manifest says"]
    assert json.loads(json.dumps(entry)) == entry


def test_an_id_in_a_command_to_copy_is_one_word_of_it():
    assert site.word_of_shell("abc123") == "abc123"
    assert site.word_of_shell("$(touch x) `x` it's") == "'$(touch x) `x` it'\"'\"'s'"
    assert site.word_of_shell("a\x1b[31mb\n") == "<id>"


@pytest.mark.parametrize("name", hostile.IDS, ids=range(len(hostile.IDS)))
def test_nothing_shown_steers_a_terminal(name):
    assert not hostile.steering(plain(name).replace("\n", "\x00"))
