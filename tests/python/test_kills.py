"""Killed at a file event and run again, a command leaves what an undisturbed run leaves; all events: dev/kill.py."""

import random
import shutil
import sys

import pytest
from conftest import PROJECT

sys.path.insert(0, str(PROJECT / "scripts" / "dev"))

import kill

import company


@pytest.fixture(scope="module")
def world(golden, tmp_path_factory):
    made = kill.World(tmp_path_factory.mktemp("kills"))
    made.begin(golden.data)
    yield made
    shutil.rmtree(company.seeds_of(str(made.data)), ignore_errors=True)


@pytest.mark.parametrize("name", ["land", "land_damaged", "land_more", "export", "bi", "close", "reopen"])
def test_killed_and_run_again_is_as_undisturbed(world, name):
    wanted = world.undisturbed(name)
    events = world.events(name)
    assert events > 5
    for at in [*random.Random(name).sample(range(1, events), 2), events]:
        assert world.kill(name, at, wanted) == ""
