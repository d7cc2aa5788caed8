"""Properties of ids, times and quantities: one meaning in any spelling."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landing import Unreadable
from landing.values import key_of, normalise_id, parse_money, parse_quantity, parse_time

MOMENTS = st.datetimes(datetime(2015, 1, 2), datetime(2026, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.binary(min_size=16, max_size=16).filter(any))
def test_trace_id_has_one_key_in_every_spelling(raw):
    spellings = [raw.hex(), raw.hex().upper(), "0x" + raw.hex(), " " + raw.hex(), base64.b64encode(raw).decode()]
    assert {normalise_id(text, 16) for text in spellings} == {raw.hex()}
    assert -(2**63) <= key_of(raw.hex()) < 2**63


@given(st.text(min_size=1, max_size=50))
def test_any_text_is_an_id_with_a_stable_key(text):
    normal = normalise_id(text)
    assert key_of(normal) == key_of(normalise_id(normal))


def test_zero_ids_are_no_ids():
    assert normalise_id("0" * 32, 16) is None
    assert normalise_id("", 16) is None
    assert key_of(None) is None


@given(MOMENTS)
def test_time_is_the_same_in_every_unit(moment):
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    seconds, rest = divmod(microseconds, 10**6)
    spellings = [str(microseconds * 1000), microseconds * 1000, [seconds, rest * 1000], moment.isoformat(),
                 moment.replace(tzinfo=None).isoformat(" "),
                 moment.astimezone(tz=None).isoformat()]  # fmt: skip
    assert {parse_time(value, "t") for value in spellings} == {moment}
    assert parse_time(microseconds, "t", "us") == moment


@pytest.mark.parametrize("value", ["1969-12-31", "2999-01-01T00:00:00Z", 10**9, "soon", [1, 2, 3], True, "1e400", -5])
def test_impossible_times_are_unreadable(value):
    with pytest.raises(Unreadable, match="started_at"):
        parse_time(value, "started_at", "ns")


@given(st.integers(0, 10**15))
def test_counts_are_read_as_number_float_or_text(count):
    assert {parse_quantity(value, "n") for value in (count, str(count), f"{count}.0")} == {count}


@pytest.mark.parametrize("value", [-1, "-1", 1.5, "many", float("nan"), float("inf"), True, 10**16])
def test_impossible_counts_are_unreadable(value):
    with pytest.raises(Unreadable):
        parse_quantity(value, "n")


@given(st.decimals(-(10**9), 10**9, places=18))
def test_money_keeps_every_digit(amount):
    assert parse_money(str(amount), "usd") == amount


@pytest.mark.parametrize("value", ["x", "nan", "1e30", "0.1234567890123456789"])
def test_impossible_money_is_unreadable(value):
    with pytest.raises(Unreadable):
        parse_money(value, "usd")
