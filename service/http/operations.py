"""The bodies of transfers, journals, refunds, holds and conversions, and the postings they ask for."""

import uuid
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from service.http.amounts import AMOUNT_ERROR, RATE_ERROR, parse_amount, parse_rate
from service.http.bodies import RequestBody
from service.http.fields import (
    Amount,
    Description,
    Future,
    Id,
    Metadata,
    OptionalAmount,
    OtherId,
    Rate,
    ReferenceId,
    null,
)
from service.http.metadata import METADATA_ERROR, check_metadata
from service.posting import JournalEntry, PostingRequest

ENTRIES_MAX: Final = 100

_NOT_ITSELF: Final = "Must be another account."
_EXPIRES_AT_ERROR: Final = "Must be an instant in RFC 3339, with its offset from UTC."


class _OperationBody(RequestBody, kw_only=True):
    """What the bodies share. A field `amount` stays as it was sent; where it may be left out, null is as good."""

    reference_id: ReferenceId | None = None
    metadata: Metadata = msgspec.field(default_factory=null)

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and what is wrong with the amount and the metadata."""
        found = super().problems()
        if not check_metadata(bytes(self.metadata)):
            found["metadata"] = [METADATA_ERROR]
        return found


def _amount_problems(raw: msgspec.Raw, *, required: bool) -> dict[str, list[str]]:
    if parse_amount(bytes(raw)) is None and (required or bytes(raw) != b"null"):
        return {"amount": [AMOUNT_ERROR]}
    return {}


def _is_one_account(one: uuid.UUID | None, other: uuid.UUID | None) -> bool:
    return one is not None and one == other


class TransferBody(_OperationBody, kw_only=True):
    """Body of POST /transactions/transfer."""

    from_account_id: Id
    to_account_id: OtherId
    asset_type_id: Id
    amount: Amount
    description: Description | None = None

    def problems(self) -> dict[str, list[str]]:
        """As in the base, a wrong amount, and one account on both sides."""
        found = super().problems() | _amount_problems(self.amount, required=True)
        if _is_one_account(self.from_account_id, self.to_account_id):
            found["toAccountId"] = [_NOT_ITSELF]
        return found

    def request(self, key: str) -> PostingRequest:
        """The posting it asks for."""
        return PostingRequest(
            type="TRANSFER",
            idempotency_key=key,
            account_id=self.from_account_id,
            to_account_id=self.to_account_id,
            asset_type_id=self.asset_type_id,
            amount=parse_amount(bytes(self.amount)),
            reference_id=self.reference_id,
            description=self.description,
            metadata=self.metadata,
        )


class EntryBody(msgspec.Struct, rename="camel"):
    """An entry of a journal. `amount` stays as it was sent."""

    account_id: Id
    entry_type: Literal["DEBIT", "CREDIT"]
    amount: Amount


class JournalBody(_OperationBody, kw_only=True):
    """Body of POST /transactions/journal. That the entries balance is checked by the database."""

    type_errors: ClassVar = {
        "entries": "Must be a list of entries, each with accountId (a UUID), entryType (DEBIT or CREDIT) and amount."
    }

    asset_type_id: Id
    entries: Annotated[list[EntryBody], msgspec.Meta(extra_json_schema={"minItems": 2, "maxItems": ENTRIES_MAX})]
    description: Description | None = None

    def problems(self) -> dict[str, list[str]]:
        """As in the base, too few or too many entries, and wrong amounts of theirs."""
        found = super().problems()
        if sentences := _entry_problems(self.entries or ()):
            found["entries"] = sentences
        return found

    def request(self, key: str) -> PostingRequest:
        """The posting it asks for."""
        return PostingRequest(
            type="JOURNAL",
            idempotency_key=key,
            asset_type_id=self.asset_type_id,
            entries=[
                JournalEntry(entry.account_id, entry.entry_type, parse_amount(bytes(entry.amount)) or "")
                for entry in self.entries
            ],
            reference_id=self.reference_id,
            description=self.description,
            metadata=self.metadata,
        )


def _entry_problems(entries: Sequence[EntryBody]) -> list[str]:
    if not 2 <= len(entries) <= ENTRIES_MAX:
        return [f"Must be 2 to {ENTRIES_MAX} entries."]
    return [
        f"Entry {place}: the amount m{AMOUNT_ERROR[1:]}"
        for place, entry in enumerate(entries)
        if parse_amount(bytes(entry.amount)) is None
    ]


class RefundBody(_OperationBody, kw_only=True):
    """Body of POST /transactions/{id}/refund. Without an amount, all that is left of the transaction."""

    type_errors: ClassVar = {"on_shortfall": "Must be refuse or debt."}

    amount: OptionalAmount = msgspec.field(default_factory=null)
    reason: Description | None = None
    on_shortfall: Literal["refuse", "debt"] | None = None

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and a wrong amount."""
        return super().problems() | _amount_problems(self.amount, required=False)

    def request(self, key: str, transaction_id: uuid.UUID) -> PostingRequest:
        """The posting it asks for."""
        return PostingRequest(
            type="REFUND",
            idempotency_key=key,
            related_id=transaction_id,
            amount=parse_amount(bytes(self.amount)),
            on_shortfall=self.on_shortfall,
            reference_id=self.reference_id,
            description=self.reason,
            metadata=self.metadata,
        )


class HoldBody(_OperationBody, kw_only=True):
    """Body of POST /holds."""

    type_errors: ClassVar = {"expires_at": _EXPIRES_AT_ERROR}

    account_id: Id
    asset_type_id: Id
    amount: Amount
    to_account_id: OtherId | None = None
    expires_at: Future | None = None
    description: Description | None = None

    def problems(self) -> dict[str, list[str]]:
        """As in the base, a wrong amount, and a wallet that holds for itself."""
        found = super().problems() | _amount_problems(self.amount, required=True)
        if _is_one_account(self.account_id, self.to_account_id):
            found["toAccountId"] = [_NOT_ITSELF]
        return found

    def request(self, key: str) -> PostingRequest:
        """The posting it asks for."""
        return PostingRequest(
            type="HOLD",
            idempotency_key=key,
            account_id=self.account_id,
            to_account_id=self.to_account_id,
            asset_type_id=self.asset_type_id,
            amount=parse_amount(bytes(self.amount)),
            expires_at=self.expires_at,
            reference_id=self.reference_id,
            description=self.description,
            metadata=self.metadata,
        )


class CaptureBody(_OperationBody, kw_only=True):
    """Body of POST /holds/{id}/capture. Without an amount, all of the hold."""

    amount: OptionalAmount = msgspec.field(default_factory=null)
    description: Description | None = None

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and a wrong amount."""
        return super().problems() | _amount_problems(self.amount, required=False)

    def request(self, key: str, hold_id: uuid.UUID) -> PostingRequest:
        """The posting it asks for."""
        return PostingRequest(
            type="CAPTURE",
            idempotency_key=key,
            related_id=hold_id,
            amount=parse_amount(bytes(self.amount)),
            reference_id=self.reference_id,
            description=self.description,
            metadata=self.metadata,
        )


class VoidBody(RequestBody):
    """Body of POST /holds/{id}/void: nothing need be said."""

    def request(self, key: str, hold_id: uuid.UUID) -> PostingRequest:
        """The posting it asks for."""
        return PostingRequest(type="VOID", idempotency_key=key, related_id=hold_id)


class ConversionBody(_OperationBody, kw_only=True):
    """Body of POST /transactions/convert."""

    from_account_id: Id
    to_account_id: OtherId
    amount: Amount
    rate: Rate
    description: Description | None = None

    def problems(self) -> dict[str, list[str]]:
        """As in the base, a wrong amount or rate, and one account on both sides."""
        found = super().problems() | _amount_problems(self.amount, required=True)
        if parse_rate(bytes(self.rate)) is None:
            found["rate"] = [RATE_ERROR]
        if _is_one_account(self.from_account_id, self.to_account_id):
            found["toAccountId"] = [_NOT_ITSELF]
        return found

    def request(self, key: str) -> PostingRequest:
        """The posting it asks for."""
        return PostingRequest(
            type="CONVERSION",
            idempotency_key=key,
            account_id=self.from_account_id,
            to_account_id=self.to_account_id,
            amount=parse_amount(bytes(self.amount)),
            rate=parse_rate(bytes(self.rate)),
            reference_id=self.reference_id,
            description=self.description,
            metadata=self.metadata,
        )
