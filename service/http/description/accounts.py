"""Accounts: opening, changing and finding them, their balances, ledgers and histories; and what an owner has."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.http.bodies import AccountBody
from service.http.changes import ChangeAccountBody
from service.http.description.operation import Operation
from service.http.fields import AnyObject, Id, Instant, Number, OptionalNumber, OwnName, PostedBy

_TAG: Final = "Accounts"

AccountStatus = Literal["ACTIVE", "FROZEN", "CLOSED"]
AccountType = Literal["USER", "TREASURY", "REVENUE", "CONVERSION"]

_Held = Annotated[Number, Meta(description="What open holds reserve, at this instant.")]
_Available = Annotated[
    OptionalNumber, Meta(description="What may be debited: balance less held less the floor; null: there is no floor.")
]


class Account(msgspec.Struct, rename="camel"):
    """A wallet, or a system account."""

    id: Id
    external_id: OwnName | None
    owner_id: OwnName | None
    account_type: AccountType
    status: AccountStatus
    credits_allowed: Annotated[bool, Meta(description="Whether it takes credits while it is frozen.", examples=[True])]
    name: str
    email: str | None
    asset_type_id: Id
    balance: Number
    held: _Held
    available: _Available
    credit_limit: Annotated[
        OptionalNumber, Meta(description="How far below zero the balance may go; null: any distance.")
    ]
    balance_max: Annotated[OptionalNumber, Meta(description="No credit goes above it; null: none.")]
    debt_max: Annotated[Number, Meta(description="How far below its floor a refund with debt may take it.")]
    created_at: Instant
    updated_at: Instant


class Balance(msgspec.Struct, rename="camel"):
    """An account's balance."""

    account_id: Id
    balance: Number
    held: _Held
    available: _Available
    asset_type_id: Id


class LedgerEntry(msgspec.Struct, rename="camel"):
    """A debit or a credit of an account."""

    id: Id
    transaction_id: Id
    account_id: Id
    entry_type: Literal["DEBIT", "CREDIT"]
    amount: Number
    balance_after: Number
    version: Annotated[int, Meta(ge=1, description="Its place in the account's history, without gaps.")]
    created_at: Instant


class Change(msgspec.Struct, rename="camel"):
    """A change of an account, an asset type, a spending limit or a budget."""

    number: Annotated[int, Meta(ge=1)]
    changed_at: Instant
    changed_by: PostedBy
    reason: str | None
    before: Annotated[AnyObject, Meta(description="The fields that changed, as they were; null: it was made then.")]
    after: Annotated[AnyObject, Meta(description="The fields that changed, as they became.")]


class OwnerBalance(msgspec.Struct, rename="camel"):
    """The sums over an owner's wallets in one asset."""

    asset_type_id: Id
    symbol: str
    account_count: int
    balance: Number
    held: _Held
    available: _Available


class OwnerBalances(msgspec.Struct, rename="camel"):
    """What an owner has."""

    owner_id: OwnName
    balances: list[OwnerBalance]
    accounts: Annotated[list[Balance], Meta(description="The newest 100 of the wallets.")]


class AccountFilters(msgspec.Struct, rename="camel"):
    """The filters of the list."""

    external_id: Annotated[str, Meta(description="As it was given, letter by letter.")] | UnsetType = UNSET
    owner_id: Annotated[str, Meta(description="As it was given, letter by letter.")] | UnsetType = UNSET
    asset_type_id: Id | UnsetType = UNSET
    status: AccountStatus | UnsetType = UNSET
    account_type: AccountType | UnsetType = UNSET


OPERATIONS: Final = {
    "POST /accounts": Operation(
        summary="Open a wallet",
        tag=_TAG,
        answer=Account,
        status=201,
        body=AccountBody,
        key="optional",
        codes=("asset_type_not_found", "asset_forbidden", "asset_inactive", "external_id_taken"),
    ),
    "GET /accounts": Operation(
        summary="Find accounts",
        tag=_TAG,
        description="Newest first. By page, the newest 10,000 that match can be reached.",
        answer=Account,
        paging="cursor",
        query=AccountFilters,
        codes=("asset_forbidden",),
    ),
    "GET /accounts/{id}": Operation(
        summary="An account", tag=_TAG, answer=Account, codes=("account_not_found", "asset_forbidden")
    ),
    "PATCH /accounts/{id}": Operation(
        summary="Change a wallet: freeze, thaw or close it, set its limits, rename it",
        tag=_TAG,
        description="Only the fields that are sent are changed. Changes of `creditLimit`, `balanceMax` and `debtMax`"
        " need the scope `admin`.",
        answer=Account,
        body=ChangeAccountBody,
        key="optional",
        codes=(
            "account_not_found",
            "asset_forbidden",
            "not_a_wallet",
            "account_closed",
            "account_not_empty",
            "credit_limit_too_low",
            "balance_max_too_low",
            "debt_max_too_low",
        ),
    ),
    "GET /accounts/{id}/ledger": Operation(
        summary="An account's entries",
        tag=_TAG,
        description="Newest first.",
        answer=LedgerEntry,
        paging="cursor",
        codes=("account_not_found", "asset_forbidden"),
    ),
    "GET /accounts/{id}/history": Operation(
        summary="An account's changes",
        tag=_TAG,
        description="Newest first.",
        answer=Change,
        paging="page",
        codes=("account_not_found", "asset_forbidden"),
    ),
    "GET /owners/{id}/balances": Operation(
        summary="What an owner has",
        tag=_TAG,
        description="The sums per asset over all wallets with this `ownerId`.",
        answer=OwnerBalances,
        path={"id": OwnName},
        codes=("owner_not_found",),
    ),
}
