"""Transactions: posting them one by one, and reading them back; what was made under a key."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.http.bodies import PostingBody, SpendBody
from service.http.description.holds import OPEN_CODES, Hold, HoldStatus
from service.http.description.operation import DEBIT_CODES, POSTING_CODES, Operation
from service.http.fields import (
    AnyObject,
    Id,
    IdempotencyKey,
    Instant,
    Number,
    PostedBy,
)
from service.http.operations import CaptureBody, ConversionBody, JournalBody, RefundBody, TransferBody

_TAG: Final = "Transactions"

TransactionType = Literal["TOP_UP", "BONUS", "SPEND", "TRANSFER", "JOURNAL", "REFUND", "CAPTURE", "CONVERSION"]


class TransactionEntry(msgspec.Struct, rename="camel"):
    """A debit or credit of a transaction."""

    account_id: Id
    entry_type: Literal["DEBIT", "CREDIT"]
    amount: Number


class Transaction(msgspec.Struct, rename="camel", kw_only=True):
    """A posting. It never changes."""

    id: Annotated[Id | None, Meta(description="null in a dry run: nothing was made.")]
    idempotency_key: IdempotencyKey
    type: TransactionType
    status: Literal["COMPLETED"]
    source_account_id: Annotated[Id | None, Meta(description="null where there are more than two accounts.")]
    dest_account_id: Annotated[Id | None, Meta(description="null where there are more than two accounts.")]
    asset_type_id: Id
    amount: Number
    description: str | None
    reference_id: str | None
    metadata: AnyObject
    created_at: Instant
    updated_at: Instant
    posted_by: PostedBy | None
    refunded_amount: (
        Annotated[Number, Meta(description="What has been given back of it, once something has.")] | UnsetType
    ) = UNSET
    refund_of: Annotated[Id, Meta(description="Of a REFUND.")] | UnsetType = UNSET
    hold_id: Annotated[Id, Meta(description="Of a CAPTURE.")] | UnsetType = UNSET
    campaign: Annotated[str, Meta(description="Of a top-up or bonus that named one.")] | UnsetType = UNSET
    rate: Annotated[Number, Meta(description="Of a CONVERSION.")] | UnsetType = UNSET
    credited_amount: Annotated[Number, Meta(description="Of a CONVERSION.")] | UnsetType = UNSET
    remainder: Annotated[Number, Meta(description="Of a CONVERSION: what was cut off.")] | UnsetType = UNSET
    entries: (
        Annotated[list[TransactionEntry], Meta(description="Where there are more than two accounts.")] | UnsetType
    ) = UNSET


class KnownKey(msgspec.Struct, rename="camel"):
    """What was made under a key."""

    idempotency_key: IdempotencyKey
    operation: Literal[
        "TOP_UP",
        "BONUS",
        "SPEND",
        "TRANSFER",
        "JOURNAL",
        "REFUND",
        "CAPTURE",
        "CONVERSION",
        "HOLD",
        "VOID",
        "CREATE_ACCOUNT",
        "CHANGE_ACCOUNT",
        "CREATE_ASSET_TYPE",
        "CHANGE_ASSET_TYPE",
        "SET_SPENDING_LIMIT",
        "SET_BUDGET",
        "CREATE_WEBHOOK",
        "CHANGE_WEBHOOK",
        "ROTATE_WEBHOOK_SECRET",
        "DELETE_WEBHOOK",
        "REDELIVER",
        "IMPORTED_TRANSACTION",
    ]
    asset_type_id: Annotated[Id | None, Meta(description="null: of a webhook.")]
    created_at: Instant
    answer: Annotated[AnyObject, Meta(description="The `data` of the first answer, without a webhook's secret.")]


class TransactionFilters(msgspec.Struct, rename="camel"):
    """The filters of the list."""

    account_id: Annotated[Id, Meta(description="On either side.")] | UnsetType = UNSET
    type: Literal[TransactionType, "HOLD"] | UnsetType = UNSET
    status: HoldStatus | UnsetType = UNSET
    reference_id: Annotated[str, Meta(description="As it was given, letter by letter.")] | UnsetType = UNSET
    asset_type_id: Id | UnsetType = UNSET
    amount_min: Annotated[str, Meta(examples=["10"], description="Decimal.")] | UnsetType = UNSET
    amount_max: Annotated[str, Meta(examples=["99.5"], description="Decimal.")] | UnsetType = UNSET
    created_from: Instant | UnsetType = UNSET
    created_to: Annotated[Instant, Meta(description="Not itself in the range.")] | UnsetType = UNSET


_ISSUE_CODES: Final = (
    *POSTING_CODES,
    "asset_mismatch",
    "not_a_wallet",
    "issuance_budget_exceeded",
    "campaign_not_found",
)


def _posting(summary: str, body: type, description: str, *codes: str) -> Operation:
    return Operation(
        summary=summary,
        tag=_TAG,
        description=description,
        answer=Transaction,
        status=201,
        body=body,
        key="required",
        dry_run=True,
        codes=codes,
    )


OPERATIONS: Final = {
    "POST /transactions/top-up": _posting(
        "Top up a wallet",
        PostingBody,
        "Credits the wallet from the asset's treasury.",
        *_ISSUE_CODES,
        "campaign_inactive",
    ),
    "POST /transactions/bonus": _posting(
        "Give a bonus", PostingBody, "As a top-up, for a gift of the house.", *_ISSUE_CODES, "campaign_inactive"
    ),
    "POST /transactions/spend": _posting(
        "Spend",
        SpendBody,
        "Debits the wallet to the asset's revenue account.",
        *POSTING_CODES,
        *DEBIT_CODES,
        "asset_mismatch",
        "not_a_wallet",
    ),
    "POST /transactions/transfer": _posting(
        "Transfer from wallet to wallet",
        TransferBody,
        "Both of the same asset.",
        *POSTING_CODES,
        *DEBIT_CODES,
        "asset_mismatch",
        "not_a_wallet",
    ),
    "POST /transactions/journal": _posting(
        "Post several debits and credits",
        JournalBody,
        "The debits add up to as much as the credits, and each account occurs once.",
        *POSTING_CODES,
        *DEBIT_CODES,
        "asset_mismatch",
        "not_a_wallet",
        "issuance_budget_exceeded",
    ),
    "POST /transactions/convert": _posting(
        "Convert one asset into another",
        ConversionBody,
        "What is credited is `amount` times `rate`, cut to the other asset's `decimals`.",
        *POSTING_CODES,
        *DEBIT_CODES,
        "asset_mismatch",
        "not_a_wallet",
        "conversion_out_of_range",
    ),
    "POST /transactions/{id}/refund": Operation(
        summary="Refund a transaction, or part of it",
        tag=_TAG,
        description="The body may be left out: then all that has not been refunded is given back.",
        answer=Transaction,
        status=201,
        body=RefundBody,
        body_required=False,
        key="required",
        dry_run=True,
        codes=(
            *POSTING_CODES,
            "insufficient_balance",
            "transaction_not_found",
            "not_refundable",
            "refund_exceeds_amount",
        ),
    ),
    "POST /holds/{id}/capture": Operation(
        summary="Capture a hold, or part of it",
        tag="Holds",
        description="Moves what is held to where the hold says; the rest is free again. The body may be left out.",
        answer=Transaction,
        status=201,
        body=CaptureBody,
        body_required=False,
        key="required",
        dry_run=True,
        codes=(*POSTING_CODES, *OPEN_CODES, "capture_exceeds_hold", "insufficient_balance"),
    ),
    "GET /transactions/{id}": Operation(
        summary="A transaction, or a hold",
        tag=_TAG,
        answer=(Transaction, Hold),
        codes=("transaction_not_found", "asset_forbidden"),
    ),
    "GET /transactions": Operation(
        summary="Find transactions",
        tag=_TAG,
        description="Newest first. Holds are listed by `accountId` and `status` only.",
        answer=(Transaction, Hold),
        paging="cursor",
        query=TransactionFilters,
        codes=("asset_forbidden",),
    ),
    "GET /idempotency-keys/{key}": Operation(
        summary="What was made under an Idempotency-Key",
        tag=_TAG,
        answer=KnownKey,
        path={"key": IdempotencyKey},
        codes=("idempotency_key_missing", "idempotency_key_not_found", "asset_forbidden"),
    ),
}
