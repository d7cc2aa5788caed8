"""Names of the ledger's own rows in files and seeds: named, and nobody's. No money moves to or from those rows."""

import re
from decimal import Decimal

import duckdb
import pytest
from conftest import run_build
from exports import activity, attributes, batch, chat, company, write

import land
from landing import reserved

FEATURES, TEAMS = reserved.NAMES["feature"], reserved.NAMES["team"]
FORMS = {"exact": "{}", "upper": "{}", "padded": " \u00a0{}\t"}
PLACES = [
    "app.feature",
    "feature",
    "baggage.app.feature",
    "metadata.app.feature",
    "langfuse.trace.metadata.app.feature",
]


def spelled(name: str, form: str) -> str:
    return FORMS[form].format(name.upper() if form == "upper" else name)


def test_every_place_of_a_label_leaves_it_out_and_names_it(tmp_path):
    """Source x name x spelling: none lands, and the span takes what else labels it."""
    inbox, spans = tmp_path / "inbox", []
    inbox.mkdir()
    stated = [(place, spelled(name, form)) for place in PLACES for name in FEATURES for form in FORMS]
    stated += [
        (place, spelled(name, form)) for place in ("app.team", "tag.tags.app.team") for name in TEAMS for form in FORMS
    ]
    stated += [("app.team", "search > web")]
    for number, (place, label) in enumerate(stated, 1):
        one = chat(number, 1)
        spans.append({**one, "attributes": [*one["attributes"], *attributes({place: label})]})
        both = {place: label, "http.request.header.app.feature": "fine", "http.request.header.app.team": "fine"}
        spans.append({**one, "spanId": f"{2:016x}", "attributes": [*one["attributes"], *attributes(both)]})
    (inbox / "spans.jsonl").write_text(batch(spans))
    assert land.run(inbox, tmp_path / "data") == 0
    rows = f"read_parquet('{tmp_path}/data/landed/spans/*/*.parquet')"
    labels = "coalesce(feature_id, trace_feature_id), coalesce(team_id, trace_team_id)"
    found = duckdb.sql(f"select span_key, {labels}, count(*) from {rows} group by all order by all").fetchall()
    assert found == [(1, None, None, len(stated)), (2, "fine", "fine", len(stated))]
    rejects = f"read_parquet('{tmp_path}/data/landed/rejects/*/*.parquet')"
    named = duckdb.sql(f"select reason from {rejects} where kind = 'spans_values' and line = 1").fetchall()
    assert len(named) == 2 * len(stated)
    assert all("is a name of the ledger's own rows" in why or "stands for a path of teams" in why for (why,) in named)


def test_rows_of_other_files_are_named(tmp_path, capsys):
    inbox = tmp_path / "inbox"
    others(inbox, [spelled(name, form) for name in FEATURES for form in FORMS], "quality_pool")
    assert land.run(inbox, tmp_path / "data") == 0
    rejects = f"read_parquet('{tmp_path}/data/landed/rejects/*/*.parquet')"
    named = dict(duckdb.sql(f"select kind, count(*) from {rejects} group by all").fetchall())
    labels = len(FEATURES) * len(FORMS)
    assert named == {
        "usage_events_values": labels, "revenue_values": 2 * labels, "eval_runs_values": labels, "users_values": 2,
    }  # fmt: skip
    said = capsys.readouterr().out
    # The summary has the first reasons of each file, rejects have all.
    for file in ("events.csv", "revenue.csv", "runs.csv"):
        assert re.search(rf"value not read \d+x in {file}: feature_id: '.*' is a name of the ledger's own rows", said)
    assert re.search(
        r"value not read \d+x in users.csv: (plan|segment): 'quality_pool' is a name of the ledger's", said
    )


def others(inbox, labels: list[str], cohort: str) -> None:
    """Events, revenue, users and eval runs that carry these labels."""
    events, revenue, runs = [], [], []
    for number, label in enumerate(labels):
        event = {"event_id": f"e{number}", "occurred_at": "2026-10-05 00:00:03", "answers": "1"}
        events.append(event | {"feature_id": label, "user_id": "u", "account_id": "acme"})
        money = {"month": "2026-10", "account_id": "acme", "revenue_usd": "7"}
        revenue.append(money | {"plan": cohort, "feature_id": label})
        run = {
            "run_id": f"r{number}",
            "suite": "tone",
            "started_at": "2026-10-05 12:00:00",
            "cases": "2",
            "passed": "1",
        }
        runs.append(run | {"feature_id": label, "model": "m", "prompt_version": "v", "failed": "1", "errored": "0"})
    write(inbox / "events.csv", "event_id,occurred_at,feature_id,user_id,account_id,answers", events)
    write(inbox / "revenue.csv", "month,account_id,plan,revenue_usd,feature_id", revenue)
    users = [{"user_id": "u", "account_id": "acme", "plan": cohort, "segment": cohort, "signed_up_on": "2026-01-01"}]
    write(inbox / "users.csv", "user_id,account_id,plan,segment,signed_up_on", users)
    columns = "run_id,feature_id,suite,started_at,model,prompt_version,cases,passed,failed,errored"
    write(inbox / "runs.csv", columns, runs)


SEEDS = {
    "teams": "team_id\nmail\nweb\n",
    "services": "service_name,owner_team_id\nsvc,mail\n",
    "feature_catalog": "feature_id,owner_team_id\nfine,web\n",
}
MONEY = {
    "features": "select originating_feature_id, sum(borne_usd) from marts.spend_daily group by all",
    "teams": "select team_id, sum(net_charge_usd) from marts.team_chargeback_monthly group by all",
    "margins": "select feature_id, sum(margin_usd) from marts.feature_pnl_monthly group by all",
    "revenue": "select feature_id, sum(revenue_usd) from marts.feature_pnl_monthly group by all",
    "segments": "select segment, sum(borne_usd) from marts.segment_margin_monthly group by all",
}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """One company twice: with the ledger's own names as labels, and with names that nobody knows."""
    made = {}
    for kind in ("hostile", "honest"):
        folder = tmp_path_factory.mktemp(kind)
        labels = [spelled(name, form) for name in FEATURES for form in FORMS]
        teams = [spelled(name, form) for name in TEAMS for form in FORMS] + ["web > mail"]
        cohort = "Quality_Pool"
        if kind == "honest":
            labels, teams = (
                [f"honest-{place}" for place in range(len(labels))],
                [f"team-{place}" for place in range(len(teams))],
            )
            cohort = "honest"
        inbox = folder / "inbox"
        others(inbox, labels, cohort)
        spans = [chat(1, 1, response="gen-1", app__feature="fine"), chat(2, 1, response="gen-2")]
        spans += [chat(10 + n, 1, response=f"gen-l{n}", app__feature=label) for n, label in enumerate(labels)]
        spans += [chat(90 + n, 1, response=f"gen-t{n}", app__team=team) for n, team in enumerate(teams)]
        (inbox / "spans.jsonl").write_text(batch(spans))
        billed = ["gen-1", "gen-2", "gen-unseen", *(f"gen-l{n}" for n in range(len(labels)))]
        billed += [f"gen-t{n}" for n in range(len(teams))]
        activity([(response, "2026-10-05 00:00:00", "0.25") for response in billed], inbox / "openrouter.csv")
        made[kind] = run_build(inbox, folder / "data", company(folder, **SEEDS))
    return made


def test_labels_of_such_names_never_fail_a_build(worlds):
    for built in worlds.values():
        assert built.code == 0, built.output
    assert "is a name of the ledger's own rows" in worlds["hostile"].output


@pytest.mark.parametrize("query", MONEY.values(), ids=MONEY)
def test_money_is_that_of_honest_names(worlds, query):
    """The ledger's own rows have what they have anyway; what labels had is unlabelled, unknown or the service's."""
    hostile, honest = (dict(worlds[kind].rows(query)) for kind in ("hostile", "honest"))
    assert sum(hostile.values()) == sum(honest.values())
    own = set(FEATURES + TEAMS) - {"unlabelled"}
    assert {name: usd for name, usd in hostile.items() if name in own} == {
        name: usd for name, usd in honest.items() if name in own
    }
    invented = sum((usd for name, usd in honest.items() if name not in hostile), Decimal(0))
    took = {name: usd - honest.get(name, 0) for name, usd in hostile.items() if usd != honest.get(name, 0)}
    assert sum(took.values()) == invented
    assert set(took) <= {"unlabelled", "unknown", "mail", "fine"}, took


@pytest.mark.parametrize(
    ("seed", "text", "kind"),
    [
        ("teams", "team_id\nmail\n Quality_Pool\nweb\n", "team"),
        ("teams", "team_id\nmail\nweb > mail\nweb\n", "team"),
        ("feature_catalog", "feature_id,owner_team_id\nUNTRACED,web\n", "feature"),
    ],
)
def test_a_seed_with_such_a_name_is_an_error(tmp_path, seed, text, kind):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    built = run_build(inbox, tmp_path / "data", company(tmp_path, **{**SEEDS, seed: text}))
    assert built.code == 1
    assert "names_are_not_reserved" in built.output
    assert f"give the {kind} another name" in built.output
