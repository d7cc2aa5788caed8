"""Who paid is what the charge says: its key, tags or account; else the call's own key, else the calling service."""

import json
from datetime import date
from decimal import Decimal
from itertools import product

import duckdb
import pytest
from exports import COSTS, FOCUS, OPENROUTER, batch, bucket, chat, company, cost, focus, span, write
from rendering import macro_sql

USD = Decimal
NANO = {"gen_ai__provider__name": "aws.bedrock", "gen_ai__request__model": "amazon.nova-lite-v1:0"}
PROFILE = "arn:aws:bedrock:us-east-1:{}:application-inference-profile/{}"
TAGGED = FOCUS + ",ResourceId,Tags"
TEAMS = "team_id,name,cost_center\n" + "".join(
    f"{team},{team},cc\n"
    for team in ("asker", "by_key", "by_tag", "by_account", "by_call", "by_service", "alpha", "beta")
)
CATALOG = "feature_id,name,owner_team_id,launched_on,valid_from,valid_to\nf,F,asker,,,\ng,G,by_tag,,,\n"
SERVICES = "service_name,owner_team_id,valid_from,valid_to\nowned,by_service,,\n"
KEYS = "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\n"
TAGS = "provider,tag_key,tag_value,owner_team_id,feature_id,valid_from,valid_to\n"


def asked(trace: int, at: float, service: str, **values) -> str:
    """A request for feature f, whose model is called by another service."""
    asking = batch([span(trace, 1, None, at, app__feature="f", app__team="asker")], "web")
    return asking + batch([chat(trace, 2, 1, at, None, **values)], service)


def paid(built) -> dict[str, Decimal]:
    query = "select team_id, paid_usd from marts.team_chargeback_monthly where paid_usd != 0"
    return dict(built.rows(query))


def transfers(built) -> dict[tuple[str, str], Decimal]:
    query = "select debtor_team_id, creditor_team_id, amount_usd from marts.team_transfers_monthly"
    return {(debtor, creditor): amount for debtor, creditor, amount in built.rows(query)}


def test_the_first_that_has_an_owner_pays(build, tmp_path):
    """Key, tags and account of the charge, the call's key and its service, each there or not: 32 accounts of a cloud.

    A charge counts twice what was traced of it. Whoever its key, tags or account name pays all of it; else the call's
    key or service pays the traced half, and nobody the rest.
    """
    order = ["by_key", "by_tag", "by_account", "by_call", "by_service"]
    worlds = list(product([False, True], repeat=5))
    rows, spans, keys, tags, expected = [], [], [], [], {}
    untraced = dict.fromkeys([*order, "unattributed"], USD(0))
    for number, has in enumerate(worlds, 1):
        account, profile = f"{number:012}", PROFILE.format(f"{number:012}", f"profile{number}")
        rows.append(focus(
            5, "0.12", ProviderName="AWS", ServiceName="Amazon Bedrock", BillingAccountId="999999999999",
            SubAccountId=account, ConsumedQuantity="2000", ConsumedUnit="1K tokens", ResourceId=profile,
            x_UsageType="USE1-NovaLite-input-tokens", Tags=json.dumps({"env": "prod", "World": f"w{number}."}),
        ))  # fmt: skip
        owners = [team for team, there in zip(order, has, strict=True) if there]
        expected[number] = owners[0] if owners else "unattributed"
        untraced[next((team for team in owners if team in order[:3]), "unattributed")] += USD("0.06")
        keys += [f"aws,{account},{profile},by_key,,,\n"] if has[0] else [f"aws,{account},other,beta,,,\n"]
        tags += [f"aws,world,w{number}.,by_tag,,,\n"] if has[1] else [f"aws,world,w{number}.,beta,,,2026-10-05\n"]
        keys += [f"aws,{account},,by_account,,,\n"] if has[2] else []
        keys += [f"aws,,key-{number}.,by_call,,,\n"] if has[3] else []
        said = {**NANO, "cloud__account__id": account, "app__api_key": f"key-{number}.",
                "gen_ai__usage__input_tokens": 1_000_000, "gen_ai__usage__output_tokens": 0}  # fmt: skip
        # Whoever asks by a feature's name owns what nobody else does: without an owner, nobody asks.
        lonely = batch([chat(number, 2, None, 36000, None, **said)], "unowned")
        spans.append(asked(number, 36000, "owned", **said) if has[4] else lonely)
    rows.append(focus(6, "0", ProviderName="AWS", ServiceName="Amazon Bedrock", BillingAccountId="999999999999"))
    inbox = tmp_path / "inbox"
    write(inbox / "focus.csv", TAGGED, rows)
    (inbox / "spans.jsonl").write_text("".join(spans))
    seeds = {"teams": TEAMS, "feature_catalog": CATALOG, "services": SERVICES}
    built = build(inbox, company(tmp_path, api_keys=KEYS + "".join(keys), charge_tags=TAGS + "".join(tags), **seeds))
    assert built.code == 0, built.output
    query = "select cast('0x' || trace_id as bigint), payer_team_id, billed_usd from marts.attributed_calls order by 1"
    assert built.rows(query) == [(number, payer, USD("0.06")) for number, payer in expected.items()]
    traced = {team: USD("0.06") * list(expected.values()).count(team) for team in untraced}
    assert paid(built) == {team: traced[team] + untraced[team] for team in untraced if traced[team] + untraced[team]}
    query = "select team_id, unattributed_usd from marts.team_chargeback_monthly where unattributed_usd != 0"
    unnamed = [expected[number] for number, has in enumerate(worlds, 1) if not has[4]]
    stays = {team: amount + USD("0.06") * unnamed.count(team) for team, amount in untraced.items()}
    assert dict(built.rows(query)) == {team: amount for team, amount in stays.items() if amount}
    owed = transfers(built)
    assert sum(amount for (debtor, _), amount in owed.items() if debtor == "asker") == USD("0.06") * 16
    query = (
        "select x_PayerTeamId, sum(EffectiveCost) as usd from marts.focus_cost_and_usage group by all having usd != 0"
    )
    assert dict(built.rows(query)) == paid(built)
    query = (
        "select payer_team_id, sum(untraced_usd) as usd from marts.capture_rates_monthly group by all having usd != 0"
    )
    assert dict(built.rows(query)) == {team: amount for team, amount in untraced.items() if amount}


def test_several_payers_of_one_call_pay_what_their_charges_say(build, tmp_path):
    """Three keys' lines of one day meet calls that name no key: each call is paid by all three, to the last digit.

    One line's key has no owner, so the calls' services pay its part; another meter's line is of one key alone; calls
    around midnight take of the next day's charges too, of a batch two features bear, and an unlabelled call stays with
    those who pay it.
    """
    inbox = tmp_path / "inbox"
    lines = [
        cost(5, "0.100000000001", "gpt-4o-mini, input", api_key_id="key_a", quantity="700000"),
        cost(5, "0.070000000003", "gpt-4o-mini, input", api_key_id="key_b", quantity="500000"),
        cost(5, "0.030000000007", "gpt-4o-mini, input", api_key_id="key_c", quantity="300000"),
        cost(5, "0.900000000001", "gpt-4o-mini, output", api_key_id="key_b", quantity="1700000"),
        cost(6, "0.013000000001", "gpt-4o-mini, input", api_key_id="key_a", quantity="90000"),
        cost(6, "0.017000000011", "gpt-4o-mini, input", api_key_id="key_b", quantity="110000"),
        cost(29, "0.40", "gpt-4o-mini, input", api_key_id="key_a", quantity="2000000"),
        bucket(30),
    ]
    write(inbox / "costs.csv", COSTS, lines)
    mini = {"gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o-mini"}
    used = [(1, 0, "owned", 333_333, 77_777), (2, 3600, "unowned", 250_001, 99_999), (3, 7200, "owned", 999_983, 1)]
    spans = [
        asked(trace, at, service, **mini, gen_ai__usage__input_tokens=sent, gen_ai__usage__output_tokens=received)
        for trace, at, service, sent, received in used
    ]
    plain = {**mini, "gen_ai__usage__input_tokens": 50_000, "gen_ai__usage__output_tokens": 333_333}
    spans.append(batch([chat(4, 1, None, 10800, None, **plain)], "owned"))
    causes = [span(5, 1, None, 0, app__feature="f"), span(6, 1, None, 0, app__feature="g")]
    spans.append(batch([*causes, chat(7, 1, None, 14400, None, links=[(5, 1), (6, 1)], **plain)], "owned"))
    (inbox / "spans.jsonl").write_text("".join(spans))
    seeds = {"teams": TEAMS, "feature_catalog": CATALOG, "services": SERVICES}
    keys = KEYS + "openai,,key_a,alpha,,,\nopenai,,key_b,beta,,,\n"
    built = build(inbox, company(tmp_path, api_keys=keys, **seeds))
    assert built.code == 0, built.output
    query = "select payer_team_id, sum(billed_usd) from intermediate.int_charge_settlements group by all"
    by_charge = dict(built.rows(query))
    assert by_charge["alpha"] == USD("0.100000000001") + USD("0.013000000001") + USD("0.40")
    of_teams = paid(built)
    assert {team: of_teams[team] for team in ("alpha", "beta")} == {team: by_charge[team] for team in ("alpha", "beta")}
    assert sum(of_teams.values()) == sum(by_charge.values())
    assert 0 < of_teams["by_service"] < USD("0.030000000007")
    # Who asks owes each payer; the service in between owes and is owed the same but for what it pays itself.
    owed = transfers(built)
    assert owed["by_service", "alpha"] > 0
    assert owed["by_service", "beta"] > 0
    shares = built.rows("select call_id, sum(share), sum(borne_usd) from marts.call_shares group by all")
    assert {share for _, share, _ in shares} == {USD(1)}
    query = "select call_id, attributed_usd from marts.attributed_calls"
    assert dict(built.rows(query)) == {call: borne for call, _, borne in shares}
    # What nobody asked for by name stays with the payers, each its part.
    query = """
        select bearer_team_id from marts.call_shares where originating_feature_id = 'unlabelled' and borne_usd != 0
    """
    assert {team for (team,) in built.rows(query)} == {"alpha", "beta", "by_service"}
    query = "select x_PayerTeamId, sum(EffectiveCost) from marts.focus_cost_and_usage group by all"
    named = dict(built.rows(query))
    assert {team: named[team] for team in ("alpha", "beta")} == {team: by_charge[team] for team in ("alpha", "beta")}
    # Who pays most of a call is named beside it.
    query = "select distinct payer_team_id from marts.attributed_calls where trace_id like '%4'"
    assert built.rows(query) == [("beta",)]


def test_tags_in_every_form_name_payer_and_feature(build, tmp_path):
    """Tags as JSON, as a list of keys and values, without braces, between semicolons; the longest pattern wins."""
    forms = [
        '{"env":"prod","team":"alpha-x"}', '[{"key":"env","value":"prod"},{"key":"team","value":"alpha-x"}]',
        '[{"Key": "team", "Value": "alpha-x"}]', '"env": "prod","team": "alpha-x"', "env=prod;team=alpha-x",
        "team:alpha-x, env:prod", "{env=prod, team=alpha-x}", "{'env': 'prod', 'team': 'alpha-x'}",
        '{"TEAM":"Alpha-X","n":1,"m":null}', '{"not-team":"alpha-x"}', '{"team":"x","env":"alpha-x"}', "{}", "",
    ]  # fmt: skip
    rows = [
        focus(
            5, f"0.{number:02}", ProviderName="AWS", ServiceName="Amazon Bedrock", SubAccountId=f"{number:012}",
            ConsumedQuantity="10", ConsumedUnit="1K tokens", x_UsageType="USE1-NovaLite-input-tokens", Tags=tags,
        )
        for number, tags in enumerate(forms, 1)
    ]  # fmt: skip
    inbox = tmp_path / "inbox"
    write(inbox / "focus.csv", TAGGED, rows)
    # The project of OpenAI's costs, and the workspace of Anthropic's, are tags of theirs.
    write(inbox / "costs.csv", COSTS, [cost(5, "7", project_id="proj_1", api_key_id="k"), bucket(6)])
    tags = TAGS + "aws,team,%,beta,f,,\naws,team,alpha%,alpha,g,,\naws,team,x,,f,,\nopenai,project,proj%,by_tag,,,\n"
    seeds = {"teams": TEAMS, "feature_catalog": CATALOG, "charge_tags": tags}
    built = build(inbox, company(tmp_path, **seeds))
    assert built.code == 0, built.output
    query = """
        select cast(account_id as integer), team_id, feature_id, sum(amount_usd) from marts.ledger_entries
        where kind = 'bill' and side = 'debit' and provider = 'aws' group by all order by 1
    """
    usd = {number: USD(f"0.{number:02}") for number in range(1, 14)}
    assert built.rows(query) == [
        *[(number, "alpha", "g", usd[number]) for number in range(1, 10)],
        (10, "unattributed", "untraced", usd[10]),
        # The owner is the nearest pattern's that has one, and so is the feature.
        (11, "beta", "f", usd[11]),
        (12, "unattributed", "untraced", usd[12]),
        (13, "unattributed", "untraced", usd[13]),
    ]
    assert paid(built)["by_tag"] == USD(7)
    query = """
        select feature_id, production_usd, unattributed_usd from marts.feature_pnl_monthly
        where feature_id in ('f', 'g') order by 1
    """
    assert built.rows(query) == [("f", 0, usd[11]), ("g", 0, sum(usd[number] for number in range(1, 10)))]
    query = (
        "select x_FeatureId, sum(BilledCost) from marts.focus_cost_and_usage where x_PayerTeamId = 'alpha' group by all"
    )
    assert built.rows(query) == [("g", sum(usd[number] for number in range(1, 10)))]


def test_profiles_are_known_by_the_bill_and_names_of_several_words(build, tmp_path):
    """A span names an inference profile, or the end of its name; the bill says whose it is and what it serves."""
    mine, other = (PROFILE.format("111122223333", name) for name in ("mine1", "other2"))
    fixed = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock", "BillingAccountId": "111122223333",
             "ConsumedUnit": "1K tokens", "x_UsageType": "USE1-Claude4.5Sonnet-input-token-count"}  # fmt: skip
    rows = [
        focus(5, "0.30", **fixed, ConsumedQuantity="100", ResourceId=mine, Tags='{"team":"alpha"}'),
        focus(5, "0.60", **fixed, ConsumedQuantity="100", ResourceId=other, Tags='{"team":"beta"}'),
        focus(6, "0.90", **fixed | {"x_UsageType": ""}, ConsumedQuantity="1000", ChargeDescription="GPT-4o mini input"),
        # A name of several words, at the vendor's own FOCUS; its shorter neighbour is a model too.
        focus(5, "0.15", ProviderName="OpenAI", ServiceName="OpenAI API", BillingAccountId="org", ConsumedQuantity="1",
              ConsumedUnit="1M tokens", ChargeDescription="GPT-4o mini - input tokens"),
        focus(5, "3.00", ProviderName="Anthropic", ServiceName="Claude API", BillingAccountId="org",
              ConsumedQuantity="1", ConsumedUnit="1M tokens", ChargeDescription="Claude Sonnet 4.5 input tokens"),
        # By the hour: no tokens. A grounded query is a web search, whatever else its text names.
        focus(5, "4.50", ProviderName="Google Cloud", ServiceName="Vertex AI", BillingAccountId="bill-1",
              ConsumedQuantity="1000000", ConsumedUnit="token-hours",
              ChargeDescription="Gemini 2.5 Pro context cache input tokens"),
        focus(5, "0.35", ProviderName="Google Cloud", ServiceName="Vertex AI", BillingAccountId="bill-1",
              ConsumedQuantity="10", ConsumedUnit="count",
              ChargeDescription="Gemini 2.5 Pro input: Grounding with Google Search queries"),
    ]  # fmt: skip
    rows = [row for row in rows if row["BilledCost"] != "0.90"]
    inbox = tmp_path / "inbox"
    write(inbox / "focus.csv", TAGGED, rows)
    tokens = {"gen_ai__usage__input_tokens": 100_000, "gen_ai__usage__output_tokens": 0}
    bedrock = {"gen_ai__provider__name": "aws.bedrock", **tokens}
    million = {"gen_ai__usage__input_tokens": 1_000_000, "gen_ai__usage__output_tokens": 0}
    gemini = {"gen_ai__provider__name": "gcp.vertex_ai", "gen_ai__request__model": "gemini-2.5-pro"}
    spans = [
        asked(1, 3600, "owned", **bedrock, gen_ai__request__model=mine),
        asked(2, 3600, "owned", **bedrock, gen_ai__request__model="other2"),
        asked(3, 3600, "owned", gen_ai__provider__name="openai", gen_ai__request__model="gpt-4o-mini", **million),
        asked(
            4, 3600, "owned", gen_ai__provider__name="anthropic", gen_ai__request__model="claude-sonnet-4-5", **million
        ),
        asked(5, 3600, "owned", **gemini, **million),
    ]
    (inbox / "spans.jsonl").write_text("".join(spans))
    tags = TAGS + "aws,team,alpha,alpha,,,\naws,team,beta,beta,,,\n"
    built = build(inbox, company(tmp_path, teams=TEAMS, feature_catalog=CATALOG, services=SERVICES, charge_tags=tags))
    assert built.code == 0, built.output
    query = """
        select cast('0x' || trace_id as bigint), model, billed_usd, payer_team_id, originating_feature_id
        from marts.attributed_calls order by 1
    """
    sonnet = "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert built.rows(query) == [
        (1, sonnet, USD("0.30"), "alpha", "f"),
        (2, sonnet, USD("0.60"), "beta", "f"),
        (3, "gpt-4o-mini", USD("0.15"), "by_service", "f"),
        (4, "claude-sonnet-4-5", USD("3"), "by_service", "f"),
        (5, "gemini-2.5-pro", None, "by_service", "f"),
    ]
    query = """
        select meter, sum(billed_usd), sum(billed_quantity) from marts.invoice_reconciliation_daily
        where provider = 'google' and billed_usd != 0 group by all order by 1
    """
    assert built.rows(query) == [("cache_storage", USD("4.50"), 0), ("web_search", USD("0.35"), 10)]


def own(generation: str, hour: int, cost_usd: str, byok: str, model: str, provider: str, tokens: int) -> dict:
    return {"generation_id": generation, "created_at": f"2026-10-05 {hour:02}:00:00", "cost_total": cost_usd,
            "byok_usage_inference": byok, "tokens_prompt": tokens, "tokens_completion": 0, "model_permaslug": model,
            "provider_name": provider, "variant": "standard", "cancelled": "false",
            "api_key_name": "router"}  # fmt: skip


def test_a_call_with_ones_own_key_is_another_providers_and_its_fee_the_gateways(build, tmp_path):
    """Own-key rows name calls that OpenAI (on a bill) and Anthropic (on none) bill; a third one the gateway bills."""
    inbox = tmp_path / "inbox"
    rows = [
        own("gen-1", 10, "0.0125", "0.25", "openai/gpt-4o-mini", "OpenAI", 1_000_000),
        own("gen-2", 11, "0.015", "0.3", "anthropic/claude-sonnet-4.5", "Anthropic", 100_000),
        own("gen-3", 12, "0.16", "0", "openai/gpt-4o-mini", "OpenAI", 1_000_000),
        own("gen-9", 13, "0.01", "0.2", "openai/gpt-4o-mini", "OpenAI", 1_000_000),
    ]
    write(inbox / "activity.csv", OPENROUTER, rows)
    # Two million tokens at OpenAI, of which one is seen; no key of its own stands on the calls.
    lines = [cost(5, "0.50", "gpt-4o-mini, input", api_key_id="key_a", quantity="2000000"), bucket(6)]
    write(inbox / "costs.csv", COSTS, lines)
    routed = {"server__address": "openrouter.ai", "gen_ai__provider__name": "openrouter"}
    named = [
        ("gen-1", "openai/gpt-4o-mini", 1_000_000),
        ("gen-2", "anthropic/claude-sonnet-4.5", 100_000),
        ("gen-3", "openai/gpt-4o-mini", 1_000_000),
    ]
    spans = [
        asked(
            number,
            36000,
            "owned",
            **routed,
            gen_ai__request__model=model,
            gen_ai__response__id=response,
            gen_ai__usage__input_tokens=tokens,
            gen_ai__usage__output_tokens=0,
        )
        for number, (response, model, tokens) in enumerate(named, 1)
    ]
    (inbox / "spans.jsonl").write_text("".join(spans))
    keys = KEYS + "openai,,key_a,alpha,,,\nopenrouter,,router,beta,,,\n"
    seeds = {"teams": TEAMS, "feature_catalog": CATALOG, "services": SERVICES}
    built = build(inbox, company(tmp_path, api_keys=keys, **seeds))
    assert built.code == 0, built.output
    query = """
        select call_id, provider, payer_team_id, stated_usd, priced_usd, billed_usd, attributed_usd, basis
        from marts.attributed_calls order by 1
    """
    assert built.rows(query) == [
        ("gen-1", "openai", "alpha", USD("0.25"), USD("0.15"), USD("0.2625"), USD("0.2625"), "billed"),
        ("gen-2", "anthropic", "by_service", USD("0.3"), USD("0.3"), USD("0.015"), USD("0.315"), "mixed"),
        ("gen-3", "openrouter", "beta", None, USD("0.15"), USD("0.16"), USD("0.16"), "billed"),
    ]
    # Each dollar is payable to whom it is billed by; own-key amounts are payable to nobody.
    query = """
        select provider, account, -sum(amount_usd) from marts.ledger_entries
        where account in ('provider_payable', 'accrued_payable') group by all order by all
    """
    assert built.rows(query) == [
        ("anthropic", "accrued_payable", USD("0.3")),
        ("openai", "provider_payable", USD("0.50")),
        ("openrouter", "provider_payable", USD("0.0125") + USD("0.015") + USD("0.16") + USD("0.01")),
    ]
    assert paid(built) == {"alpha": USD("0.50"), "beta": USD("0.1975"), "by_service": USD("0.3")}
    query = "select team_id, net_charge_usd from marts.team_chargeback_monthly where net_charge_usd != 0"
    assert dict(built.rows(query)) == {"asker": USD("0.7375"), "alpha": USD("0.25"), "beta": USD("0.01")}
    assert [row[0] for row in built.rows("select distinct posted_month from marts.ledger_entries")] == [
        date(2026, 10, 1)
    ]


@pytest.mark.parametrize(
    ("value", "stated", "fits"),
    [
        ("key_x", "key_x", True),
        ("keyax", "key_x", False),
        ("key_x", r"key\_x", True),
        ("key_x", "key%", True),
        ("key-1", "key_%", True),
        ("100%", r"100\%", True),
        ("key", None, True),
        (None, "key", False),
        (None, "%", True),
    ],
)
def test_an_id_is_a_pattern_only_with_a_percent_sign(value, stated, fits):
    query = macro_sql("select {{ fits_id('value', 'stated') }} from (select ?::varchar as value, ?::varchar as stated)")
    with duckdb.connect() as engine:
        assert engine.execute(query, [value, stated]).fetchall() == [(fits,)]


def test_the_owner_of_a_key_is_not_that_of_one_like_it(build, tmp_path):
    """`key_x` and `keyax` are two keys of one organisation; a pattern of both pays for what has no key of its own."""
    inbox = tmp_path / "inbox"
    lines = [cost(5, usd, api_key_id=key) for key, usd in (("key_x", "1"), ("keyax", "2"), ("keyzz", "4"))]
    other = bucket(5, amount_value="8", amount_currency="usd", line_item="gpt-4o-mini, input", organization_id="or_g")
    write(inbox / "costs.csv", COSTS, [*lines, other, bucket(6)])
    keys = "openai,org,key_x,by_key,,,\nopenai,o_g,,beta,,,\nopenai,or_g,,by_account,,,\nopenai,,keyz%,alpha,,,\n"
    built = build(inbox, company(tmp_path, teams=TEAMS, api_keys=KEYS + keys))
    assert built.code == 0, built.output
    assert paid(built) == {"by_key": 1, "alpha": 4, "by_account": 8, "unattributed": 2}
