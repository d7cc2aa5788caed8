"""Which file speaks for what: random worlds of charges, exported again and again, in full and in parts."""

import json
import random
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from clouds import google_row
from conftest import run_build
from exports import COSTS, FOCUS, bucket, company, cost, focus, write
from rendering import macro_sql

import land

WORLDS = 300
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
KEYS = {"key_a": "proj_1", "key_b": "proj_1", "key_c": "proj_2", "key_d": "proj_3"}
MODELS = ["gpt-4o-mini", "gpt-5-mini", "o3"]
METERS = ["input", "output"]


class Charge(NamedTuple):
    day: int
    key: str
    project: str
    model: str
    meter: str
    amount: Decimal


class File(NamedTuple):
    """A file of an export: what it lists, the days that it spans, what its whole export lists."""

    name: str
    charges: list[Charge]
    first: int
    last: int
    listed: dict[str, set]
    covers_account: bool
    asked: dict[str, str] | None = None  # the filter of the request, where a note states it
    asked_at: str = ""


class World:
    """A company's account: what is charged changes from step to step, and each step exports a view of it."""

    def __init__(self, number: int):
        self.rng = random.Random(number)
        self.name, self.org = f"w{number}", f"org-{number}"
        self.keys = self.rng.sample(sorted(KEYS), self.rng.randint(1, 4))
        self.states_time, self.states_scope = self.rng.random() < 0.7, self.rng.random() < 0.3
        self.notes_requests = self.rng.random() < 0.4
        self.today, self.truth = self.rng.randint(2, 4), []
        self.steps: list[list[File]] = []
        landed: set[tuple] = set()
        for day in range(1, self.today + 1):
            self.truth += [self.charge(day) for _ in range(self.rng.randint(0, 4))]
        for step in range(self.rng.randint(2, 7)):
            files = self.exported(step)
            # The same bytes again, under any name, change nothing.
            contents = {(*file.charges, file.first, file.last) for file in files}
            self.steps.append([] if contents & landed else files)
            landed |= contents
            self.happen()

    def charge(self, day: int) -> Charge:
        key = self.rng.choice(self.keys)
        amount = Decimal(self.rng.randint(1, 10**6)).scaleb(-self.rng.randint(2, 9))
        return Charge(day, key, KEYS[key], self.rng.choice(MODELS), self.rng.choice(METERS), amount)

    def happen(self) -> None:
        """The open day grows, a day passes, an old line is revised, taken back, or charged once more."""
        self.truth = [c._replace(amount=c.amount * 2) if c.day == self.today else c for c in self.truth]
        if self.truth and self.rng.random() < 0.4:
            place = self.rng.randrange(len(self.truth))
            old = self.truth.pop(place)
            self.truth += self.rng.choice([[], [], [old._replace(amount=old.amount / 2)], [old, old]])
        for _ in range(self.rng.randint(0, 2)):
            self.today += 1
            self.truth += [self.charge(self.today) for _ in range(self.rng.randint(0, 4))]
        self.truth += [self.charge(self.today) for _ in range(self.rng.randint(0, 2))]

    def exported(self, step: int) -> list[File]:
        # Without a stated time the later period's end is newer: only exports up to today are.
        has_time = self.states_time or self.notes_requests
        kinds = ["full", "full", "key", "project", "model", *["day", "parts"] * has_time]
        kind, first, last = self.rng.choice(kinds), 1, self.today
        if kind == "day":
            first = last = self.rng.randint(1, self.today)
        field = {"key": "key", "project": "project", "model": "model"}.get(kind)
        rows = [charge for charge in self.truth if first <= charge.day <= last]
        is_noted, asked = self.notes_requests and kind != "parts" and self.rng.random() < 0.8, {}
        if field and (rows or is_noted):
            # A request may ask for what nothing is charged for.
            known = {"key": self.keys, "project": [KEYS[key] for key in self.keys], "model": MODELS}[field]
            wanted = self.rng.choice(known) if is_noted else getattr(self.rng.choice(rows), field)
            rows = [charge for charge in rows if getattr(charge, field) == wanted]
            asked = {field: wanted}
        listed = {name: {getattr(charge, name) for charge in rows} for name in ("key", "project", "model")}
        is_stamped = self.states_time or (self.notes_requests and not is_noted)
        stamp = f"_2026-10-{self.today:02}T{step:02}00" if is_stamped else f"_{step}"
        name = f"{self.name}_{kind}{stamp}"
        covers = self.states_scope and kind in ("full", "parts", "day")
        if kind != "parts" or len(rows) < 2:
            return [
                File(
                    f"{name}.csv",
                    rows,
                    first,
                    last,
                    listed,
                    covers,
                    asked if is_noted else None,
                    f"2026-10-{self.today:02}T{step:02}:00:00Z",
                )
            ]
        cut = self.rng.randint(1, len(rows) - 1)
        self.rng.shuffle(rows)
        halves = enumerate((rows[:cut], rows[cut:]), 1)
        return [
            File(f"{name}-{number:05}.csv", part, min(c.day for c in part), max(c.day for c in part), listed, covers)
            for number, part in halves
        ]

    def write(self, folder: Path, step: int) -> None:
        for file in self.steps[step] if step < len(self.steps) else []:
            rows = [
                cost(charge.day, str(charge.amount), f"{charge.model}, {charge.meter}", api_key_id=charge.key,
                     project_id=charge.project) | {"organization_id": self.org}
                for charge in file.charges
            ]  # fmt: skip
            if "-0000" not in file.name:  # buckets without use are rows too
                rows += [bucket(day, organization_id=self.org) for day in range(file.first, file.last + 1)]
            write(folder / file.name, COSTS, rows)
            if file.asked is not None:
                names = {"key": "api_key_ids", "project": "project_ids", "model": "models"}
                note = {"endpoint": "/v1/organization/costs", "requested_at": file.asked_at,
                        "filter": {names[field]: [value] for field, value in file.asked.items()},
                        "group_by": ["project_id", "line_item", "api_key_id"], "start": file.first}  # fmt: skip
                (folder / f"{file.name}.request.json").write_text(json.dumps(note | {"file": file.name}))

    def expected(self) -> tuple[Counter, Counter]:
        """((key, amount) of the charges that stand, as often as they do; (older, newer file): the sum at stake)."""
        standing: list[tuple[Charge, int, str]] = []
        for step, files in enumerate(self.steps):
            standing = [(c, at, name) for c, at, name in standing if not any(in_scope(c, file) for file in files)]
            standing += [(charge, step, file.name) for file in files for charge in file.charges]
        stakes: Counter = Counter()
        for charge, at, name in standing:
            for files in self.steps[at + 1 :]:
                for file in files:
                    is_stated = file.covers_account or file.asked is not None
                    if file.first <= charge.day <= file.last and not is_stated:
                        stakes[name, file.name] += charge.amount
        return Counter((charge.key, charge.amount) for charge, _, _ in standing), stakes


def in_scope(charge: Charge, file: File) -> bool:
    if not file.first <= charge.day <= file.last:
        return False
    if file.asked is not None:
        return all(getattr(charge, field) == value for field, value in file.asked.items())
    return file.covers_account or all(getattr(charge, name) in values for name, values in file.listed.items())


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """All worlds land round by round, each in an account of its own, and are built once."""
    folder = tmp_path_factory.mktemp("versions")
    made = [World(number) for number in range(WORLDS)]
    for step in range(max(len(world.steps) for world in made)):
        for world in made:
            world.write(folder / "inbox", step)
        assert land.run(folder / "inbox", folder / "data") == 0
    for run, day, amount in (("a", 9, "2.00"), ("b", 8, "1.00")):
        write(folder / "inbox" / run / "part_0_0001.csv", FOCUS, [focus(5, amount, ProviderName="Acme")])
        info = {"submittedTime": f"2026-11-0{day}T09:00:00Z", "runId": f"{run}{GUID[1:]}"}
        blobs = [{"blobName": f"exports/20261001-20261031/{run}/part_0_0001.csv"}]
        (folder / "inbox" / run / "manifest.json").write_text(json.dumps({"blobs": blobs, "runInfo": info}))
    for name, exported, amount in (("google_1", "11-09", 2.0), ("google_2", "11-08", 1.0)):
        row = google_row(amount, export_time=f"2026-{exported} 12:00:00 UTC")
        (folder / "inbox" / f"{name}.jsonl").write_text(json.dumps(row))
    sources = "provider,account_id,file_kind,priority,source_file,covers\n" + "".join(
        f"openai,{world.org},,,{file.name},account\n"
        for world in made for step in world.steps for file in step if file.covers_account
    )  # fmt: skip
    built = run_build(folder / "inbox", folder / "data", company(folder, bill_sources=sources))
    return made, built


def test_the_newest_truth_stands(worlds):
    """Each key's charges are those of the newest file whose scope they are in, to the digit."""
    made, built = worlds
    assert built.code == 0, built.output
    found = defaultdict(Counter)
    for account, key, amount in built.rows(
        "select account_id, api_key, billed_amount from intermediate.int_bill_lines"
        " inner join intermediate.int_bill_line_status using (line_id)"
        " where is_standing and category is distinct from 'bucket'"
    ):
        found[account][key, amount] += 1
    for world in made:
        assert found[world.org] == world.expected()[0], world.name


def test_what_no_rule_decides_is_named_with_its_sum(worlds):
    made, built = worlds
    found = defaultdict(Counter)
    for account, older, newer, billed in built.rows(
        "select account_id, source_file, newer_file, billed_usd from marts.bill_overlaps_unsettled"
    ):
        found[account][older, newer] += billed
    for world in made:
        assert found[world.org] == world.expected()[1], world.name
    assert sum(bool(world.expected()[1]) for world in made) > WORLDS / 10
    assert sum(not world.expected()[1] for world in made) > WORLDS / 10
    assert "WARNING: " in built.output
    folder = built.data.parent
    strict = run_build(folder / "inbox", built.data, folder / "company", STRICT="1")
    assert (strict.code, "STRICT=1" in strict.output) == (1, True), strict.output[-2000:]


@pytest.mark.parametrize(
    ("path", "exported", "export"),
    [
        ("costs.csv", None, "id"),
        ("costs_2026-10-05.csv", "2026-10-05 00:00:00", "id"),
        ("20261005T0930.csv", "2026-10-05 09:30:00", "id"),
        ("costs-2026-10-01_2026-10-31.csv", "2026-10-31 00:00:00", "id"),
        ("costs-2026-10.csv", None, "id"),
        ("day_20261010_b.csv", "2026-10-10 00:00:00", "id"),
        ("costs (2).csv", None, "id"),
        ("export-00001.csv.gz", None, "exportcsv.gz"),
        ("export-2026-11-02-00003.csv", "2026-11-02 00:00:00", "export-2026-11-02csv"),
        ("part_0_0001.csv", None, ".csv"),
        ("costs (1 of 3).csv", None, "costs.csvof 3"),
        ("downloads.zip/costs-2026-10.csv", None, "downloads.zip"),
        (f"20261001-20261031/{GUID}/part_0_0001.csv", "2026-10-31 00:00:00", f"20261001-20261031/{GUID}"),
        (f"BILLING_PERIOD=2026-10/{GUID}/x-00001.csv", None, f"BILLING_PERIOD=2026-10/{GUID}"),
        (f"subscriptions/{GUID}/october.csv", None, "id"),
        ("run/202611021033/costs.csv", "2026-11-02 10:33:00", "run/202611021033"),
        ("2026-11-02T09:00:00.000Z/costs.csv", "2026-11-02 09:00:00", "2026-11-02T09:00:00.000Z"),
        ("20261001-20261031/october.csv", "2026-10-31 00:00:00", "id"),
        (f"{GUID}.csv", None, "id"),
    ],
)
def test_what_a_path_says_of_an_export(path, exported, export):
    """The last date in it, with a time; the archive, run or numbered name that it is a part of."""
    found = duckdb.sql(
        macro_sql("select cast({{ exported_at('path') }} as varchar), {{ export_of('path', \"'id'\") }}")
        + f" from (select '{path}' as path)"
    ).fetchall()
    assert found == [(exported, export)]


def test_a_manifest_says_what_is_newer(worlds):
    """Run a was exported a day after run b, as their manifests say; their names and periods say nothing."""
    _, built = worlds
    assert built.landed(
        "select file_name, cast(exported_at as varchar), export_id from {} where endpoint is null order by all",
        "manifests",
    ) == [(f"exports/20261001-20261031/{run}/part_0_0001.csv", f"2026-11-0{day} 09:00:00", f"{run}{GUID[1:]}")
          for run, day in (("a", 9), ("b", 8))]  # fmt: skip
    assert built.rows(
        "select replaced_file, replaced_by_file, billed_usd from marts.provider_bills_monthly"
        " where provider = 'acme' order by all"
    ) == [("b/part_0_0001.csv", "a/part_0_0001.csv", 1), (None, None, 2)]


def test_googles_rows_say_what_is_newer(worlds):
    """The first to land was exported a day after the second, as their rows say; both are of the same hour."""
    _, built = worlds
    assert built.rows(
        "select replaced_file, replaced_by_file, billed_usd from marts.provider_bills_monthly"
        " where provider = 'google' order by all"
    ) == [("google_2.jsonl", "google_1.jsonl", 1), (None, None, 2)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["costs (1).csv", "costs (10).csv", "costs (2).csv", "costs.csv"],
         ["costs.csv", "costs (1).csv", "costs (2).csv", "costs (10).csv"]),
        (["b", "a.csv.gz", "a (1).csv.gz"], ["a.csv.gz", "a (1).csv.gz", "b"]),
    ],
)  # fmt: skip
def test_downloads_land_in_the_order_of_their_copies(names, expected):
    assert sorted(names, key=land.by_download) == expected
