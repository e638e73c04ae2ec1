"""Spending limits and budgets, called from SQL, and ledgers that are older than they are."""

import json
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tests.support.guards import unguarded
from tests.support.ledger import Answer, Ledger, decoded

HOUR = 3600


def operate(ledger: Ledger, *operations: dict[str, Any]) -> list[Answer]:
    """Post operations, the fields of `wallet.operation`, as one batch, each under a key of its own unless it has one.

    Args:
        ledger: where.
        operations: numbers and ids as anything that `str` makes text of.
    """
    rows = ledger.connection.execute(
        "SELECT a.* FROM wallet.post_operations(ARRAY("
        " SELECT r FROM jsonb_populate_recordset(NULL::wallet.operation, %s) AS r)) AS a",
        [Jsonb([_fields(ledger, one) for one in operations])],
    ).fetchall()
    return [Answer(*row) for row in rows]


def _fields(ledger: Ledger, operation: dict[str, Any]) -> dict[str, Any]:
    fields = {"idempotency_key": ledger.new_key(), **operation}
    if "account_id" in fields and "asset_type_id" not in fields and fields["type"] != "CONVERSION":
        fields["asset_type_id"] = ledger.asset_of(fields["account_id"])
    return {name: value if isinstance(value, dict | list) else str(value) for name, value in fields.items()}


def set_limit(
    ledger: Ledger,
    asset_type_id: UUID | None = None,
    account_id: UUID | None = None,
    *,
    name: str = "daily",
    seconds: int = HOUR,
    amount: object = None,
    count: int | None = None,
    reason: str = "a rule of the house",
) -> dict[str, Any]:
    """Call `wallet.set_spending_limit`."""
    made: dict[str, Any] = _json(
        ledger,
        "SELECT wallet.set_spending_limit(%s, %s, %s, %s, %s::numeric, %s, %s)::text",
        [asset_type_id, account_id, name, seconds, amount, count, reason],
    )
    return made


def set_budget(
    ledger: Ledger,
    asset_type_id: UUID,
    amount: object,
    campaign: str | None = None,
    valid_from: str | None = None,
    valid_until: str | None = None,
) -> dict[str, Any]:
    """Call `wallet.set_budget`."""
    made: dict[str, Any] = _json(
        ledger,
        "SELECT wallet.set_budget(%s, %s, %s::numeric, %s, %s, 'a budget')::text",
        [asset_type_id, campaign, amount, valid_from, valid_until],
    )
    return made


def budgets(ledger: Ledger, asset_type_id: UUID) -> dict[str | None, dict[str, Any]]:
    """Call `wallet.list_budgets`; give the budgets by campaign."""
    return {one["campaign"]: one for one in _json(ledger, "SELECT wallet.list_budgets(%s)::text", [asset_type_id])}


def limits(ledger: Ledger, asset_type_id: UUID | None, account_id: UUID | None) -> list[dict[str, Any]]:
    """Call `wallet.list_spending_limits`."""
    listed: list[dict[str, Any]] = _json(
        ledger, "SELECT wallet.list_spending_limits(%s, %s)::text", [asset_type_id, account_id]
    )
    return listed


def everything(ledger: Ledger) -> str:
    """Give a fingerprint of all rows of all tables of the wallet: equal before and after, nothing was written."""
    tables = ledger.connection.execute(
        "SELECT format('SELECT %L || md5(coalesce(string_agg(t::text, '' '' ORDER BY t::text), '''')) FROM %s AS t',"
        " c.relname, c.oid::regclass) FROM pg_class AS c"
        " WHERE c.relnamespace = 'wallet'::regnamespace AND c.relkind = 'r' ORDER BY c.relname"
    ).fetchall()
    return json.dumps([ledger.connection.execute(query).fetchone() for (query,) in tables])


def age(ledger: Ledger, seconds: float) -> None:
    """Make all that happened so much older."""
    columns = {
        "ledger_entries": ("created_at",),
        "transactions": ("created_at",),
        "debit_totals": ("at",),
        "accounts": ("created_at", "updated_at"),
        "holds": ("created_at", "expires_at", "closed_at"),
    }
    with unguarded(ledger.connection):
        for table, names in columns.items():
            moved = ", ".join(f"{name} = {name} - make_interval(secs => {seconds})" for name in names)
            ledger.connection.execute(f"UPDATE wallet.{table} SET {moved}".encode())


def _json(ledger: Ledger, query: str, arguments: list[object]) -> Any:
    row = ledger.connection.execute(query.encode(), arguments).fetchone()
    assert row is not None
    return decoded(row[0])
