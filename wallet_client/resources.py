"""What the wallet answers with. Amounts are exact decimals, instants know their offset, unknown fields are passed over.

Words that may be joined by others in a later release (types, states) are plain text.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from wallet_client.errors import Refused

T = TypeVar("T")


class Resource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Anything the wallet shows."""


class Made(Resource, frozen=True, kw_only=True):
    """Something that a request made or changed.

    Attributes:
        replayed: whether the answer is the one of an earlier request with the same key.
    """

    replayed: bool = False


class AssetType(Made, frozen=True, kw_only=True):
    """An asset. `decimals`: how many digits after the point an amount of it may have."""

    id: uuid.UUID
    name: str
    symbol: str
    description: str | None
    decimals: int
    is_active: bool
    created_at: datetime
    updated_at: datetime


class Account(Made, frozen=True, kw_only=True):
    """A wallet (`account_type` USER) or a system account.

    Attributes:
        status: ACTIVE, FROZEN or CLOSED.
        held: what open holds reserve.
        available: what may be debited; below zero after a clawback with debt; None: any amount.
        credit_limit: how far below zero the balance may go; None: any distance.
        balance_max: the ceiling; None: there is none.
        debt_max: how far below its floor a clawback may take it.
    """

    id: uuid.UUID
    external_id: str | None
    owner_id: str | None
    account_type: str
    status: str
    credits_allowed: bool
    name: str
    email: str | None
    asset_type_id: uuid.UUID
    balance: Decimal
    held: Decimal
    available: Decimal | None
    credit_limit: Decimal | None
    balance_max: Decimal | None
    debt_max: Decimal
    created_at: datetime
    updated_at: datetime


class Balance(Resource, frozen=True, kw_only=True):
    """What is on an account, what of it is held, and what may be debited (None: any amount)."""

    account_id: uuid.UUID
    asset_type_id: uuid.UUID
    balance: Decimal
    held: Decimal
    available: Decimal | None


class BalanceAt(Resource, frozen=True, kw_only=True):
    """What was on an account at an instant.

    Attributes:
        at: the instant that was meant: not later than when it was asked for.
        version: the number of the last entry by then; 0: there was none.
        is_final: whether no later posting can change it.
    """

    account_id: uuid.UUID
    asset_type_id: uuid.UUID
    at: datetime
    version: int
    balance: Decimal
    is_final: bool


class AssetBalance(Resource, frozen=True, kw_only=True):
    """What an owner has of one asset, over all wallets."""

    asset_type_id: uuid.UUID
    symbol: str
    account_count: int
    balance: Decimal
    held: Decimal
    available: Decimal


class OwnerBalances(Resource, frozen=True, kw_only=True):
    """What an owner has: sums per asset, and the newest 100 of the owner's wallets."""

    owner_id: str
    balances: list[AssetBalance]
    accounts: list[Balance]


class Entry(Resource, frozen=True, kw_only=True):
    """A debit or a credit of an account. `version` numbers an account's entries 1, 2, 3 and so on.

    `asset_type_id` is shown among the entries of a transaction only.
    """

    id: uuid.UUID
    transaction_id: uuid.UUID
    account_id: uuid.UUID
    entry_type: str
    amount: Decimal
    balance_after: Decimal
    version: int
    created_at: datetime
    asset_type_id: uuid.UUID | None = None


class StatementEnd(Resource, frozen=True, kw_only=True):
    """The balance where a statement begins or ends, and the number of the last entry by then; 0: there was none."""

    version: int
    balance: Decimal


class StatementLine(Resource, frozen=True, kw_only=True):
    """An entry, with what its transaction says and the other accounts of it."""

    id: uuid.UUID
    transaction_id: uuid.UUID
    version: int
    type: str | None
    entry_type: str
    amount: Decimal
    balance_after: Decimal
    created_at: datetime
    reference_id: str | None
    description: str | None
    counterparty_account_ids: list[uuid.UUID]


class StatementTotals(Resource, frozen=True, kw_only=True):
    """Sums of the debits and credits of a statement, and the number of its lines."""

    debits: Decimal
    credits: Decimal
    lines: int


class Statement(Resource, frozen=True, kw_only=True):
    """The entries of an account between two instants, oldest first: opening plus credits less debits is closing.

    Attributes:
        from_at: the instant after which it begins; None: with the account.
        to_at: the instant up to which it goes.
        is_final: whether nothing that is posted later can come to lie in it.
    """

    account_id: uuid.UUID
    asset_type_id: uuid.UUID
    from_at: datetime | None = msgspec.field(name="from")
    to_at: datetime = msgspec.field(name="to")
    is_final: bool
    opening: StatementEnd
    closing: StatementEnd
    lines: list[StatementLine]
    totals: StatementTotals


class TrialBalance(Resource, frozen=True, kw_only=True):
    """Of one asset: all debits and credits, which are equal, and the balances, whose sum is zero."""

    asset_type_id: uuid.UUID
    symbol: str
    debits: Decimal
    credits: Decimal
    treasury_balance: Decimal
    revenue_balance: Decimal
    wallet_balance: Decimal
    conversion_balance: Decimal
    balance_sum: Decimal


class Event(Resource, frozen=True, kw_only=True):
    """Something that was committed. `id` is also the place in the feed after it; `data` is as docs/events.md says."""

    id: uuid.UUID
    type: str
    occurred_at: datetime
    account_ids: list[uuid.UUID]
    asset_type_id: uuid.UUID | None
    data: dict[str, Any]


class JournalEntry(Resource, frozen=True, kw_only=True):
    """A debit or a credit, as a journal's or a conversion's transaction shows it."""

    account_id: uuid.UUID
    entry_type: str
    amount: Decimal


class Posting(Made, frozen=True, kw_only=True):
    """What a transaction says; of a dry run all there is, for nothing was made.

    Attributes:
        type: TOP_UP, BONUS, SPEND, TRANSFER, JOURNAL, REFUND, CAPTURE, CONVERSION or HOLD.
        status: COMPLETED; of a hold PENDING, COMPLETED or FAILED.
        source_account_id: what was debited; None: of a journal or a conversion, see `entries`.
        dest_account_id: what was credited; None: as above.
        metadata: as it was given; numbers with a point are decimals.
        posted_by: `key:` and the id of an API key, or `role:` and a login to the database; None: not recorded.
        campaign: the campaign whose budget it drew on.
        refund_of: of a refund, the transaction that was given back.
        refunded_amount: what was given back of it so far; None: nothing.
        hold_id: of a capture, the hold.
        entries: of a journal or a conversion, its debits and credits.
        rate: of a conversion.
        credited_amount: of a conversion, in the other asset.
        remainder: of a conversion, what was cut off.
    """

    idempotency_key: str
    type: str
    status: str
    source_account_id: uuid.UUID | None
    dest_account_id: uuid.UUID | None
    asset_type_id: uuid.UUID
    amount: Decimal
    description: str | None
    reference_id: str | None
    metadata: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    posted_by: str | None = None
    campaign: str | None = None
    refund_of: uuid.UUID | None = None
    refunded_amount: Decimal | None = None
    hold_id: uuid.UUID | None = None
    entries: list[JournalEntry] | None = None
    rate: Decimal | None = None
    credited_amount: Decimal | None = None
    remainder: Decimal | None = None


class Transaction(Posting, frozen=True, kw_only=True):
    """A transaction."""

    id: uuid.UUID


class Hold(Transaction, frozen=True, kw_only=True):
    """An amount that is reserved. `state`: ACTIVE, CAPTURED, VOIDED or EXPIRED."""

    state: str
    captured_amount: Decimal
    capture_id: uuid.UUID | None
    expires_at: datetime
    closed_at: datetime | None


class KeyRecord(Resource, frozen=True, kw_only=True):
    """What was made under an idempotency key. `answer`: the data of the first answer, as it was sent."""

    idempotency_key: str
    operation: str
    asset_type_id: uuid.UUID | None
    created_at: datetime
    answer: dict[str, Any]


class Change(Resource, frozen=True, kw_only=True):
    """A change of an account, an asset type, a limit or a budget: when, by whom, why, and the fields that changed."""

    number: int
    changed_at: datetime
    changed_by: str
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class SpendingLimit(Resource, frozen=True, kw_only=True):
    """How much, or how often, may be debited within a period of a length. None: any.

    `amount_available` and `count_available`, what it leaves a wallet now, are shown of a wallet's limits only.
    """

    id: uuid.UUID
    name: str
    account_id: uuid.UUID | None
    asset_type_id: uuid.UUID
    period_seconds: int
    amount_max: Decimal | None
    count_max: int | None
    amount_available: Decimal | None = None
    count_available: int | None = None


class Budget(Resource, frozen=True, kw_only=True):
    """How much of an asset may be issued, in all or (`campaign`) by a campaign. None: any."""

    id: uuid.UUID
    asset_type_id: uuid.UUID
    campaign: str | None
    issued: Decimal
    amount_max: Decimal | None
    available: Decimal | None
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True)
class ItemAnswer(Generic[T]):
    """What became of an item of a batch: either `posted`, or `refusal`, is there.

    Attributes:
        posted: the transaction (of a dry run: what it would be), or None.
        refusal: why it was not posted, or None.
    """

    posted: T | None
    refusal: Refused | None

    def unwrap(self) -> T:
        """Give what was posted.

        Raises:
            Refused: nothing was.
        """
        if self.refusal is not None:
            raise self.refusal
        assert self.posted is not None
        return self.posted
