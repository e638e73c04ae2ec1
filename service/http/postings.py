"""Postings as they come in: the body of a posting endpoint, or an item of a batch or of a file."""

import uuid
from typing import Final

import msgspec

from service.http.amounts import parse_amount
from service.http.bodies import BODY_SIZE_BYTES_MAX, NULL, PostingBody, RequestBody, decode_body
from service.http.operations import (
    CaptureBody,
    ConversionBody,
    HoldBody,
    JournalBody,
    RefundBody,
    TransferBody,
    VoidBody,
)
from service.http.queries import is_good_key
from service.posting import PostingRequest
from service.refusals import Refusal, body_too_large, validation_failed

ITEMS_MAX: Final = 1_000
TRANSACTION_TYPES: Final = (
    "TOP_UP",
    "BONUS",
    "SPEND",
    "TRANSFER",
    "JOURNAL",
    "REFUND",
    "HOLD",
    "CAPTURE",
    "VOID",
    "CONVERSION",
)


class BatchBody(RequestBody):
    """Body of POST /transactions/batch. Each item stays as it was sent: a wrong one must not harm the others."""

    items: list[msgspec.Raw]
    atomic: bool = False

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and too few or too many items."""
        found = super().problems()
        if not 1 <= len(self.items or ()) <= ITEMS_MAX:
            found["items"] = [f"Must be 1 to {ITEMS_MAX:,} items."]
        return found


class PostingItem(PostingBody, kw_only=True):
    """A top-up, bonus or spend that says its type itself. Its key is looked at before all else, by `decode_item`."""

    type: str

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and an unknown type."""
        found = super().problems()
        if self.type not in TRANSACTION_TYPES:
            found["type"] = [f"Must be {', '.join(TRANSACTION_TYPES[:-1])} or {TRANSACTION_TYPES[-1]}."]
        return found


class _RefundItem(RefundBody, kw_only=True):
    transaction_id: uuid.UUID


class _CaptureItem(CaptureBody, kw_only=True):
    hold_id: uuid.UUID


class _VoidItem(VoidBody, kw_only=True):
    hold_id: uuid.UUID


class _Keyed(msgspec.Struct, rename="camel"):
    idempotency_key: msgspec.Raw = NULL
    type: msgspec.Raw = NULL


_KEYED: Final = msgspec.json.Decoder(_Keyed)
_TEXT: Final = msgspec.json.Decoder(str)


def decode_item(content: bytes) -> PostingRequest:
    """Decodes and checks an item: a posting's body with `type`, `idempotencyKey` and what its path would say in it.

    Raises:
        Refusal: what the posting endpoints would say to it: body_too_large, idempotency_key_missing, or
            validation_failed with every wrong field in its details.
    """
    if len(content) > BODY_SIZE_BYTES_MAX:
        raise body_too_large("The item", "64 KiB")
    keyed = _keyed(content)
    key = _key_of(keyed)
    match _text(keyed.type):
        case "TRANSFER":
            return decode_body(content, TransferBody).request(key)
        case "JOURNAL":
            return decode_body(content, JournalBody).request(key)
        case "REFUND":
            refund = decode_body(content, _RefundItem)
            return refund.request(key, refund.transaction_id)
        case "HOLD":
            return decode_body(content, HoldBody).request(key)
        case "CAPTURE":
            capture = decode_body(content, _CaptureItem)
            return capture.request(key, capture.hold_id)
        case "VOID":
            void = decode_body(content, _VoidItem)
            return void.request(key, void.hold_id)
        case "CONVERSION":
            return decode_body(content, ConversionBody).request(key)
        case _:
            item = decode_body(content, PostingItem)
            return posting_request(item.type, key, item)


def posting_request(transaction_type: str, key: str, body: PostingBody) -> PostingRequest:
    """The request to the database for a checked body."""
    return PostingRequest(
        type=transaction_type,
        idempotency_key=key,
        account_id=body.account_id,
        asset_type_id=body.asset_type_id,
        amount=parse_amount(bytes(body.amount)) or "",
        reference_id=body.reference_id,
        description=body.description,
        metadata=body.metadata,
        campaign=body.campaign,
    )


def _keyed(content: bytes) -> _Keyed:
    try:
        return _KEYED.decode(content)
    except msgspec.ValidationError:
        raise validation_failed({"body": ["Must be a JSON object."]}) from None
    except (msgspec.DecodeError, RecursionError):
        raise validation_failed({"body": ["Must be JSON in UTF-8."]}) from None


def _text(raw: msgspec.Raw) -> str:
    """The text that a JSON value is; empty when it is no text."""
    try:
        return _TEXT.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return ""


def _key_of(keyed: _Keyed) -> str:
    key = _text(keyed.idempotency_key)
    if not is_good_key(key):
        raise Refusal("idempotency_key_missing", "An idempotencyKey of 1 to 255 visible ASCII characters is required.")
    return key
