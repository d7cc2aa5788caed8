"""Evals as a line of their own: who pays for them, what they cover, and that no dollar counts twice."""

import json
from decimal import Decimal

import duckdb
import pytest
from conftest import run_build
from evals import case, inspect, prompt, promptfoo, sample, tokens
from exports import COSTS, batch, chat, company, cost, write
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import macro_sql

pytestmark = pytest.mark.xdist_group("golden")
DAY = 86400
FEATURES = ("alone", "funded", "beyond", "named", "judged")
SEEDS = {
    "teams": "team_id,name,cost_center\nplatform,,c\n" + "".join(f"team-{name},,c\n" for name in FEATURES),
    "feature_catalog": "feature_id,name,owner_team_id,launched_on,valid_from,valid_to\n"
    + "".join(f"{name},,team-{name},,,\n" for name in FEATURES),
    "services": "service_name,owner_team_id,valid_from,valid_to\nsvc,platform,,\n",
    "api_keys": "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\n"
    "openai,proj-1,,platform,,,\n",
    "eval_requirements": "feature_id,suite,min_pass_rate,fresh_days,valid_from,valid_to\n"
    + "".join(f"{name},faithfulness,0.5,5,,\n" for name in FEATURES),
    "eval_funding": "scope,scope_id,share,cap_pct,cap_floor_usd,valid_from,valid_to\ndefault,,1,0.5,0,,\n",
}


def answer(trace: int, at: float, feature: str, millions: float = 1, **values) -> dict:
    """A call of gpt-4o-mini, input only: 0.15 USD per million tokens."""
    return chat(trace, 1, None, at, gen_ai__provider__name="openai", gen_ai__request__model="gpt-4o-mini",
                gen_ai__usage__input_tokens=round(millions * 1_000_000), gen_ai__usage__output_tokens=0,
                app__feature=feature, **values)  # fmt: skip


def log(feature: str, millions: int) -> str:
    used = {"input_tokens": millions * 1_000_000, "output_tokens": 0, "total_tokens": millions * 1_000_000}
    return json.dumps(
        inspect([sample(1, "C"), sample(2, "C")], usage={"openai/gpt-4o-mini": used}, model="openai/gpt-4o-mini",
                eval_id=f"run-{feature}", metadata={"feature": feature, "prompt_version": "v1"})
    )  # fmt: skip


def test_cases_for_an_interval_are_the_fewest_that_counting_finds():
    """Against bounds of every number of cases: the fewest with a width of at most 0.1, and with a low bound of 0.85."""
    macros = """
        with rates as (select unnest([0, 0.025, 0.5, 0.8, 0.9, 0.95, 1]) as rate),
        counted as (
            select rate, n, {{ wilson_bound('rate * n', 'n', -1) }} as low,
                {{ wilson_bound('rate * n', 'n', 1) }} as high
            from rates cross join range(1, 1000) as numbers (n)
        )
        select rate, min(n) filter (high - low <= 0.1), any_value({{ wilson_cases('rate', 0.05) }}),
            min(n) filter (low >= 0.85),
            any_value(case when rate > 0.85 then {{ wilson_cases_above('rate', '0.85') }} end)
        from counted group by rate order by rate
    """
    found = duckdb.sql(macro_sql(macros)).fetchall()
    assert [row[1] for row in found] == [35, 56, 381, 245, 141, 83, 35]
    for rate, width, cases, low, above in found:
        assert cases == width, rate
        assert above == low, rate


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Five features with the same production (0.60 USD on the 5th, 0.15 on the 6th); a bill that knows every token."""
    folder = tmp_path_factory.mktemp("evaluated")
    inbox = folder / "inbox"
    inbox.mkdir()
    spans = [answer(100 * place + call, 3600, name, gen_ai__prompt__version="v1")
             for place, name in enumerate(FEATURES, 1) for call in range(4)]  # fmt: skip
    spans += [answer(100 * place + 9, DAY + 3600, name) for place, name in enumerate(FEATURES, 1)]
    # A judge in a production trace; a harness's trace whose calls only their response ids, or their time, tie to a run.
    judge = answer(501, 3601, "judged", 0.5, gen_ai__evaluation__name="tone")
    spans.append({**judge, "spanId": f"{7:016x}", "parentSpanId": f"{1:016x}"})
    spans.append(answer(900, 4 * 3600, "named", gen_ai__response__id="resp-named"))
    spans.append(answer(901, 9.1 * 3600, "judged", deployment__environment__name="langfuse-evals"))
    (inbox / "spans.jsonl").write_text(batch(spans))
    (inbox / "funded.json").write_text(log("funded", 2))
    (inbox / "beyond.json").write_text(log("beyond", 3))
    results = [case(0, True, tokens(1_000_000, 0), provider="openai:chat:gpt-4o-mini", cost=0.9)]
    prompts = [prompt(1, 0, provider="openai:chat:gpt-4o-mini", tokenUsage=tokens(1_000_000, 0), cost=0.9)]
    (inbox / "promptfoo.json").write_text(json.dumps(promptfoo(results, prompts, tags={"feature": "judged"})))
    head = "run_id,feature_id,suite,started_at,model,prompt_version,cases,passed,failed,errored,cost_usd,response_ids"
    rows = ["named-1,named,faithfulness,2026-10-05T04:00:00Z,,,2,2,0,0,7.5,resp-named",
            "stated-1,alone,cost,2026-10-05T04:00:00Z,gpt-4o-mini,,2,2,0,0,3.25,"]  # fmt: skip
    (inbox / "eval_runs.csv").write_text("\n".join([head, *rows]) + "\n")
    # 20 production calls, half a million tokens of a judge, two calls of harnesses, 5 million of runs; then 5 calls.
    billed = [cost(day, str(Decimal("0.15") * millions), project_id="proj-1", quantity=str(millions * 1_000_000))
              for day, millions in ((5, Decimal("27.5")), (6, 5))]  # fmt: skip
    write(inbox / "openai_costs.csv", COSTS, [*billed, cost(7, "0", project_id="proj-1", quantity="0")])
    built = run_build(inbox, folder / "data", company(folder, **SEEDS))
    assert built.code == 0, built.output
    return built


def test_runs_without_traces_are_calls_that_the_bill_pays_once(evaluated):
    """What runs count takes its part of the bill; what they say it cost is on no bill."""
    assert evaluated.rows("select sum(billed_usd), sum(attributed_usd), sum(untraced_usd) from "
                          "marts.invoice_reconciliation_daily") == [
        (Decimal("4.875"), Decimal("4.875"), Decimal(0))]  # fmt: skip
    own = evaluated.rows("select call_id, purpose, attributed_usd, basis, unpriced_reason from marts.attributed_calls "
                         "where trace_id is null order by call_id")  # fmt: skip
    assert [(call.split(":")[1], purpose, amount, basis) for call, purpose, amount, basis, _ in own] == [
        ("run-beyond", "evaluation", Decimal("0.45"), "billed"),
        ("run-funded", "evaluation", Decimal("0.30"), "billed"),
        ("stated-1", "evaluation", Decimal(0), "billed"),
    ]
    spent = dict(evaluated.rows("select feature_id, evaluation_usd from marts.eval_coverage_monthly"))
    assert spent == {
        "alone": 0, "funded": Decimal("0.30"), "beyond": Decimal("0.45"), "named": Decimal("0.15"),
        "judged": Decimal("0.225"),
    }  # fmt: skip


def test_evals_within_the_cap_cost_a_team_nothing(evaluated):
    """Production 0.75, cap half of it: 0.30 of evals are free, of 0.45 the team pays 0.075."""
    charges = dict(evaluated.rows("select team_id, net_charge_usd from marts.team_chargeback_monthly"))
    assert charges["team-alone"] == Decimal("0.75")
    for name in ("funded", "named", "judged"):
        assert charges[f"team-{name}"] == charges["team-alone"], name
    assert charges["team-beyond"] - charges["team-alone"] == Decimal("0.075")
    assert charges["quality_pool"] == Decimal("1.05")
    one_more = dict(evaluated.rows("select feature_id, marginal_eval_tax_usd from marts.eval_coverage_monthly"))
    # One more of 0.30 fits under the cap only by 0.075; where no run's cost is known, nobody can say.
    assert one_more["funded"] == Decimal("0.225")
    assert one_more["named"] == 0
    assert one_more["alone"] is None


def test_runs_cover_from_the_next_day(evaluated):
    days = evaluated.rows("""
        select feature_id, covered_on::varchar, prompt_version, is_covered, reason from marts.eval_coverage_daily
        where feature_id in ('alone', 'funded', 'named') order by all""")
    assert days == [
        ("alone", "2026-10-05", "v1", False, "never_run"),
        ("alone", "2026-10-06", None, False, "never_run"),
        ("funded", "2026-10-05", "v1", False, "never_run"),
        # The run tested prompt v1; production no longer says which prompt it runs.
        ("funded", "2026-10-06", None, False, "no_prompt_version"),
        ("named", "2026-10-05", "v1", False, "never_run"),
        # Neither the run's calls nor production name a version: nobody knows that it is the same.
        ("named", "2026-10-06", None, False, "no_prompt_version"),
    ]


MONEY = st.integers(0, 10**9).map(lambda number: Decimal(number) / 10**6)


def net(engine, funding: tuple, production: Decimal, evals: list[Decimal]) -> tuple[Decimal, Decimal]:
    """The feature team's net charge and the pool's, by the project's own SQL."""
    engine.execute("delete from ledger.seeds.eval_funding; delete from ledger.intermediate.int_daily_costs")
    engine.execute("insert into ledger.seeds.eval_funding values ('default', null, 1, ?, ?, null, null)", funding)
    costs = [("production", production), *(("evaluation", amount) for amount in evals)]
    for place, (purpose, amount) in enumerate(costs):
        engine.execute(
            "insert into ledger.intermediate.int_daily_costs (cost_id, incurred_on, feature_id, purpose, "
            "bearer_team_id, amount_usd) values (?, '2026-10-05', 'f', ?, 'team', ?)",
            [str(place), purpose, amount],
        )
    for model in ("int_eval_funding", "int_eval_credits"):
        engine.execute(f"create or replace table ledger.intermediate.{model} as {engine.models[model]}")
    ((pool,),) = engine.execute(
        "select coalesce(sum(amount_usd), 0) from ledger.intermediate.int_eval_credits"
    ).fetchall()
    return production + sum(evals) - pool, pool


class Engine:
    """The allocation room's models over empty tables of the same columns."""

    def __init__(self, golden):
        folder = golden.data / "target" / "compiled" / "chargeback_ledger" / "models" / "intermediate" / "allocation"
        self.models = {name: (folder / f"{name}.sql").read_text() for name in ("int_eval_funding", "int_eval_credits")}
        self.connection = duckdb.connect()
        self.execute = self.connection.execute
        self.execute(f"attach '{golden.data}/ledger.duckdb' as built (read_only); attach ':memory:' as ledger")
        for table in ("intermediate.int_daily_costs", "seeds.eval_funding", "seeds.eval_requirements",
                      "seeds.feature_catalog", "staging.stg_evals__runs"):  # fmt: skip
            self.execute(f"create schema if not exists ledger.{table.split('.')[0]}")
            columns = self.execute(
                "select column_name, data_type from duckdb_columns() where database_name = 'built' "
                f"and schema_name || '.' || table_name = '{table}' order by column_index"
            ).fetchall()
            self.execute(f"create table ledger.{table} ({', '.join(f'{name} {kind}' for name, kind in columns)})")
        self.execute("detach built")


@pytest.fixture(scope="module")
def engine(golden):
    assert golden.code == 0, golden.output
    return Engine(golden)


@settings(max_examples=40)
@given(
    production=MONEY,
    evals=st.lists(MONEY, max_size=3),
    more=st.lists(MONEY, min_size=1, max_size=3),
    cap_pct=st.sampled_from([None, "0", "0.1", "0.25", "1"]),
    floor=st.sampled_from([None, "0", "1", "500"]),
)
def test_no_team_pays_for_evals_up_to_the_cap(engine, production, evals, more, cap_pct, floor):
    """With the default share, more evals raise a team's charge by what lies above the cap, and by nothing else."""
    funding = (cap_pct and Decimal(cap_pct), floor and Decimal(floor))
    before, _ = net(engine, funding, production, evals)
    after, pool = net(engine, funding, production, [*evals, *more])
    spent, wanted = sum(evals), sum(evals) + sum(more)
    cap = max(Decimal(cap_pct or 0) * production, Decimal(floor or 0)) if cap_pct or floor else wanted
    assert pool == min(wanted, cap)
    assert after - before == max(wanted - cap, Decimal(0)) - max(spent - cap, Decimal(0))
