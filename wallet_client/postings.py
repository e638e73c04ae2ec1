"""Postings that are yet to be sent, alone or many in a batch. Each has its idempotency key from the beginning.

An amount is a Decimal, an int or decimal text. Binary floating point is no amount: 0.1 has no such number.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import quote

Amount: TypeAlias = Decimal | int | str
Id: TypeAlias = uuid.UUID | str
Metadata: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """A posting that can be sent.

    Attributes:
        type: what kind it is, as batches call it.
        idempotency_key: names it, so that it is posted once however often it is sent.
        path: of its endpoint.
        body: what is sent there.
        path_fields: what the path says, as fields of an item of a batch.
    """

    type: str
    idempotency_key: str
    path: str
    body: Mapping[str, Any]
    path_fields: Mapping[str, Any]

    def as_item(self) -> dict[str, Any]:
        """Give the item of a batch."""
        return {"type": self.type, "idempotencyKey": self.idempotency_key, **self.path_fields, **self.body}


def key_of(key: str | None) -> str:
    """Give the idempotency key, or one that nobody has."""
    return str(uuid.uuid4()) if key is None else key


def given(**fields: Any) -> dict[str, Any]:
    """Give the fields that are not None, named as the wallet names them."""
    return {camel(name): value for name, value in fields.items() if value is not None}


def camel(name: str) -> str:
    """Turn a name such as asset_type_id into assetTypeId."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def checked(amount: Amount) -> Amount:
    """Give an amount as it is.

    Raises:
        TypeError: it is of another type, such as float.
        ValueError: it is not finite.
    """
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise TypeError(f"An amount is a Decimal, an int or decimal text, and not {type(amount).__name__}.")
    if isinstance(amount, Decimal) and not amount.is_finite():
        raise ValueError(f"{amount} is no amount.")
    return amount


def _draft(
    type_: str, path: str, key: str | None, path_fields: Mapping[str, Any] | None = None, /, **fields: Any
) -> Draft:
    if fields.get("amount") is not None:
        checked(fields["amount"])
    return Draft(type_, key_of(key), path, given(**fields), path_fields or {})


def top_up(
    account_id: Id,
    asset_type_id: Id,
    amount: Amount,
    *,
    key: str | None = None,
    reference_id: str | None = None,
    description: str | None = None,
    metadata: Metadata | None = None,
    campaign: str | None = None,
) -> Draft:
    """Credit a wallet from the asset's treasury; `campaign`: whose budget it draws on."""
    return _draft(
        "TOP_UP",
        "/transactions/top-up",
        key,
        account_id=account_id,
        asset_type_id=asset_type_id,
        amount=amount,
        reference_id=reference_id,
        description=description,
        metadata=metadata,
        campaign=campaign,
    )


def bonus(
    account_id: Id,
    asset_type_id: Id,
    amount: Amount,
    *,
    key: str | None = None,
    reference_id: str | None = None,
    description: str | None = None,
    metadata: Metadata | None = None,
    campaign: str | None = None,
) -> Draft:
    """Credit a wallet from the asset's treasury, as a gift of the house."""
    return _draft(
        "BONUS",
        "/transactions/bonus",
        key,
        account_id=account_id,
        asset_type_id=asset_type_id,
        amount=amount,
        reference_id=reference_id,
        description=description,
        metadata=metadata,
        campaign=campaign,
    )


def spend(
    account_id: Id,
    asset_type_id: Id,
    amount: Amount,
    *,
    key: str | None = None,
    reference_id: str | None = None,
    description: str | None = None,
    metadata: Metadata | None = None,
) -> Draft:
    """Debit a wallet to the asset's revenue account."""
    return _draft(
        "SPEND",
        "/transactions/spend",
        key,
        account_id=account_id,
        asset_type_id=asset_type_id,
        amount=amount,
        reference_id=reference_id,
        description=description,
        metadata=metadata,
    )


def transfer(
    from_account_id: Id,
    to_account_id: Id,
    asset_type_id: Id,
    amount: Amount,
    *,
    key: str | None = None,
    reference_id: str | None = None,
    description: str | None = None,
    metadata: Metadata | None = None,
) -> Draft:
    """Move an amount from one wallet to another of the same asset."""
    return _draft(
        "TRANSFER",
        "/transactions/transfer",
        key,
        from_account_id=from_account_id,
        to_account_id=to_account_id,
        asset_type_id=asset_type_id,
        amount=amount,
        reference_id=reference_id,
        description=description,
        metadata=metadata,
    )


def journal(
    asset_type_id: Id,
    *,
    debits: Mapping[Id, Amount],
    credits: Mapping[Id, Amount],  # noqa: A002  # the field's term
    key: str | None = None,
    reference_id: str | None = None,
    description: str | None = None,
    metadata: Metadata | None = None,
) -> Draft:
    """Debit and credit several accounts of one asset, all or none; what is debited adds up to what is credited."""
    entries = [
        {"accountId": account_id, "entryType": entry_type, "amount": checked(amount)}
        for entry_type, amounts in (("DEBIT", debits), ("CREDIT", credits))
        for account_id, amount in amounts.items()
    ]
    return _draft(
        "JOURNAL",
        "/transactions/journal",
        key,
        asset_type_id=asset_type_id,
        entries=entries,
        reference_id=reference_id,
        description=description,
        metadata=metadata,
    )


def convert(
    from_account_id: Id,
    to_account_id: Id,
    amount: Amount,
    rate: Amount,
    *,
    key: str | None = None,
    reference_id: str | None = None,
    description: str | None = None,
    metadata: Metadata | None = None,
) -> Draft:
    """Debit one wallet and credit `amount` times `rate` to another, of another asset."""
    return _draft(
        "CONVERSION",
        "/transactions/convert",
        key,
        from_account_id=from_account_id,
        to_account_id=to_account_id,
        amount=amount,
        rate=checked(rate),
        reference_id=reference_id,
        description=description,
        metadata=metadata,
    )


def refund(
    transaction_id: Id,
    amount: Amount | None = None,
    *,
    reason: str | None = None,
    on_shortfall: str | None = None,
    key: str | None = None,
    reference_id: str | None = None,
    metadata: Metadata | None = None,
) -> Draft:
    """Give a transaction back, or part of it.

    Args:
        transaction_id: what is given back.
        amount: all that has not been given back yet unless given.
        reason: the refund's description.
        on_shortfall: `refuse`, or `debt`, which may take the wallet below its floor, within its debt limit.
        key: made unless given.
        reference_id: your own reference.
        metadata: a JSON object.
    """
    return _draft(
        "REFUND",
        f"/transactions/{quote(str(transaction_id), safe='')}/refund",
        key,
        {"transactionId": transaction_id},
        amount=amount,
        reason=reason,
        on_shortfall=on_shortfall,
        reference_id=reference_id,
        metadata=metadata,
    )


def hold(
    account_id: Id,
    asset_type_id: Id,
    amount: Amount,
    *,
    to_account_id: Id | None = None,
    expires_at: datetime | None = None,
    key: str | None = None,
    reference_id: str | None = None,
    description: str | None = None,
    metadata: Metadata | None = None,
) -> Draft:
    """Reserve an amount on a wallet.

    Args:
        account_id: the wallet.
        asset_type_id: its asset.
        amount: what is reserved.
        to_account_id: the wallet that a capture credits; the asset's revenue account unless given.
        expires_at: when it runs out, with its offset from UTC; in 7 days unless given.
        key: made unless given.
        reference_id: your own reference.
        description: text.
        metadata: a JSON object.
    """
    return _draft(
        "HOLD",
        "/holds",
        key,
        account_id=account_id,
        asset_type_id=asset_type_id,
        amount=amount,
        to_account_id=to_account_id,
        expires_at=expires_at,
        reference_id=reference_id,
        description=description,
        metadata=metadata,
    )


def capture(
    hold_id: Id,
    amount: Amount | None = None,
    *,
    key: str | None = None,
    reference_id: str | None = None,
    description: str | None = None,
    metadata: Metadata | None = None,
) -> Draft:
    """Move what is held, or part of it; the rest is free again."""
    return _draft(
        "CAPTURE",
        f"/holds/{quote(str(hold_id), safe='')}/capture",
        key,
        {"holdId": hold_id},
        amount=amount,
        reference_id=reference_id,
        description=description,
        metadata=metadata,
    )


def void(hold_id: Id, *, key: str | None = None) -> Draft:
    """Free what is held."""
    return _draft("VOID", f"/holds/{quote(str(hold_id), safe='')}/void", key, {"holdId": hold_id})
