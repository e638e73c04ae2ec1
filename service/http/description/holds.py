"""Holds: making and voiding them, and reading them back. Their captures are transactions."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.http.description.operation import DEBIT_CODES, POSTING_CODES, Operation
from service.http.fields import AnyObject, Id, IdempotencyKey, Instant, Number, PostedBy
from service.http.operations import HoldBody, VoidBody

_TAG: Final = "Holds"

HoldStatus = Literal["PENDING", "COMPLETED", "FAILED"]
HoldState = Literal["ACTIVE", "CAPTURED", "VOIDED", "EXPIRED"]


class Hold(msgspec.Struct, rename="camel"):
    """An amount that is reserved on a wallet."""

    id: Annotated[Id | None, Meta(description="null in a dry run: nothing was made.")]
    idempotency_key: IdempotencyKey
    type: Literal["HOLD"]
    status: HoldStatus
    state: HoldState
    source_account_id: Id
    dest_account_id: Annotated[Id, Meta(description="What a capture credits.")]
    asset_type_id: Id
    amount: Number
    captured_amount: Number
    capture_id: Annotated[Id | None, Meta(description="The transaction that captured it.")]
    expires_at: Instant
    closed_at: Instant | None
    description: str | None
    reference_id: str | None
    metadata: AnyObject
    created_at: Instant
    updated_at: Instant
    posted_by: PostedBy | None


class HoldFilters(msgspec.Struct, rename="camel"):
    """The filters of the list."""

    account_id: Id | UnsetType = UNSET
    status: Literal[HoldStatus, HoldState] | UnsetType = UNSET


#: Refusals of what closes a hold.
OPEN_CODES: Final = ("hold_not_found", "hold_captured", "hold_voided", "hold_expired", "asset_forbidden")

OPERATIONS: Final = {
    "POST /holds": Operation(
        summary="Hold an amount on a wallet",
        tag=_TAG,
        answer=Hold,
        status=201,
        body=HoldBody,
        key="required",
        dry_run=True,
        codes=(*POSTING_CODES, *DEBIT_CODES, "asset_mismatch", "not_a_wallet", "expiry_out_of_range"),
    ),
    "GET /holds": Operation(
        summary="Find holds",
        tag=_TAG,
        description="Newest first. By page, among the newest 10,000; by cursor, all of them.",
        answer=Hold,
        paging="cursor",
        query=HoldFilters,
        codes=("asset_forbidden",),
    ),
    "GET /holds/{id}": Operation(summary="A hold", tag=_TAG, answer=Hold, codes=("hold_not_found", "asset_forbidden")),
    "POST /holds/{id}/void": Operation(
        summary="Void a hold",
        tag=_TAG,
        description="The body may be left out.",
        answer=Hold,
        status=201,
        body=VoidBody,
        body_required=False,
        key="required",
        dry_run=True,
        codes=OPEN_CODES,
    ),
}
