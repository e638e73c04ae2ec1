"""Path and query parameters."""

import re
import uuid
from datetime import datetime
from urllib.parse import unquote_to_bytes

import msgspec
from aiohttp import web

from service.http.amounts import LIMIT_ERROR, parse_limit
from service.refusals import idempotency_key_missing, validation_failed

PAGE_MAX = 2_147_483_647
LIMIT_MAX = 100
LIMIT_DEFAULT = 20

_INTEGER = re.compile(r"([+-]?)([0-9]+)(?:\.[0-9]*)?")
_KEY = re.compile(r"[!-~]{1,255}")


def clamped(text: str | None, default: int, highest: int, lowest: int = 1) -> int:
    """A whole number from `lowest` to `highest`: the nearest to what was sent; the default when that is no number."""
    match = _INTEGER.fullmatch(text.strip()) if text else None
    if match is None:
        return default
    sign, digits = match.groups()
    if sign == "-":
        return lowest
    # Length first: Python refuses to read thousands of digits.
    digits = digits.lstrip("0") or "0"
    if len(digits) > len(str(highest)):
        return highest
    return max(lowest, min(int(digits), highest))


def page_and_limit(request: web.Request) -> tuple[int, int]:
    """The page (from 1) and the limit (1 to 100) of a list."""
    query = request.query
    return clamped(query.get("page"), 1, PAGE_MAX), clamped(query.get("limit"), LIMIT_DEFAULT, LIMIT_MAX)


def uuid_of(text: str, field: str) -> uuid.UUID:
    """Reads an id.

    Raises:
        Refusal: validation_failed, naming the field.
    """
    try:
        return msgspec.convert(text, uuid.UUID)
    except msgspec.ValidationError:
        raise validation_failed({field: ["Must be a UUID."]}) from None


def uuid_in(request: web.Request, name: str) -> uuid.UUID | None:
    """The id in a query parameter; None when it is not there.

    Raises:
        Refusal: validation_failed, naming the parameter.
    """
    return uuid_of(request.query[name], name) if name in request.query else None


def text_in(request: web.Request, name: str) -> str | None:
    """The text in a query parameter; None when it is not there.

    Raises:
        Refusal: validation_failed when it holds NUL characters, which the database cannot read, or the query is not
            UTF-8: the parser replaces what it cannot read, and something else would be found.
    """
    text = request.query.get(name)
    if text is not None and "\x00" in text:
        raise validation_failed({name: ["Must not hold NUL characters."]})
    if text is not None and "\ufffd" in text:
        try:
            unquote_to_bytes(request.raw_path.partition("?")[2]).decode()
        except UnicodeDecodeError:
            raise validation_failed({name: ["Must be UTF-8."]}) from None
    return text


def amount_in(request: web.Request, name: str) -> str | None:
    """The amount, as decimal text, in a query parameter; None when it is not there. Zero is fine.

    Raises:
        Refusal: validation_failed, naming the parameter.
    """
    if name not in request.query:
        return None
    amount = parse_limit(msgspec.json.encode(request.query[name]))
    if amount is None:
        raise validation_failed({name: [LIMIT_ERROR]})
    return amount


def instant_in(request: web.Request, name: str) -> datetime | None:
    """The instant in a query parameter; None when it is not there.

    Raises:
        Refusal: validation_failed when it is none of RFC 3339 with an offset.
    """
    if name not in request.query:
        return None
    try:
        # A plus that was not escaped reads as a space.
        instant = msgspec.convert(request.query[name].replace(" ", "+"), datetime)
        if instant.tzinfo is not None:
            return instant
    except msgspec.ValidationError:
        pass
    raise validation_failed({name: ["Must be an instant such as 2026-11-30T23:59:59Z."]})


def is_dry_run(request: web.Request) -> bool:
    """Whether the request shall only be tried: the query parameter `dryRun`.

    Raises:
        Refusal: validation_failed when it is neither true nor false, or there are several: who sends it means not to
            post.
    """
    values = request.query.getall("dryRun", ())
    if not values:
        return False
    if len(values) > 1 or values[0] not in ("true", "false"):
        raise validation_failed({"dryRun": ["Must be true or false."]})
    return values[0] == "true"


def refuse_dry_run(request: web.Request) -> None:
    """Lets nothing be done for a caller who only wants to try what is no posting.

    Raises:
        Refusal: validation_failed when the query has the parameter `dryRun`, whatever it says but false.
    """
    if is_dry_run(request):
        raise validation_failed({"dryRun": ["Is for postings."]})


def is_good_key(key: str) -> bool:
    """Whether it is 1 to 255 visible ASCII characters."""
    return _KEY.fullmatch(key) is not None


def idempotency_key(request: web.Request) -> str | None:
    """The Idempotency-Key header; None when there is none.

    Raises:
        Refusal: idempotency_key_missing when it is blank, not 1 to 255 visible ASCII characters, or there are several:
            a caller who sends the header means to be protected by it.
    """
    keys = request.headers.getall("Idempotency-Key", ())
    if not keys:
        return None
    key = keys[0].strip()
    if len(keys) > 1 or not is_good_key(key):
        raise idempotency_key_missing()
    return key


def required_idempotency_key(request: web.Request) -> str:
    """The Idempotency-Key header.

    Raises:
        Refusal: idempotency_key_missing when there is none or no good one.
    """
    key = idempotency_key(request)
    if key is None:
        raise idempotency_key_missing()
    return key
