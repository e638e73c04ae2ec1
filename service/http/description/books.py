"""The books as a whole: the trial balance, what is known of the doctor, and the entries of a transaction."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from service.http.description.accounts import LedgerEntry
from service.http.description.operation import Operation
from service.http.fields import Id, Instant, Number

_TAG: Final = "Books"


class AssetEntry(LedgerEntry, kw_only=True):
    """An entry of a transaction, and the asset it is of."""

    asset_type_id: Id


class TrialBalanceRow(msgspec.Struct, rename="camel"):
    """The sums of an asset."""

    asset_type_id: Id
    symbol: Annotated[str, Meta(examples=["GC"])]
    debits: Annotated[Number, Meta(description="Of all entries; as much as `credits`.")]
    credits: Number
    treasury_balance: Number
    revenue_balance: Number
    wallet_balance: Annotated[Number, Meta(description="Of all wallets together.")]
    conversion_balance: Number
    balance_sum: Annotated[Number, Meta(description="Of all accounts: 0.")]


class Check(msgspec.Struct, rename="camel"):
    """A check of the doctor."""

    name: Annotated[str, Meta(examples=["check_trial_balance"])]
    severity: Literal["critical", "warning"]
    meaning: str
    remedy: str


class CleanRun(msgspec.Struct, rename="camel"):
    """A full run that found nothing."""

    checked_at: Instant
    number: Annotated[int, Meta(description="The last posting it had read.")]


class DoctorReport(msgspec.Struct, rename="camel"):
    """What is known of the doctor."""

    last_clean_run: Annotated[CleanRun | None, Meta(description="null: there was none.")]
    checks: list[Check]


OPERATIONS: Final = {
    "GET /transactions/{id}/entries": Operation(
        summary="The debits and credits of a transaction",
        tag="Transactions",
        description="In the order in which they were asked for. A hold has none.",
        answer=list[AssetEntry],
        codes=("transaction_not_found", "asset_forbidden"),
    ),
    "GET /trial-balance": Operation(
        summary="The trial balance",
        tag=_TAG,
        description="Per asset type, by symbol, of those that the key reaches. It reads every entry there is.",
        answer=list[TrialBalanceRow],
    ),
    "GET /doctor": Operation(
        summary="What the doctor checks, and its last clean run",
        tag=_TAG,
        description="It runs no check.",
        answer=DoctorReport,
    ),
}
