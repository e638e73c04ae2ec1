"""Amounts and rates, from the request's bytes to decimal text, without binary floating point."""

import re
from decimal import Decimal, InvalidOperation

import msgspec

AMOUNT_ERROR = (
    "Must be a decimal number or string, more than zero, with at most 14 digits before the point and 4 after it."
)

RATE_ERROR = (
    "Must be a decimal number or string, more than zero, with at most 9 digits before the point and 12 after it."
)

LIMIT_ERROR = (
    "Must be a decimal number or string, zero or more, with at most 14 digits before the point and 4 after it."
)

_INTEGER_DIGITS_MAX = 14
_AMOUNT = re.compile(rb"\d{1,14}(?:\.\d{1,4})?")
_RATE = re.compile(rb"\d{1,9}(?:\.\d{1,12})?")


def parse_amount(raw: bytes) -> str | None:
    """Reads an amount as it stands in the JSON text.

    Args:
        raw: the JSON value, a number or a string, as bytes.

    Returns:
        The amount as decimal text with the digits that were sent, or None when it is no good amount.
    """
    return _parse(raw, _AMOUNT)


def parse_rate(raw: bytes) -> str | None:
    """Reads the rate of a conversion, as `parse_amount` reads an amount."""
    return _parse(raw, _RATE)


def parse_limit(raw: bytes) -> str | None:
    """Reads a bound of amounts, as `parse_amount` reads an amount; it may be zero."""
    return _parse(raw, _AMOUNT, zero=True)


def _parse(raw: bytes, form: re.Pattern[bytes], *, zero: bool = False) -> str | None:
    digits = raw[1:-1] if raw[:1] == b'"' else raw
    if form.fullmatch(digits) is None:
        digits = _unfold(raw)
        if form.fullmatch(digits) is None:
            return None
    if not zero and not digits.strip(b"0."):
        return None
    return digits.decode("ascii")


def _unfold(raw: bytes) -> bytes:
    """Rare forms as plain digits: a string with escapes, a JSON number with an exponent. Empty when there are none."""
    try:
        if raw[:1] == b'"':
            return msgspec.json.decode(raw, type=str).encode("ascii")
        if raw[:1] in b"-0123456789" and raw:
            number = Decimal(raw.decode("ascii"))
            # Bounds first: the plain form of 1e999999999 would fill the memory.
            if -_INTEGER_DIGITS_MAX <= number.adjusted() <= _INTEGER_DIGITS_MAX:
                return f"{number:f}".encode("ascii")
    except (msgspec.DecodeError, UnicodeError, InvalidOperation):
        pass
    return b""
