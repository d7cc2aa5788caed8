"""Properties of ids, times, counts and money: one meaning in any spelling."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from landing.engine import engine_for

MOMENTS = st.datetimes(datetime(2015, 1, 2), datetime(2026, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ENGINE = engine_for("secret")


def value(macro: str, *stated):
    places = ", ".join("?" for _ in stated)
    return ENGINE.execute(f"select {macro}({places})", list(stated)).fetchone()[0]


def ids_and_keys(stated: list[str]) -> list[tuple]:
    query = "select id_of(one, 16), key_of(id_of(one, 16)) from (select unnest(?) as one)"
    return ENGINE.execute(query, [stated]).fetchall()


def identifier(stated: str, octets: int = 16) -> str | None:
    return value("id_of", stated, octets)


def key(stated: str | None) -> int | None:
    return ENGINE.execute("select key_of(id_of(cast(? as varchar), 16))", [stated]).fetchone()[0]


@given(st.binary(min_size=16, max_size=16).filter(any))
@example(b"\xd3\x10" + bytes(14))  # its base64 begins with 0x
def test_trace_id_has_one_key_in_every_spelling(raw):
    dashed = f"{raw.hex()[:8]}-{raw.hex()[8:12]}-{raw.hex()[12:16]}-{raw.hex()[16:20]}-{raw.hex()[20:]}"
    spellings = [raw.hex(), raw.hex().upper(), "0x" + raw.hex(), " " + raw.hex(), base64.b64encode(raw).decode()]
    *found, (_, key_of_dashed) = ids_and_keys([*spellings, dashed])
    assert {stated for stated, _ in found} == {raw.hex()}
    assert {found_key for _, found_key in found} == {key_of_dashed}
    assert -(2**63) <= key_of_dashed < 2**63


@given(st.text(min_size=1, max_size=50).filter(lambda text: text.strip().strip("0") and "\0" not in text))
def test_any_text_is_an_id_with_a_stable_key(text):
    assert identifier(text) == identifier(identifier(text))
    assert key(text) == key(identifier(text)) is not None


def test_trace_ids_of_structured_halves_are_apart():
    """Halves that are equal, swapped, or a tenant and a counter: each id is a trace of its own."""
    stated = [f"{high:016x}{low:016x}" for high in range(60) for low in range(60) if high or low]
    stated += [digit * 32 for digit in "123456789abcdef"] + ["12ab" * 8]
    query = "select id, key_of(id_of(id, 16)), plain_trace_key(plain_trace(id)) from (select unnest(?) as id)"
    found = ENGINE.execute(query, [stated]).fetchall()
    assert len({key for _, key, _ in found}) == len(stated)
    assert [one for one in found if one[1] != one[2]] == []
    assert key(f"{7:032x}") == key(f"{7:016x}")


def test_zero_ids_are_no_ids():
    assert [identifier(stated) for stated in ("0" * 32, "", "0x0", "AAAAAAAAAAAAAAAAAAAAAA==")] == [None] * 4
    assert key(None) is None


@given(MOMENTS)
def test_time_is_the_same_in_every_unit(moment):
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    seconds, rest = divmod(microseconds, 10**6)
    spellings = [str(microseconds * 1000), f"{seconds}.{rest:06d}", moment.isoformat(),
                 moment.isoformat().replace("+00:00", "Z"), moment.replace(tzinfo=None).isoformat(" "),
                 (moment + timedelta(hours=2)).isoformat()[:-6] + "+02:00"]  # fmt: skip
    assert {value("time_of", stated, None).replace(tzinfo=UTC) for stated in spellings} == {moment}
    assert value("time_of", str(microseconds), "us").replace(tzinfo=UTC) == moment
    assert value("time_of", str(microseconds * 1000), "ns").replace(tzinfo=UTC) == moment


@given(MOMENTS)
def test_rounded_nanoseconds_are_near(moment):
    stated = repr(float((moment - EPOCH) // timedelta(microseconds=1) * 1000))
    assert abs(value("time_of", stated, "ns").replace(tzinfo=UTC) - moment) < timedelta(microseconds=2)


@pytest.mark.parametrize(
    "stated", ["1969-12-31", "2999-01-01T00:00:00Z", "1000000000", "soon", "[1, 2, 3]", "true", "1e400", "-5"]
)
def test_impossible_times_are_faults(stated):
    query = "select time_fault($stated, time_of($stated, 'ns'), 'start time')"
    assert "start time" in ENGINE.execute(query, {"stated": stated}).fetchone()[0]


@given(st.integers(0, 10**15))
def test_counts_are_read_as_number_float_or_text(count):
    assert {value("count_of", stated) for stated in (str(count), f"{count}.0", f" {count}.000 ")} == {count}


@pytest.mark.parametrize("stated", ["-1", "1.5", "15e-1", "many", "nan", "inf", "true", "10000000000000000"])
def test_impossible_counts_are_faults(stated):
    assert value("count_of", stated) is None
    assert "tokens" in ENGINE.execute("select count_fault(?, null, 'tokens')", [stated]).fetchone()[0]


@given(st.decimals(-(10**9), 10**9, places=18))
def test_money_keeps_every_digit(amount):
    assert value("money_of", str(amount)) == amount


def test_money_is_rounded_beyond_18_decimals():
    assert value("money_of", "0.0104166666666666666666666667") == Decimal("0.010416666666666667")


def test_money_in_exponents_is_exact():
    assert value("money_of", "3.645e-05") == Decimal("0.00003645")


@pytest.mark.parametrize("stated", ["x", "nan", "1e30", "1,5"])
def test_impossible_money_is_a_fault(stated):
    assert value("money_of", stated) is None
    assert "usd" in ENGINE.execute("select money_fault(?, null, 'usd')", [stated]).fetchone()[0]
