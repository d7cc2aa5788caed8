"""Simulated companies, to see how often the intervals of feature_substitution hold: by the project's own models.

simulations.py [COMPANIES [SEED]] prints a table for every setting. A company is one new feature, one incumbent, and
accounts of its own; forty companies share a world, because a query costs nearly the same for one as for many.
"""

import sys
from datetime import date
from typing import NamedTuple

import duckdb
import numpy
import yaml
from conftest import PROJECT
from rendering import rendered

MODELS = (
    "intermediate/product/int_feature_adoptions",
    "intermediate/product/int_incumbent_usage",
    "intermediate/product/int_substitution_by_account",
    "intermediate/product/int_substitution_effects",
    "marts/product/feature_substitution",
)
LAUNCH, BEFORE, AFTER, LAST_ADOPTION = date(2026, 9, 1), 30, 45, 14
RATE, TREND, TAKEN, WINDOW = 0.25, 0.8, 0.4, 28
NEW_USD, OLD_USD = 0.01, 0.02
WORLD = 40


class Setting(NamedTuple):
    name: str
    taken: float  # share of the adopters' use that the new feature takes
    adoption: str  # alone, together (all users of an account), active (on a day of use, the sooner the more use)


SETTINGS = (
    Setting("no effect, alone", 0, "alone"),
    Setting("no effect, together", 0, "together"),
    Setting("effect, alone", TAKEN, "alone"),
    Setting("effect, together", TAKEN, "together"),
    Setting("no effect, while active", 0, "active"),
    Setting("effect, while active", TAKEN, "active"),
)


NO_RENAMES = """create or replace temp table stg_catalog__feature_chains as
    select cast(null as varchar) as feature_id, cast(null as varchar) as newest_feature_id where false"""


def models(**changed) -> dict[str, str]:
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"] | changed
    return {path.split("/")[-1]: rendered(f"models/{path}.sql", **variables) for path in MODELS}


def company(dice, setting: Setting) -> tuple:
    """Account, day of adoption or -1, uses of the incumbent, uses of the new feature, by user; and the true effect."""
    sizes = dice.integers(1, 7, dice.integers(14, 41))
    account = numpy.repeat(numpy.arange(len(sizes)), sizes)
    days = numpy.arange(-BEFORE, AFTER)
    after = days >= 0
    # Colleagues are alike in how much they use, and in what becomes of their use after the launch.
    level = numpy.exp(dice.normal(0, 0.5, len(sizes)) - 0.125)[account] * dice.gamma(2, 0.5, len(account))
    shock = numpy.exp(dice.normal(0, 0.3, len(sizes)) - 0.045)[account]
    rates = RATE * level[:, None] * numpy.where(after, TREND * shock[:, None], 1)
    if setting.adoption == "active":
        # Some weeks a user is away, and who is away tends to stay away.
        away = dice.random(len(account)) < 0.3
        for first in range(0, len(days), 7):
            away = dice.random(len(account)) < numpy.where(away, 0.8, 0.1)
            rates[:, first : first + 7] *= numpy.where(away, 0.05, 1.4)[:, None]
    wanted = dice.poisson(rates)
    if setting.adoption == "active":
        chances = (wanted > 0) & after & (days < LAST_ADOPTION) & (dice.random(wanted.shape) < 0.25)
        adopted = numpy.where(chances.any(axis=1), chances.argmax(axis=1) - BEFORE, -1)
    elif setting.adoption == "together":
        adopted = numpy.where(dice.random(len(sizes)) < 0.5, dice.integers(0, LAST_ADOPTION, len(sizes)), -1)[account]
    else:
        adopted = numpy.where(dice.random(len(account)) < 0.5, dice.integers(0, LAST_ADOPTION, len(account)), -1)
    has_adopted = (adopted >= 0)[:, None] & (days >= adopted[:, None])
    used = numpy.where(has_adopted, dice.binomial(wanted, 1 - setting.taken), wanted)
    new = numpy.where(has_adopted, dice.poisson(0.3 * level[:, None] * numpy.ones(len(days))), 0)
    new[numpy.arange(len(account)), numpy.where(adopted >= 0, adopted + BEFORE, 0)] += adopted >= 0
    if setting.adoption == "active":  # no closed form: what these adopters lose on average
        windows = (days > adopted[:, None]) & (days <= adopted[:, None] + WINDOW)
        truth = setting.taken * (rates * windows)[adopted >= 0].sum() / max((adopted >= 0).sum(), 1)
    else:
        truth = setting.taken * RATE * TREND * WINDOW
    return account, adopted, used, new, truth


def world(dice, setting: Setting, companies: int) -> tuple[dict, list[float]]:
    """Uses as columns, and the companies' true effects."""
    columns, truths = {"day": [], "feature_id": [], "user_id": [], "account_id": [], "uses": []}, []
    for number in range(companies):
        account, _, used, new, truth = company(dice, setting)
        truths.append(truth)
        for feature, uses in (("old", used), ("new", new)):
            users, days = numpy.nonzero(uses)
            columns["day"].append(days - BEFORE)
            columns["feature_id"].append(numpy.full(len(users), f"{feature}-{number:03}"))
            columns["user_id"].append((1000 + number) * 1000 + users)
            columns["account_id"].append((1000 + number) * 1000 + account[users])
            columns["uses"].append(uses[users, days])
    return {name: numpy.concatenate(parts) for name, parts in columns.items()}, truths


def estimates(engine, texts: dict[str, str], setting: Setting, companies: int, dice) -> list[dict]:
    """One row per company: its row of the mart, and the truth."""
    uses, truths = world(dice, setting, companies)
    engine.register("drawn", uses)
    engine.execute("""
        create or replace temp table int_feature_usage as
            select cast(? as date) + cast(day as integer) as used_on,
                cast(date_trunc('month', used_on) as date) as month,
                cast(feature_id as varchar) as feature_id, 'u' || user_id as user_id, 'a' || account_id as account_id,
                cast(uses as bigint) as uses
            from drawn""", [LAUNCH])  # fmt: skip
    engine.execute("""
        create or replace temp table feature_pnl_monthly as
            select month, feature_id,
                cast(sum(uses) * case when feature_id like 'new%' then ? else ? end as decimal(38, 12))
                    as production_usd
            from int_feature_usage group by month, feature_id""", [NEW_USD, OLD_USD])  # fmt: skip
    engine.execute(
        "create or replace temp table feature_catalog as "
        "select distinct feature_id, cast(? as date) as launched_on "
        "from int_feature_usage where feature_id like 'new%'",
        [LAUNCH],
    )
    engine.execute(
        "create or replace temp table stg_product__users as "
        "select distinct user_id, cast(? as date) - 200 as signed_up_on from int_feature_usage",
        [LAUNCH],
    )
    engine.execute(NO_RENAMES)
    for name, text in texts.items():
        engine.execute(f"create or replace temp table {name} as {text}")
        if name == "int_feature_adoptions":  # each company sees its own users alone
            engine.execute(f"delete from {name} where user_id[2:5]::integer - 1000 != new_feature_id[5:]::integer")
    found = engine.execute("""
        select * from feature_substitution
        where substr(new_feature_id, 4) = substr(incumbent_feature_id, 4) order by new_feature_id""")
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert len(rows) == companies
    return [row | {"truth": truth} for row, truth in zip(rows, truths, strict=True)]


def simulated(setting: Setting, companies: int, seed: int = 1) -> dict[str, float]:
    engine, texts, dice = duckdb.connect(), models(), numpy.random.default_rng([seed, SETTINGS.index(setting)])
    engine.execute("set threads = 1")
    rows = []
    for begin in range(0, companies, WORLD):
        rows += estimates(engine, texts, setting, min(WORLD, companies - begin), dice)
    known = [row for row in rows if row["ci_low"] is not None]
    comparable = [row for row in known if not row["verdict"].startswith("not comparable")]
    truth = float(numpy.mean([row["truth"] for row in known]))

    def held(among: list[dict]) -> float:
        return sum(row["ci_low"] <= row["truth"] <= row["ci_high"] for row in among) / max(len(among), 1)

    return {
        "companies": len(known),
        "truth": truth,
        "bias": float(numpy.mean([row["displaced_uses_per_adopter"] - row["truth"] for row in known])),
        "held": held(known),
        "use_before_differs": sum(row["use_before_verdict"] == "not comparable" for row in known) / len(known),
        "not_comparable": 1 - len(comparable) / len(known),
        "held_if_comparable": held(comparable),
        "width": float(numpy.mean([row["ci_high"] - row["ci_low"] for row in known])),
    }


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]] or [2000]
    for one in SETTINGS:
        figures = simulated(one, *numbers)
        print(one.name.ljust(26), *(f"{name} {value:.3f}" for name, value in figures.items()), sep="  ", flush=True)
