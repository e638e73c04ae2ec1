"""Request bodies, decoded once into typed structures.

A good body is decoded in one pass. Only when that fails is it taken apart field by field, so that the refusal can name
everything that is wrong at once.
"""

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Final, TypeVar, get_args

import msgspec
from aiohttp import web

from service.http.amounts import AMOUNT_ERROR, parse_amount
from service.http.fields import Amount, Description, Email, Id, Metadata, Name, OwnName, ReferenceId, RuleName, null
from service.http.metadata import METADATA_ERROR, check_metadata
from service.refusals import Refusal, validation_failed

#: Largest request body, and largest item of a batch.
BODY_SIZE_BYTES_MAX: Final = 64 * 1024

#: How long a body may take to arrive.
BODY_TIMEOUT_SECONDS: Final = 30

NULL: Final = msgspec.Raw(b"null")

Body = TypeVar("Body", bound="RequestBody")

_TYPE_ERRORS: Final[dict[Any, str]] = {
    uuid.UUID: "Must be a UUID.",
    str: "Must be text.",
    bool: "Must be true or false.",
    list[msgspec.Raw]: "Must be a list.",
}


class RequestBody(msgspec.Struct, rename="camel"):
    """A body: its fields by their types, and `problems` for what types cannot say."""

    #: What to say of a field that is not of its type, where the type alone does not say it well.
    type_errors: ClassVar[Mapping[str, str]] = {}

    def problems(self) -> dict[str, list[str]]:
        """What is wrong with the values, as `{field: [sentence, …]}`; empty when all is well."""
        found: dict[str, list[str]] = {}
        for name, encode_name in zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True):
            value = getattr(self, name)
            if isinstance(value, str) and "\x00" in value:
                found[encode_name] = ["Must not hold NUL characters."]
        return found


class AccountBody(RequestBody):
    """Body of POST /accounts. Lengths are checked by `wallet.create_account`."""

    name: Name
    asset_type_id: Id
    external_id: OwnName | None = None
    email: Email | None = None
    owner_id: OwnName | None = None


class SpendBody(RequestBody):
    """Body of a spend, and what top-ups and bonuses have besides. `amount` and `metadata` stay as they were sent."""

    account_id: Id
    asset_type_id: Id
    amount: Amount
    reference_id: ReferenceId | None = None
    description: Description | None = None
    metadata: Metadata = msgspec.field(default_factory=null)

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and what is wrong with the amount and the metadata."""
        found = super().problems()
        if parse_amount(bytes(self.amount)) is None:
            found["amount"] = [AMOUNT_ERROR]
        if not check_metadata(bytes(self.metadata)):
            found["metadata"] = [METADATA_ERROR]
        return found


class PostingBody(SpendBody):
    """Body of the posting endpoints. A spend that names a campaign is refused by the database."""

    campaign: RuleName | None = None


@cache
def _decoder(body_type: type[Body]) -> msgspec.json.Decoder[Body]:
    """One decoder per type: making one costs more than a request."""
    return msgspec.json.Decoder(body_type)


async def read_body(request: web.Request, body_type: type[Body]) -> Body:
    """Reads and checks a request's body.

    Raises:
        Refusal: validation_failed, with every wrong field in its details; body_too_large; request_timeout.
    """
    return decode_body(await read_content(request), body_type)


async def read_optional_body(request: web.Request, body_type: type[Body]) -> Body:
    """As `read_body`, for a body that need not be there: an empty one is as good as one without fields."""
    return decode_body(await read_content(request) or b"{}", body_type)


async def read_content(request: web.Request) -> bytes:
    """Reads a request's body, as far as its limit, and in bounded time.

    Raises:
        web.HTTPRequestEntityTooLarge: it is larger than the request allows.
        Refusal: validation_failed when it cannot be read or ends too soon; request_timeout.
    """
    try:
        if request.content.is_eof():
            # All of it is here, as it mostly is: a timer would cost more than the reading.
            return await request.read()
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await request.read()
    except TimeoutError:
        raise Refusal("request_timeout", f"The body did not arrive within {BODY_TIMEOUT_SECONDS} seconds.") from None
    except web.RequestPayloadError:
        raise validation_failed({"body": ["Is not what Content-Encoding or Transfer-Encoding says."]}) from None
    except ConnectionError:
        # Not the database's connection: the caller's. Nobody will read this answer, but the log will tell it right.
        raise validation_failed({"body": ["Ended too soon."]}) from None


def decode_body(content: bytes, body_type: type[Body]) -> Body:
    """Decodes and checks a body's bytes.

    Raises:
        Refusal: validation_failed, with every wrong field in its details.
    """
    try:
        content.decode("utf-8")
        body: Body = _decoder(body_type).decode(content)
    except msgspec.ValidationError:
        raise _field_refusal(content, body_type) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise validation_failed({"body": ["Must be JSON in UTF-8."]}) from None
    problems = body.problems()
    if problems:
        raise validation_failed(problems)
    return body


def _field_refusal(content: bytes, body_type: type[RequestBody]) -> Refusal:
    """Names every field of a body that is missing or not of its type."""
    try:
        values = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return validation_failed({"body": ["Must be a JSON object."]})
    found: dict[str, list[str]] = {}
    good: dict[str, Any] = {}
    for field in msgspec.structs.fields(body_type):
        raw = values.get(field.encode_name)
        if raw is None:
            if field.required:
                found[field.encode_name] = ["Is required."]
            continue
        try:
            good[field.name] = raw if _is_raw(field.type) else msgspec.json.decode(raw, type=field.type)
        except (msgspec.DecodeError, RecursionError):
            kinds = [kind for kind in _kinds(field.type) if kind in _TYPE_ERRORS]
            found[field.encode_name] = [body_type.type_errors.get(field.name) or _TYPE_ERRORS[kinds[0]]]
    # Fields that have their type are still checked for their value, so that one answer names all.
    blanks: dict[str, Any] = {
        field.name: NULL if _is_raw(field.type) else None for field in msgspec.structs.fields(body_type)
    }
    checked = body_type(**{**blanks, **good}).problems()
    return validation_failed({**{name: checked[name] for name in checked if name in values}, **found})


def _kinds(field_type: Any) -> Iterator[Any]:
    """A type and what it is made of: without what is said beside it, and without null."""
    yield field_type
    for part in get_args(field_type):
        yield from _kinds(part)


def _is_raw(field_type: Any) -> bool:
    return getattr(field_type, "__origin__", field_type) is msgspec.Raw
