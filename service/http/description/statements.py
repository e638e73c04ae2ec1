"""Statements of an account, and its balance at an instant."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.http.description.accounts import Balance
from service.http.description.operation import Operation
from service.http.fields import Id, Instant, Number

_TAG: Final = "Accounts"

_Version = Annotated[int, Meta(ge=0, description="The last entry by then; 0: there was none.")]
_IsFinal = Annotated[bool, Meta(description="Whether nothing that is posted later can change it.", examples=[True])]


class BalanceAt(msgspec.Struct, rename="camel"):
    """An account's balance at an instant."""

    account_id: Id
    at: Instant
    version: _Version
    balance: Number
    is_final: _IsFinal
    asset_type_id: Id


class StatementEnd(msgspec.Struct, rename="camel"):
    """Where a statement begins or ends."""

    version: _Version
    balance: Number


class StatementLine(msgspec.Struct, rename="camel"):
    """An entry of the account, with what its transaction says."""

    id: Id
    transaction_id: Id
    version: Annotated[int, Meta(ge=1, description="Its place in the account's history, without gaps.")]
    type: Literal["TOP_UP", "BONUS", "SPEND", "TRANSFER", "JOURNAL", "REFUND", "CAPTURE", "CONVERSION"]
    entry_type: Literal["DEBIT", "CREDIT"]
    amount: Number
    balance_after: Number
    created_at: Instant
    reference_id: str | None
    description: str | None
    counterparty_account_ids: Annotated[list[Id], Meta(description="The other accounts of the transaction.")]


class StatementTotals(msgspec.Struct, rename="camel"):
    """What the lines add up to."""

    debits: Number
    credits: Number
    lines: Annotated[int, Meta(ge=0)]


class Statement(msgspec.Struct, rename="camel"):
    """An account's entries between two instants, and its balances there."""

    account_id: Id
    asset_type_id: Id
    is_final: _IsFinal
    opening: StatementEnd
    closing: StatementEnd
    lines: Annotated[list[StatementLine], Meta(description="Oldest first.")]
    totals: StatementTotals
    to_at: Instant = msgspec.field(name="to")
    from_at: Instant | None = msgspec.field(name="from")


class BalanceParameters(msgspec.Struct, rename="camel"):
    """Which balance."""

    at: (
        Annotated[Instant, Meta(description="The balance at this instant, without `held` and `available`.")] | UnsetType
    ) = UNSET


class StatementParameters(msgspec.Struct, rename="camel"):
    """The ends of the statement."""

    from_at: (
        Annotated[Instant, Meta(description="The instant after which it begins; else with the account.")] | UnsetType
    ) = msgspec.field(name="from", default=UNSET)
    to_at: (
        Annotated[Instant, Meta(description="The instant up to which it goes; else, or in the future: now.")]
        | UnsetType
    ) = msgspec.field(name="to", default=UNSET)


OPERATIONS: Final = {
    "GET /accounts/{id}/balance": Operation(
        summary="An account's balance, now or at an instant",
        tag=_TAG,
        answer=(Balance, BalanceAt),
        query=BalanceParameters,
        codes=("account_not_found", "asset_forbidden"),
    ),
    "GET /accounts/{id}/statement": Operation(
        summary="An account's statement",
        tag=_TAG,
        description="Its entries after `from` and up to `to`, oldest first, between its balances there. As CSV where"
        " the header `Accept` names `text/csv`.",
        answer=Statement,
        media_types=("text/csv",),
        query=StatementParameters,
        codes=("account_not_found", "asset_forbidden"),
    ),
}
