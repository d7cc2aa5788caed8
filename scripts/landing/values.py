"""Ids, times and quantities as exports write them, made uniform. Every failure is `Unreadable`."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import blake2b

from landing import Unreadable

HEX = re.compile(r"[0-9a-fA-F]+\Z")
MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
FUTURE = timedelta(days=366)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TEXT = 4096
MAX_QUANTITY = 10**15


def normalise_id(value, octets: int | None = None) -> str | None:
    """One spelling per id: lower-case hex without 0x; base64 of `octets` bytes becomes hex; other text stays.

    All-zero ids mean "none" in OpenTelemetry and become None.
    """
    if value is None:
        return None
    text = str(value).strip()
    if len(text) > MAX_TEXT:
        raise Unreadable(f"an id of {len(text)} characters; ids are at most {MAX_TEXT}")
    bare = text[2:] if text[:2] in ("0x", "0X") else text
    if HEX.match(bare) and (octets is None or len(bare) <= octets * 2):
        return bare.lower() if bare.strip("0") else None
    if octets and len(text) == -(-octets // 3) * 4:
        try:
            raw = base64.b64decode(text, validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) == octets:
            return raw.hex() if any(raw) else None
    return text or None


def key_of(identifier: str | None) -> int | None:
    """A stable signed 64-bit key of an id: hex of 8 or 16 bytes folds, anything else is hashed."""
    if identifier is None:
        return None
    if len(identifier) in (16, 32) and HEX.match(identifier):
        number = int(identifier, 16)
        number = (number >> 64) ^ (number & 0xFFFFFFFFFFFFFFFF)
        return number - (1 << 64) if number >= 1 << 63 else number
    return int.from_bytes(blake2b(identifier.encode(), digest_size=8).digest(), "big", signed=True)


def text_key(text: str, secret: bytes) -> int:
    """A keyed hash (64 bits) of text that must not land itself."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=secret)
    return int.from_bytes(digest.digest(), "big", signed=True)


def _parse_time(value, unit: str | None) -> datetime | None:
    if isinstance(value, list | tuple) and len(value) == 2:
        return EPOCH + timedelta(seconds=int(value[0]), microseconds=int(value[1]) // 1000)
    text = str(value).strip()
    number = None
    if isinstance(value, int | float):
        number = int(value)
    elif re.fullmatch(r"-?\d+(\.\d+)?", text):
        number = int(Decimal(text))
    if number is None:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if unit == "ns" or (unit is None and abs(number) >= 10**17):
        return EPOCH + timedelta(microseconds=number // 1000)
    unit = unit or ("us" if abs(number) >= 10**14 else "ms" if abs(number) >= 10**11 else "s")
    return EPOCH + timedelta(microseconds=number * MICROSECONDS[unit])


def parse_time(value, column: str, unit: str | None = None) -> datetime | None:
    """UTC time of an export's value (epoch in `unit`, ISO 8601, or [seconds, nanoseconds]); zero and blank are None."""
    if value in (None, "", 0, "0", 0.0):
        return None
    try:
        moment = _parse_time(value, unit)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        raise Unreadable(f"{column}: {str(value)[:40]!r} is not a time") from None
    if moment < EARLIEST or moment > datetime.now(UTC) + FUTURE:
        raise Unreadable(f"{column}: {moment:%Y-%m-%d} is before 2015 or far in the future; correct the clock or unit")
    return moment


def parse_quantity(value, column: str) -> int | None:
    """A count as BIGINT; floats with whole values and numeric text are read, negatives and fractions are not."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise Unreadable(f"{column}: {value} is not a count")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Unreadable(f"{column}: {str(value)[:40]!r} is not a count") from None
    if not number.is_finite() or number != number.to_integral_value():
        raise Unreadable(f"{column}: {str(value)[:40]!r} is not a whole count")
    if number < 0:
        raise Unreadable(f"{column}: {number} is negative; a count can't be")
    if number > MAX_QUANTITY:
        raise Unreadable(f"{column}: {number} is not a plausible count (over {MAX_QUANTITY})")
    return int(number)


def parse_money(value, column: str) -> Decimal | None:
    """Money as an exact decimal of scale 18; what carries more digits, or is no number, is `Unreadable`."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        amount = Decimal(str(value).strip())
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 18:
            raise InvalidOperation
    except InvalidOperation:
        raise Unreadable(f"{column}: {str(value)[:40]!r} is not an amount of money") from None
    if amount.as_tuple().exponent < -18:
        raise Unreadable(f"{column}: {str(value)[:40]!r} has more than 18 decimals, which can't be kept")
    return amount


def parse_text(value, column: str) -> str | None:
    """Text of an allow-listed attribute; blank is None, over-long is `Unreadable` (a label is not a document)."""
    if value is None:
        return None
    text = ("true" if value else "false") if isinstance(value, bool) else str(value).strip()
    if len(text) > MAX_TEXT:
        raise Unreadable(f"{column}: {len(text):,} characters of text; a label has at most {MAX_TEXT:,}")
    return text or None
