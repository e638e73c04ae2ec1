"""Metadata: any JSON object that PostgreSQL can keep, handed on as the text that was sent."""

import re

import msgspec

METADATA_DEPTH_MAX = 32
METADATA_ERROR = (
    f"Must be a JSON object, at most {METADATA_DEPTH_MAX} levels deep, without NUL characters"
    " and without numbers of more than 300 digits."
)

_NUMBER_DIGITS_MAX = 300
_NUMBER = re.compile(r"(-?[0-9]+)(\.[0-9]+)?(?:[eE]([+-]?[0-9]{1,3}))?")


class _Unstorable(ValueError):
    """The metadata holds something that cannot be kept."""


def check_metadata(raw: bytes) -> bool:
    """Whether the JSON text is null or an object that can be kept exactly."""
    if raw == b"null":
        return True
    try:
        value = _DECODER.decode(raw)
        _check(value, 1)
    except (_Unstorable, msgspec.DecodeError, RecursionError, ValueError):
        return False
    return isinstance(value, dict)


def _check(value: object, depth: int) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise _Unstorable
    elif isinstance(value, int):
        if abs(value) >= 10**_NUMBER_DIGITS_MAX:
            raise _Unstorable
    elif isinstance(value, (dict, list)):
        if depth > METADATA_DEPTH_MAX:
            raise _Unstorable
        children = value.values() if isinstance(value, dict) else value
        for child in children:
            _check(child, depth + 1)
        if isinstance(value, dict):
            for name in value:
                _check(name, depth + 1)


def _check_number(text: str) -> str:
    """Holds a number with a point or an exponent to what PostgreSQL's numeric keeps; its value is not needed."""
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) + abs(int(match[3] or 0)) > _NUMBER_DIGITS_MAX:
        raise _Unstorable
    return ""


_DECODER = msgspec.json.Decoder(float_hook=_check_number)
