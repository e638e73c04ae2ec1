"""Operations of every kind, called from SQL: alone by their functions, and in batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.support.ledger import Amount, Answer, Ledger, Posted, decoded

POSTING_TYPES = ("TOP_UP", "BONUS", "SPEND", "TRANSFER", "JOURNAL", "REFUND", "CAPTURE", "CONVERSION")
"""What becomes a transaction."""

TYPES = (*POSTING_TYPES, "HOLD", "VOID")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A `wallet.operation`: its type says which fields count."""

    type: str | None
    key: str | None
    account_id: UUID | None = None
    asset_type_id: UUID | None = None
    amount: Amount | None = None
    reference_id: str | None = None
    description: str | None = None
    """The reason of a REFUND."""
    metadata: Mapping[str, object] | None = field(default=None, hash=False)
    to_account_id: UUID | None = None
    related_id: UUID | None = None
    """The transaction of a REFUND, the hold of a CAPTURE or VOID."""
    entries: Sequence[Mapping[str, object]] | None = field(default=None, hash=False)
    expires_at: datetime | str | None = None
    on_shortfall: str | None = None
    rate: Amount | None = None
    campaign: str | None = None


_FUNCTIONS = {
    "TOP_UP": ("top_up", "account_id asset_type_id amount key reference_id description metadata campaign"),
    "BONUS": ("bonus", "account_id asset_type_id amount key reference_id description metadata campaign"),
    "SPEND": ("spend", "account_id asset_type_id amount key reference_id description metadata"),
    "TRANSFER": ("transfer", "account_id to_account_id asset_type_id amount key reference_id description metadata"),
    "JOURNAL": ("journal", "asset_type_id entries key reference_id description metadata"),
    "REFUND": ("refund", "related_id key amount description on_shortfall reference_id metadata"),
    "HOLD": (
        "hold",
        "account_id asset_type_id amount key expires_at to_account_id reference_id description metadata",
    ),
    "CAPTURE": ("capture", "related_id key amount reference_id description metadata"),
    "VOID": ("void", "related_id key"),
    "CONVERSION": ("convert", "account_id to_account_id amount rate key reference_id description metadata"),
}
"""By type: its function, and the fields it takes in their order."""


def fields_of(type_: str | None) -> list[str]:
    """Give the fields that count for a type."""
    return _FUNCTIONS[type_ or ""][1].split()


def call(ledger: Ledger, operation: Operation) -> Posted:
    """Call the function of the operation's type with its fields.

    Raises:
        psycopg.DatabaseError: it is refused.
    """
    assert operation.type is not None
    function, names = _FUNCTIONS[operation.type]
    arguments = [_argument(name, getattr(operation, name)) for name in names.split()]
    row = ledger.connection.execute(
        sql.SQL("SELECT r.replayed, r.answer::text FROM wallet.{}({}) AS r").format(
            sql.Identifier(function), sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
        ),
        arguments,
    ).fetchone()
    assert row is not None
    return Posted(row[0], decoded(row[1]))


def _argument(name: str, value: object) -> object:
    return Jsonb(value) if name in ("metadata", "entries") and value is not None else value


def post(ledger: Ledger, operations: Sequence[Operation]) -> list[Answer]:
    """Call `wallet.post_operations` with a batch; give the answers as they come."""
    rows = ledger.connection.execute(
        "SELECT a.* FROM wallet.post_operations(ARRAY("
        " SELECT r FROM jsonb_populate_recordset(NULL::wallet.operation, %s) AS r)) AS a",
        [Jsonb([_row(one) for one in operations])],
    ).fetchall()
    return [Answer(*row) for row in rows]


def _row(operation: Operation) -> dict[str, Any]:
    values = {one.name: getattr(operation, one.name) for one in fields(operation)}
    values["idempotency_key"] = values.pop("key")
    return {
        name: value if isinstance(value, dict | list) else str(value)
        for name, value in values.items()
        # A field that is left out is NULL; null would be the JSON value.
        if value is not None
    }


def entry(account_id: UUID, entry_type: str, amount: Amount) -> dict[str, object]:
    """An entry of a JOURNAL."""
    return {"accountId": str(account_id), "entryType": entry_type, "amount": str(amount)}


def change_account(ledger: Ledger, account_id: UUID, **values: object) -> dict[str, Any]:
    """Call `wallet.change_account`: `change_account(ledger, wallet, status="FROZEN")`."""
    row = ledger.connection.execute(
        "SELECT answer::text FROM wallet.change_account(%s, %s, 'a test')", [account_id, Jsonb(values)]
    ).fetchone()
    assert row is not None
    answer: dict[str, Any] = decoded(row[0])
    return answer


def hold_of(ledger: Ledger, hold_id: UUID) -> dict[str, Any]:
    """Read a hold as it is now."""
    row = ledger.connection.execute("SELECT wallet.get_hold(%s)::text", [hold_id]).fetchone()
    assert row is not None
    answer: dict[str, Any] = decoded(row[0])
    return answer


def transaction_of(ledger: Ledger, transaction_id: UUID) -> dict[str, Any]:
    """Read a transaction as it is now."""
    row = ledger.connection.execute("SELECT wallet.get_transaction(%s)::text", [transaction_id]).fetchone()
    assert row is not None
    answer: dict[str, Any] = decoded(row[0])
    return answer


def funds(ledger: Ledger, account_id: UUID) -> tuple[Any, Any, Any]:
    """Give an account's balance, what is held and what is available."""
    row = ledger.connection.execute(
        "SELECT (answer -> 'balance')::text::numeric, (answer -> 'held')::text::numeric,"
        " (answer -> 'available')::text::numeric FROM wallet.read_balances(ARRAY[%s])",
        [account_id],
    ).fetchone()
    assert row is not None
    return (row[0], row[1], row[2])


def let_run_out(ledger: Ledger, hold_id: UUID) -> None:
    """Set a hold's beginning and end into the past, past the functions: nobody need wait."""
    ledger.connection.execute(
        "UPDATE wallet.holds SET created_at = created_at - interval '1 day',"
        " expires_at = created_at - interval '1 hour' WHERE id = %s",
        [hold_id],
    )
