"""Many postings in one request. An item is the body of a posting endpoint with its type, its key and its path in it."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.http.bodies import PostingBody, SpendBody
from service.http.description.operation import Operation
from service.http.fields import Id, IdempotencyKey
from service.http.operations import (
    CaptureBody,
    ConversionBody,
    HoldBody,
    JournalBody,
    RefundBody,
    TransferBody,
    VoidBody,
)
from service.http.postings import ITEMS_MAX

_Key = IdempotencyKey


class TopUpItem(PostingBody, kw_only=True, tag_field="type", tag="TOP_UP"):
    """A top-up."""

    idempotency_key: _Key


class BonusItem(PostingBody, kw_only=True, tag_field="type", tag="BONUS"):
    """A bonus."""

    idempotency_key: _Key


class SpendItem(SpendBody, kw_only=True, tag_field="type", tag="SPEND"):
    """A spend."""

    idempotency_key: _Key


class TransferItem(TransferBody, kw_only=True, tag_field="type", tag="TRANSFER"):
    """A transfer."""

    idempotency_key: _Key


class JournalItem(JournalBody, kw_only=True, tag_field="type", tag="JOURNAL"):
    """A journal."""

    idempotency_key: _Key


class RefundItem(RefundBody, kw_only=True, tag_field="type", tag="REFUND"):
    """A refund."""

    idempotency_key: _Key
    transaction_id: Id


class HoldItem(HoldBody, kw_only=True, tag_field="type", tag="HOLD"):
    """A hold."""

    idempotency_key: _Key


class CaptureItem(CaptureBody, kw_only=True, tag_field="type", tag="CAPTURE"):
    """A capture of a hold."""

    idempotency_key: _Key
    hold_id: Id


class VoidItem(VoidBody, kw_only=True, tag_field="type", tag="VOID"):
    """The voiding of a hold."""

    idempotency_key: _Key
    hold_id: Id


class ConversionItem(ConversionBody, kw_only=True, tag_field="type", tag="CONVERSION"):
    """A conversion."""

    idempotency_key: _Key


Item = (
    TopUpItem
    | BonusItem
    | SpendItem
    | TransferItem
    | JournalItem
    | RefundItem
    | HoldItem
    | CaptureItem
    | VoidItem
    | ConversionItem
)


class BatchRequest(msgspec.Struct, rename="camel"):
    """The items. A wrong one harms no other, unless the batch is `atomic`."""

    items: Annotated[list[Item], Meta(extra_json_schema={"minItems": 1, "maxItems": ITEMS_MAX})]
    atomic: Annotated[bool, Meta(description="All of them are posted, or none.")] = False


class ItemAnswer(msgspec.Struct, rename="camel"):
    """What became of an item: what it would have been answered alone."""

    index: Annotated[int, Meta(ge=0)]
    status: Annotated[int, Meta(examples=[201])]
    body: Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"}, examples=[{"success": True, "data": {}}])]
    replayed: bool | UnsetType = UNSET


OPERATIONS: Final = {
    "POST /transactions/batch": Operation(
        summary="Post many at once",
        tag="Transactions",
        description="An item is the body of a posting endpoint with `type` and `idempotencyKey`. They act as if they"
        " were run one after the other; the header `Idempotency-Key` is not looked at.",
        answer=list[ItemAnswer],
        status=207,
        body=BatchRequest,
        dry_run=True,
        codes=("batch_refused",),
    ),
}
