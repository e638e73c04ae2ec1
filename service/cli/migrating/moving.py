"""Bringing over what is in the source: every step may be run again, and then does only what is left to do."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from rich.progress import Progress

from service.cli.migrating.source import Account, AssetType, Source

Connection = psycopg.Connection[tuple[Any, ...]]

_MAKE_ASSET_TYPE: Final = """
    SELECT wallet.make_asset_type(t, 'role:' || session_user)
    FROM jsonb_populate_record(NULL::wallet.asset_types, %s || jsonb_build_object('created_at', clock_timestamp())) AS t
"""

_POST: Final = """
    SELECT a.ordinal, a.code, a.error
    FROM wallet.post_operations(
        ARRAY(SELECT o FROM jsonb_populate_recordset(NULL::wallet.operation, %s) AS o)
    ) AS a
    WHERE a.outcome = 'REFUSED'
"""


@contextlib.contextmanager
def as_owner(connection: Connection) -> Iterator[None]:
    """Run a transaction with the rights of the wallet's owner.

    Raises:
        psycopg.Error: the login is no member of wallet_owner.
    """
    with connection.transaction():
        connection.execute("SET LOCAL ROLE wallet_owner")
        yield


def move(connection: Connection, source: Source, progress: Progress) -> list[str]:
    """Bring over asset types, wallets, opening balances and idempotency keys; say what was refused.

    Each chunk is one transaction, so a run can be ended at any time and started again.

    Args:
        connection: to the wallet's database, in autocommit mode.
        source: the older service.
        progress: for a bar per step.

    Raises:
        psycopg.Error: a database is away or refuses.
    """
    asset_types = source.asset_types()
    totals = source.totals().values()
    with as_owner(connection):
        treasuries = {one.id: _make_asset_type(connection, one) for one in asset_types}
    wallet_count = sum(one.wallet_count for one in totals)
    refused: list[str] = []
    task = progress.add_task("wallets", total=wallet_count)
    for accounts in source.wallets():
        with as_owner(connection):
            connection.execute("SELECT wallet.import_accounts(%s)", [Jsonb([one.fields() for one in accounts])])
            refused += _post_openings(connection, source, treasuries, [(one.id, one) for one in accounts])
        progress.advance(task, len(accounts))
    for accounts in source.revenues():
        with as_owner(connection):
            revenues = [(_system_account(connection, one.asset_type_id, "REVENUE"), one) for one in accounts]
            refused += _post_openings(connection, source, treasuries, revenues)
    task = progress.add_task("idempotency keys", total=source.key_count())
    for keys in source.key_rows():
        with as_owner(connection):
            rows = connection.execute("SELECT k.key FROM wallet.import_keys(%s) AS k", [f"[{','.join(keys)}]"])
            refused += [f"the idempotency key {key} made something else in the wallet" for (key,) in rows.fetchall()]
        progress.advance(task, len(keys))
    # Last: in an asset type that is switched off nothing can be posted.
    with as_owner(connection):
        for one in asset_types:
            if not one.is_active:
                connection.execute(
                    "SELECT wallet.change_asset_type(%s, '{\"isActive\": false}', 'Switched off at the source.')",
                    [one.id],
                )
    return refused


def _make_asset_type(connection: Connection, asset_type: AssetType) -> UUID:
    """Make an asset type unless it is there, under the id it had; give the id of its treasury."""
    fields = {"id": str(asset_type.id), "symbol": asset_type.symbol, "name": asset_type.name}
    connection.execute(_MAKE_ASSET_TYPE, [Jsonb({**fields, "description": asset_type.description, "decimals": 4})])
    return _system_account(connection, asset_type.id, "TREASURY")


def _system_account(connection: Connection, asset_type_id: UUID, account_type: str) -> UUID:
    row = connection.execute(
        "SELECT a.id FROM wallet.accounts AS a WHERE a.asset_type_id = %s AND a.account_type = %s AND a.stripe = 0",
        [asset_type_id, account_type],
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def _post_openings(
    connection: Connection, source: Source, treasuries: dict[UUID, UUID], accounts: Sequence[tuple[UUID, Account]]
) -> list[str]:
    """Post the opening balances: a journal each, from the treasury, under a key that the account's old id makes."""
    openings = [(account_id, one) for account_id, one in accounts if one.balance]
    if not openings:
        return []
    rows = connection.execute(
        _POST,
        [Jsonb([_opening(source, treasuries[one.asset_type_id], account_id, one) for account_id, one in openings])],
    ).fetchall()
    return [f"the opening balance of {openings[ordinal - 1][1].id}: {error} ({code})" for ordinal, code, error in rows]


def _opening(source: Source, treasury_id: UUID, account_id: UUID, account: Account) -> dict[str, object]:
    amount = f"{account.balance:f}"
    return {
        "type": "JOURNAL",
        "idempotency_key": f"opening-balance:{account.id}",
        "asset_type_id": str(account.asset_type_id),
        "reference_id": str(account.id),
        "description": "Opening balance",
        "metadata": {"source": source.label, "sourceAccountId": str(account.id)},
        "entries": [
            {"accountId": str(treasury_id), "entryType": "DEBIT", "amount": amount},
            {"accountId": str(account_id), "entryType": "CREDIT", "amount": amount},
        ],
    }
